// What a rule sees while it runs, and running it.
#pragma once

#include <array>
#include <boost/container/small_vector.hpp>
#include <cmath>
#include <concepts>
#include <span>
#include <type_traits>

#include "engine/node.h"

namespace chainrule {

namespace internal {
/// A function that computes a gradient, or one that is there already: what is computed in place would be computed for
/// nobody.
template <class F, class T>
concept SentBy = std::invocable<F&> ||(std::is_lvalue_reference_v<F>&& std::same_as<std::remove_cvref_t<F>, T>);
template <class F>
auto value_of(const F& gradient) {
  if constexpr (std::invocable<const F&>)
    return gradient();
  else
    return gradient;
}
}  // namespace internal

/// What a rule sees: its saved values, and where to send the inputs' gradients.
class GradContext {
 public:
  using Sent = boost::container::small_vector<Tensor, 3>;
  /// `needed` says of each input whether its gradient is wanted.
  GradContext(Node& node, std::span<const bool> needed, Sent& sent) : node_(node), needed_(needed), sent_(sent) {}

  bool needs(int i) const { return needed_[i]; }
  int input_count() const { return static_cast<int>(needed_.size()); }
  Tensor input(int i) const { return node_.saved_input(i); }
  Tensor output() const { return node_.saved_output(); }
  /// Shape of an input whose gradient is needed.
  const Shape& shape(int i) const;
  /// Sends input i its gradient: calls `gradient` only if somebody needs it.
  template <class F>
  void send(int i, F&& gradient) {
    if (i < 0 || i >= input_count()) throw_no_such_input(i);
    if (needed_[i]) sent_[i] = gradient();
  }
  /// Sends each input its gradient, which is a function, or g itself: send(g, [&] { return -g; }).
  template <internal::SentBy<Tensor>... F>
  void send(F&&... gradients) {
    int i = 0;
    (send(i++, [&] { return internal::value_of(gradients); }), ...);
  }

 private:
  [[noreturn]] void throw_no_such_input(int i) const;
  Node& node_;
  std::span<const bool> needed_;
  Sent& sent_;
};

/// What the same rule sees when inputs and result are float64 numbers and nobody wants the gradient's own history: a
/// rule that is written for any type of number (`void backward(auto& c, const auto& g) const`) then runs without
/// tensors.
class NumberContext {
 public:
  static constexpr int kMostInputs = 4;
  explicit NumberContext(const Node& node) : node_(node), edges_(node.edges()) {}

  bool needs(int i) const { return edges_[i].needs_grad; }
  int input_count() const { return static_cast<int>(edges_.size()); }
  double input(int i) const { return node_.saved_input_number(i); }
  double output() const { return node_.saved_output_number(); }
  template <class F>
  void send(int i, F&& gradient) {
    if (i < 0 || i >= input_count()) throw_no_such_input(i);
    if (!needs(i)) return;
    const double g = gradient();
    sent_[i] = g;
    arrived_ |= 1u << i;
    if (std::isnan(g)) [[unlikely]]
      arrived_ |= kNan;
  }
  template <internal::SentBy<double>... F>
  void send(F&&... gradients) {
    int i = 0;
    (send(i++, [&] { return internal::value_of(gradients); }), ...);
  }
  /// True when a NaN was sent; it may come of a number that the operation did not keep.
  bool sent_nan() const { return (arrived_ & kNan) != 0; }
  /// What was sent to input i. Throws GraphError when the rule sent nothing, though it is needed.
  double sent(int i) const {
    if (!(arrived_ >> i & 1u)) throw_not_sent(i);
    return sent_[i];
  }

 private:
  [[noreturn]] void throw_no_such_input(int i) const;
  [[noreturn]] void throw_not_sent(int i) const;
  static constexpr std::uint32_t kNan = 1u << kMostInputs;
  const Node& node_;
  const std::span<Edge> edges_;
  std::uint32_t arrived_ = 0;
  std::array<double, kMostInputs> sent_;
};

/// Runs the node's rule for the wanted inputs and checks number, shape and dtype of what it sends; sums broadcast axes
/// away for elementwise operations. Inputs that were sent nothing stay undefined.
void run_rule(Node& node, const Tensor& g, std::span<const bool> needed, GradContext::Sent& sent);

/// Shape and dtype of the input at the end of an edge that needs a gradient.
struct Expected {
  const Shape* shape;
  DType dtype;
};
Expected expected_gradient(const Edge& edge);

}  // namespace chainrule
