// Ways to make leaves: constants, ranges, nested lists, random values. PyTorch's names and meaning.
#pragma once

#include <concepts>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "engine/random.h"
#include "engine/tensor.h"

namespace chainrule {

/// Element type of factories that are not told one: float32 unless set. Per thread.
DType default_dtype();
void set_default_dtype(DType dtype);

/// A dtype alone may stand in its place, as in zeros({2}, DType::float64).
struct TensorOptions {
  std::optional<DType> dtype{};  ///< default: the one of the values, where there are any, else default_dtype()
  bool requires_grad = false;
  DType dtype_or_default() const { return dtype.value_or(default_dtype()); }
};
/// A template parameter that takes a DType and not {}, which stands for the options.
template <class T>
concept IsDType = std::same_as<T, DType>;

Tensor zeros(const Shape& shape, TensorOptions options = {});
Tensor ones(const Shape& shape, TensorOptions options = {});
Tensor full(const Shape& shape, double value, TensorOptions options = {});
Tensor eye(std::int64_t n, TensorOptions options = {});
/// start, start + step, ... below end (ceil((end - start) / step) elements): int64 for whole numbers of integer types,
/// as in torch. Throws ValueError for step 0.
Tensor arange(double start, double end, double step = 1, TensorOptions options = {});
Tensor arange(double end);
namespace internal {
Tensor arange_of_integers(std::int64_t start, std::int64_t end, std::int64_t step, TensorOptions options);
}
template <std::integral End>
Tensor arange(End end) {
  return internal::arange_of_integers(0, end, 1, {});
}
template <std::integral Start, std::integral End>
Tensor arange(Start start, End end) {
  return internal::arange_of_integers(start, end, 1, {});
}
template <std::integral Start, std::integral End, std::integral Step>
Tensor arange(Start start, End end, Step step, TensorOptions options = {}) {
  return internal::arange_of_integers(start, end, step, options);
}
/// `steps` numbers from start to end, both included.
Tensor linspace(double start, double end, std::int64_t steps, TensorOptions options = {});

/// Uniform on [0, 1).
Tensor rand(const Shape& shape, TensorOptions options = {}, Generator& generator = default_generator());
/// Normal with mean 0 and standard deviation 1.
Tensor randn(const Shape& shape, TensorOptions options = {}, Generator& generator = default_generator());
/// Integers in [low, high) as int64.
Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, Generator& generator = default_generator());

namespace internal {
[[noreturn]] void throw_too_large(std::uint64_t value);
template <std::integral T>
std::int64_t to_int64(T value) {
  if constexpr (std::is_unsigned_v<T> && sizeof(T) == sizeof(std::int64_t))
    if (value >> 63) throw_too_large(value);
  return static_cast<std::int64_t>(value);
}
/// T is float, double, std::int64_t, or unsigned char for bool.
template <class T>
Tensor from_values(std::span<const T> values, const Shape& shape, TensorOptions options);
}  // namespace internal

/// A number or a nested list of numbers, as in tensor({{1, 2}, {3, 4}}).
class Nested {
 public:
  template <class T>
  requires std::is_arithmetic_v<T> Nested(T value)
      : kind_(std::is_same_v<T, bool> ? DType::boolean
              : std::is_integral_v<T> ? DType::int64
                                      : DType::float64),
        values_{static_cast<double>(value)} {
    if constexpr (std::is_integral_v<T>) whole_ = {internal::to_int64(value)};
  }
  /// Throws ShapeError when the rows differ in shape.
  Nested(std::initializer_list<Nested> rows);
  const std::vector<double>& values() const { return values_; }
  /// The same exactly, when all of them have an integer type or are bools; else empty.
  const std::vector<std::int64_t>& whole_values() const { return whole_; }
  /// bool, int64, or float64 when one of the numbers is floating.
  DType kind() const { return kind_; }
  const Shape& shape() const { return shape_; }

