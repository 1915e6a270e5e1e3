// Inner header: for our own sources, not installed.
// Loops that fold one axis. Memory is dense and seen as (outer, reduced, inner): z[o, i] = fold over r of x[o, r, i].
// Sums are pairwise over fixed chunks, so the bits depend neither on the number of threads nor on the instruction set.
#pragma once

#include <cstdint>

#include "engine/types/dtype.h"
#include "ops/kernels/lines.h"

namespace chainrule::kernels {

/// z has x's dtype, but counts into int64 when x is bool. An empty axis gives 0.
void sum(DType d, const void* x, void* z, const Lines& s);

/// The same for products; an empty axis gives 1.
void prod(DType d, const void* x, void* z, const Lines& s);
/// How many numbers are not 0; NaN is not.
void count_nonzero(DType d, const void* x, std::int64_t* z, const Lines& s);

/// Floating types; an empty axis gives NaN.
void mean(DType d, const void* x, void* z, const Lines& s);
/// Floating types: the sum of squared distances from the mean, by `divisor`.
void variance(DType d, const void* x, void* z, const Lines& s, double divisor);
/// Floating types: (sum |x|^p)^(1/p), p finite and not 0. For p = 2 no square overflows or vanishes on the way.
void norm(DType d, const void* x, void* z, const Lines& s, double p);

// Largest and smallest: floating types and int64, reduced >= 1. NaN wins; among equals the first position wins.

void amax(DType d, const void* x, void* z, const Lines& s);
void amin(DType d, const void* x, void* z, const Lines& s);
void argmax(DType d, const void* x, std::int64_t* z, const Lines& s);
void argmin(DType d, const void* x, std::int64_t* z, const Lines& s);

// Floating types. The row's maximum is taken out first, so nothing overflows on the way. A row of -inf only: logsumexp
// -inf, softmax and log_softmax NaN. logsumexp of a row with +inf is +inf; of an empty row -inf.

/// z is (outer, inner).
void logsumexp(DType d, const void* x, void* z, const Lines& s);

// z, and x or g, may be the same memory: all are (outer, n, inner).

void softmax(DType d, const void* x, void* z, const Lines& s);
void log_softmax(DType d, const void* x, void* z, const Lines& s);
/// dx = z (g - sum(g z)), z the softmax.
void softmax_grad(DType d, const void* g, const void* z, void* dx, const Lines& s);
/// dx = g - exp(z) sum(g), z the log_softmax.
void log_softmax_grad(DType d, const void* g, const void* z, void* dx, const Lines& s);

}  // namespace chainrule::kernels
