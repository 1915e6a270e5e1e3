// The node of one kind of operation: its rule and attributes behind the virtual functions of Node, and its place in the
// block. Made by record() only.
#pragma once

#include <array>
#include <new>
#include <span>
#include <string>
#include <type_traits>
#include <utility>

#include "engine/context.h"

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

// `info` and `uses` may also be static functions, because a struct inside a function has no static data.
template <class Op>
inline constexpr OpInfo kInfo = Op::info();
template <class Op>
inline constexpr auto kUses = Op::uses();
template <class Op>
constexpr const OpInfo& info_of() {
  if constexpr (requires { Op::info(); })
    return kInfo<Op>;
  else
    return Op::info;
}
/// What the words of the derivatives name, for an operation that says nothing else.
template <class Op>
inline constexpr auto kUsesInWords = std::to_array({uses_in_words(info_of<Op>(), 0), uses_in_words(info_of<Op>(), 1),
                                                    uses_in_words(info_of<Op>(), 2), uses_in_words(info_of<Op>(), 3)});
template <class Op>
constexpr std::span<const Uses> uses_of() {
  constexpr bool named = requires { Op::uses; }
  || requires { Op::uses(); };
  constexpr bool in_words = info_of<Op>().derivatives[0] != nullptr;
  static_assert(named || in_words,
                "an operation with a rule says what the derivative by each input reads: in the words of "
                ".derivatives = {\"2 * x\"}, or by static constexpr Uses uses[] = {kX};");
  if constexpr (requires { Op::uses(); })
    return kUses<Op>;
  else if constexpr (named)
    return Op::uses;
  else if constexpr (in_words)
    return kUsesInWords<Op>;
  else
    return {};
}

/// True when the struct has anything called `backward`: the name is ambiguous then.
struct OtherBackward {
  int backward;
};
template <class Op>
struct BackwardTwice : Op, OtherBackward {};
template <class Op>
concept MentionsBackward = !std::is_final_v<Op> && !requires {
  &BackwardTwice<Op>::backward;
};

/// True when a derivative of the operation uses the result.
template <class Op>
constexpr bool uses_result() {
  for (const Uses u : uses_of<Op>())
    if (u & kOutput) return true;
  return false;
}

/// A node of N inputs; N = 0: of any number.
template <class Op, int N>
class OpNode final : public Node {
 public:
  static constexpr bool kResult = uses_result<Op>();
  // An operation without members takes no room: one is as good as another.
  static constexpr bool kHasState = !std::is_empty_v<Op>;
  static constexpr std::size_t kOpBytes = kHasState ? sizeof(Op) : 0;

  /// Makes the node in its block, in which the edges are already, and takes the operation over.
  static Node* make(std::byte* block, [[maybe_unused]] void* op, const Facts& facts) {
    static_assert(sizeof(OpNode) == sizeof(Node) && alignof(Op) <= alignof(Edge));
    const NodeBlock layout{facts.edges, kResult, facts.result.has_axes};
    if (layout.has_shape) new (block + layout.shape_at()) Shape(facts.result.shape());
    if constexpr (kHasState) new (block + layout.op_at()) Op(std::move(*static_cast<Op*>(op)));
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
    const std::size_t inputs = N ? N : edges().size();
    const bool shape = has_axes();
    destroy_edges(inputs);
    this->~OpNode();
    // Two calls: the size for numbers is then a constant.
    if (shape)
      pool_free(this, NodeBlock{inputs, kResult, true, kOpBytes}.bytes());
    else
      pool_free(this, NodeBlock{inputs, kResult, false, kOpBytes}.bytes());
    count_node(-1);
  }

 private:
  [[gnu::always_inline]] explicit OpNode(const Facts& facts) : Node(facts) {}
  // A known number of edges is written out: graphs of numbers die as fast as they are made.
  void destroy_edges(std::size_t inputs) noexcept {
    if constexpr (N == 0)
      std::destroy_n(slots(), inputs + kResult);
    else
      [this]<std::size_t... I>(std::index_sequence<I...>) { ((slots() + I)->~Edge(), ...); }
    (std::make_index_sequence<N + kResult>{});
  }
  ~OpNode() {
    if constexpr (kHasState) std::destroy_at(&op());
  }
  decltype(auto) op() const {
    if constexpr (kHasState)
      return *static_cast<Op*>(const_cast<OpNode*>(this)->op_place());
    else
      return Op{};
  }
};

/// What recording needs to know of an operation; the same for all of them, so that it can be compiled once.
struct OpKind {
  const OpInfo& info;
  std::span<const Uses> uses{};  // of each input, the last for all that follow; empty: there is no rule
  bool saves_result = false;
  std::size_t op_bytes = 0;
  Node* (*make)(std::byte* block, void* op, const Node::Facts& facts) = nullptr;
};
template <class Op, int N>
constexpr OpKind kind_of() {
  static_assert(HasRule<Op> || !MentionsBackward<Op>,
                "a rule is declared as: void backward(GradContext& c, const Tensor& g) const");
  if constexpr (HasRule<Op>)
    return {info_of<Op>(), uses_of<Op>(), OpNode<Op, N>::kResult, OpNode<Op, N>::kOpBytes, OpNode<Op, N>::make};
  else
    return {info_of<Op>()};
}
template <class Op, int N>
inline constexpr OpKind kKind = kind_of<Op, N>();

}  // namespace internal
}  // namespace chainrule
