// Patterns in a wrong gradient. Each needs every compared element to agree with it.
#include "engine/check/cause.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string>

#include "engine/check/state.h"

namespace chainrule::internal {
namespace {

bool near(double a, double b, double scale) {
  return std::abs(a - b) <= 1e-3 * std::max(std::abs(a), std::abs(b)) + 1e-6 * scale;
}

double largest(std::span<const double> values) {
  double most = 0;
  for (const double v : values) most = std::max(most, std::abs(v));
  return most;
}

/// "3 is the size of axis 0 of the input"; empty when the number is no size.
std::string size_text(double n, const Shape& input, const Shape& output) {
  const auto is = [&](std::int64_t size) { return size > 1 && std::abs(n - static_cast<double>(size)) < 1e-3 * n; };
  if (is(numel(input))) return fmt::format("{} is the number of the input's elements", numel(input));
  if (is(numel(output))) return fmt::format("{} is the number of the result's elements", numel(output));
  for (const auto& [shape, whose] : {std::pair{&input, "input"}, std::pair{&output, "result"}})
    for (int axis = 0; axis < shape->rank(); ++axis)
      if (is((*shape)[axis])) return fmt::format("{} is the size of axis {} of the {}", (*shape)[axis], axis, whose);
  const std::int64_t shared = numel(output) > 0 ? numel(input) / numel(output) : 0;
  if (is(shared)) return fmt::format("{} elements of the input make one of the result", shared);
  return {};
}

// The factor by which every element is off; 0 when there is none, or when it cannot be told.
double common_factor(const ComparedElements& e) {
  const double scale = largest(e.numeric);
  double factor = 0;
  for (std::size_t i = 0; i < e.numeric.size(); ++i) {
    if (std::abs(e.numeric[i]) <= 1e-6 * scale) {  // 0 times anything
      if (!near(e.analytic[i], 0, scale)) return 0;
      continue;
    }
    const double ratio = e.analytic[i] / e.numeric[i];
    if (!std::isfinite(ratio) || ratio == 0) return 0;
    if (factor == 0) factor = ratio;
    if (std::abs(ratio - factor) > 1e-3 * std::abs(factor)) return 0;
  }
  return factor;
}

std::string factor_text(double factor, const Shape& input, const Shape& output, bool& known) {
  known = true;
  for (const auto& [value, text] :
       std::initializer_list<std::pair<double, const char*>>{{-1, "-1"}, {2, "2"}, {0.5, "1/2"}})
    if (std::abs(factor - value) < 1e-3) return text;
  if (const std::string n = size_text(std::abs(factor), input, output); !n.empty())
    return fmt::format("{:.6g} ({})", factor, n);
  if (const std::string n = size_text(std::abs(1 / factor), input, output); !n.empty())
    return fmt::format("{}1/{:.6g} ({})", factor < 0 ? "-" : "", std::abs(1 / factor), n);
  known = false;
  return fmt::format("{:.6g}", factor);
}

// The last two axes exchanged: element [.., i, j] has the value of [.., j, i].
bool is_transposed(const ComparedElements& e, const Shape& shape) {
  const int rank = shape.rank();
  if (rank < 2 || shape[rank - 1] != shape[rank - 2] || shape[rank - 1] < 2) return false;
  const std::int64_t n = shape[rank - 1];
  const double scale = largest(e.numeric);
  std::size_t compared = 0;
  for (std::size_t a = 0; a < e.places.size(); ++a) {
    const std::int64_t row = e.places[a] / n % n, column = e.places[a] % n;
    const std::int64_t mirrored = e.places[a] + (column - row) * n + (row - column);
    const auto found = std::lower_bound(e.places.begin(), e.places.end(), mirrored);
    if (found == e.places.end() || *found != mirrored) continue;
    compared += row != column;
    if (!near(e.analytic[a], e.numeric[static_cast<std::size_t>(found - e.places.begin())], scale)) return false;
  }
  return compared >= 2;
}

}  // namespace

Pattern pattern_of(const ComparedElements& elements, const Shape& input, const Shape& output) {
  if (is_transposed(elements, input))
    return {.cause = GradcheckCause::transposed,
            .text = "it sends the right gradient with its last two axes exchanged"};
  if (const double factor = common_factor(elements); factor != 0 && std::abs(factor - 1) > 1e-3) {
    bool known = false;
    const std::string text = factor_text(factor, input, output, known);
    // One number is always some multiple of another.
    const auto [least, most] = std::minmax_element(elements.numeric.begin(), elements.numeric.end());
    if (known || *most - *least > 1e-3 * std::max(std::abs(*least), std::abs(*most)))
      return {.cause = GradcheckCause::constant_factor,
              .factor = factor,
              .text = fmt::format("it sends {} times the right gradient", text)};
  }
  return {.cause = GradcheckCause::wrong_rule, .text = "its rule does not fit its formula"};
}

namespace {

/// Slopes that an operation bounds on purpose, "logarithms stop at -100, 1 / x at 1e12": where the true one is as
/// large.
bool are_bounded(std::string_view documented, const ComparedElements& e) {
  const auto at = documented.rfind(" at 1e");
  if (at == documented.npos || documented.find("stop") == documented.npos) return false;
  const double bound = std::strtod(std::string(documented.substr(at + 4)).c_str(), nullptr);
  const double scale = largest(e.numeric);
  for (std::size_t i = 0; i < e.places.size(); ++i) {
    const double analytic = e.analytic[i], numeric = e.numeric[i];
    if (near(analytic, numeric, scale)) continue;
    if (std::abs(numeric) < 0.4 * bound || analytic / numeric < 1e-3 || analytic / numeric > 1) return false;
  }
  return true;
}

}  // namespace

bool fits_convention(std::string_view documented, const ComparedElements& e, const Shape& input) {
  if (are_bounded(documented, e)) return true;
  const int rank = input.rank();
  const bool zero_row = documented.find("no gradient by") != documented.npos;
  if (rank < 2 || (!zero_row && documented.find("symmetric part") == documented.npos)) return false;
  const std::int64_t n = input[rank - 1];
  const double scale = largest(e.numeric);
  std::int64_t row = -1;
  for (std::size_t a = 0; a < e.places.size(); ++a) {
    if (zero_row) {
      if (near(e.analytic[a], e.numeric[a], scale)) continue;
      if (e.analytic[a] != 0 || (row >= 0 && row != e.places[a] / n)) return false;
      row = e.places[a] / n;
      continue;
    }
    const std::int64_t i = e.places[a] / n % n, j = e.places[a] % n;
    const std::int64_t mirrored = e.places[a] + (j - i) * n + (i - j);
    const auto found = std::lower_bound(e.places.begin(), e.places.end(), mirrored);
    if (found == e.places.end() || *found != mirrored) return false;
    const double other = e.numeric[static_cast<std::size_t>(found - e.places.begin())];
    if (!near(e.analytic[a], (e.numeric[a] + other) / 2, scale)) return false;
  }
  return true;
}

bool is_broadcast(const Shape& from, const Shape& to) {
  if (from == to || from.rank() > to.rank()) return false;
  for (int i = 1; i <= from.rank(); ++i)
    if (from[from.rank() - i] != 1 && from[from.rank() - i] != to[to.rank() - i]) return false;
  return true;
}

Pattern pattern_of_shape(const Shape& sent, const Shape& input, const Shape& output) {
  const std::string shapes =
      fmt::format("it sends shape {} to an input of shape {}", to_string(sent), to_string(input));
  if (sent == output && is_broadcast(input, sent))
    return {.cause = GradcheckCause::missing_reduction,
            .text = shapes + ", not summed over the axes along which the input was broadcast"};
  Shape mirrored = input;
  std::reverse(mirrored.begin(), mirrored.end());
  if (sent == mirrored && input.rank() >= 2)
    return {.cause = GradcheckCause::transposed, .text = shapes + ", transposed"};
  if (is_broadcast(input, sent))
    return {.cause = GradcheckCause::missing_reduction,
            .text = shapes + ", not summed over the axes along which the input was broadcast"};
  return {.cause = GradcheckCause::wrong_shape, .text = shapes};
}

}  // namespace chainrule::internal
