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

/// The op with its attributes, and its edges, in one block. N edges in place; N = 0: any number.
template <class Op, int N>
class OpNode final : public Node {
 public:
  explicit OpNode(Op op, std::size_t count) : op_(std::move(op)) {
    info = &Op::info;
    if constexpr (N == 0) slots_ = std::make_unique<Edge[]>(count);
    edges_ = &slots_[0];
    edge_count_ = static_cast<std::uint32_t>(count);
  }
  void backward(GradContext& context, const Tensor& g) const override {
    if constexpr (HasRule<Op>) op_.backward(context, g);
  }
  void backward([[maybe_unused]] NumberContext& context, [[maybe_unused]] double g) const override {
    if constexpr (HasNumberRule<Op>) op_.backward(context, g);
  }
  std::string attributes() const override {
    if constexpr (HasAttributes<Op>)
      return op_.attributes();
    else
      return {};
  }
  void dispose() noexcept override {
    this->~OpNode();
    pool_free(this, sizeof(OpNode));
    count_node(-1);
  }

 private:
  Op op_;
  std::conditional_t<N == 0, std::unique_ptr<Edge[]>, std::array<Edge, N == 0 ? 1 : N>> slots_;
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
/// Fills the edges of a new node and ties it to its result. Made for N = 1, 2 and any number.
template <std::size_t N>
void attach(Node* made, Tensor& result, std::span<const Tensor* const, N> inputs, const Seen& seen,
            const SourceLocation& where);
/// What an unrecorded result still knows: why it has no history.
void note_stop(Tensor& result, const OpInfo& info, std::span<const Tensor* const> inputs);
[[noreturn]] void throw_no_rule(const OpInfo& info);
void check_forward(const Tensor& result, const OpInfo& info, std::span<const Tensor* const> inputs,
                   const SourceLocation& where);

template <class Op, int N, class Forward>
Tensor record_call(Op op, std::span<const Tensor* const> inputs, const SourceLocation& where, Forward&& forward) {
  const OpInfo& info = Op::info;
  Seen seen;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const TensorImpl* x = inputs[i]->ref().get();
    if (!x) throw_empty_input(info, i);
    seen.stopped |= x->stop != Stop::none;
    seen.teaching |= x->teaching;
    if constexpr (HasNumberRule<Op>) seen.numbers &= is_number(*x);
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
    result = alias(result);
  if (watch.active()) [[unlikely]]
    watch.finish(result, info, inputs, where);
  if constexpr (HasRule<Op>) {
    if (wanted && is_floating(result.dtype())) {
      using Made = OpNode<Op, N>;
      Node* made = new (pool_allocate(sizeof(Made))) Made(std::move(op), inputs.size());
      seen.numbers &= HasNumberRule<Op> && N > 0 && N <= NumberContext::kMostInputs;
      constexpr std::size_t kExtent = N == 1 || N == 2 ? N : std::dynamic_extent;
      attach(made, result, std::span<const Tensor* const, kExtent>(inputs.data(), inputs.size()), seen, where);
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
