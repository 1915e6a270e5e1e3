// Inner header: for our own sources, not installed.
// The one traversal: every node that results were computed from, newest first, and the trainable leaves behind them.
// backward, drawing and counting all use it. No recursion: a million nodes need no more stack than one.
#pragma once

#include <cassert>
#include <span>
#include <vector>

#include "engine/node.h"

namespace chainrule {

/// What a walk notes down; its memory is kept for the next walk.
template <class T>
using WorkList = std::vector<T, internal::PoolAllocator<T>>;

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
  /// True when another walk of this thread holds nodes of this graph, too.
  bool nested() const { return !outer_marks_.empty(); }
  /// Unless nested: lets go of the node at `place`, when all before it were left: nobody asks for its place again, and
  /// the destructor need not come by once more.
  void leave(std::size_t place) noexcept {
    node(place).mark.store(0, std::memory_order_release);
    left_ = place + 1;
  }
  /// Place of a node, or npos when it is not part of this graph.
  std::size_t place_of(const Node& node) const {
    const std::uint64_t mark = node.mark.load(std::memory_order_relaxed);
    return (mark & ~kPlaceMask) == tag_ ? mark & kPlaceMask : npos;
  }
  /// Place of a node that is known to be part of this graph.
  std::size_t sure_place_of(const Node& node) const {
    assert(place_of(node) != npos);
    return node.mark.load(std::memory_order_relaxed) & kPlaceMask;
  }
  static constexpr std::size_t npos = ~std::size_t{0};
  /// The newest node whose saved values were freed, or null.
  const Node* released() const { return released_; }

  /// Leaves that need gradients, in order of first discovery.
  std::span<TensorImpl* const> leaves() const { return leaves_; }
  std::size_t leaf_place(const TensorImpl* leaf) const {
    for (std::size_t s = slot_of(leaf);; s = (s + 1) & mask_) {
      if (table_[s].leaf == leaf) return table_[s].place;
      if (!table_[s].leaf) return npos;
    }
  }

 private:
  // A mark is thread (16 bits), walk (16 bits), place (32 bits). Zero: nobody walks the node.
  static constexpr std::uint64_t kPlaceMask = 0xffffffff;
  struct Item {
    Node* node;
    std::uint64_t number;
  };
  struct OuterMark {
    Node* node;
    std::uint64_t mark;
  };
  struct LeafPlace {
    const TensorImpl* leaf = nullptr;
    std::size_t place = 0;
  };
  std::size_t slot_of(const TensorImpl* leaf) const {
    return (reinterpret_cast<std::uintptr_t>(leaf) >> 6) * 0x9E3779B97F4A7C15u >> 40 & mask_;
  }
  void claim(Node* node);
  void add_leaf(TensorImpl* leaf);
  void enter(TensorImpl* leaf, std::size_t place);
  void release() noexcept;
  std::uint64_t tag_;
  WorkList<Item> nodes_;
  WorkList<OuterMark> outer_marks_;  // what nodes carried that another walk of this thread holds
  std::size_t left_ = 0;             // nodes let go of
  WorkList<TensorImpl*> leaves_;
  std::size_t mask_ = 15;
  WorkList<LeafPlace> table_;  // open addressing, of mask_ + 1 slots
  const Node* released_ = nullptr;
};

}  // namespace chainrule
