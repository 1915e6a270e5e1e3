// What a diagram shows, as plain data: one item per stored value or operation, one link per edge, with the numbers that
// are known. Folding happens here, drawing in diagram.cpp.
#pragma once

#include <map>
#include <span>
#include <string>
#include <vector>

#include "engine/node.h"

namespace chainrule {

enum class ItemKind : std::uint8_t { input, parameter, constant, frozen, detached, operation, result, folded };

struct GraphItem {
  ItemKind kind = ItemKind::operation;
  std::string label;             ///< the user's name; empty when there is none
  const OpInfo* info = nullptr;  ///< of an operation
  std::string attributes;
  Shape shape;
  DType dtype = DType::float32;
  bool shape_known = true;
  Tensor value;  ///< undefined when it was not kept
  Tensor grad;   ///< undefined when it was never computed
  bool takes_grad = false;
  const ModulePath* module = nullptr;
  SourceLocation where;
  bool is_result = false;              ///< of an operation: a result box follows
  std::vector<std::size_t> sent_back;  ///< links whose contributions make up the gradient
  std::size_t hidden = 0;              ///< of a folded item: how many it stands for
};

struct GraphLink {
  std::size_t from, to;
  int input = 0;  ///< which input of `to`
  bool takes_grad = false;
  Tensor contribution{};  ///< what flows back to `from`; undefined when not known
  Tensor local{};         ///< the local derivative, for elementwise operations
};

struct GraphView {
  std::vector<GraphItem> items;  ///< in order of creation; the place is the id
  std::vector<GraphLink> links;
  std::size_t total = 0;  ///< items before folding
};

/// Reads the graph behind the results. With `contributions`, each operation's rule is run once more for what flows back
/// and for local derivatives, where the graph kept what that takes and is small enough to show it.
GraphView view_graph(std::span<const Tensor> results, bool contributions);

/// At most about `limit` items: modules are folded, deepest first, and what is still too much in the middle.
void fold_view(GraphView& view, std::size_t limit);

/// The module path from the outside in, at most kMaxClusterDepth long.
std::vector<const ModulePath*> module_chain(const ModulePath* path);

}  // namespace chainrule
