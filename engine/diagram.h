// Graphs as diagrams: values flow forward along the edges, gradients flow back, and each edge shows its local
// derivative. DOT text needs nothing; pictures need Graphviz.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

struct GraphOptions {
  std::string title{};            ///< default: the expression, or what the result is
  bool values = true;             ///< numbers of small tensors; mean, spread and norm of large ones
  bool gradients = true;          ///< what backward left on leaves and, in graphs that keep them, on inner values
  bool local_derivatives = true;  ///< on the edges, in graphs that keep their values (`variable`, TeachingMode)
  bool shapes = true;
  bool dark = false;
  std::size_t fold_above = 500;                     ///< graphs of more nodes are folded; 0: never
  std::size_t max_label = 40;                       ///< longer names are cut; the whole name is in the tooltip
  std::chrono::milliseconds time_limit{30'000};     ///< for the layout program
  std::function<void(std::string_view)> message{};  ///< told in one line what was folded; default: a line on stderr
};

/// The graph that the result was computed by, as DOT text: the same bytes for the same graph in every run. Changes
/// nothing; a gradient that was never computed reads "not computed".
std::string graph_to_dot(const Tensor& result, const GraphOptions& options = {});
std::string graph_to_dot(const std::vector<Tensor>& results, const GraphOptions& options = {});

/// Writes the diagram to a file: .dot, .svg, .png or .pdf by its ending, whole or not at all. Throws ValueError for
/// another ending, and EnvironmentError when Graphviz is missing, fails, or takes longer than the time limit; the DOT
/// text is then kept beside the target ("price.dot" for "price.svg").
void write_graph(const std::string& path, const Tensor& result, const GraphOptions& options = {});
void write_graph(const std::string& path, const std::vector<Tensor>& results, const GraphOptions& options = {});

}  // namespace chainrule
