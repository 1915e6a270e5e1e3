// Numbers become unsigned keys in the same order, beside their positions: no two items are equal, so every order is
// stable and the same on all machines. Long lines take a radix sort of 11 bits at a time, short ones std::sort.
#include "ops/kernels/reduce/sort.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <limits>

#include "ops/kernels/parallel.h"

namespace chainrule::kernels {
namespace {

constexpr int kDigit = 11;
constexpr std::int64_t kBuckets = 1 << kDigit;
constexpr std::int64_t kRadixFrom = 256;       // numbers in a line
constexpr std::int64_t kAloneBelow = 1 << 13;  // numbers altogether that are not worth a second thread

template <class T>
std::uint64_t key_of(T v) {
  if constexpr (std::is_same_v<T, bool>) {
    return v;
  } else if constexpr (std::is_same_v<T, std::int64_t>) {
    return static_cast<std::uint64_t>(v) ^ (std::uint64_t{1} << 63);
  } else {
    using Bits = std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint64_t>;
    if (v != v) return std::numeric_limits<Bits>::max();
    const Bits sign = Bits{1} << (sizeof(T) * 8 - 1);
    const Bits bits = std::bit_cast<Bits>(v + T(0));                                  // -0 becomes 0
    const Bits flipped = static_cast<Bits>(Bits{0} - (bits >> (sizeof(T) * 8 - 1)));  // all bits below 0; no branch
    return bits ^ (flipped | sign);
  }
}

/// A key of up to 32 bits and its position in one number.
struct Packed {
  static constexpr int kKeyBits = 32;
  std::uint64_t all;
  Packed() = default;
  Packed(std::uint64_t key, std::int64_t place) : all(key << 32 | static_cast<std::uint64_t>(place)) {}
  std::uint64_t key() const { return all >> 32; }
  std::int64_t place() const { return static_cast<std::int64_t>(all & 0xffffffffu); }
  bool operator<(const Packed& o) const { return all < o.all; }
};

struct Wide {
  static constexpr int kKeyBits = 64;
  std::uint64_t word;
  std::int64_t at;
  Wide() = default;
  Wide(std::uint64_t key, std::int64_t place) : word(key), at(place) {}
  std::uint64_t key() const { return word; }
  std::int64_t place() const { return at; }
  bool operator<(const Wide& o) const { return word != o.word ? word < o.word : at < o.at; }
};

bool packs(DType d, std::int64_t n) { return item_size(d) <= 4 && n < std::numeric_limits<std::uint32_t>::max(); }

template <class Item>
constexpr std::int64_t kPasses = (Item::kKeyBits + kDigit - 1) / kDigit;

/// Sorts by key; items of one key keep their order. `other` is room for as many items.
template <class Item>
void radix_sort(Item* items, Item* other, std::int64_t n, std::int64_t* counts) {
  std::fill_n(counts, kPasses<Item> * kBuckets, std::int64_t{0});
  for (std::int64_t i = 0; i < n; ++i) {
    const std::uint64_t key = items[i].key();
    for (std::int64_t p = 0; p < kPasses<Item>; ++p) ++counts[p * kBuckets + (key >> (p * kDigit) & (kBuckets - 1))];
  }
  Item *from = items, *to = other;
  for (std::int64_t p = 0; p < kPasses<Item>; ++p) {
    std::int64_t* start = counts + p * kBuckets;
    auto bucket = [p](const Item& item) { return item.key() >> (p * kDigit) & (kBuckets - 1); };
    if (start[bucket(from[0])] == n) continue;  // all have the same digit
    std::int64_t sum = 0;
    for (std::int64_t b = 0; b < kBuckets; ++b) {
      const std::int64_t count = start[b];
      start[b] = sum;
      sum += count;
    }
    for (std::int64_t i = 0; i < n; ++i) to[start[bucket(from[i])]++] = from[i];
    std::swap(from, to);
  }
  if (from != items) std::copy_n(from, n, items);
}

template <class Item>
std::size_t scratch_bytes(std::int64_t n) {
  const std::size_t items = static_cast<std::size_t>(n) * sizeof(Item);
  return n < kRadixFrom ? items : 2 * items + static_cast<std::size_t>(kPasses<Item> * kBuckets) * 8;
}

/// One line's numbers as items in a lane's memory; keys are flipped when the largest come first.
template <class Item, class T>
struct Room {
  Item* items;
  const T* x;
  std::int64_t n, step;
  std::uint64_t flip;

