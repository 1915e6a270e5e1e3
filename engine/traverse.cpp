// Collecting a graph and putting it in order.
#include "engine/traverse.h"

#include <fmt/format.h>

#include <algorithm>
#include <cassert>

#include "engine/error.h"

namespace chainrule {
namespace {

// A mark is thread (16 bits), walk (16 bits), place (32 bits). Zero: nobody walks the node.
constexpr int kThreadShift = 48, kWalkShift = 32;
constexpr std::uint64_t kPlaceMask = 0xffffffff;

std::uint64_t new_tag() {
  static std::atomic<std::uint64_t> threads{0};
  static thread_local const std::uint64_t thread = threads.fetch_add(1) % 0xfffe + 1;
  static thread_local std::uint64_t walk = 0;
  walk = walk % 0xffff + 1;
  return thread << kThreadShift | walk << kWalkShift;
}

}  // namespace

Traversal::Traversal(std::span<const Tensor> roots) : tag_(new_tag()) {
  try {
    for (const Tensor& root : roots) {
      if (root.node())
        claim(root.node());
      else if (root.impl().requires_grad)
        add_leaf(&root.impl());
    }
    // The list of found nodes is its own work list.
    for (std::size_t next = 0; next < nodes_.size(); ++next) {
      for (const Edge& e : nodes_[next].node->edges()) {
        if (!e.needs_grad) continue;
        if (e.node)
          claim(e.node.get());
        else
          add_leaf(e.value.get());
      }
    }
    auto newer = [](const Item& a, const Item& b) { return a.number > b.number; };
    if (!std::is_sorted(nodes_.begin(), nodes_.end(), newer)) std::sort(nodes_.begin(), nodes_.end(), newer);
    for (std::size_t i = 0; i < nodes_.size(); ++i) nodes_[i].node->mark.store(tag_ | i, std::memory_order_relaxed);
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
  for (const Item& item : nodes_) item.node->mark.store(item.mark_before, std::memory_order_release);
}

void Traversal::claim(Node* node) {
  std::uint64_t before = node->mark.load(std::memory_order_relaxed);
  if ((before & ~kPlaceMask) == tag_) return;
  if (before && before >> kThreadShift != tag_ >> kThreadShift)
    throw GraphError(fmt::format("{} is being walked by another thread: a graph may be used by one thread at a time",
                                 node->title()));
  nodes_.reserve(nodes_.size() + 1 > nodes_.capacity() ? nodes_.capacity() * 2 + 32 : 0);
  if (single_threaded()) {
    node->mark.store(tag_, std::memory_order_relaxed);
  } else if (!node->mark.compare_exchange_strong(before, tag_, std::memory_order_acquire)) {
    throw GraphError(fmt::format("{} is being walked by another thread: a graph may be used by one thread at a time",
                                 node->title()));
  }
  nodes_.push_back({node, node->number, before});
}

std::size_t Traversal::place_of(const Node& node) const {
  const std::uint64_t mark = node.mark.load(std::memory_order_relaxed);
  return (mark & ~kPlaceMask) == tag_ ? mark & kPlaceMask : npos;
}

namespace {
std::size_t slot_of(const TensorImpl* leaf, std::size_t mask) {
  return (reinterpret_cast<std::uintptr_t>(leaf) >> 6) * 0x9E3779B97F4A7C15u >> 20 & mask;
}
}  // namespace

std::size_t Traversal::leaf_place(const TensorImpl* leaf) const {
  if (table_.empty()) return npos;
  const std::size_t mask = table_.size() - 1;
  for (std::size_t s = slot_of(leaf, mask);; s = (s + 1) & mask) {
    if (table_[s] == 0) return npos;
    if (leaves_[table_[s] - 1] == leaf) return table_[s] - 1;
  }
}

void Traversal::add_leaf(TensorImpl* leaf) {
  if (leaf_place(leaf) != npos) return;
  leaves_.push_back(leaf);
  if (leaves_.size() * 2 > table_.size()) {
    table_.assign(std::max<std::size_t>(16, table_.size() * 2), 0);
    for (std::size_t i = 0; i < leaves_.size(); ++i) {
      std::size_t s = slot_of(leaves_[i], table_.size() - 1);
      while (table_[s]) s = (s + 1) & (table_.size() - 1);
      table_[s] = static_cast<std::uint32_t>(i + 1);
    }
    return;
  }
  std::size_t s = slot_of(leaf, table_.size() - 1);
  while (table_[s]) s = (s + 1) & (table_.size() - 1);
  table_[s] = static_cast<std::uint32_t>(leaves_.size());
}

}  // namespace chainrule
