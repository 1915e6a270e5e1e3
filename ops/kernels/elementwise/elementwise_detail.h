// Inner header: for our own sources, not installed.
// What the files of the elementwise family share: one-threaded dense runs of the floating types, one source compiled
// for several instruction sets. Not for use outside ops/kernels.
#pragma once

#include <cstddef>
#include <cstdint>

#include "ops/kernels/elementwise/elementwise.h"

namespace chainrule::kernels::detail {

/// Functions first ... last of an enumeration.
template <class Op>
struct Functions {
  Op first, last;
};
inline constexpr Functions<Unary> kShortUnary{Unary::neg, Unary::threshold}, kLongUnary{Unary::exp, Unary::tan};
inline constexpr Functions<Binary> kShortBinary{Binary::add, Binary::hardswish_grad},
    kLongBinary{Binary::silu_grad, Binary::xlogy};

/// Which file has the loop.
enum class Loop : std::uint8_t { short_vector, long_vector, scalar };
constexpr Loop loop_of(Unary op) {
  return op <= kShortUnary.last ? Loop::short_vector : op <= kLongUnary.last ? Loop::long_vector : Loop::scalar;
}
constexpr Loop loop_of(Binary op) {
  return op <= kShortBinary.last ? Loop::short_vector : op <= kLongBinary.last ? Loop::long_vector : Loop::scalar;
}

// The loops of one kind, by file. n >= 1; of two operands at least one is dense, unless n == 1.

/// elementwise_unary.cpp: a few instructions.
template <class T>
struct UnaryLoops {
  void (*run)(Unary op, const T* x, T* z, std::size_t n, const Parameters& p);
  static const UnaryLoops& fastest();
};
/// elementwise_binary.cpp: likewise.
template <class T>
struct BinaryLoops {
  void (*run)(Binary op, const T* x, bool x_dense, const T* y, bool y_dense, T* z, std::size_t n, const Parameters& p);
  static const BinaryLoops& fastest();
};
/// elementwise_math.cpp: formulas.
template <class T>
struct MathLoops {
  void (*unary)(Unary op, const T* x, T* z, std::size_t n, const Parameters& p);
  void (*binary)(Binary op, const T* x, bool x_dense, const T* y, bool y_dense, T* z, std::size_t n,
                 const Parameters& p);
  static const MathLoops& fastest();
};
/// elementwise_scalar.cpp: a call for each element. float and double.
template <class T>
void unary_scalar_run(Unary op, const T* x, T* z, std::int64_t n, const Parameters& p);
template <class T>
void binary_scalar_run(Binary op, const T* x, std::int64_t x_step, const T* y, std::int64_t y_step, T* z,
                       std::int64_t n);

/// Any function of one operand.
template <class T>
void unary_run(Unary op, const T* x, T* z, std::int64_t n, const Parameters& p = {}) {
  const auto count = static_cast<std::size_t>(n);
  switch (loop_of(op)) {
    case Loop::short_vector:
      return UnaryLoops<T>::fastest().run(op, x, z, count, p);
    case Loop::long_vector:
      return MathLoops<T>::fastest().unary(op, x, z, count, p);
    case Loop::scalar:
      return unary_scalar_run(op, x, z, n, p);
  }
}

/// Any function of two; n >= 1; steps are 0 or 1, not both 0 unless n == 1.
template <class T>
void binary_run(Binary op, const T* x, std::int64_t x_step, const T* y, std::int64_t y_step, T* z, std::int64_t n,
                const Parameters& p = {}) {
  const auto count = static_cast<std::size_t>(n);
  switch (loop_of(op)) {
    case Loop::short_vector:
      return BinaryLoops<T>::fastest().run(op, x, x_step != 0, y, y_step != 0, z, count, p);
    case Loop::long_vector:
      return MathLoops<T>::fastest().binary(op, x, x_step != 0, y, y_step != 0, z, count, p);
    case Loop::scalar:
      return binary_scalar_run(op, x, x_step, y, y_step, z, n);
  }
}

}  // namespace chainrule::kernels::detail