  Item item(std::int64_t i) const { return Item(key_of(x[i * step]) ^ flip, i); }
  void fill() const {
    for (std::int64_t i = 0; i < n; ++i) items[i] = item(i);
  }
  void sort() const {
    fill();
    if (n < kRadixFrom)
      std::sort(items, items + n);
    else
      radix_sort(items, items + n, n, reinterpret_cast<std::int64_t*>(items + 2 * n));
  }
  /// Brings the first k to the front, in order. Of a long line only those are kept that may still belong to them.
  void select(std::int64_t k) const {
    const std::int64_t most = std::max<std::int64_t>(2 * k, 256);
    std::int64_t held = 0;
    if (n <= most) {
      fill();
      held = n;
    } else {
      Item last = items[0] = item(0);
      for (std::int64_t i = held = 1; i < n; ++i) {
        const Item next = item(i);
        if (held >= k && !(next < last)) continue;
        items[held++] = next;
        if (held < k) continue;
        if (held == most) {
          std::nth_element(items, items + k - 1, items + held);
          held = k;
        }
        if (held == k) last = *std::max_element(items, items + k);
      }
    }
    std::nth_element(items, items + k - 1, items + held);
    std::sort(items, items + k);
  }
};

/// Calls use(room, line) for every line; lane by lane.
template <class Item, class T, class Use>
void each_line(const T* x, const Lines& s, bool largest_first, const SortScratch& scratch, const Use& use) {
  const std::uint64_t ones = Item::kKeyBits == 32 ? 0xffffffffu : std::numeric_limits<std::uint64_t>::max();
  const std::int64_t count = s.count();
  parallel_for(scratch.lanes, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t lane = begin; lane < end; ++lane) {
      auto* memory = static_cast<std::byte*>(scratch.memory) + static_cast<std::size_t>(lane) * scratch.bytes;
      for (std::int64_t line = lane; line < count; line += scratch.lanes) {
        const T* from = x + line / s.inner * s.n * s.inner + line % s.inner;
        use(Room<Item, T>{reinterpret_cast<Item*>(memory), from, s.n, s.inner, largest_first ? ones : 0}, line);
      }
    }
  });
}

template <class Use>
void each_line(DType d, const void* x, const Lines& s, bool largest_first, const SortScratch& scratch, const Use& use) {
  if (s.count() == 0) return;
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(x);
    if (packs(d, s.n))
      each_line<Packed>(from, s, largest_first, scratch, use);
    else
      each_line<Wide>(from, s, largest_first, scratch, use);
  });
}

}  // namespace

SortScratch sort_scratch(DType d, const Lines& lines) {
  SortScratch s;
  const bool alone = lines.count() * lines.n < kAloneBelow;
  s.lanes = alone ? 1 : std::max<std::int64_t>(std::min<std::int64_t>(lines.count(), num_threads()), 1);
  s.bytes =
      ((packs(d, lines.n) ? scratch_bytes<Packed>(lines.n) : scratch_bytes<Wide>(lines.n)) + 63) & ~std::size_t{63};
  return s;
}

void argsort(DType d, const void* x, const Lines& s, bool descending, std::int64_t* index, const SortScratch& scratch) {
  argtopk(d, x, s, s.n, descending, index, scratch);
}

void argtopk(DType d, const void* x, const Lines& s, std::int64_t k, bool largest, std::int64_t* index,
             const SortScratch& scratch) {
  if (k == 0) return;
  each_line(d, x, s, largest, scratch, [&](const auto& room, std::int64_t line) {
    if (k < s.n)
      room.select(k);
    else
      room.sort();
    std::int64_t* to = index + line / s.inner * k * s.inner + line % s.inner;
    for (std::int64_t i = 0; i < k; ++i) to[i * s.inner] = room.items[i].place();
  });
}

void argmedian(DType d, const void* x, const Lines& s, std::int64_t* index, const SortScratch& scratch) {
  assert(s.n >= 1);
  each_line(d, x, s, false, scratch, [&](const auto& room, std::int64_t line) {
    for (std::int64_t i = 0; i < s.n; ++i) {
      if (room.x[i * s.inner] != room.x[i * s.inner]) {
        index[line] = i;
        return;
      }
    }
    room.fill();
    const auto middle = room.items + (s.n - 1) / 2;
    std::nth_element(room.items, middle, room.items + s.n);
    index[line] = middle->place();
  });
}

}  // namespace chainrule::kernels
