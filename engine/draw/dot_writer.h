// Inner header: for our own sources, not installed.
// Writes Graphviz DOT into a string, statement by statement, with the one escaper that everything passes. Whatever a
// text holds, it is read back as that text. Deliberately not here: what a graph of ours looks like.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>

#include "engine/draw/html_label.h"

namespace chainrule {

/// An attribute of a style, as constants: {"shape", "box"}.
struct DotSetting {
  std::string_view name, value;
};

/// One statement being written: add attributes, and its end of life closes it. Names of attributes are ours, words.
class DotStatement {
 public:
  DotStatement(const DotStatement&) = delete;
  DotStatement& operator=(const DotStatement&) = delete;
  ~DotStatement();

  /// One line of text; never markup, never an escape code. Control characters are shown as append_printable does.
  DotStatement& set(std::string_view name, std::string_view text);
  DotStatement& set(std::string_view name, const HtmlLabel& label);
  DotStatement& set(std::span<const DotSetting> settings);
  /// The same, but each newline starts a line. Pass foreign text through printable() before it is joined.
  DotStatement& set_lines(std::string_view name, std::string_view text);

 private:
  friend class DotWriter;
  explicit DotStatement(std::string& out) : out_(out) { out_ += " ["; }
  void begin_attribute(std::string_view name);

  std::string& out_;
  bool any_ = false;
};

/// Ids are quoted and escaped like text. Two ids that differ only in bytes which are not printable text become one:
/// number what must stay apart.
class DotWriter {
 public:
  /// Appends to `out`, which must outlive the writer.
  explicit DotWriter(std::string& out) : out_(out) {}

  /// Opens a directed graph; the statement holds its attributes. Encoding and edge direction are settled here.
  DotStatement begin_graph(std::string_view id);
  /// What every following node or edge starts from.
  DotStatement node_defaults();
  DotStatement edge_defaults();
  DotStatement node(std::string_view id);
  DotStatement edge(std::string_view from, std::string_view to);
  /// Opens a box around what follows; the statement holds its attributes.
  DotStatement begin_cluster(std::string_view id);
  /// Closes the innermost open cluster, or the graph.
  void end();

 private:
  std::string& line();

  std::string& out_;
  std::size_t depth_ = 0;
};

}  // namespace chainrule
