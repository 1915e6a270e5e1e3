// record: computes an operation and, when an input is trainable, remembers it as a node of the graph.
// An operation is a struct:
//
//   struct Cube {                                         // z = x^3      dx = g * 3 x^2
//     static constexpr OpInfo info{.name = "cube"};
//     static constexpr Uses uses[] = {kX};                // the derivative by x uses x
//     Tensor forward(const Tensor& x) const { ... }       // never recorded
//     void backward(GradContext& c, const Tensor& g) const {
//       const Tensor x = c.input(0);
//       c.send(0, [&] { return g * 3 * x * x; });
//     }
//   };
//   Tensor cube(const Operand& x) { return record(Cube{}, x); }
//
// Without `backward` the operation has no derivative, and using it on a trainable value throws GraphError.
#pragma once

#include <algorithm>
#include <iterator>
#include <new>

#include "engine/node.h"
#include "engine/operand.h"
#include "engine/profile.h"

namespace chainrule {
namespace internal {

template <class Op>
concept HasRule = requires(const Op& op, GradContext& c, const Tensor& g) {
  op.backward(c, g);
};
/// The rule is written for any type of number.
template <class Op>
concept HasNumberRule = requires(const Op& op, NumberContext& c, const double& g) {
  op.backward(c, g);
};
template <class Op>
concept HasAttributes = requires(const Op& op) {
  { op.attributes() } -> std::convertible_to<std::string>;
};

/// True when a derivative of the operation uses the result.
template <class Op>
constexpr bool uses_result() {
  for (const Uses u : Op::uses)
    if (u & kOutput) return true;
  return false;
}

/// A node of N inputs; N = 0: of any number.
template <class Op, int N>
class OpNode final : public Node {
 public:
  static constexpr bool kResult = uses_result<Op>();
  static std::byte* allocate(std::size_t inputs, bool axes) {
    static_assert(sizeof(OpNode) == sizeof(Node) && alignof(Op) <= alignof(Edge));
    // Two calls: the size for numbers is then a constant.
    return static_cast<std::byte*>(axes ? internal::pool_allocate(bytes(inputs, true))
                                        : internal::pool_allocate(bytes(inputs, false)));
  }
  /// Where the caller makes the edges first.
  static Edge* first_slot(std::byte* block) { return reinterpret_cast<Edge*>(block + sizeof(Node)); }
  /// Makes the rest.
  static OpNode* make(std::byte* block, Op&& op, const Facts& facts) {
    auto* behind = reinterpret_cast<std::byte*>(first_slot(block) + facts.edges + kResult);
    if (facts.result.has_axes) behind = reinterpret_cast<std::byte*>(new (behind) Shape(facts.result.shape()) + 1);
    if constexpr (kHasState) new (behind) Op(std::move(op));
    return new (block) OpNode(facts);
  }
  void backward(GradContext& context, const Tensor& g) const override {
    if constexpr (HasRule<Op>) op().backward(context, g);
  }
  void backward([[maybe_unused]] NumberContext& context, [[maybe_unused]] double g) const override {
    if constexpr (HasNumberRule<Op>) op().backward(context, g);
  }
  std::string attributes() const override {
    if constexpr (HasAttributes<Op>)
      return op().attributes();
    else
      return {};
  }
  void dispose() noexcept override {
    const std::size_t inputs = N ? N : edges().size(), block = bytes(inputs, has_axes());
    std::destroy_n(slots(), inputs + kResult);
    this->~OpNode();
    internal::pool_free(this, block);
    internal::count_node(-1);
  }
  using Node::Facts;

