// Inner header: for our own sources, not installed.
// What the oneDNN users share: keeping oneDNN to the thread it is called on. Its own threads would cut sums in ways
// that depend on their number; ours cut by shape. Without OpenMP here there is no such control, so oneDNN is not used
// at all then.
#pragma once

#if defined(CHAINRULE_ONEDNN) && CHAINRULE_ONEDNN && defined(_OPENMP)
#define CHAINRULE_KERNELS_USE_ONEDNN 1
#include <omp.h>

namespace chainrule::kernels::detail {

class OneThread {
 public:
  OneThread() { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_ = omp_get_max_threads();
};

}  // namespace chainrule::kernels::detail
#else
#define CHAINRULE_KERNELS_USE_ONEDNN 0
#endif
