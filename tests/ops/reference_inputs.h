// What the scripts of reference/ and the tests share: packed files, and inputs that come from a formula.
#pragma once

#include <doctest/doctest.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <sstream>
#include <string>
#include <vector>

#include "engine/factory.h"
#include "ops/ops.h"

namespace chainrule::test {

inline std::string unpacked(const std::string& name) {
  const std::string path = std::string(CHAINRULE_SOURCE_DIR) + "/tests/ops/reference/" + name;
  const gzFile file = gzopen(path.c_str(), "rb");
  REQUIRE_MESSAGE(file != nullptr, path);
  std::string text;
  char buffer[1 << 16];
  for (int n = 0; (n = gzread(file, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
  gzclose(file);
  return text;
}

inline std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

inline Shape shape_of(const std::string& text) {
  Shape shape;
  for (const auto& s : split(text, ',')) shape.push_back(std::stoll(s));
  return shape;
}

/// The script's input_values, word for word.
struct Made {
  Tensor value;
  bool differentiable;
};

inline Made make_input(const std::string& spec, std::uint64_t seed, DType floating) {
  const auto parts = split(spec, '|');
  const Shape shape = parts.empty() ? Shape{} : shape_of(parts[0]);
  const auto has = [&](const char* option) { return std::find(parts.begin(), parts.end(), option) != parts.end(); };
  double low = -2, high = 2;
  for (const auto& p : parts)
    if (p.find(':') != std::string::npos) {
      const auto ends = split(p, ':');
      low = std::stod(ends[0]);
      high = std::stod(ends[1]);
    }
  const auto count = static_cast<std::size_t>(numel(shape));
  std::uint64_t state = seed * 2654435761u + 12345;
  std::vector<double> f(count), values(count);
  for (double& v : f) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    v = static_cast<double>(state >> 48) / 65536.0;
  }
  if (has("distinct")) {
    std::vector<std::size_t> order(count);
    for (std::size_t i = 0; i < count; ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return f[a] < f[b]; });
    for (std::size_t rank = 0; rank < count; ++rank) values[order[rank]] = low + 0.25 * static_cast<double>(rank);
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      const double v = low + (high - low) * f[i];
      values[i] = has("ties") ? std::floor(2 * v) / 2 : has("i") ? std::floor(v) : has("b") ? (f[i] < 0.5 ? 1 : 0) : v;
    }
  }
  Tensor t = from_vector(values, shape, {.dtype = floating});
  if (has("i")) return {to(t, DType::int64), false};
  if (has("b")) return {ne(t, 0), false};
  if (has("T")) {  // the same values, other strides
    Axes axes;
    for (int i = t.dim() - 1; i >= 0; --i) axes.push_back(i);
    t = permute(permute(t, axes) + 0, axes).detach();
  } else if (has("last")) {
    t = permute(permute(t, {0, 2, 3, 1}) + 0, {0, 3, 1, 2}).detach();
  }
  return {t, !has("const")};
}

}  // namespace chainrule::test
