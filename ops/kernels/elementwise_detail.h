// What the files of the elementwise family share: one-threaded dense runs of the floating types, one source compiled
// for several instruction sets. Not for use outside ops/kernels.
#pragma once

#include <cstdint>

#include "ops/kernels/elementwise.h"

namespace chainrule::kernels::detail {

void unary_run(Unary op, const float* x, float* z, std::int64_t n);
void unary_run(Unary op, const double* x, double* z, std::int64_t n);

/// n >= 1; steps are 0 or 1, not both 0 unless n == 1. pow included.
void binary_run(Binary op, const float* x, std::int64_t x_step, const float* y, std::int64_t y_step, float* z,
                std::int64_t n);
void binary_run(Binary op, const double* x, std::int64_t x_step, const double* y, std::int64_t y_step, double* z,
                std::int64_t n);

}  // namespace chainrule::kernels::detail
