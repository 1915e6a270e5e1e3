// The OpenMP side of parallel.h, the only place that opens a parallel region.
#include "ops/kernels/parallel.h"

#include <algorithm>
#include <atomic>
#include <cfenv>
#include <exception>

#ifdef _OPENMP
#include <omp.h>
#endif

namespace chainrule {

namespace {
std::atomic<int> requested_threads{0};
}

void set_num_threads(int count) { requested_threads.store(std::max(count, 0), std::memory_order_relaxed); }

int num_threads() {
#ifdef _OPENMP
  const int count = requested_threads.load(std::memory_order_relaxed);
  return count > 0 ? count : omp_get_max_threads();
#else
  return 1;
#endif
}

namespace kernels {

void parallel_run(std::int64_t n, std::int64_t grain, void (*run)(void*, std::int64_t, std::int64_t), void* context) {
  if (n <= 0) return;
#ifdef _OPENMP
  grain = std::max<std::int64_t>(grain, 1);
  if (n >= 2 * grain && !omp_in_parallel()) {
    const auto pieces = std::min<std::int64_t>(num_threads(), n / grain);
    if (pieces > 1) {
      std::exception_ptr failure;  // an exception must not leave the region
      // Rounding and flush-to-zero are the caller's choice, and the same on every thread, or bits would depend on them.
      std::fenv_t callers;
      std::fegetenv(&callers);
#pragma omp parallel num_threads(static_cast <int>(pieces))
      {
        // The runtime may give fewer threads than asked for.
        const std::int64_t count = omp_get_num_threads();
        const std::int64_t which = omp_get_thread_num();
        const std::int64_t share = n / count, extra = n % count;
        const std::int64_t begin = which * share + std::min(which, extra);
        const std::int64_t end = begin + share + (which < extra ? 1 : 0);
        std::fenv_t own;
        if (which != 0) {
          std::fegetenv(&own);
          std::fesetenv(&callers);
        }
        try {
          if (begin < end) run(context, begin, end);
        } catch (...) {
#pragma omp critical(chainrule_parallel_failure)
          if (!failure) failure = std::current_exception();
        }
        if (which != 0) std::fesetenv(&own);
      }
      if (failure) std::rethrow_exception(failure);
      return;
    }
  }
#else
  (void)grain;
#endif
  run(context, 0, n);
}

}  // namespace kernels
}  // namespace chainrule
