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

/// What the fill of a node tells besides its kind. What it says stands there in words too.
enum class GraphColor : std::uint8_t {
  kind,    ///< nothing more
  memory,  ///< the more bytes a value takes, the darker
  health,  ///< gradients that are zero, huge, not finite or not computed stand out
};

struct GraphOptions {
  std::string title{};            ///< default: the expression, or what the result is
  bool values = true;             ///< numbers of small tensors; mean, spread and norm of large ones
  bool gradients = true;          ///< what backward left on leaves and, in graphs that keep them, on inner values
  bool local_derivatives = true;  ///< on the edges, in graphs that keep their values (`variable`, TeachingMode)
  bool shapes = true;
  bool dtypes = false;           ///< of every value; otherwise only of those that are not floating
  bool names = true;             ///< of values
  bool operations = true;        ///< symbols or names of operations, and their attributes
  bool parameter_counts = true;  ///< of modules
  bool dark = false;
  bool symbols = false;  ///< letters in place of numbers: every value a name, every rule in names
  GraphColor color = GraphColor::kind;
  std::string direction{};            ///< "LR" or "TB": left to right, top to bottom; default: what reads better
  std::string font{};                 ///< instead of Helvetica: what has the letters of the labels
  std::size_t fold_above = 500;       ///< graphs of more nodes are folded; 0: never
  int depth = -1;                     ///< modules nested deeper than this become one node; -1: none does
  std::vector<std::string> fold{};    ///< modules whose path fits such a pattern ("net.block*") become one node
  std::vector<std::string> expand{};  ///< modules that stay open whatever the others say
  std::size_t fold_repeats = 0;       ///< this many like modules in a row, or more, become one node; 0: never
  int digits = 4;                     ///< significant digits of the numbers
  std::size_t max_elements = 16;      ///< of a tensor that is shown whole; of larger ones mean, spread and norm
  std::size_t max_label = 40;         ///< longer names are cut; the whole name is in the tooltip
  std::size_t wrap = 0;               ///< names longer than this many columns break into lines; 0: never
  std::chrono::milliseconds time_limit{30'000};     ///< for the layout program
  std::function<void(std::string_view)> message{};  ///< told in one line what was folded; default: a line on stderr
};

/// The graph that the result was computed by, as DOT text: the same bytes for the same graph in every run. Changes
/// nothing; a gradient that was never computed reads "not computed".
std::string graph_to_dot(const Tensor& result, const GraphOptions& options = {});
std::string graph_to_dot(const std::vector<Tensor>& results, const GraphOptions& options = {});

/// The same graph in box characters for a terminal, values and gradients in columns; more than 40 nodes are folded.
std::string graph_to_text(const Tensor& result, const GraphOptions& options = {});
std::string graph_to_text(const std::vector<Tensor>& results, const GraphOptions& options = {});

/// The same graph as JSON: nodes and edges with all that a diagram shows; tensors as {"dtype", "shape", "data"},
/// without data above 4096 elements.
std::string graph_to_json(const Tensor& result, const GraphOptions& options = {});
std::string graph_to_json(const std::vector<Tensor>& results, const GraphOptions& options = {});

/// Writes the diagram to a file: .dot, .txt, .json, .svg, .html, .png or .pdf by its ending, whole or not at all. An
/// HTML page holds the picture for light and for dark pages. Throws ValueError for another ending, and EnvironmentError
/// when Graphviz is missing, fails, or takes longer than the time limit; the DOT text is then kept beside the target
/// ("price.dot" for "price.svg").
void write_graph(const std::string& path, const Tensor& result, const GraphOptions& options = {});
void write_graph(const std::string& path, const std::vector<Tensor>& results, const GraphOptions& options = {});

}  // namespace chainrule
