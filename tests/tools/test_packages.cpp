// What the build cannot do without, tools/demo installs: a machine that has it already would never show the gap.
#include <doctest/doctest.h>

#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>

namespace {

// How Debian names what CMake asks for.
const std::map<std::string, std::string> kDebian = {
    {"Boost", "libboost-dev"},
    {"fmt", "libfmt-dev"},
    {"Eigen3", "libeigen3-dev"},
    {"hwy", "libhwy-dev"},
    {"ZLIB", "zlib1g-dev"},
    {"LibZip", "libzip-dev"},
    {"PNG", "libpng-dev"},
    {"Utf8proc", "libutf8proc-dev"},
    {"FastFloat", "libfast-float-dev"},
    {"nlohmann_json", "nlohmann-json3-dev"},
    {"Threads", "g++"},
};

std::string read(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("every package that the build requires is among those that tools/demo installs") {
  const std::string build = read(CHAINRULE_SOURCE_DIR "/CMakeLists.txt");
  const std::string setup = read(CHAINRULE_SOURCE_DIR "/tools/cmake/setup.sh");
  std::smatch list;
  REQUIRE(std::regex_search(setup, list, std::regex(R"(build_packages="([^"]*)\")")));
  const std::string installed = " " + std::regex_replace(list[1].str(), std::regex(R"([\\\n]+)"), " ") + " ";
  const std::regex required(R"(\nfind_package\((\w+)[^)]*\bREQUIRED\b)");
  int count = 0;
  for (auto at = std::sregex_iterator(build.begin(), build.end(), required); at != std::sregex_iterator();
       ++at, ++count) {
    const std::string package = (*at)[1];
    CAPTURE(package);
    const auto name = kDebian.find(package);
    REQUIRE(name != kDebian.end());
    CHECK(installed.find(" " + name->second + " ") != std::string::npos);
  }
  CHECK(count == static_cast<int>(kDebian.size()));
}
