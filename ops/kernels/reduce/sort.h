// Inner header: for our own sources, not installed.
// Orders along one axis, as positions. Memory is dense and seen as (outer, n, inner). Equal numbers keep the order of
// their positions (also -0 and 0), NaN counts as the largest number. The work runs in lanes: lane t takes every
// lanes-th line, in scratch memory of its own that the caller provides.
#pragma once

#include <cstddef>
#include <cstdint>

#include "engine/types/dtype.h"
#include "ops/kernels/lines.h"

namespace chainrule::kernels {

/// Scratch memory for these lines: `lanes` pieces of `bytes`.
struct SortScratch {
  std::int64_t lanes = 1;
  std::size_t bytes = 0;
  void* memory = nullptr;
};
SortScratch sort_scratch(DType d, const Lines& s);

/// index is (outer, n, inner).
void argsort(DType d, const void* x, const Lines& s, bool descending, std::int64_t* index, const SortScratch& scratch);
/// The k largest or smallest in order; 0 <= k <= n; index is (outer, k, inner).
void argtopk(DType d, const void* x, const Lines& s, std::int64_t k, bool largest, std::int64_t* index,
             const SortScratch& scratch);
/// The lower of the two in the middle, or the first NaN; n >= 1; index is (outer, inner).
void argmedian(DType d, const void* x, const Lines& s, std::int64_t* index, const SortScratch& scratch);

}  // namespace chainrule::kernels
