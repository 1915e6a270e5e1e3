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

// tools -> nn, optim -> ops -> engine; the kernels know no graph, only shapes and element types. nn holds no loop over
// elements, so it has no business with kernels.
const std::map<std::string, std::set<std::string>> kMayInclude = {
    {"engine", {"engine"}},
    {"ops", {"ops", "ops/kernels", "engine"}},
    {"ops/language", {"ops", "ops/language", "engine"}},
    {"ops/kernels", {"ops/kernels"}},
    {"nn", {"nn", "nn/data", "ops", "engine"}},
    {"nn/data", {"nn/data", "ops", "engine"}},
    {"optim", {"optim", "ops", "ops/kernels", "engine"}},
    {"tools", {"tools", "tools/bench", "optim", "nn", "nn/data", "ops", "ops/language", "ops/kernels", "engine"}},
    {"tools/bench", {"tools", "tools/bench", "optim", "nn", "nn/data", "ops", "ops/language", "ops/kernels", "engine"}},
};
const std::set<std::string> kKernelsMayAlsoInclude = {"engine/types/dtype.h", "engine/types/shape.h"};

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

Lines wrong_includes(const fs::path& root) {
  static const std::regex include(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  Lines faults;
  for (const auto& [folder, allowed] : kMayInclude) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::directory_iterator(root / folder)) {
      if (!is_source(entry.path())) continue;
      const std::string file = folder + "/" + entry.path().filename().string();
      for (const auto& line : lines_of(entry.path())) {
        std::smatch found;
        if (!std::regex_search(line, found, include)) continue;
        const std::string target = found[2];
        const std::string from = fs::path(target).parent_path().string();
        const bool ours = found[1] == "\"" || kMayInclude.contains(from) || target.starts_with("chainrule/");
        const bool kernel_extra = folder == "ops/kernels" && kKernelsMayAlsoInclude.contains(target);
        if (ours && !kernel_extra && (found[1] != "\"" || !allowed.contains(from)))
          faults.push_back(file + " includes " + target);
      }
    }
  }
  std::sort(faults.begin(), faults.end());
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

Lines missing_readmes(const fs::path& root) {
  Lines faults;
  for (const char* folder : {".", "engine", "ops", "ops/language", "ops/kernels", "nn", "nn/data", "optim", "tools",
                             "tools/bench", "tests"}) {
    if (!fs::exists(root / folder / "README.md")) faults.push_back(std::string(folder) + " has no README.md");
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
    write("nn/n.h", "#include \"optim/sgd.h\"\n");
    write("optim/p.h", "  #  include \"nn/n.h\"\n#include <nn/n.h>\n");
    write("tools/t.cpp", "#include \"tests/x.h\"\n#include \"nn/n.h\"\n");
    std::string text;
    for (int i = 0; i < 251; ++i) text += "//\n";
    write("engine/long.h", text);
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

TEST_CASE("structure: files stay short") { CHECK(joined(long_files(kRoot)) == ""); }

TEST_CASE("structure: each folder has a README") { CHECK(joined(missing_readmes(kRoot)) == ""); }

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
  CHECK(long_files(tree.root) == Lines{"engine/long.h has 251 lines"});
  CHECK(missing_readmes(tree.root).size() == 11);
  CHECK(joined(wrong_top_level(tree.root)).find("extra.txt does not belong here") != std::string::npos);
  CHECK(joined(wrong_top_level(tree.root)).find("LICENSE is missing") != std::string::npos);
  CHECK(machine_paths(tree.root).size() == 1);
}
