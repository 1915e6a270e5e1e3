// record: computes an operation and, when an input is trainable, remembers it as a node of the graph.
// An operation is a struct:
//
//   struct Cube {                                         // z = x^3      dx = g * 3 x^2
//     static constexpr OpInfo info{.name = "cube", .formula = "z = x^3", .derivatives = {"3 * x^2"}};
//     Tensor forward(const Tensor& x) const { ... }       // never recorded
//     void backward(GradContext& c, const Tensor& g) const {
//       const Tensor x = c.input(0);
//       c.send(0, [&] { return g * 3 * x * x; });
//     }
//   };
//   Tensor cube(const Operand& x) { return record(Cube{}, x); }
//
// The rule may read what the words of the derivative name: here x, not z, which is not kept. Where it reads something
// else, or the derivatives are not written, the struct says so: static constexpr Uses uses[] = {kX};
// Without `backward` the operation has no derivative, and using it on a trainable value throws GraphError.
#pragma once

#include <algorithm>
#include <new>

#include "engine/op_node.h"
#include "engine/operand.h"
#include "engine/profile.h"
#include "engine/types/error.h"

namespace chainrule {
namespace internal {

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

/// Makes the node of a result that has none yet.
template <std::size_t Extent>
[[gnu::always_inline]] inline void attach(const OpKind& kind, void* op, Tensor& result,
                                          std::span<const Tensor* const, Extent> inputs, const Seen& seen,
                                          const SourceLocation& where) {
  TensorImpl& z = result.impl();
  const bool teaching = seen.teaching | thread_state().teaching, numbers = seen.numbers && is_number(z);
  const auto bytes = [&](bool axes) {
    return NodeBlock{inputs.size(), kind.saves_result, axes, kind.op_bytes}.bytes();
  };
  // Two calls: the size for numbers is then a constant.
  auto* block = static_cast<std::byte*>(z.has_axes ? pool_allocate(bytes(true)) : pool_allocate(bytes(false)));
  auto* edge = reinterpret_cast<Edge*>(block + NodeBlock::edges_at());
  const auto tie = [&](std::size_t i) __attribute__((always_inline)) {
    TensorImpl* x = inputs[i]->ref().get();
    Node* from = x->node.get();
    const bool trainable_leaf = x->requires_grad, saved = i < 31 && (seen.wanted >> i & 1u);
    const bool holds = saved || teaching || trainable_leaf;
    new (edge + i) Edge{Ref<Node>::share(from), Ref<TensorImpl>::share(holds ? x : nullptr), holds ? x->version() : 0,
                        trainable_leaf || from, saved};
    if (holds && !from && x->number.load(std::memory_order_relaxed) == 0) [[unlikely]]
      number_leaf(*x);
  };
  if constexpr (Extent == 2) {  // written out for what graphs of numbers are made of
    tie(0);
    tie(1);
  } else {
    for (std::size_t i = 0; i < inputs.size(); ++i) tie(i);
  }
  if (kind.saves_result) new (edge + inputs.size()) Edge;
  Node* node =
      kind.make(block, op, {kind.info, inputs.size(), kind.saves_result, teaching, numbers, z, place_of_call(where)});
  node->number = next_number();
  new (&z.node) Ref<Node>(Ref<Node>::adopt(node));  // the place is empty: nothing to let go of
  const bool for_rule = seen.wanted & kOutput;
  if (for_rule | teaching) keep_result(*node, result, for_rule, teaching);
}
/// What an unrecorded result still knows: why it has no history.
void note_stop(Tensor& result, const OpInfo& info, std::span<const Tensor* const> inputs);
[[noreturn]] void throw_no_rule(const OpInfo& info);
void check_forward(const Tensor& result, const OpInfo& info, std::span<const Tensor* const> inputs,
                   const SourceLocation& where);

/// A function to call, without knowing its type.
struct Compute {
  Tensor (*call)(const void* function);
  const void* function;
  Tensor operator()() const { return call(function); }
};
template <class F>
Compute compute(const F& f) {
  return {[](const void* function) { return (*static_cast<const F*>(function))(); }, &f};
}
/// Inside a module's call errors say where the operation stands.
Tensor compute_in_module(const Compute& forward, const SourceLocation& where);

/// `forward` computes the result. With Numbers the rule runs on numbers alone where all are.
template <bool Numbers, std::size_t Extent, class Forward>
[[gnu::always_inline]] inline Tensor record_call(const OpKind& kind, void* op,
                                                 std::span<const Tensor* const, Extent> inputs,
                                                 const SourceLocation& where, const Forward& forward) {
  Seen seen{.numbers = Numbers};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const TensorImpl* x = inputs[i]->ref().get();
    if (!x) throw_empty_input(kind.info, i);
    seen.stopped |= x->stop != Stop::none;
    seen.teaching |= x->teaching;
    if constexpr (Numbers) seen.numbers &= is_number(*x);
    if (const Node* node = x->node.get(); node || x->requires_grad) {
      seen.trainable = true;
      if (node) seen.teaching |= node->teaching;
      if (!kind.uses.empty()) seen.wanted |= kind.uses[std::min(i, kind.uses.size() - 1)];
    }
  }
  const bool wanted = seen.trainable && thread_state().recording;
  if (wanted && kind.uses.empty()) throw_no_rule(kind.info);
  Watch watch;
  Tensor result = [&] {
    const NoGrad compute_only;
    if (thread_state().module_call) [[unlikely]]
      return compute_in_module(compute(forward), where);
    return forward();
  }();
  // A handle of its own, when forward returned one of its inputs.
  bool shared = result.node() != nullptr;
  for (const Tensor* x : inputs) shared |= result.is(*x);
  if (shared) [[unlikely]]
    result = alias(result);
  if (watch.active()) [[unlikely]]
    watch.finish(result, kind.info, inputs, place_of_call(where));
  if (wanted && is_floating(result.dtype())) {
    attach(kind, op, result, inputs, seen, where);
    return result;
  }
  if (seen.trainable || seen.stopped) note_stop(result, kind.info, inputs);
  return result;
}

/// The same for all operations whose rules need tensors, compiled once.
Tensor record_tensors(const OpKind& kind, void* op, std::span<const Tensor* const> inputs, const SourceLocation& where,
                      const Compute& forward);

}  // namespace internal

