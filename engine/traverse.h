// The one traversal: every node that results were computed from, newest first, and the trainable leaves behind them.
// backward, drawing and counting all use it. No recursion: a million nodes need no more stack than one.
#pragma once

#include <span>
#include <vector>

#include "engine/node.h"

namespace chainrule {

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
  /// Place of a node, or npos when it is not part of this graph.
  std::size_t place_of(const Node& node) const;
  static constexpr std::size_t npos = ~std::size_t{0};

  /// Leaves that need gradients, in order of first discovery.
  std::span<TensorImpl* const> leaves() const { return leaves_; }
  std::size_t leaf_place(const TensorImpl* leaf) const;

 private:
  struct Item {
    Node* node;
    std::uint64_t number;
    std::uint64_t mark_before;
  };
  void claim(Node* node);
  void add_leaf(TensorImpl* leaf);
  void release() noexcept;
  std::uint64_t tag_;
  std::vector<Item> nodes_;
  std::vector<TensorImpl*> leaves_;
  std::vector<std::uint32_t> table_;  // open addressing: place of a leaf + 1
};

}  // namespace chainrule
