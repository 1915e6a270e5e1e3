// The shape of the tree, held by a test: which folder may include which, how long a file may be, what stands at the
// top. The rules are functions of a root folder, so that they are also tried on a small tree that breaks each of them.
#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

// Who may include whom: tools -> nn, optim -> ops -> engine, and inside them as listed. A folder may always include
// itself; "x/" is x and all below it. A folder of sources without a rule is a fault.
const std::map<std::string, std::vector<std::string>> kMayInclude = {
    // The graph, on types and memory alone.
    {"engine/types", {}},
    {"engine/memory", {"engine/types"}},
    {"engine", {"engine/memory", "engine/types", "engine/system"}},
    // What stands on it.
    {"engine/system", {"engine/types"}},
    {"engine/files", {"engine", "engine/types", "engine/memory", "engine/system"}},
    {"engine/check", {"engine", "engine/types", "engine/memory", "engine/system"}},
    {"engine/draw", {"engine", "engine/types", "engine/memory", "engine/system", "engine/files"}},
    {"engine/steps", {"engine", "engine/types", "engine/memory", "engine/system", "engine/files", "engine/draw"}},
    {"engine/pictures", {"engine/types", "engine/system"}},
    // The calculus. Families see each other through ops/ops.h only; the axes of reductions serve the shapes, too.
    {"ops",
     {"engine/", "ops/elementwise", "ops/reduce", "ops/matrix", "ops/shape", "ops/images", "ops/network",
      "ops/kernels/"}},
    {"ops/elementwise", {"engine", "engine/types", "engine/memory", "ops", "ops/kernels/"}},
    {"ops/reduce", {"engine", "engine/types", "engine/memory", "ops", "ops/kernels/"}},
    {"ops/matrix", {"engine", "engine/types", "engine/memory", "ops", "ops/kernels/"}},
    {"ops/shape", {"engine", "engine/types", "engine/memory", "ops", "ops/kernels/", "ops/reduce"}},
    {"ops/images", {"engine", "engine/types", "engine/memory", "ops", "ops/kernels/"}},
    {"ops/network", {"engine", "engine/types", "engine/memory", "ops", "ops/kernels/"}},
    {"ops/language", {"engine", "engine/types", "engine/memory", "engine/system", "engine/check", "ops"}},
    // Kernels know no graph, only shapes and element types.
    {"ops/kernels", {"engine/types"}},
    {"ops/kernels/simd", {"engine/types"}},
    {"ops/kernels/matrix", {"engine/types", "ops/kernels", "ops/kernels/simd"}},
    {"ops/kernels/elementwise", {"engine/types", "ops/kernels", "ops/kernels/simd", "ops/kernels/matrix"}},
    {"ops/kernels/reduce", {"engine/types", "ops/kernels", "ops/kernels/simd", "ops/kernels/elementwise"}},
    {"ops/kernels/images",
     {"engine/types", "ops/kernels", "ops/kernels/simd", "ops/kernels/elementwise", "ops/kernels/matrix"}},
    {"ops/kernels/network",
     {"engine/types", "ops/kernels", "ops/kernels/simd", "ops/kernels/elementwise", "ops/kernels/reduce"}},
    // Networks hold no loop over elements, so they have no business with kernels; the inner step of an optimizer is
    // one.
    {"nn", {"engine/", "ops", "ops/language", "nn/data", "nn/layers"}},
    {"nn/models", {"engine/", "ops", "ops/language", "nn", "nn/layers"}},
    {"nn/layers", {"engine/", "ops", "ops/language", "nn"}},
    {"nn/data", {"engine/", "ops"}},
    {"nn/files", {"engine/", "ops", "nn"}},
    {"nn/files/onnx", {"engine/", "ops", "nn"}},
    {"optim", {"engine", "engine/types", "engine/memory", "ops", "ops/kernels/network"}},
    {"optim/search", {"engine", "engine/types", "engine/system"}},
    // A trainer brings modules, data and optimizers together.
    {"optim/trainer", {"engine/", "ops", "nn", "nn/data", "nn/files", "optim"}},
    // What people run.
    {"tools", {"engine/", "ops/", "nn/", "optim/", "tools/"}},
    {"tools/terminal", {"engine/types", "engine/system"}},
    {"tools/program", {"engine/", "ops", "ops/language", "ops/kernels", "nn/data"}},
    {"tools/verbs", {"engine/", "ops/", "nn/", "optim/", "tools/program", "tools/terminal", "tools/bench"}},
    {"tools/bench", {"engine/", "ops/", "nn/", "optim/", "tools/terminal"}},
};
const std::vector<std::string> kRooms = {"engine", "ops", "nn", "optim", "tools"};
const std::string kInner = "// Inner header: for our own sources, not installed.";

