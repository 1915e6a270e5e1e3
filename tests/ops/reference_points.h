// Reads reference points: records of an expression and rows of numbers about it, as reference/make_accuracy*.py write.
#pragma once

#include <doctest/doctest.h>
#include <zlib.h>

#include <array>
#include <string>
#include <vector>

namespace chainrule::test {

template <std::size_t Numbers>
struct Curve {
  std::string text;
  std::vector<std::array<double, Numbers>> points;
};

/// All records of tests/ops/reference/`name`, whose points have that many numbers each.
template <std::size_t Numbers>
std::vector<Curve<Numbers>> curves(const std::string& name) {
  const std::string path = std::string(CHAINRULE_SOURCE_DIR) + "/tests/ops/reference/" + name;
  const gzFile file = gzopen(path.c_str(), "rb");
  REQUIRE_MESSAGE(file != nullptr, path);
  const auto read = [&](void* to, std::size_t n) {
    return gzread(file, to, static_cast<unsigned>(n)) == static_cast<int>(n);
  };
  std::vector<Curve<Numbers>> all;
  for (double sizes[2]; read(sizes, sizeof sizes);) {
    Curve<Numbers> c{std::string(static_cast<std::size_t>(sizes[0]), ' '), {}};
    c.points.resize(static_cast<std::size_t>(sizes[1]));
    REQUIRE(read(c.text.data(), c.text.size()));
    REQUIRE(read(c.points.data(), c.points.size() * sizeof c.points[0]));
    all.push_back(std::move(c));
  }
  gzclose(file);
  return all;
}

/// Operations that a sweep leaves out, names apart by a blank, and why none of them could fall short.
struct NotSwept {
  const char *operations, *reason;
};

inline bool has_word(const std::string& words, const std::string& word) {
  return (" " + words + " ").find(" " + word + " ") != std::string::npos;
}

}  // namespace chainrule::test
