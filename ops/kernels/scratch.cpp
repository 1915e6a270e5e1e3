// The buffers of scratch.h, and the one call that empties all that kernels keep: caches tell it how.
#include "ops/kernels/scratch.h"

#include <array>
#include <atomic>
#include <new>

#include "ops/kernels/parallel.h"

namespace chainrule {
namespace kernels {
namespace {

constexpr std::align_val_t kAlignment{64};

std::atomic<std::size_t> total{0};
std::atomic<std::uint64_t> clearings{0};

std::array<std::atomic<void (*)()>, 8> caches{};  // how to clear those of other files
std::atomic<std::size_t> registered{0};

struct Buffers {
  struct Buffer {
    void* data = nullptr;
    std::size_t bytes = 0;
  };
  std::array<Buffer, kScratchUses> list{};
  std::uint64_t cleared = 0;  // the clearing that this thread has followed

  ~Buffers() { clear(); }
  void clear() {
    for (Buffer& b : list) release(b);
  }
  static void release(Buffer& b) {
    ::operator delete(b.data, kAlignment);
    total.fetch_sub(b.bytes, std::memory_order_relaxed);
    b = {};
  }
};

Buffers& mine() {
  thread_local Buffers buffers;
  return buffers;
}

}  // namespace

void* scratch_bytes(Scratch use, std::size_t bytes) {
  Buffers& all = mine();
  // Nobody can free another thread's buffers: each gives up its own when it next comes by.
  if (const auto now = clearings.load(std::memory_order_relaxed); all.cleared != now) {
    all.clear();
    all.cleared = now;
  }
  Buffers::Buffer& b = all.list[static_cast<std::size_t>(use)];
  if (bytes > b.bytes) {
    Buffers::release(b);
    b.data = ::operator new(bytes, kAlignment);
    b.bytes = bytes;
    total.fetch_add(bytes, std::memory_order_relaxed);
  }
  return b.data;
}

std::size_t scratch_size() { return total.load(std::memory_order_relaxed); }

void on_clear_kernel_caches(void (*clear)()) {
  caches.at(registered.fetch_add(1, std::memory_order_relaxed)).store(clear, std::memory_order_release);
}

}  // namespace kernels

void clear_kernel_caches() {
  for (const auto& entry : kernels::caches) {
    if (const auto clear = entry.load(std::memory_order_acquire)) clear();
  }
  kernels::clearings.fetch_add(1, std::memory_order_relaxed);
  kernels::mine().clear();
}

}  // namespace chainrule