 private:
  DType kind_ = DType::float64;
  std::vector<double> values_;
  std::vector<std::int64_t> whole_;
  Shape shape_;
};
/// Whole numbers give int64 and bools bool, as in torch; numbers with a point the default dtype.
Tensor tensor(const Nested& values, TensorOptions options = {});

/// Row-major values in their own type: float32 for float, float64 for double, int64 for every integer type, bool.
/// A network of float32 does not take float64 (its layers refuse it): name the dtype for its inputs, as in
/// from_vector(values, {2, 3}, DType::float32). Throws ShapeError when the counts differ.
template <class T>
requires std::is_arithmetic_v<T> Tensor from_vector(const std::vector<T>& values, const Shape& shape,
                                                    TensorOptions options = {}) {
  if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double> || std::is_same_v<T, std::int64_t>) {
    return internal::from_values(std::span<const T>(values), shape, options);
  } else if constexpr (std::is_same_v<T, bool>) {
    const std::vector<unsigned char> bytes(values.begin(), values.end());
    return internal::from_values(std::span<const unsigned char>(bytes), shape, options);
  } else if constexpr (std::is_integral_v<T>) {
    std::vector<std::int64_t> whole;
    whole.reserve(values.size());
    for (const T v : values) whole.push_back(internal::to_int64(v));
    return internal::from_values(std::span<const std::int64_t>(whole), shape, options);
  } else {
    return from_vector(std::vector<double>(values.begin(), values.end()), shape, options);
  }
}
template <class T>
Tensor from_vector(std::initializer_list<T> values, const Shape& shape, TensorOptions options = {}) {
  return from_vector(std::vector<T>(values), shape, options);
}
/// Memory of the host program, used in place and kept alive by `owner`. Row-major, any alignment of the element type.
Tensor from_memory(void* data, const Shape& shape, DType dtype, std::shared_ptr<void> owner);

// With a dtype in place of the options.
template <IsDType D>
Tensor zeros(const Shape& shape, D dtype) {
  return zeros(shape, TensorOptions{.dtype = dtype});
}
template <IsDType D>
Tensor ones(const Shape& shape, D dtype) {
  return ones(shape, TensorOptions{.dtype = dtype});
}
template <IsDType D>
Tensor full(const Shape& shape, double value, D dtype) {
  return full(shape, value, TensorOptions{.dtype = dtype});
}
template <IsDType D>
Tensor eye(std::int64_t n, D dtype) {
  return eye(n, TensorOptions{.dtype = dtype});
}
template <class A, class B, class C, IsDType D>
Tensor arange(A start, B end, C step, D dtype) {
  return arange(start, end, step, TensorOptions{.dtype = dtype});
}
template <IsDType D>
Tensor linspace(double start, double end, std::int64_t steps, D dtype) {
  return linspace(start, end, steps, TensorOptions{.dtype = dtype});
}
template <IsDType D>
Tensor rand(const Shape& shape, D dtype) {
  return rand(shape, TensorOptions{.dtype = dtype});
}
template <IsDType D>
Tensor randn(const Shape& shape, D dtype) {
  return randn(shape, TensorOptions{.dtype = dtype});
}
template <IsDType D>
Tensor tensor(const Nested& values, D dtype) {
  return tensor(values, TensorOptions{.dtype = dtype});
}
template <class T, IsDType D>
Tensor from_vector(const std::vector<T>& values, const Shape& shape, D dtype) {
  return from_vector(values, shape, TensorOptions{.dtype = dtype});
}
template <class T, IsDType D>
Tensor from_vector(std::initializer_list<T> values, const Shape& shape, D dtype) {
  return from_vector(std::vector<T>(values), shape, TensorOptions{.dtype = dtype});
}

/// A named trainable leaf for learning with: float64, and every graph that starts from it keeps all its values and
/// gradients, so that it can be drawn and explained after backward.
Tensor variable(const Nested& values, std::string name = {});

}  // namespace chainrule
