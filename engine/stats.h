// What a graph is made of and what it weighs: nodes, edges and bytes, in all, by operation and by module.
#pragma once

#include <fmt/core.h>

#include <string>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

/// Counts of a part of a graph. Bytes are those of whole buffers, each counted once, where it is met first: as a leaf's
/// value, then as a saved value, then as a value kept for learning, then as a gradient.
struct GraphWeight {
  std::size_t nodes = 0, edges = 0;
  std::size_t value_bytes = 0;     ///< leaves, and values kept by graphs of `variable` or in TeachingMode
  std::size_t gradient_bytes = 0;  ///< gradients of leaves and of inner values that keep them
  std::size_t saved_bytes = 0;     ///< results that only backward still needs
  std::size_t bytes() const { return value_bytes + gradient_bytes + saved_bytes; }
};

struct GraphStats {
  struct Part {
    std::string name;
    GraphWeight weight;
  };
  GraphWeight total;
  std::size_t leaves = 0;         ///< trainable ones
  std::vector<Part> by_op{};      ///< heaviest first, then by name; leaves count under "leaf"
  std::vector<Part> by_module{};  ///< by full path, "" outside all modules; a leaf counts where it was first used
};

/// Of everything that `root` was computed from, as far as it was recorded.
GraphStats graph_stats(const Tensor& root);
std::string to_string(const GraphStats& stats);

}  // namespace chainrule

template <>
struct fmt::formatter<chainrule::GraphStats> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const chainrule::GraphStats& stats, fmt::format_context& context) const {
    return fmt::format_to(context.out(), "{}", chainrule::to_string(stats));
  }
};
