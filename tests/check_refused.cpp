// What must not compile, and what the compiler then says. Each line of a file in tests/refused/ that ends in
// `// refused: words` must be an error whose message holds the words; lines without such an end must compile.
// Usage: check_refused FILE COMMAND, where COMMAND compiles a file whose name is put behind it.
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "tests/text.h"

namespace {

using Lines = std::vector<std::string>;
using chainrule::testing::contains;
using chainrule::testing::lines_of;

std::string said_by(const std::string& command) {
  FILE* pipe = ::popen(command.c_str(), "r");
  std::string text;
  for (int c; pipe && (c = std::fgetc(pipe)) != EOF;) text += static_cast<char>(c);
  if (pipe) ::pclose(pipe);
  return text;
}

/// True when the words stand near a message about that place: the declaration that it quotes comes before or after.
bool is_said(const Lines& said, const std::string& place, const std::string& words) {
  constexpr std::size_t before = 8, after = 16;
  for (std::size_t i = 0; i < said.size(); ++i) {
    if (!contains(said[i], place)) continue;
    for (std::size_t k = i < before ? 0 : i - before; k < said.size() && k < i + after; ++k)
      if (contains(said[k], words)) return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string file = argv[1], mark = "// refused: ";
  std::ifstream stream(file);
  const Lines source = lines_of(std::string(std::istreambuf_iterator<char>(stream), {}));
  const Lines said = lines_of(said_by("LC_ALL=C " + std::string(argv[2]) + " '" + file + "' 2>&1"));
  int faults = 0, marked = 0;
  for (std::size_t i = 0; i < source.size(); ++i) {
    const std::string place = file + ":" + std::to_string(i + 1) + ":";
    const auto at = source[i].find(mark);
    bool is_error = false, is_named = false;
    for (const auto& line : said) {
      is_named = is_named || contains(line, place);
      is_error = is_error || (contains(line, place) && contains(line, " error: "));
    }
    std::string fault;
    if (at == std::string::npos) {
      if (is_error) fault = "does not compile";
    } else {
      ++marked;
      if (!is_named)
        fault = "compiles";
      else if (!is_said(said, place, source[i].substr(at + mark.size())))
        fault = "is refused in other words";
    }
    if (fault.empty()) continue;
    ++faults;
    std::cout << place << " " << fault << "\n" << source[i] << "\n";
  }
  if (marked == 0) std::cout << file << " has no line that is to be refused\n";
  if (faults || marked == 0)
    for (const auto& line : said) std::cout << "  | " << line << "\n";
  return faults || marked == 0 ? 1 : 0;
}
