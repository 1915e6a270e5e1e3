// Inner header: for our own sources, not installed.
// The checks that layers share: numbers in constructors, the element type and the axes in forward. Each returns its
// value, so that a constructor can use it where it is checked, and throws ValueError with the layer, the argument and
// the value.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>

#include "nn/parameter.h"
#include "ops/options.h"

namespace chainrule {

/// At least 1.
std::int64_t positive(std::int64_t value, const char* layer, const char* argument);
Size2 positive(Size2 value, const char* layer, const char* argument);
/// At least 0.
std::int64_t not_negative(std::int64_t value, const char* layer, const char* argument);
Size2 not_negative(Size2 value, const char* layer, const char* argument);
double not_negative(double value, const char* layer, const char* argument);
/// Greater than 0.
double above_zero(double value, const char* layer, const char* argument);
/// In [low, high].
double between(double value, double low, double high, const char* layer, const char* argument);
/// At least 1, and a divisor of both counts.
std::int64_t dividing(std::int64_t groups, std::int64_t in_channels, std::int64_t out_channels, const char* layer);

/// Throws EmptyHandleError for a handle without a value: "Linear: x is an empty tensor handle". The next two ask it of
/// x.
void expect_value(const Tensor& x, const char* layer, const char* name = "x");
/// Throws ValueError for a floating x of another type than the weight. One float64 input would make every later value
/// of a float32 network float64, at half the speed and without a word.
void expect_type_of(const Tensor& x, const Tensor& weight, const char* layer);
/// The tensor of an optional Parameter or Buffer; empty when there is none, as operations take it.
template <std::derived_from<internal::Kept> T>
Tensor or_none(const std::optional<T>& kept) {
  return kept ? Tensor(*kept) : Tensor();
}

/// Throws ShapeError unless x has one of these numbers of axes; `shape` says them: "(N, C, H, W)".
void expect_axes(const Tensor& x, std::initializer_list<int> counts, const char* layer, const char* shape);

}  // namespace chainrule
