// record_several: an operation with several results.
//
//   struct Polar {                                              // r = sqrt(x^2 + y^2),  a = atan2(y, x)
//     static constexpr OpInfo info{.name = "polar"};
//     static constexpr Uses uses[] = {kX | kY, kX | kY};
//     std::array<Tensor, 2> forward(const Tensor& x, const Tensor& y) const { ... }
//     void backward(GradContext& c, std::span<const Tensor> g) const { ... }   // g[0] of r, g[1] of a
//   };
//   auto [r, a] = record_several(Polar{}, x, y);
//
// A node has one result. So each result is a node of its own, whose rule is the operation's with zeros in place of the
// other gradients: the sum over the nodes is the whole rule, because a rule is linear in g. `forward` runs once.
#pragma once

#include <array>
#include <memory>
#include <vector>

#include "engine/factory.h"
#include "engine/record.h"

namespace chainrule {
namespace internal {

template <class Op>
concept HasRuleOfSeveral = requires(const Op& op, GradContext& c, std::span<const Tensor> g) {
  op.backward(c, g);
};

/// Result number k of an operation.
template <class Op>
struct OneResult {
  struct Kind {
    Shape shape;
    DType dtype;
  };
  Op op;
  std::size_t k;
  Tensor value;  // until it is recorded
  std::shared_ptr<const std::vector<Kind>> all;

  static constexpr const OpInfo& info = info_of<Op>();
  static constexpr auto uses() { return UsesOf{}.list; }
  Tensor forward(const auto&...) { return std::move(value); }
  void backward(GradContext& c, const Tensor& g) const {
    std::vector<Tensor> list;
    for (std::size_t i = 0; i < all->size(); ++i)
      list.push_back(i == k ? g : zeros((*all)[i].shape, {.dtype = (*all)[i].dtype}));
    op.backward(c, std::span<const Tensor>(list));
  }
  std::string attributes() const {
    std::string text = "result=" + std::to_string(k);
    if constexpr (HasAttributes<Op>) text += ", " + op.attributes();
    return text;
  }

 private:
  struct UsesOf {
    static constexpr std::size_t kCount = uses_of<Op>().size();
    std::array<Uses, kCount> list{};
    constexpr UsesOf() {
      for (std::size_t i = 0; i < kCount; ++i) list[i] = uses_of<Op>()[i];
    }
  };
};

template <class Op, class... X>
auto record_several_at(const SourceLocation& where, Op& op, const X&... inputs) {
  static_assert(
      HasRuleOfSeveral<Op>,
      "a rule of several results is declared as: void backward(GradContext& c, std::span<const Tensor> g) const");
  static_assert(!uses_result<Op>(), "a rule of several results reads its inputs; compute a result again from them");
  auto results = [&] {
    const NoGrad compute_only;
    return op.forward(tensor_of(inputs)...);
  }();
  using One = OneResult<Op>;
  auto all = std::make_shared<std::vector<typename One::Kind>>();
  for (const Tensor& z : results) all->push_back({z.shape(), z.dtype()});
  for (std::size_t k = 0; k < results.size(); ++k) {
    One one{op, k, std::move(results[k]), all};
    results[k] = record_at(where, one, inputs...);
  }
  return results;
}

}  // namespace internal

/// Computes op.forward(inputs...), which gives a std::array of tensors, and records each of them. Places as in
/// record().
template <class Op, class... X>
requires internal::OperandInputs<X...>
auto record_several(Op op, const X&... inputs) {
  return internal::record_several_at(internal::place_of_operands(inputs...), op, inputs...);
}
template <class Op>
auto record_several(Op op, const Tensor& x, SourceLocation where = SourceLocation::current()) {
  return internal::record_several_at(where, op, x);
}
template <class Op>
auto record_several(Op op, const Tensor& x, const Tensor& y, SourceLocation where = SourceLocation::current()) {
  return internal::record_several_at(where, op, x, y);
}
template <class Op>
auto record_several(Op op, const Tensor& x, const Tensor& y, const Tensor& z,
                    SourceLocation where = SourceLocation::current()) {
  return internal::record_several_at(where, op, x, y, z);
}

}  // namespace chainrule