 private:
  static constexpr std::size_t bytes(std::size_t inputs, bool axes) {
    return sizeof(Node) + (inputs + kResult) * sizeof(Edge) + (axes ? sizeof(Shape) : 0) + (kHasState ? sizeof(Op) : 0);
  }
  [[gnu::always_inline]] explicit OpNode(const Facts& facts) : Node(facts) {}
  ~OpNode() {
    if constexpr (kHasState) std::destroy_at(&op());
  }
  // An operation without members takes no room: one is as good as another.
  static constexpr bool kHasState = !std::is_empty_v<Op>;
  decltype(auto) op() const {
    if constexpr (kHasState)
      return *static_cast<Op*>(const_cast<OpNode*>(this)->op_place());
    else
      return Op{};
  }
};

[[noreturn]] void throw_number_operand();
inline const Tensor& tensor_of(const Tensor& x) { return x; }
inline const Tensor& tensor_of(const Operand& x) {
  if (x.is_number()) throw_number_operand();
  return x.tensor();
}

[[noreturn]] void throw_empty_input(const OpInfo& info, std::size_t i);
/// What one look at the inputs tells.
struct Seen {
  Uses wanted = kNothing;  // what the derivatives use that somebody needs
  bool trainable = false, teaching = false;
  bool numbers = true;   // all are float64 numbers
  bool stopped = false;  // one knows why it has no history
};
/// Keeps what only some nodes keep: the result for the rule, the value for teaching.
void keep_result(Node& node, const Tensor& result, bool for_rule, bool for_teaching);
/// Gives a constant its place in diagrams.
void number_leaf(TensorImpl& leaf);

/// Makes the node of a result that has none yet. Inline, because on numbers the calls would cost as much as the work.
template <class Op, int N, std::size_t Extent>
[[gnu::always_inline]] inline void attach(Op&& op, Tensor& result, std::span<const Tensor* const, Extent> inputs,
                                          const Seen& seen, const SourceLocation& where) {
  using Made = OpNode<Op, N>;
  constexpr bool kNumbers = HasNumberRule<Op> && N > 0 && N <= NumberContext::kMostInputs;
  TensorImpl& z = result.impl();
  const bool teaching = seen.teaching | thread_state().teaching,
             numbers = kNumbers && seen.numbers && internal::is_number(z);
  std::byte* block = Made::allocate(inputs.size(), z.has_axes);
  Edge* edge = Made::first_slot(block);
  for (std::size_t i = 0; i < inputs.size(); ++i, ++edge) {
    TensorImpl* x = inputs[i]->ref().get();
    Node* from = x->node.get();
    const bool trainable_leaf = x->requires_grad, saved = i < 31 && (seen.wanted >> i & 1u);
    const bool holds = saved || teaching || trainable_leaf;
    new (edge) Edge{Ref<Node>::share(from), Ref<TensorImpl>::share(holds ? x : nullptr), holds ? x->version() : 0,
                    trainable_leaf || from, saved};
    if (holds && !from && x->number.load(std::memory_order_relaxed) == 0) [[unlikely]]
      number_leaf(*x);
  }
  if constexpr (Made::kResult) new (edge) Edge;
  Node* node = Made::make(block, std::forward<Op>(op),
                          {Op::info, inputs.size(), Made::kResult, teaching, numbers, z, place_of_call(where)});
  node->number = internal::next_number();
  new (&z.node) Ref<Node>(Ref<Node>::adopt(node));  // the place is empty: nothing to let go of
  const bool for_rule = seen.wanted & kOutput;
  if (for_rule | teaching) keep_result(*node, result, for_rule, teaching);
}
/// What an unrecorded result still knows: why it has no history.
void note_stop(Tensor& result, const OpInfo& info, std::span<const Tensor* const> inputs);
[[noreturn]] void throw_no_rule(const OpInfo& info);
void check_forward(const Tensor& result, const OpInfo& info, std::span<const Tensor* const> inputs,
                   const SourceLocation& where);

/// N inputs; 0: any number.
template <class Op, int N, class Forward>
[[gnu::always_inline]] inline Tensor record_call(
    Op op, std::span<const Tensor* const, N == 0 ? std::dynamic_extent : N> inputs, const SourceLocation& where,
    Forward&& forward) {
  const OpInfo& info = Op::info;
  Seen seen;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const TensorImpl* x = inputs[i]->ref().get();
    if (!x) throw_empty_input(info, i);
    seen.stopped |= x->stop != Stop::none;
    seen.teaching |= x->teaching;
    if constexpr (HasNumberRule<Op>) seen.numbers &= internal::is_number(*x);
    if (const Node* node = x->node.get(); node || x->requires_grad) {
      seen.trainable = true;
      if (node) seen.teaching |= node->teaching;
      if constexpr (HasRule<Op>) seen.wanted |= Op::uses[std::min(i, std::size(Op::uses) - 1)];
    }
  }
  const bool wanted = seen.trainable && thread_state().recording;
  if constexpr (!HasRule<Op>) {
    if (wanted) throw_no_rule(info);
  }
  Watch watch;
  Tensor result = [&] {
    const NoGrad compute_only;
    return forward(op);
  }();
  // A handle of its own, when forward returned one of its inputs.
  bool shared = result.node() != nullptr;
  for (const Tensor* x : inputs) shared |= result.is(*x);
  if (shared) [[unlikely]]
    result = internal::alias(result);
  if (watch.active()) [[unlikely]]
    watch.finish(result, info, inputs, place_of_call(where));
  if constexpr (HasRule<Op>) {
    if (wanted && is_floating(result.dtype())) {
      attach<Op, N>(std::move(op), result, inputs, seen, where);
      return result;
    }
  }
  if (seen.trainable || seen.stopped) note_stop(result, info, inputs);
  return result;
}

}  // namespace internal

/// Computes op.forward(inputs...) and records it. Inputs are tensors, or operands that hold tensors.
template <class Op, class... X>
requires(sizeof...(X) > 0 && (std::is_convertible_v<const X&, const Operand&> && ...)) Tensor
    record(Op op, const X&... inputs) {
  // Not a copy: reading the place right after the caller wrote it in parts costs as much as the rest of the call.
  static constexpr SourceLocation kUnknown;
  const SourceLocation* where = &kUnknown;
  auto note = [&where](const auto& x) {
    if constexpr (std::is_same_v<std::decay_t<decltype(x)>, Operand>) where = &x.where();
  };
  (note(inputs), ...);
  const Tensor* const list[] = {&internal::tensor_of(inputs)...};
  return internal::record_call<Op, sizeof...(X)>(
      std::move(op), list, *where, [&](const Op& o) { return o.forward(internal::tensor_of(inputs)...); });
}

/// The same for operations of any number of inputs: op.forward(span of tensors).
template <class Op>
Tensor record(Op op, std::span<const Tensor> inputs, const SourceLocation& where) {
  boost::container::small_vector<const Tensor*, 8> list;
  for (const Tensor& x : inputs) list.push_back(&x);
  return internal::record_call<Op, 0>(std::move(op), std::span<const Tensor* const>(list.data(), list.size()), where,
                                      [&](const Op& o) { return o.forward(inputs); });
}

}  // namespace chainrule
