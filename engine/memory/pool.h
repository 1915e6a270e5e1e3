// Memory: small fixed-size blocks for nodes and tensor headers, and cached 64-byte-aligned buffers for values.
// Every thread keeps its own free lists; what it cannot keep goes home to a shared store, also when the thread ends.
// Builds with sanitizers use plain new and delete, so that misuse is seen.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace chainrule {
namespace internal {

/// Free blocks of one size, and what one thread keeps of all sizes. Here only so that taking a block is a few
/// instructions where it is needed.
struct FreeBlock {
  FreeBlock* next;
};
struct FreeList {
  FreeBlock* head = nullptr;
  std::size_t count = 0;
};
inline constexpr std::size_t kBlockStep = 64, kLargestBlock = 1024, kBlockBatch = 128;
/// A thread keeps what a graph of some hundred thousand nodes needs; beyond that it is somebody else's turn.
inline constexpr std::size_t kBlocksKept = 512 * kBlockBatch;
struct BlockCache {
  std::array<FreeList, kLargestBlock / kBlockStep> lists;
  std::atomic<std::int64_t> nodes{0};
};
inline constinit thread_local BlockCache* block_cache = nullptr;

void* allocate_block(std::size_t bytes);
void free_block(void* block, std::size_t bytes) noexcept;
void send_blocks_home(std::size_t size_class) noexcept;
void count_node_slowly(int change) noexcept;

/// A block of at least `bytes`, aligned to 64; above 1024 bytes one from operator new.
inline void* pool_allocate(std::size_t bytes) {
#if !CHAINRULE_PLAIN_ALLOCATION
  if (BlockCache* mine = block_cache; mine && bytes <= kLargestBlock) [[likely]] {
    FreeList& list = mine->lists[(bytes - 1) / kBlockStep];
    if (FreeBlock* b = list.head) [[likely]] {
      list.head = b->next;
      --list.count;
      return b;
    }
  }
#endif
  return allocate_block(bytes);
}

inline void pool_free(void* block, std::size_t bytes) noexcept {
#if !CHAINRULE_PLAIN_ALLOCATION
  if (BlockCache* mine = block_cache; mine && bytes <= kLargestBlock) [[likely]] {
    const std::size_t size_class = (bytes - 1) / kBlockStep;
    FreeList& list = mine->lists[size_class];
    auto* b = static_cast<FreeBlock*>(block);
    b->next = list.head;
    list.head = b;
    if (++list.count > kBlocksKept) [[unlikely]]
      send_blocks_home(size_class);
    return;
  }
#endif
  free_block(block, bytes);
}

/// A 64-byte-aligned buffer from the cache or the system. Throws EnvironmentError when there is no memory.
void* buffer_allocate(std::size_t bytes);
void buffer_free(void* buffer, std::size_t bytes) noexcept;

}  // namespace internal

/// Bytes that freed buffers may keep for reuse (default 1 GiB); a lower limit frees at once.
void set_buffer_cache_limit(std::size_t bytes);
/// Bytes that the buffers of all tensors together may take (default 0: no limit). A tensor that would need more throws
/// EnvironmentError; nothing that exists is touched.
void set_memory_limit(std::size_t bytes);
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
namespace internal {

[[gnu::always_inline]] inline void count_node(int change) noexcept {
  if (BlockCache* mine = block_cache) [[likely]]
    mine->nodes.store(mine->nodes.load(std::memory_order_relaxed) + change, std::memory_order_relaxed);
  else
    count_node_slowly(change);
}

/// For containers of the library's own work that come and go with every walk: small ones from the blocks, large ones
/// from the cached buffers.
template <class T>
struct PoolAllocator {
  using value_type = T;
  PoolAllocator() = default;
  template <class U>
  PoolAllocator(const PoolAllocator<U>&) noexcept {}
  T* allocate(std::size_t n) {
    const std::size_t bytes = n * sizeof(T);  // T may be a pointer: NOLINT(bugprone-sizeof-expression)
    return static_cast<T*>(bytes <= kLargestBlock ? pool_allocate(bytes) : buffer_allocate(bytes));
  }
  void deallocate(T* p, std::size_t n) noexcept {
    const std::size_t bytes = n * sizeof(T);  // T may be a pointer: NOLINT(bugprone-sizeof-expression)
    if (bytes <= kLargestBlock)
      pool_free(p, bytes);
    else
      buffer_free(p, bytes);
  }
  bool operator==(const PoolAllocator&) const = default;
};

}  // namespace internal
}  // namespace chainrule
