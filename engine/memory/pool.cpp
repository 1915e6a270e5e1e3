// The pools. Blocks move between a thread's free list and the shared store in batches, so the lock is rare.
#include "engine/memory/pool.h"

#include <fmt/format.h>

#include <array>
#include <bit>
#include <boost/pool/pool.hpp>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#include "engine/types/error.h"

namespace chainrule {
namespace {

using internal::block_cache;
using internal::BlockCache;
using internal::FreeBlock;
constexpr std::size_t kClasses = internal::kLargestBlock / internal::kBlockStep;
constexpr std::align_val_t kAlignment{64};

std::atomic<std::uint64_t> system_requests{0};

// boost::pool asks for its slabs here, so that they are counted.
struct CountedAllocator {
  using size_type = std::size_t;
  using difference_type = std::ptrdiff_t;
  static char* malloc(size_type bytes) {
    system_requests.fetch_add(1, std::memory_order_relaxed);
    return static_cast<char*>(std::aligned_alloc(internal::kBlockStep, (bytes + 63) / 64 * 64));
  }
  static void free(char* slab) { std::free(slab); }
};

// Slabs of one block size. Never destroyed: blocks may outlive static destruction.
struct Store {
  explicit Store(std::size_t size) : blocks(size, 256, 16384) {}
  std::mutex mutex;
  boost::pool<CountedAllocator> blocks;
};

Store& store(std::size_t size_class) {
  static auto* const stores = [] {
    auto* all = new std::array<Store*, kClasses>;
    for (std::size_t i = 0; i < kClasses; ++i) (*all)[i] = new Store((i + 1) * internal::kBlockStep);
    return all;
  }();
  return *(*stores)[size_class];
}

struct Registry {
  std::mutex mutex;
  std::vector<BlockCache*> caches;
  std::int64_t nodes_of_ended_threads = 0;
};

Registry& registry() {
  static auto* const r = new Registry;
  return *r;
}

constinit thread_local bool thread_ended = false;

// Sends a thread's free blocks home when it ends.
struct ThreadExit {
  ~ThreadExit() {
    BlockCache* mine = block_cache;
    block_cache = nullptr;
    thread_ended = true;
    if (!mine) return;
    for (std::size_t i = 0; i < kClasses; ++i) {
      Store& s = store(i);
      const std::lock_guard lock(s.mutex);
      for (FreeBlock* b = mine->lists[i].head; b;) {
        FreeBlock* next = b->next;
        s.blocks.free(b);
        b = next;
      }
    }
    Registry& r = registry();
    const std::lock_guard lock(r.mutex);
    r.nodes_of_ended_threads += mine->nodes.load(std::memory_order_relaxed);
    std::erase(r.caches, mine);
    delete mine;
  }
};

// The thread's cache, made when first needed; null when the thread is ending.
BlockCache* my_cache() {
  if (block_cache || thread_ended) return block_cache;
  static thread_local ThreadExit at_exit;
  (void)at_exit;
  block_cache = new BlockCache;
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  r.caches.push_back(block_cache);
  return block_cache;
}

}  // namespace

void* internal::allocate_block(std::size_t bytes) {
#if CHAINRULE_PLAIN_ALLOCATION
  return ::operator new(bytes);
#else
  if (bytes > kLargestBlock) return ::operator new(bytes);
  const std::size_t size_class = (bytes - 1) / kBlockStep;
  BlockCache* mine = my_cache();
  Store& s = store(size_class);
  const std::lock_guard lock(s.mutex);
  void* result = s.blocks.malloc();
  if (!result) throw EnvironmentError("out of memory: no room for another graph node");
  if (!mine) return result;
  // The list is empty, or the thread is new; a batch, so that the lock is rare.
  FreeList& list = mine->lists[size_class];
  for (std::size_t i = 1; i < kBlockBatch; ++i) {
    auto* b = static_cast<FreeBlock*>(s.blocks.malloc());
    if (!b) break;
    b->next = list.head;
    list.head = b;
    ++list.count;
  }
  return result;
#endif
}

void internal::free_block(void* block, [[maybe_unused]] std::size_t bytes) noexcept {
#if CHAINRULE_PLAIN_ALLOCATION
  ::operator delete(block);
#else
  if (bytes > kLargestBlock) return ::operator delete(block);
  if (my_cache()) return internal::pool_free(block, bytes);
  Store& s = store((bytes - 1) / kBlockStep);
  const std::lock_guard lock(s.mutex);
  s.blocks.free(block);
#endif
}

void internal::send_blocks_home(std::size_t size_class) noexcept {
  FreeList& list = block_cache->lists[size_class];
  Store& s = store(size_class);
  const std::lock_guard lock(s.mutex);
  for (std::size_t i = 0; i < kBlockBatch; ++i) {
    FreeBlock* b = list.head;
    list.head = b->next;
    s.blocks.free(b);
  }
  list.count -= kBlockBatch;
}

void internal::count_node_slowly(int change) noexcept {
  if (my_cache()) return internal::count_node(change);
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  r.nodes_of_ended_threads += change;
}

std::int64_t live_nodes() {
  Registry& r = registry();
  const std::lock_guard lock(r.mutex);
  std::int64_t n = r.nodes_of_ended_threads;
  for (const BlockCache* c : r.caches) n += c->nodes.load(std::memory_order_relaxed);
  return n;
}

namespace {

// Cached buffers by size class: four classes to each power of two, so at most a quarter is wasted.
struct BufferCache {
  std::mutex mutex;
  std::array<std::vector<void*>, 256> lists;
  std::size_t used = 0, cached = 0, limit = std::size_t{1} << 30;
  std::size_t most = 0;  // that may be used; 0: no limit
};

BufferCache& buffers() {
  static auto* const b = new BufferCache;
  return *b;
}

struct SizeClass {
  std::size_t index, bytes;
};

SizeClass class_of(std::size_t bytes) {
  const std::size_t units = (bytes + 63) / 64;
  if (units <= 4) return {units, units * 64};
  const int top = static_cast<int>(std::bit_width(units - 1)) - 1;  // units in (2^top, 2^(top+1)]
  const std::size_t quarter = std::size_t{1} << (top - 2);
  const std::size_t steps = (units + quarter - 1) / quarter;  // 5..8 quarters
  return {static_cast<std::size_t>(top) * 4 + (steps - 4), steps * quarter * 64};
}

// Hands every cached buffer to the system; the caller holds the lock.
void drop_cached(BufferCache& b, std::size_t keep) {
  for (auto& list : b.lists) {
    while (b.cached > keep && !list.empty()) {
      void* buffer = list.back();
      list.pop_back();
      b.cached -= class_of(reinterpret_cast<std::size_t*>(buffer)[0]).bytes;
      ::operator delete(buffer, kAlignment);
    }
  }
}

// Counts a buffer that is about to be made; the caller holds the lock.
void count_in(BufferCache& b, std::size_t size) {
  if (b.most > 0 && size > b.most - std::min(b.most, b.used))
    throw EnvironmentError(fmt::format("out of memory: a tensor of {} bytes beside {} bytes in use; {} are allowed",
                                       size, b.used, b.most));
  b.used += size;
}

}  // namespace

void* internal::buffer_allocate(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 62))
    throw EnvironmentError(fmt::format("out of memory: {} bytes for one tensor", bytes));
  const SizeClass c = class_of(bytes ? bytes : 1);
  BufferCache& b = buffers();