namespace internal {
/// Only where a rule runs on numbers is recording compiled into the caller: there the calls would cost as much as the
/// work.
template <class Op, class... X>
[[gnu::always_inline]] inline Tensor record_at(const SourceLocation& where, Op& op, const X&... inputs) {
  constexpr std::size_t kInputs = sizeof...(X);
  const Tensor* const list[] = {&tensor_of(inputs)...};
  const auto forward = [&] {
    return [&]<std::size_t... I>(std::index_sequence<I...>) { return op.forward(*list[I]...); }
    (std::make_index_sequence<kInputs>{});
  };
  const OpKind& kind = kKind<Op, kInputs>;
  if constexpr (HasNumberRule<Op> && kInputs <= NumberContext::kMostInputs)
    return record_call<true>(kind, &op, std::span<const Tensor* const, kInputs>(list), where, forward);
  else
    return record_tensors(kind, &op, list, where, compute(forward));
}
}  // namespace internal

namespace internal {
/// Operands among the inputs, or too many tensors for an overload with a place of its own.
template <class... X>
concept OperandInputs = sizeof...(X) > 0 && (std::is_convertible_v<const X&, const Operand&> && ...) &&
                        (sizeof...(X) > 4 || !(std::is_base_of_v<Tensor, X> && ...));
/// Where the last operand was passed. Not a copy: reading the place right after the caller wrote it in parts costs as
/// much as the rest of the call.
template <class... X>
[[gnu::always_inline]] inline const SourceLocation& place_of_operands(const X&... inputs) {
  static constexpr SourceLocation kUnknown;
  const SourceLocation* where = &kUnknown;
  auto note = [&where](const auto& x) {
    if constexpr (std::is_same_v<std::decay_t<decltype(x)>, Operand>) where = &x.where();
  };
  (note(inputs), ...);
  return *where;
}
}  // namespace internal

/// Computes op.forward(inputs...) and records it. Inputs are tensors, or operands that hold tensors; the operation is
/// at the line of the last operand. A function that takes `const Operand&` and hands it on is at its caller's line.
template <class Op, class... X>
requires internal::OperandInputs<X...> Tensor record(Op op, const X&... inputs) {
  return internal::record_at(internal::place_of_operands(inputs...), op, inputs...);
}
/// The same for tensors alone, up to four: the operation is at the line of this call.
template <class Op>
Tensor record(Op op, const Tensor& x, SourceLocation where = SourceLocation::current()) {
  return internal::record_at(where, op, x);
}
template <class Op>
Tensor record(Op op, const Tensor& x, const Tensor& y, SourceLocation where = SourceLocation::current()) {
  return internal::record_at(where, op, x, y);
}
template <class Op>
Tensor record(Op op, const Tensor& x, const Tensor& y, const Tensor& z,
              SourceLocation where = SourceLocation::current()) {
  return internal::record_at(where, op, x, y, z);
}
template <class Op>
Tensor record(Op op, const Tensor& x, const Tensor& y, const Tensor& z, const Tensor& w,
              SourceLocation where = SourceLocation::current()) {
  return internal::record_at(where, op, x, y, z, w);
}

/// The same for operations of any number of inputs: op.forward(span of tensors).
template <class Op>
Tensor record(Op op, std::span<const Tensor> inputs, const SourceLocation& where = SourceLocation::current()) {
  boost::container::small_vector<const Tensor*, 8> list;
  for (const Tensor& x : inputs) list.push_back(&x);
  const auto forward = [&] { return op.forward(inputs); };
  return internal::record_tensors(internal::kKind<Op, 0>, &op, {list.data(), list.size()}, where,
                                  internal::compute(forward));
}

}  // namespace chainrule
