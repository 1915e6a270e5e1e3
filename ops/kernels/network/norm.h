// Inner header: for our own sources, not installed.
// Normalisation: moments of groups of numbers, the affine pass behind them, and the two passes of the gradient. Sums
// are taken in short blocks and carried on in double, in a fixed order: the same bits for any number of threads.
#pragma once

#include <cstdint>

#include "engine/types/dtype.h"
#include "ops/kernels/lines.h"

namespace chainrule::kernels {

// Here the axis of the lines is that of the channels: all numbers of one of the n channels belong together.

/// Mean and biased variance of each channel; NaN for channels without numbers.
void channel_moments(DType d, const void* x, const Lines& s, double* mean, double* variance);

/// z = (x - mean) * scale + shift, each of one channel.
void channel_affine(DType d, const void* x, const Lines& s, const double* mean, const double* scale,
                    const double* shift, void* z);

/// product = sum of g (x - mean), sum = sum of g, of each channel.
void channel_sums(DType d, const void* g, const void* x, const Lines& s, const double* mean, double* product,
                  double* sum);

/// dx = scale * g - offset - (x - mean) * slope.
void channel_grad(DType d, const void* g, const void* x, const Lines& s, const double* mean, const double* scale,
                  const double* offset, const double* slope, void* dx);

// Rows of n numbers with a mean and a factor each, and a weight for each place in the row.

/// z = (x - mean) * factor * w + b; w and b may be null.
void row_affine(DType d, const void* x, std::int64_t rows, std::int64_t n, const double* mean, const double* factor,
                const void* w, const void* b, void* z);

/// With v = (x - mean) * factor: dx = factor * (g w - mean(g w) - v mean(g w v)); without `centred` the middle term is
/// left out. w may be null.
void row_grad(DType d, const void* g, const void* x, std::int64_t rows, std::int64_t n, const double* mean,
              const double* factor, const void* w, bool centred, void* dx);

/// For each place in the row, over all rows: product = sum of g (x - mean) factor, sum = sum of g.
void row_sums(DType d, const void* g, const void* x, std::int64_t rows, std::int64_t n, const double* mean,
              const double* factor, double* product, double* sum);

}  // namespace chainrule::kernels
