// Child: a module that is a member of another one, and make() for modules that are owned by pointers.
#pragma once

#include "nn/parameter.h"

namespace chainrule {
namespace internal {
struct NoOptions {};
template <class M, class = void>
struct OptionsOf {
  using Type = NoOptions;
};
template <class M>
struct OptionsOf<M, std::void_t<typename M::Options>> {
  using Type = typename M::Options;
};
}  // namespace internal

/// A member module, registered under its name for as long as it lives. Arguments after the name go to M; a braced list
/// at their end is its Options. It stays where it is declared, and so does the struct around it.
template <class M>
class Child : public M {
  static_assert(std::is_base_of_v<ModuleBase, M>, "Child<M> needs a module: struct M : Module");
  using Options = typename internal::OptionsOf<M>::Type;

 public:
  template <class P, class... A>
  Child(P& parent, std::string name, A&&... arguments) : M(std::forward<A>(arguments)...) {
    join(parent, std::move(name));
  }
  template <class P>
  Child(P& parent, std::string name, Options options) : M(options) {
    join(parent, std::move(name));
  }
  template <class P, class A>
  Child(P& parent, std::string name, A a, Options options) : M(a, options) {
    join(parent, std::move(name));
  }
  template <class P, class A, class B>
  Child(P& parent, std::string name, A a, B b, Options options) : M(a, b, options) {
    join(parent, std::move(name));
  }
  // Not deleted, so that the compiler says one sentence: the body is only compiled where somebody moves a Child.
  Child(Child&& other) noexcept : M(std::move(other)) {
    static_assert(
        sizeof(M) == 0,
        "a Child stays where it is declared, and so does the struct around it: make the struct in place, with "
        "make<Net>(...), and keep a changing number of modules in a ModuleList or with add_child");
  }

 private:
  template <class P>
  void join(P& parent, std::string name) {  // NOLINT(performance-unnecessary-value-param): moved where it is kept
    static_assert(std::is_base_of_v<ModuleBase, P>, "a struct that declares a Child is a module: struct Net : Module");
    if constexpr (std::is_base_of_v<ModuleBase, P>)
      static_cast<ModuleBase&>(parent).adopt(std::move(name), this, nullptr);
  }
};

/// A module that pointers own: for add_child, Sequential, ModuleList and ModuleDict.
template <class M, class... A>
std::shared_ptr<M> make(A&&... arguments) {
  static_assert(std::is_base_of_v<ModuleBase, M>, "make<M> makes a module: struct M : Module");
  return std::make_shared<M>(std::forward<A>(arguments)...);
}

}  // namespace chainrule