Lines lines_of(const fs::path& path) {
  std::ifstream file(path);
  Lines lines;
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  return lines;
}

bool is_source(const fs::path& path) { return path.extension() == ".h" || path.extension() == ".cpp"; }

std::vector<fs::path> files_below(const fs::path& folder) {
  std::vector<fs::path> files;
  if (!fs::exists(folder)) return files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  return files;
}

bool may_include(const std::string& folder, const std::string& other) {
  if (folder == other) return true;
  for (const std::string& allowed : kMayInclude.at(folder))
    if (allowed.back() == '/' ? (other + "/").starts_with(allowed) : other == allowed) return true;
  return false;
}

/// Paths from the root, of every source in the rooms.
Lines sources(const fs::path& root) {
  Lines found;
  for (const auto& room : kRooms)
    for (const auto& path : files_below(root / room))
      if (is_source(path)) found.push_back(fs::relative(path, root).generic_string());
  std::sort(found.begin(), found.end());
  return found;
}

std::string folder_of(const std::string& file) { return fs::path(file).parent_path().generic_string(); }

Lines folders_without_rule(const fs::path& root) {
  std::set<std::string> faults;
  for (const auto& file : sources(root))
    if (!kMayInclude.contains(folder_of(file)) && folder_of(file) != "tools/bench/ten_lines")  // programs of users
      faults.insert(folder_of(file) + " has no rule");
  return {faults.begin(), faults.end()};
}

