// Inner header: for our own sources, not installed.
// What a diagram shows, as plain data: one item per stored value or operation, one link per edge, with the numbers that
// are known. Nothing here knows how it will look.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/draw/diagram.h"
#include "engine/node.h"

namespace chainrule {

enum class ItemKind : std::uint8_t { input, parameter, constant, frozen, detached, operation, result, folded };

/// What a picture of one step shows of an item or link. What is not known yet stays blank and keeps its room.
struct Shown {
  bool value = true;
  bool gradient = true;
  bool current = false;       ///< what the step is about
  std::uint32_t parts = ~0u;  ///< contributions to the gradient that have arrived
};
/// Whether the picture is one of a walk, and which way that goes. A page holds all of it, and shows and hides it
/// itself.
enum class Walk : std::uint8_t { none, forward, backward, page };

struct GraphItem {
  ItemKind kind = ItemKind::operation;
  std::string label;             ///< the user's name; empty when there is none
  std::string letter{};          ///< what it is called in this picture, as names.h gives it; no two the same
  const OpInfo* info = nullptr;  ///< of an operation
  std::string attributes;        ///< of an operation; of a folded module its kind
  std::string subscript{};       ///< of slices that were joined: "[1, 2:4]"
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
  std::int64_t parameters = 0;         ///< of a folded module, of each of its repeats
  std::size_t repeats = 1;             ///< of a folded item: like modules in a row
  std::vector<Tensor> sums{};          ///< in a walk: what has arrived of the gradient after each contribution
  Shown shown{};
};

struct GraphLink {
  std::size_t from, to;
  int input = 0;  ///< which input of `to`
  bool takes_grad = false;
  Tensor contribution{};  ///< what flows back to `from`; undefined when not known
  /// d(result)/d(this input): of an elementwise operation in the result's shape, or of a result that is one number.
  Tensor local{};
  Shown shown{};
};

struct GraphView {
  std::vector<GraphItem> items;  ///< in order of creation; the place is the id
  std::vector<GraphLink> links;
  std::size_t total = 0;  ///< items before folding
  Walk walk = Walk::none;
};

/// Up to this many links each shows what it carries; more could not be read.
inline constexpr std::size_t kMostLabelledLinks = 120;
/// In a walk, where only a few are looked at at a time.
inline constexpr std::size_t kMostWalkedLinks = 600;

/// Reads the graph behind the results. With `contributions`, each operation's rule is run once more for what flows back
/// and for local derivatives, where the graph kept what that takes and has at most `most_links` links.
GraphView view_graph(std::span<const Tensor> results, bool contributions, std::size_t most_links = kMostLabelledLinks);

/// The module path from the outside in; of very deep nesting the outer part.
std::vector<const ModulePath*> module_chain(const ModulePath* path);
/// "Conv2d  ·  160 parameters", as far as they are known and wanted.
std::string module_facts(std::string_view kind, std::int64_t parameters);
/// The same of a folded item: "Block  ·  12 parameters × 8".
std::string module_facts(const GraphItem& folded, bool with_count = true);

}  // namespace chainrule
