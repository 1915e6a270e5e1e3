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

#include <new>

#include "engine/node.h"
#include "engine/operand.h"

namespace chainrule {
namespace internal {

template <class Op>
concept HasRule = requires(const Op& op, GradContext& c, const Tensor& g) {
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
    if constexpr (N == 0) slots_ = std::make_unique<Edge[]>(count);
    edges_ = &slots_[0];
    edge_count_ = static_cast<std::uint32_t>(count);
  }
  void backward(GradContext& context, const Tensor& g) const override {
    if constexpr (HasRule<Op>) op_.backward(context, g);
  }
  std::string attributes() const override {
    if constexpr (HasAttributes<Op>)
      return op_.attributes();
    else
      return {};
  }
  std::size_t block_size() const override { return sizeof(OpNode); }

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

/// True when the call must be recorded. Throws ValueError for an empty handle.
bool must_record(const OpInfo& info, std::span<const Tensor* const> inputs);
/// Fills the edges of a new node and ties it to its result.
void attach(Ref<Node> node, Tensor& result, const OpInfo& info, std::span<const Tensor* const> inputs,
            std::span<const Uses> uses, const SourceLocation& where);
/// What an unrecorded result still knows: why it has no history.
void note_stop(Tensor& result, const OpInfo& info, std::span<const Tensor* const> inputs);
/// A result handle of its own, when forward returned one of its inputs.
void own_result(Tensor& result, std::span<const Tensor* const> inputs);
[[noreturn]] void throw_no_rule(const OpInfo& info);
void check_forward(const Tensor& result, const OpInfo& info, std::span<const Tensor* const> inputs,
                   const SourceLocation& where);

template <class Op, int N, class Forward>
Tensor record_call(Op op, std::span<const Tensor* const> inputs, const SourceLocation& where, Forward&& forward) {
  const OpInfo& info = Op::info;
  const bool wanted = must_record(info, inputs);
  if constexpr (!HasRule<Op>) {
    if (wanted) throw_no_rule(info);
  }
  Tensor result = [&] {
    const NoGrad compute_only;
    return forward(op);
  }();
  own_result(result, inputs);
  if (thread_state().anomaly) check_forward(result, info, inputs, where);
  if constexpr (HasRule<Op>) {
    if (wanted && is_floating(result.dtype())) {
      using Made = OpNode<Op, N>;
      void* block = pool_allocate(sizeof(Made));
      Ref<Node> node = Ref<Node>::adopt(new (block) Made(std::move(op), inputs.size()));
      attach(std::move(node), result, info, inputs, Op::uses, where);
      return result;
    }
  }
  note_stop(result, info, inputs);
  return result;
}

}  // namespace internal

/// Computes op.forward(inputs...) and records it. Inputs are tensors, or operands that hold tensors.
template <class Op, class... X>
requires(sizeof...(X) > 0 && (std::is_convertible_v<const X&, const Operand&> && ...)) Tensor
    record(Op op, const X&... inputs) {
  SourceLocation where;
  auto note = [&where](const auto& x) {
    if constexpr (std::is_same_v<std::decay_t<decltype(x)>, Operand>) where = x.where();
  };
  (note(inputs), ...);
  const Tensor* const list[] = {&internal::tensor_of(inputs)...};
  return internal::record_call<Op, sizeof...(X)>(
      std::move(op), list, where, [&](const Op& o) { return o.forward(internal::tensor_of(inputs)...); });
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
