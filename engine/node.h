// A node of the graph: one recorded operation, its edges to what it was computed from, and what its rule needs again.
// Nodes point to their inputs only, so a graph has no cycles and dies with its last handle.
#pragma once

#include <array>
#include <atomic>
#include <limits>

#include "engine/op_info.h"
#include "engine/scopes.h"
#include "engine/tensor.h"

namespace chainrule {

/// One edge. `value` is held when the rule uses it, when the input is a trainable leaf, or when the graph keeps all.
struct Edge {
  Ref<Node> node;         // the operation that made the input; none for leaves, and for a node's own result
  Ref<TensorImpl> value;  // the input itself
  std::uint32_t version = 0;
  bool needs_grad = false;
  bool saved = false;  // the rule may read `value`

  [[gnu::always_inline]] ~Edge() {}  // NOLINT(modernize-use-equals-default): graphs die as fast as they are made
};

class GradContext;
class NumberContext;

namespace internal {
struct NodeBlock;
}

/// One block of memory; what lies in it says NodeBlock. An operation of two numbers takes two cache lines.
class Node {
 public:
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  /// Hands the gradient of each input to `context`, given the gradient g of the result.
  virtual void backward(GradContext& context, const Tensor& g) const = 0;
  /// The same rule on plain numbers; only called when `numbers` is set.
  virtual void backward(NumberContext& context, double g) const = 0;
  /// Attributes as text, "dim=1, keepdim=true"; empty when there are none.
  virtual std::string attributes() const { return {}; }
  /// Destroys the node with its block.
  virtual void dispose() noexcept = 0;

  std::span<Edge> edges() const { return {slots(), edge_count_}; }
  /// Holds the result, without its history; null when no derivative uses it.
  Edge* saved_result() const { return parts_ & kResultEdge ? slots() + edge_count_ : nullptr; }
  inline const Shape& shape() const;
  /// `mul#12`, with the label when there is one: `'price' (mul#12)`.
  std::string title() const;

  /// The saved input i with its history, checked to be unchanged; undefined when the rule did not ask for it.
  Tensor saved_input(int i) const;
  /// The saved result with its history.
  Tensor saved_output();
  /// The same two as numbers, NaN when the rule did not ask for them.
  double saved_input_number(int i) const;
  double saved_output_number() const;
  /// Lets go of everything that only the rule needs.
  void release_saved(std::uint32_t backward_call);
  bool was_released() const { return released_by != 0; }

  // What every walk reads stands first, in one cache line with the pointer to the virtual functions.
  RefCount refs;
  std::uint32_t released_by = 0;  // number of the backward call that freed the saved values
  const DType dtype;
  const bool teaching;  // keeps values and gradients
  const bool numbers;   // inputs and result are float64 numbers, and the rule can be run on those alone

 private:
  const std::uint8_t parts_;  // of the block
  static constexpr std::uint8_t kResultEdge = 1, kShape = 2;
  const std::uint32_t edge_count_;

 public:
  /// What recording knows of a node before it is made.
  struct Facts {
    const OpInfo& info;
    std::size_t edges;
    bool saves_result, teaching, numbers;
    const TensorImpl& result;
    const SourceLocation& where;
  };

  std::uint64_t number = 0;
  std::atomic<std::uint64_t> mark{0};  // place in the traversal that holds this node; see traverse.h
  std::unique_ptr<Meta> meta;
  const OpInfo* const info;
  const ModulePath* const module;
  const SourceLocation where;

 protected:
  /// Edges, shape and operation are made apart; see record.h.
  [[gnu::always_inline]] explicit Node(const Facts& facts)
      : dtype(facts.result.dtype),
        teaching(facts.teaching),
        numbers(facts.numbers),
        parts_(
            static_cast<std::uint8_t>((facts.saves_result ? kResultEdge : 0) | (facts.result.has_axes ? kShape : 0))),
        edge_count_(static_cast<std::uint32_t>(facts.edges)),
        info(&facts.info),
        module(thread_state().module),
        where(facts.where) {
    internal::count_node(+1);
  }
  ~Node() = default;
  /// The edges, the one to the result last.
  Edge* slots() const { return reinterpret_cast<Edge*>(const_cast<Node*>(this) + 1); }
  inline void* op_place();
  bool has_axes() const { return parts_ & kShape; }

 private:
  inline internal::NodeBlock block() const;
  [[noreturn]] void throw_input_overwritten(int i) const;
  [[noreturn]] void throw_output_overwritten() const;
};

namespace internal {
/// The one place that knows what lies where in a node's block: the Node, an Edge for each input and one to the result
/// when the rule uses that, the result's Shape when it has axes, and the operation with its attributes.
struct NodeBlock {
  std::size_t inputs;
  bool saves_result, has_shape;
  std::size_t op_bytes = 0;
  constexpr std::size_t edges() const { return inputs + saves_result; }
  static constexpr std::size_t edges_at() { return sizeof(Node); }
  constexpr std::size_t shape_at() const { return edges_at() + edges() * sizeof(Edge); }
  constexpr std::size_t op_at() const { return shape_at() + (has_shape ? sizeof(Shape) : 0); }
  constexpr std::size_t bytes() const { return op_at() + op_bytes; }
};
}  // namespace internal

inline internal::NodeBlock Node::block() const {
  return {.inputs = edge_count_, .saves_result = (parts_ & kResultEdge) != 0, .has_shape = has_axes()};
}
inline const Shape& Node::shape() const {
  if (!has_axes()) return internal::kNoAxes.shape;
  return *reinterpret_cast<const Shape*>(reinterpret_cast<const std::byte*>(this) + block().shape_at());
}
inline void* Node::op_place() { return reinterpret_cast<std::byte*>(this) + block().op_at(); }

/// Frees a node and whatever dies with it, without recursion, however long the chain.
void destroy(Node* node) noexcept;

inline double Node::saved_input_number(int i) const {
  const Edge& e = slots()[i];
  if (!e.saved) return std::numeric_limits<double>::quiet_NaN();
  if (e.value->version() != e.version) [[unlikely]]
    throw_input_overwritten(i);
  return internal::number_in(*e.value);
}

inline double Node::saved_output_number() const {
  const Edge* z = saved_result();
  if (!z || !z->saved) return std::numeric_limits<double>::quiet_NaN();
  if (z->value->version() != z->version) [[unlikely]]
    throw_output_overwritten();
  return internal::number_in(*z->value);
}

inline void Node::release_saved(std::uint32_t backward_call) {
  bool any = false;
  for (Edge& e : std::span(slots(), block().edges())) {
    if (!e.saved) continue;
    any = true;
    e.saved = false;
    if (e.node || !e.needs_grad) e.value.reset();  // a trainable leaf stays: its gradient goes there
  }
  if (any) released_by = backward_call;
}

/// Throws NumericError for a value of an operation or rule that AnomalyMode stops at. `inputs`: what it was computed
/// of.
void check_finite(const Tensor& result, const OpInfo& info, const ModulePath* module, const SourceLocation& where,
                  std::span<const Tensor> inputs, const char* phase);

}  // namespace chainrule