#if !CHAINRULE_PLAIN_ALLOCATION
  {
    const std::lock_guard lock(b.mutex);
    auto& list = b.lists[c.index];
    count_in(b, c.bytes);
    if (!list.empty()) {
      void* buffer = list.back();
      list.pop_back();
      b.cached -= c.bytes;
      return buffer;
    }
  }
  system_requests.fetch_add(1, std::memory_order_relaxed);
  void* buffer = ::operator new(c.bytes, kAlignment, std::nothrow);
  if (!buffer) {
    empty_cache();
    buffer = ::operator new(c.bytes, kAlignment, std::nothrow);
  }
#else
  // The exact size, so that a read past the end is seen.
  {
    const std::lock_guard lock(b.mutex);
    count_in(b, c.bytes);
  }
  system_requests.fetch_add(1, std::memory_order_relaxed);
  void* buffer = ::operator new(bytes ? bytes : 1, kAlignment, std::nothrow);
#endif
  if (!buffer) {
    const std::lock_guard lock(b.mutex);
    b.used -= c.bytes;
    throw EnvironmentError(fmt::format("out of memory: {} bytes for one tensor", bytes));
  }
  return buffer;
}

void internal::buffer_free(void* buffer, std::size_t bytes) noexcept {
  const SizeClass c = class_of(bytes ? bytes : 1);
  BufferCache& b = buffers();
  const std::lock_guard lock(b.mutex);
  b.used -= c.bytes;
#if !CHAINRULE_PLAIN_ALLOCATION
  if (b.cached + c.bytes <= b.limit) {
    try {
      b.lists[c.index].push_back(buffer);
      reinterpret_cast<std::size_t*>(buffer)[0] = c.bytes;  // read by drop_cached
      b.cached += c.bytes;
      return;
    } catch (const std::bad_alloc&) {
      // No room to remember it: free it.
    }
  }
#endif
  ::operator delete(buffer, kAlignment);
}

void set_buffer_cache_limit(std::size_t bytes) {
  BufferCache& b = buffers();
  const std::lock_guard lock(b.mutex);
  b.limit = bytes;
  drop_cached(b, bytes);
}

void set_memory_limit(std::size_t bytes) {
  BufferCache& b = buffers();
  const std::lock_guard lock(b.mutex);
  b.most = bytes;
}

void empty_cache() {
  BufferCache& b = buffers();
  const std::lock_guard lock(b.mutex);
  drop_cached(b, 0);
}

MemoryStats memory_stats() {
  BufferCache& b = buffers();
  const std::lock_guard lock(b.mutex);
  return {b.used, b.cached, system_requests.load(std::memory_order_relaxed)};
}

}  // namespace chainrule
