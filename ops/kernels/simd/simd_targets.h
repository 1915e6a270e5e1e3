// Inner header: for our own sources, not installed.
// Which instruction sets Highway compiles for: on x86 the baseline, AVX2 and AVX-512, on ARM NEON. Fewer sets keep the
// compile time low. Those whose vectors have no size at compile time (SVE, RISC-V's) are left out: loops hold vectors
// in arrays and structs. Include before foreach_target.h.
#pragma once

#define HWY_DISABLED_TARGETS                                                                              \
  (HWY_SSSE3 | HWY_SSE4 | HWY_AVX3_DL | HWY_AVX3_ZEN4 | HWY_AVX3_SPR | HWY_SVE | HWY_SVE2 | HWY_SVE_256 | \
   HWY_SVE2_128 | HWY_RVV)

#include <hwy/detect_targets.h>

// Names that the packaged Highway may not have yet.
#ifndef HWY_AVX3_ZEN4
#define HWY_AVX3_ZEN4 0
#endif
#ifndef HWY_AVX3_SPR
#define HWY_AVX3_SPR 0
#endif
