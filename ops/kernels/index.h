// Inner header: for our own sources, not installed.
// Loops that read or add at positions given by an index, along one axis. Memory is dense and seen as (outer, axis,
// inner). Indices count from 0; the caller has checked them (first_outside helps). The adding loops use a fixed order.
#pragma once

#include <cstdint>

#include "engine/types/dtype.h"
#include "ops/kernels/lines.h"

namespace chainrule::kernels {

/// Position of the first index outside [0, axis), or -1 when all are inside.
std::int64_t first_outside(const std::int64_t* index, std::int64_t n, std::int64_t axis);

/// z[o, j, i] = x[o, index[j], i], z is (outer, count, inner). Any dtype.
void index_select(DType d, const void* x, const Lines& s, const std::int64_t* index, std::int64_t count, void* z);
/// The adjoint: x = 0, then x[o, index[j], i] += g[o, j, i]. Not for bool.
void index_add(DType d, const void* g, const Lines& s, const std::int64_t* index, std::int64_t count, void* x);

/// z[o, j, i] = x[o, index[o, j, i], i], index and z are (outer, count, inner). Any dtype.
void gather(DType d, const void* x, const Lines& s, const std::int64_t* index, std::int64_t count, void* z);
/// The adjoint: x = 0, then x[o, index[o, j, i], i] += g[o, j, i]. Not for bool.
void scatter_add(DType d, const void* g, const Lines& s, const std::int64_t* index, std::int64_t count, void* x);

}  // namespace chainrule::kernels
