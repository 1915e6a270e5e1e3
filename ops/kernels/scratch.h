// Inner header: for our own sources, not installed.
// Working memory of the kernels: one buffer for each thread and use, aligned for whole vectors and kept between calls,
// so that the second call of the same size asks nothing of the system.
#pragma once

#include <cstddef>
#include <cstdint>

namespace chainrule::kernels {

/// What a buffer is for; two uses of one thread never share one.
enum class Scratch { packed, images, cotangents, weights, sums, primitive, columns, plane, product, folds, largest };
inline constexpr std::size_t kScratchUses = 11;

/// At least `bytes` of the calling thread's buffer for that use, aligned to 64. What it held is lost when it grows, and
/// after clear_kernel_caches(). Throws std::bad_alloc.
void* scratch_bytes(Scratch use, std::size_t bytes);

template <class T>
T* scratch(Scratch use, std::int64_t n) {
  return static_cast<T*>(scratch_bytes(use, static_cast<std::size_t>(n) * sizeof(T)));
}

/// Bytes of all threads' buffers.
std::size_t scratch_size();

/// Makes clear_kernel_caches() call `clear` too. A cache registers itself once, when it is made; 8 caches at most.
void on_clear_kernel_caches(void (*clear)());

}  // namespace chainrule::kernels
