// Inner header: for our own sources, not installed.
// Running sums, products and first-order recurrences along one axis. Memory is dense and seen as (outer, n, inner);
// `reverse` starts at the end of the axis. Lines are computed one number after the other, so the bits do not depend on
// threads.
#pragma once

#include <cstdint>

#include "engine/types/dtype.h"
#include "ops/kernels/lines.h"

namespace chainrule::kernels {

// z has x's dtype, but int64 when x is bool. float32 is added and multiplied up in double, float64 sums carry what each
// addition rounds off (Neumaier, "Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen", ZAMM 54,
// 1974); integers wrap around.

void cumsum(DType d, const void* x, void* z, const Lines& s, bool reverse);
void cumprod(DType d, const void* x, void* z, const Lines& s, bool reverse);

/// z[k] = the product of all x of the line but x[k]. Floating types.
void products_of_others(DType d, const void* x, void* z, const Lines& s);

/// z[k] = b[k] + a[k] z[k - 1] (z[k + 1] in reverse), beginning with z = b. Floating types.
void recurrence(DType d, const void* a, const void* b, void* z, const Lines& s, bool reverse);

}  // namespace chainrule::kernels
