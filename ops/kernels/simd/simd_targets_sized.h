// Inner header: for our own sources, not installed.
// The same for sources that hold arrays of vectors, which vectors without a fixed size cannot form. Include in place of
// simd_targets.h.
#pragma once

#include "ops/kernels/simd/simd_targets.h"

#undef HWY_DISABLED_TARGETS
#define HWY_DISABLED_TARGETS \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_AVX3_ZEN4 | HWY_AVX3_SPR | HWY_SVE | HWY_SVE2 | HWY_RVV)
