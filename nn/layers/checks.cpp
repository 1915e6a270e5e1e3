#include "nn/layers/checks.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/types/error.h"
#include "ops/arguments.h"

namespace chainrule {
namespace {

template <class T>
[[noreturn]] void refuse(T value, const char* wanted, const char* layer, const char* argument) {
  throw ValueError(fmt::format("{}: {} must {}, not {}", layer, argument, wanted, value));
}

}  // namespace

std::int64_t positive(std::int64_t value, const char* layer, const char* argument) {
  if (value < 1) refuse(value, "be at least 1", layer, argument);
  return value;
}
Size2 positive(Size2 value, const char* layer, const char* argument) {
  positive(std::min(value.h, value.w), layer, argument);
  return value;
}
std::int64_t not_negative(std::int64_t value, const char* layer, const char* argument) {
  if (value < 0) throw ValueError(fmt::format("{}: {} must not be negative, not {}", layer, argument, value));
  return value;
}
Size2 not_negative(Size2 value, const char* layer, const char* argument) {
  not_negative(std::min(value.h, value.w), layer, argument);
  return value;
}
// Comparisons are written so that NaN is refused.
double not_negative(double value, const char* layer, const char* argument) {
  if (!(value >= 0)) refuse(value, "be at least 0", layer, argument);
  return value;
}
double above_zero(double value, const char* layer, const char* argument) {
  if (!(value > 0)) refuse(value, "be greater than 0", layer, argument);
  return value;
}
double between(double value, double low, double high, const char* layer, const char* argument) {
  if (!(value >= low && value <= high))
    throw ValueError(fmt::format("{}: {} must lie between {} and {}, not at {}", layer, argument, low, high, value));
  return value;
}

std::int64_t dividing(std::int64_t groups, std::int64_t in_channels, std::int64_t out_channels, const char* layer) {
  positive(groups, layer, "groups");
  if (in_channels % groups || out_channels % groups)
    throw ValueError(fmt::format("{}: groups {} must divide in_channels {} and out_channels {}", layer, groups,
                                 in_channels, out_channels));
  return groups;
}

void expect_value(const Tensor& x, const char* layer, const char* name) {
  if (!x.defined()) throw_empty_argument(layer, name);
}

void expect_type_of(const Tensor& x, const Tensor& weight, const char* layer) {
  expect_value(x, layer);
  if (is_floating(x.dtype()) && x.dtype() != weight.dtype())
    throw ValueError(fmt::format("{}: x holds {}, the weight {}; convert one of them, as in to(x, DType::{})", layer,
                                 name_of(x.dtype()), name_of(weight.dtype()), name_of(weight.dtype())));
}

void expect_axes(const Tensor& x, std::initializer_list<int> counts, const char* layer, const char* shape) {
  expect_value(x, layer);
  if (std::find(counts.begin(), counts.end(), x.dim()) == counts.end())
    throw ShapeError(fmt::format("{}: x is {}, not of shape {}", layer, shape, to_string(x.shape())));
}

}  // namespace chainrule