struct Include {
  bool quoted;
  std::string target;
};
std::vector<Include> includes_of(const fs::path& path) {
  static const std::regex include(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::vector<Include> found;
  for (const auto& line : lines_of(path)) {
    std::smatch m;
    if (std::regex_search(line, m, include)) found.push_back({m[1] == "\"", m[2]});
  }
  return found;
}

Lines wrong_includes(const fs::path& root) {
  Lines faults;
  for (const auto& file : sources(root)) {
    const std::string folder = folder_of(file);
    if (!kMayInclude.contains(folder)) continue;
    for (const auto& [quoted, target] : includes_of(root / file)) {
      const bool ours = quoted || kMayInclude.contains(folder_of(target)) || target.starts_with("chainrule/");
      if (ours && (!quoted || !may_include(folder, folder_of(target)))) faults.push_back(file + " includes " + target);
    }
  }
  std::sort(faults.begin(), faults.end());
  return faults;
}

/// Includes go one way, and so do definitions. Two exceptions, because the engine knows no operation: what adds up and
/// copies tensors, and the brackets of a tensor, are declared in engine/ and defined in ops/.
Lines wrong_definitions(const fs::path& root) {
  static const std::regex of_engine(
      R"(^\S.*\b(Tensor::[a-z]\w*|Tensor::operator\S+|internal::copied|accumulate|sum_to|dense)\(.*\{)");
  const std::set<std::string> exceptions = {"ops/accumulate.cpp: internal::copied", "ops/accumulate.cpp: dense",
                                            "ops/accumulate.cpp: accumulate", "ops/accumulate.cpp: sum_to",
                                            "ops/shape/subscripts.cpp: Tensor::operator[]"};
  Lines faults;
  for (const auto& file : sources(root)) {
    if (file.starts_with("engine/") || !file.ends_with(".cpp")) continue;
    for (const auto& line : lines_of(root / file)) {
      std::smatch m;
      if (std::regex_search(line, m, of_engine) && !exceptions.contains(file + ": " + m[1].str()))
        faults.push_back(file + ": " + m[1].str());
    }
  }
  return faults;
}

bool is_inner(const fs::path& header) {
  const Lines lines = lines_of(header);
  return !lines.empty() && lines.front() == kInner;
}

/// What is installed needs nothing that is not. tools/ is not installed, so its headers say nothing.
Lines wrong_boundary(const fs::path& root) {
  static const std::regex hidden(R"(^(nlohmann/|hwy/|Eigen/|dnnl|oneapi/|zlib|zip\.|png\.|omp\.|fast_float/))");
  Lines faults;
  for (const auto& file : sources(root)) {
    if (!file.ends_with(".h") || file.starts_with("tools/")) continue;
    if (is_inner(root / file)) continue;
    if (file.starts_with("ops/kernels/")) faults.push_back(file + " is not an inner header");
    for (const auto& [quoted, target] : includes_of(root / file)) {
      if (quoted && is_inner(root / target)) faults.push_back(file + " includes the inner " + target);
      if (std::regex_search(target, hidden)) faults.push_back(file + " shows users " + target);
    }
  }
  return faults;
}

Lines long_files(const fs::path& root) {
  Lines faults;
  for (const char* folder : {"engine", "ops", "nn", "optim", "tools", "tests"}) {
    for (const auto& path : files_below(root / folder)) {
      const std::size_t limit = path.extension() == ".h" ? 250 : 400;
      const std::size_t count = is_source(path) ? lines_of(path).size() : 0;
      if (count > limit)
        faults.push_back(fs::relative(path, root).string() + " has " + std::to_string(count) + " lines");
    }
  }
  return faults;
}

/// Every folder with sources says in at most a page what lives there; tests/ mirrors the rooms and speaks once.
Lines wrong_readmes(const fs::path& root) {
  constexpr std::size_t kPage = 80;
  std::set<std::string> folders{".", "tests", "tools/cmake"};
  for (const auto& [folder, allowed] : kMayInclude) folders.insert(folder);
  Lines faults;
  for (const auto& folder : folders) {
    const fs::path readme = root / folder / "README.md";
    if (!fs::exists(readme))
      faults.push_back(folder + " has no README.md");
    else if (folder != "." && lines_of(readme).size() > kPage)
      faults.push_back(folder + "/README.md is longer than a page");
  }
  return faults;
}

// build/ and out/ are what the scripts make; git ignores them.
Lines wrong_top_level(const fs::path& root) {
  const std::set<std::string> wanted = {
      "engine", "ops", "nn", "optim", "tools", "tests", "CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md"};
  const std::set<std::string> made = {"build", "out"};
  Lines faults;
  for (const auto& name : wanted) {
    if (!fs::exists(root / name)) faults.push_back(name + " is missing");
  }
  for (const auto& entry : fs::directory_iterator(root)) {
    const std::string name = entry.path().filename().string();
    if (name[0] != '.' && !wanted.contains(name) && !made.contains(name))
      faults.push_back(name + " does not belong here");
  }
  std::sort(faults.begin(), faults.end());
  return faults;
}

// Paths that exist on one machine only. Spelled in halves, so that this file does not find itself.
Lines machine_paths(const fs::path& root) {
  const std::string paths[] = {std::string("/ro") + "ot/", std::string("/wo") + "rk/", std::string("/ho") + "me/"};
  Lines faults;
  for (const char* folder : {"engine", "ops", "nn", "optim", "tools", "tests", ".ci"}) {
    for (const auto& file : files_below(root / folder)) {
      std::ifstream stream(file, std::ios::binary);
      const std::string text{std::istreambuf_iterator<char>(stream), {}};
      for (const auto& path : paths) {
        // A separator in front: a folder called work somewhere inside a path is nobody's machine.
        for (auto at = text.find(path); at != std::string::npos; at = text.find(path, at + 1)) {
          const char before = at == 0 ? ' ' : text[at - 1];
          if (std::string(" \t\n\"'=(:`").find(before) == std::string::npos) continue;
          faults.push_back(fs::relative(file, root).string() + " names " + path);
          break;
        }
      }
    }
  }
  return faults;
}

const fs::path kRoot = CHAINRULE_SOURCE_DIR;

struct BrokenTree {
  fs::path root = fs::temp_directory_path() / ("chainrule_structure_" + std::to_string(::getpid()));
  BrokenTree() {
    fs::remove_all(root);
    write("engine/a.h", "#include \"ops/ops.h\"\n#include \"engine/b.h\"\n#include <vector>\n");
    write("ops/kernels/k.cpp", "#include \"engine/types/shape.h\"\n#include \"engine/tensor.h\"\n");
    write("ops/o.cpp", "#include \"o.h\"\n#include <chainrule/engine/a.h>\n");
    write("nn/n.cpp", "double Tensor::item() const {\n");
    write("nn/n.h", "#include \"optim/sgd.h\"\n");
    write("optim/p.h", "  #  include \"nn/n.h\"\n#include <nn/n.h>\n");
    write("tools/t.cpp", "#include \"tests/x.h\"\n#include \"nn/n.h\"\n");
    std::string text;
    for (int i = 0; i < 251; ++i) text += "//\n";
    write("engine/long.h", text);
    write("engine/new_room/x.cpp", "#include \"engine/a.h\"\n");
    write("engine/draw/README.md", text);
    write("engine/secret.h", kInner + "\n");
    write("nn/data/d.h", "#include \"engine/secret.h\"\n#include <nlohmann/json.hpp>\n");
    write("engine/not_long.cpp", text);
    write("tools/run", std::string("cd /ro") + "ot/x\n");
    write("extra.txt", "");
  }
  ~BrokenTree() { fs::remove_all(root); }
  void write(const std::string& name, const std::string& text) const {
    fs::create_directories((root / name).parent_path());
    std::ofstream(root / name) << text;
  }
};

std::string joined(const Lines& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

}  // namespace

TEST_CASE("structure: includes point one way") { CHECK(joined(wrong_includes(kRoot)) == ""); }

TEST_CASE("structure: what engine declares is defined there, with two exceptions") {
  CHECK(joined(wrong_definitions(kRoot)) == "");
}

TEST_CASE("structure: files stay short") { CHECK(joined(long_files(kRoot)) == ""); }

TEST_CASE("structure: every folder has a rule") { CHECK(joined(folders_without_rule(kRoot)) == ""); }

TEST_CASE("structure: public headers show no inner header and no library of ours") {
  CHECK(joined(wrong_boundary(kRoot)) == "");
}

TEST_CASE("structure: each folder has a README of at most a page") { CHECK(joined(wrong_readmes(kRoot)) == ""); }

TEST_CASE("structure: the top level holds what it should and nothing else") {
  CHECK(joined(wrong_top_level(kRoot)) == "");
}

TEST_CASE("structure: no path of one machine") { CHECK(joined(machine_paths(kRoot)) == ""); }

TEST_CASE("structure: the rules themselves find a broken tree") {
  const BrokenTree tree;
  CHECK(wrong_includes(tree.root) == Lines{"engine/a.h includes ops/ops.h", "nn/n.h includes optim/sgd.h",
                                           "ops/kernels/k.cpp includes engine/tensor.h",
                                           "ops/o.cpp includes chainrule/engine/a.h", "ops/o.cpp includes o.h",
                                           "optim/p.h includes nn/n.h", "optim/p.h includes nn/n.h",
                                           "tools/t.cpp includes tests/x.h"});
  CHECK(wrong_definitions(tree.root) == Lines{"nn/n.cpp: Tensor::item"});
  CHECK(long_files(tree.root) == Lines{"engine/long.h has 251 lines"});
  CHECK(folders_without_rule(tree.root) == Lines{"engine/new_room has no rule"});
  CHECK(wrong_boundary(tree.root) ==
        Lines{"nn/data/d.h includes the inner engine/secret.h", "nn/data/d.h shows users nlohmann/json.hpp"});
  const Lines readmes = wrong_readmes(tree.root);
  CHECK(readmes.size() == kMayInclude.size() + 3);
  CHECK(std::count(readmes.begin(), readmes.end(), "engine/draw/README.md is longer than a page") == 1);
  CHECK(joined(wrong_top_level(tree.root)).find("extra.txt does not belong here") != std::string::npos);
  CHECK(joined(wrong_top_level(tree.root)).find("LICENSE is missing") != std::string::npos);
  CHECK(machine_paths(tree.root).size() == 1);
}
