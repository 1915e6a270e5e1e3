// Inner header: for our own sources, not installed.
// What the files of the elementwise family share: one-threaded dense runs of the floating types, one source compiled
// for several instruction sets. Not for use outside ops/kernels.
#pragma once

#include <cstdint>

#include "ops/kernels/elementwise/elementwise.h"

namespace chainrule::kernels::detail {

/// Which file has the loop.
enum class Loop : std::uint8_t { short_vector, long_vector, scalar };
constexpr Loop loop_of(Unary op) {
  return op <= Unary::threshold ? Loop::short_vector : op <= Unary::tan ? Loop::long_vector : Loop::scalar;
}
constexpr Loop loop_of(Binary op) {
  return op <= Binary::hardswish_grad ? Loop::short_vector : op <= Binary::xlogy ? Loop::long_vector : Loop::scalar;
}

/// Any function of one operand.
void unary_run(Unary op, const float* x, float* z, std::int64_t n, const Parameters& p = {});
void unary_run(Unary op, const double* x, double* z, std::int64_t n, const Parameters& p = {});

/// n >= 1; steps are 0 or 1, not both 0 unless n == 1.
void binary_run(Binary op, const float* x, std::int64_t x_step, const float* y, std::int64_t y_step, float* z,
                std::int64_t n, const Parameters& p = {});
void binary_run(Binary op, const double* x, std::int64_t x_step, const double* y, std::int64_t y_step, double* z,
                std::int64_t n, const Parameters& p = {});

// Those of one loop only: elementwise_math.cpp and elementwise_scalar.cpp.
void unary_math_run(Unary op, const float* x, float* z, std::int64_t n, const Parameters& p);
void unary_math_run(Unary op, const double* x, double* z, std::int64_t n, const Parameters& p);
void binary_math_run(Binary op, const float* x, std::int64_t x_step, const float* y, std::int64_t y_step, float* z,
                     std::int64_t n, const Parameters& p);
void binary_math_run(Binary op, const double* x, std::int64_t x_step, const double* y, std::int64_t y_step, double* z,
                     std::int64_t n, const Parameters& p);
void unary_scalar_run(Unary op, const float* x, float* z, std::int64_t n, const Parameters& p);
void unary_scalar_run(Unary op, const double* x, double* z, std::int64_t n, const Parameters& p);
void binary_scalar_run(Binary op, const float* x, std::int64_t x_step, const float* y, std::int64_t y_step, float* z,
                       std::int64_t n);
void binary_scalar_run(Binary op, const double* x, std::int64_t x_step, const double* y, std::int64_t y_step, double* z,
                       std::int64_t n);

}  // namespace chainrule::kernels::detail
