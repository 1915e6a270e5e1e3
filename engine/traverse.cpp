// Collecting a graph and putting it in order.
#include "engine/traverse.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr int kThreadShift = 48, kWalkShift = 32;

std::uint64_t new_tag() {
  static std::atomic<std::uint64_t> threads{0};
  static thread_local const std::uint64_t thread = threads.fetch_add(1) % 0xfffe + 1;
  static thread_local std::uint64_t walk = 0;
  walk = walk % 0xffff + 1;
  return thread << kThreadShift | walk << kWalkShift;
}

[[noreturn]] void throw_walked_elsewhere(const Node& node) {
  throw GraphError(
      fmt::format("{} is being walked by another thread: a graph may be used by one thread at a time", node.title()));
}

}  // namespace

inline void Traversal::claim(Node* node) {
  std::uint64_t before = node->mark.load(std::memory_order_relaxed);
  if ((before & ~kPlaceMask) == tag_) return;
  if (before && before >> kThreadShift != tag_ >> kThreadShift) throw_walked_elsewhere(*node);
  const std::uint64_t mark = tag_ | nodes_.size(), number = node->number;
  nodes_.push_back({node, number});
  if (before) [[unlikely]]
    outer_marks_.push_back({node, before});
  if (internal::single_threaded()) {
    node->mark.store(mark, std::memory_order_relaxed);
  } else if (!node->mark.compare_exchange_strong(before, mark, std::memory_order_acquire)) {
    nodes_.pop_back();  // its mark is another thread's, and so is not in outer_marks_ either
    throw_walked_elsewhere(*node);
  }
  if (node->was_released() && (!released_ || number > released_->number)) [[unlikely]]
    released_ = node;
}

Traversal::Traversal(std::span<const Tensor> roots) : tag_(new_tag()), table_(mask_ + 1) {
  nodes_.reserve(32);
  try {
    for (const Tensor& root : roots) {
      if (root.node())
        claim(root.node());
      else if (root.impl().requires_grad && leaf_place(&root.impl()) == npos)
        add_leaf(&root.impl());
    }
    // The list of found nodes is its own work list.
    for (std::size_t next = 0; next < nodes_.size(); ++next) {
      for (const Edge& e : nodes_[next].node->edges()) {
        if (!e.needs_grad) continue;
        if (e.node)
          claim(e.node.get());
        else if (leaf_place(e.value.get()) == npos)
          add_leaf(e.value.get());
      }
    }
    auto newer = [](const Item& a, const Item& b) { return a.number > b.number; };
    if (!std::is_sorted(nodes_.begin(), nodes_.end(), newer)) {
      std::sort(nodes_.begin(), nodes_.end(), newer);
      for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i].node->mark.store(tag_ | i, std::memory_order_relaxed);
    }
  } catch (...) {
    release();
    throw;
  }
#ifndef NDEBUG
  for (const Item& item : nodes_)
    for (const Edge& e : item.node->edges()) assert(!e.node || e.node->number < item.number);
#endif
}

Traversal::~Traversal() { release(); }

void Traversal::release() noexcept {
  // What this walk did to a node is seen by the thread that claims it next.
  for (const OuterMark& outer : outer_marks_) outer.node->mark.store(outer.mark, std::memory_order_release);
  for (; left_ < nodes_.size(); ++left_)
    if (place_of(node(left_)) != npos) node(left_).mark.store(0, std::memory_order_release);
}

void Traversal::enter(TensorImpl* leaf, std::size_t place) {
  std::size_t s = slot_of(leaf);
  while (table_[s].leaf) s = (s + 1) & mask_;
  table_[s] = {leaf, place};
}

void Traversal::add_leaf(TensorImpl* leaf) {
  leaves_.push_back(leaf);
  if (leaves_.size() * 2 <= table_.size()) return enter(leaf, leaves_.size() - 1);
  mask_ = table_.size() * 2 - 1;
  table_.assign(mask_ + 1, {});
  for (std::size_t i = 0; i < leaves_.size(); ++i) enter(leaves_[i], i);
}

}  // namespace chainrule
