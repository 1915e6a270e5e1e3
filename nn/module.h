// Module: a part of a network that owns parameters, buffers and other modules. Declaring a member registers it:
//
//   struct Net : Module {
//     Child<Conv2d> conv{*this, "conv", 1, 16, {.kernel_size = 3, .padding = 1}};
//     Child<Linear> out{*this, "out", 16 * 4 * 4, 10};
//     Tensor forward(const Tensor& x) override { return out(flatten(max_pool2d(relu(conv(x)), 2), 1)); }
//   };
//
// Names come from the declarations, in their order: diagrams, reports and optimizer state use them. A module whose
// forward takes or returns anything else derives from ModuleOf<Itself>.
#pragma once

#include "nn/module_base.h"

namespace chainrule {

/// A module of one tensor that gives one.
class Module : public ModuleBase {
 public:
  Tensor operator()(const Tensor& x, SourceLocation where = SourceLocation::current()) {
    return run(
        where, [&] { return forward(x); }, x);
  }
  template <class A, class B, class... More>
  void operator()(const A&, const B&, const More&...) {
    static_assert(sizeof(A) == 0, "a module of several inputs is declared as struct Net : ModuleOf<Net>");
  }

 protected:
  virtual Tensor forward(const Tensor& x);
  Tensor call_with(const Tensor& x, const SourceLocation& where) final { return (*this)(x, where); }
};

/// A module whose public `forward` may take and return anything:
///
///   struct Cell : ModuleOf<Cell> {
///     struct State { Tensor h, c; };
///     State forward(const Tensor& x, const State& before);
///   };
///   State now = cell(x, before);
template <class Self>
class ModuleOf : public ModuleBase {
  using Where = SourceLocation;

 public:
  // A default argument cannot follow a pack, so there is one for each number of arguments.
  auto operator()(Where where = Where::current()) { return call_forward(where); }
  template <class A>
  auto operator()(A&& a, Where where = Where::current()) {
    return call_forward(where, std::forward<A>(a));
  }
  template <class A, class B>
  auto operator()(A&& a, B&& b, Where where = Where::current()) {
    return call_forward(where, std::forward<A>(a), std::forward<B>(b));
  }
  template <class A, class B, class C>
  auto operator()(A&& a, B&& b, C&& c, Where where = Where::current()) {
    return call_forward(where, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c));
  }
  template <class A, class B, class C, class D>
  auto operator()(A&& a, B&& b, C&& c, D&& d, Where where = Where::current()) {
    return call_forward(where, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c), std::forward<D>(d));
  }
  template <class A, class B, class C, class D, class E>
  auto operator()(A&& a, B&& b, C&& c, D&& d, E&& e, Where where = Where::current()) {
    return call_forward(where, std::forward<A>(a), std::forward<B>(b), std::forward<C>(c), std::forward<D>(d),
                        std::forward<E>(e));
  }

 protected:
  Tensor call_with(const Tensor& x, const SourceLocation& where) override {
    if constexpr (requires(Self & self) {
                    { self.forward(x) } -> std::convertible_to<Tensor>;
                  })
      return call_forward(where, x);
    else
      return ModuleBase::call_with(x, where);
  }

 private:
  template <class... A>
  auto call_forward(const SourceLocation& where, A&&... a) {
    auto& self = static_cast<Self&>(*this);
    constexpr bool fits = requires { self.forward(std::forward<A>(a)...); };
    static_assert(fits, "the module has no public forward that takes these arguments");
    if constexpr (fits)
      return run(
          where, [&] { return self.forward(std::forward<A>(a)...); }, a...);
  }
};

}  // namespace chainrule
