// Inner header: for our own sources, not installed.
// Splits a range over the threads of the one runtime in the process (OpenMP); without it everything runs on the caller.
// Small work, and work that is already inside a parallel region, stays on the calling thread.
#pragma once

#include <cstdint>
#include <memory>
#include <type_traits>

#include "engine/types/threads.h"

namespace chainrule {

/// Gives back what kernels keep between calls: prepared convolutions, packed weights, working memory. Each of these is
/// bounded; other threads' working memory goes when they next compute. Results do not change.
void clear_kernel_caches();

namespace kernels {

/// Calls run(context, begin, end) on consecutive pieces of [0, n), each of at least `grain` elements (one piece may be
/// smaller).
void parallel_run(std::int64_t n, std::int64_t grain, void (*run)(void*, std::int64_t, std::int64_t), void* context);

/// The grain for pieces of `work` elements each: as many as make a thread worth waking.
constexpr std::int64_t rows_per_thread(std::int64_t work) {
  constexpr std::int64_t kWorthAThread = 1 << 14;
  return work >= kWorthAThread || work <= 0 ? 1 : kWorthAThread / work;
}

/// f(begin, end) over pieces of [0, n). Where the pieces end depends on the number of threads, so f must compute each
/// element independently of the piece it lies in. The first exception of f is rethrown here, after all pieces ended.
template <class F>
void parallel_for(std::int64_t n, std::int64_t grain, F&& f) {
  using Fn = std::remove_reference_t<F>;
  const auto run = [](void* context, std::int64_t begin, std::int64_t end) {
    (*static_cast<Fn*>(context))(begin, end);
  };
  parallel_run(n, grain, run, const_cast<void*>(static_cast<const void*>(std::addressof(f))));
}

}  // namespace kernels
}  // namespace chainrule
