// One name, one type. Two types of the same qualified name in different files compile and link, and then one of them is
// destroyed by the other's destructor: nothing warns, no sanitizer sees it. So the sources are read.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

/// The types that a file defines at namespace scope, outside of unnamed namespaces, with their namespaces in front. Our
/// format puts both at the beginning of a line and ends each namespace with a comment.
std::set<std::string> types_in(std::istream& in) {
  static const std::regex opening(R"(^namespace\s*([\w:]*)\s*\{(?!.*\}))"), closing(R"(^\}\s*// namespace)");
  static const std::regex type(R"(^(?:template <.*> )?(?:struct|class|enum class|enum|union) (?:alignas\(\w+\) )?)"
                               R"((?:\[\[\w+\]\] )?([\w:]+)(?: final)?(?: :.*)?\s*\{)");
  std::vector<std::string> scopes;
  std::set<std::string> types;
  for (std::string line; std::getline(in, line);) {
    if (line.empty() || !std::strchr("nstceu}", line[0])) continue;  // expressions are slow under sanitizers
    std::smatch m;
    if (std::regex_search(line, m, opening)) {
      scopes.push_back(m[1]);
    } else if (std::regex_search(line, closing)) {
      if (!scopes.empty()) scopes.pop_back();
    } else if (std::regex_search(line, m, type) && std::count(scopes.begin(), scopes.end(), "") == 0) {
      std::string name;
      for (const auto& scope : scopes) name += scope + "::";
      types.insert(name + m[1].str());
    }
  }
  return types;
}

/// "chainrule::Batch: nn/a.h, ops/b.h" for each name that several files define.
std::vector<std::string> defined_twice(const fs::path& root) {
  std::map<std::string, std::set<std::string>> files;
  for (const char* room : {"engine", "ops", "nn", "optim", "tools", "tests"}) {
    if (!fs::exists(root / room)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / room)) {
      if (entry.path().extension() != ".cpp" && entry.path().extension() != ".h") continue;
      const std::string file = fs::relative(entry.path(), root).generic_string();
      // Programs of users, each its own.
      if (file.starts_with("tools/bench/ten_lines/") || file.starts_with("tests/consumer/")) continue;
      std::ifstream in(entry.path());
      for (const auto& name : types_in(in)) files[name].insert(file);
    }
  }
  std::vector<std::string> faults;
  for (const auto& [name, where] : files) {
    if (where.size() < 2) continue;
    std::string text = name + ":";
    for (const auto& file : where) text += (text.back() == ':' ? " " : ", ") + file;
    faults.push_back(text);
  }
  return faults;
}

}  // namespace

TEST_CASE("names: no two files define a type of the same name") {
  std::string text;
  for (const auto& fault : defined_twice(CHAINRULE_SOURCE_DIR)) text += fault + "\n";
  CHECK(text == "");
}

TEST_CASE("names: the rule sees types in every namespace but the unnamed") {
  const fs::path root = fs::temp_directory_path() / "chainrule_names";
  fs::remove_all(root);
  const auto write = [&](const std::string& name, const std::string& text) {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name) << text;
  };
  write("nn/a.h",
        "namespace chainrule {\nstruct Batch {\n};\nnamespace internal {\nclass Both final : X {\n};\n}  // namespace "
        "internal\n}  // namespace chainrule\n");
  write("ops/b.h", "namespace chainrule::internal {\nclass Both {\n};\n}  // namespace chainrule::internal\n");
  write("ops/c.cpp",
        "namespace chainrule {\nnamespace {\nstruct Batch {\n};\n}  // namespace\ntemplate <class T>\nstruct Batch "
        "{};\nstruct Other;\n}  // namespace chainrule\n");
  write("tests/d.cpp", "namespace chainrule {\nstruct Other {};\n}  // namespace chainrule\n");
  CHECK(defined_twice(root) ==
        std::vector<std::string>{"chainrule::Batch: nn/a.h, ops/c.cpp", "chainrule::internal::Both: nn/a.h, ops/b.h"});
  fs::remove_all(root);
}
