// Memory: small fixed-size blocks for nodes and tensor headers, and cached 64-byte-aligned buffers for values.
// Every thread keeps its own free lists; what it cannot keep goes home to a shared store, also when the thread ends.
// Builds with sanitizers use plain new and delete, so that misuse is seen.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace chainrule {

/// True while the process has never had a second thread: then a plain add does for an atomic one.
inline bool single_threaded() {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded;
#else
  return false;
#endif
}

/// An intrusive reference count that starts at one.
class RefCount {
 public:
  void add() noexcept {
    if (single_threaded())
      count_.store(count_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    else
      count_.fetch_add(1, std::memory_order_relaxed);
  }
  /// True when the last reference has gone. A sole owner needs no atomic write: nobody else can add one.
  [[nodiscard]] bool drop() noexcept {
    const auto now = count_.load(std::memory_order_acquire);
    if (now == 1) return true;
    if (single_threaded()) {
      count_.store(now - 1, std::memory_order_relaxed);
      return false;
    }
    return count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  bool unique() const noexcept { return count_.load(std::memory_order_acquire) == 1; }

 private:
  std::atomic<std::uint32_t> count_{1};
};

/// A block of at least `bytes`, aligned to 16; blocks above 1024 bytes come from operator new.
void* pool_allocate(std::size_t bytes);
void pool_free(void* block, std::size_t bytes) noexcept;

/// A 64-byte-aligned buffer from the cache or the system. Throws EnvironmentError when there is no memory.
void* buffer_allocate(std::size_t bytes);
void buffer_free(void* buffer, std::size_t bytes) noexcept;

/// Bytes that freed buffers may keep for reuse (default 1 GiB); a lower limit frees at once.
void set_buffer_cache_limit(std::size_t bytes);
/// Gives every cached buffer back to the system.
void empty_cache();

struct MemoryStats {
  std::size_t buffer_bytes = 0;       ///< in use by tensors
  std::size_t cached_bytes = 0;       ///< kept for reuse
  std::uint64_t system_requests = 0;  ///< times that a buffer or a slab of blocks was asked of the system, so far
};
MemoryStats memory_stats();

/// Nodes alive in the whole process, counted over all threads.
std::int64_t live_nodes();
void count_node(int change) noexcept;

}  // namespace chainrule
