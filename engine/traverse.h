// The one traversal: every node that results were computed from, newest first, and the trainable leaves behind them.
// backward, drawing and counting all use it. No recursion: a million nodes need no more stack than one.
#pragma once

#include <span>
#include <vector>

#include "engine/node.h"

namespace chainrule {

/// What a walk notes down; its memory is kept for the next walk.
template <class T>
using WorkList = std::vector<T, PoolAllocator<T>>;

/// Holds the nodes reachable from `roots`, ordered by falling creation number: every node stands before its inputs.
/// While it lives each node carries its place, so that an edge finds its node's entry at once. Traversals of the same
/// thread may nest (a hook that calls backward). Throws GraphError when another thread is walking one of the nodes.
class Traversal {
 public:
  explicit Traversal(std::span<const Tensor> roots);
  ~Traversal();
  Traversal(const Traversal&) = delete;
  Traversal& operator=(const Traversal&) = delete;

  std::size_t size() const { return nodes_.size(); }
  Node& node(std::size_t place) const { return *nodes_[place].node; }
  /// Asks for the memory of nodes that are read soon.
  void prefetch(std::size_t place) const {
    constexpr std::size_t kAhead = 6;
    if (place + kAhead >= nodes_.size()) return;
    const Node* soon = nodes_[place + kAhead].node;
    __builtin_prefetch(soon);
    __builtin_prefetch(soon + 1);
  }
  /// Place of a node, or npos when it is not part of this graph.
  std::size_t place_of(const Node& node) const {
    const std::uint64_t mark = node.mark.load(std::memory_order_relaxed);
    return (mark & ~kPlaceMask) == tag_ ? mark & kPlaceMask : npos;
  }
  static constexpr std::size_t npos = ~std::size_t{0};
  /// The newest node whose saved values were freed, or null.
  const Node* released() const { return released_; }

  /// Leaves that need gradients, in order of first discovery.
  std::span<TensorImpl* const> leaves() const { return leaves_; }
  std::size_t leaf_place(const TensorImpl* leaf) const {
    const std::size_t mask = table_.size() - 1;
    for (std::size_t s = slot_of(leaf, mask);; s = (s + 1) & mask) {
      if (table_[s] == 0) return npos;
      if (leaves_[table_[s] - 1] == leaf) return table_[s] - 1;
    }
  }

 private:
  // A mark is thread (16 bits), walk (16 bits), place (32 bits). Zero: nobody walks the node.
  static constexpr std::uint64_t kPlaceMask = 0xffffffff;
  struct Item {
    Node* node;
    std::uint64_t number;
    std::uint64_t mark_before;
  };
  static std::size_t slot_of(const TensorImpl* leaf, std::size_t mask) {
    return (reinterpret_cast<std::uintptr_t>(leaf) >> 6) * 0x9E3779B97F4A7C15u >> 40 & mask;
  }
  void claim(Node* node);
  void add_leaf(TensorImpl* leaf);
  void grow_table();
  void release() noexcept;
  std::uint64_t tag_;
  WorkList<Item> nodes_;
  WorkList<TensorImpl*> leaves_;
  WorkList<std::uint32_t> table_;  // open addressing: place of a leaf + 1
  const Node* released_ = nullptr;
  std::uint64_t last_number_ = ~std::uint64_t{0};
  bool sorted_ = true;
};

}  // namespace chainrule
