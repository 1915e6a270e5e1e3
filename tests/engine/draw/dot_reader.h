// A strict reader of the DOT that the library writes, written apart from the writer so that each can show the other's
// faults. Deliberately not here: the rest of the language (unquoted ids beyond words, ports, strict graphs, comments).
#pragma once

#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace chainrule::testing {

/// An attribute as Graphviz shows it: escape codes and entities resolved; of an HTML-like label the text alone, a
/// line per row, cells of a nested table parted by tabs.
struct DotValue {
  std::string text;
  bool html = false;
};
using DotValues = std::map<std::string, DotValue>;

struct DotNode {
  std::string id;
  DotValues attributes;
  int cluster = -1;  ///< index of the innermost cluster that mentions it first
};
struct DotEdge {
  std::string from, to;
  DotValues attributes;
};
struct DotCluster {
  std::string id;
  DotValues attributes;
  int parent = -1;
};

struct DotGraph {
  std::string id;
  DotValues attributes, node_defaults, edge_defaults;
  std::vector<DotNode> nodes;
  std::vector<DotEdge> edges;
  std::vector<DotCluster> clusters;

  const DotNode* find(std::string_view node_id) const;
};

/// @throws std::runtime_error with the byte offset for anything outside the subset: an unknown escape, a tag that is
/// not closed, a control character, invalid UTF-8, a node stated twice, an edge to a node never stated.
DotGraph read_dot(std::string_view text);

/// The texts of an HTML-like label, cell by cell; empty cells, which only make room, are left out.
std::vector<std::string> filled_cells(std::string_view label);

/// What a node's label says.
inline std::string text_of(const DotNode& node) { return node.attributes.at("label").text; }

}  // namespace chainrule::testing
