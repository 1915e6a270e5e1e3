// What can be done with a whole network: freezing, converting, copying, tying, and calling it with other tensors in
// place of its own. Patterns stand for names of parameters by path: in "conv*.weight" * is any text, ? any character.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "nn/module_base.h"

namespace chainrule {

/// Parameters whose path fits stop being trained: they get no gradient, and optimizers skip them. A tied parameter goes
/// by each of its paths. Returns the first paths of those that fit; ValueError when there is none.
std::vector<std::string> freeze(ModuleBase& net, std::string_view pattern = "*");
/// They are trained again.
std::vector<std::string> unfreeze(ModuleBase& net, std::string_view pattern = "*");

/// Parameters, their gradients, and floating buffers become float32 or float64. The handles stay, so that optimizers
/// and ties keep them, and so does which ones are trained. Graphs from before are of no use any more. ValueError for
/// another dtype.
void to(ModuleBase& net, DType dtype);

/// Gives `to` the values of all parameters and buffers of `from`. ValueError, before anything is changed, when names,
/// shapes or dtypes differ; it names all of them.
void copy_state(const ModuleBase& from, ModuleBase& to);

/// Makes the parameter at path `name` the one at path `as`: tie(net, "decoder.weight", "encoder.weight"). Both own the
/// tensor from then on, so neither dangles; it is listed, counted, saved and drawn once, under its first path. Tie
/// before making an optimizer, which would go on with the old one. Inside one module a declaration does the same:
/// Parameter out{*this, "out", in}. ValueError unless both paths lead to parameters of one shape and dtype.
void tie(ModuleBase& net, std::string_view name, std::string_view as);

/// Tensors by path, and the line that wrote them.
struct Replacements {
  Replacements(std::initializer_list<NamedTensor> list, SourceLocation at = SourceLocation::current())
      : tensors(list), where(at) {}
  Replacements(std::vector<NamedTensor> list, SourceLocation at = SourceLocation::current())
      : tensors(std::move(list)), where(at) {}
  std::vector<NamedTensor> tensors;
  SourceLocation where;
};

namespace internal {
/// Other tensors in place of parameters and buffers, for as long as it lives.
class Replaced {
 public:
  Replaced(ModuleBase& net, const std::vector<NamedTensor>& tensors);
  ~Replaced();
  Replaced(const Replaced&) = delete;
  Replaced& operator=(const Replaced&) = delete;

 private:
  struct Swap;
  void swap_all();
  std::vector<Swap> swaps_;
};
}  // namespace internal

/// net(inputs...), computed with other tensors in place of the parameters and buffers at these paths; what is not named
/// stays. Differentiable by the tensors, which may be results of operations: the inner step of MAML (Finn et al.,
/// "Model-agnostic meta-learning", ICML 2017), hypernetworks. A tied parameter is replaced under all its paths.
/// ValueError for a path that leads to no tensor or is given twice, ShapeError for another shape, ValueError for
/// another dtype; nothing is called then. The net is as before afterwards, also after an error. Not for one net on two
/// threads at once.
template <class Net, class... Inputs>
auto functional_call(Net& net, const Replacements& with, Inputs&&... inputs) {
  const internal::Replaced replaced(net, with.tensors);
  return net(std::forward<Inputs>(inputs)..., with.where);
}

}  // namespace chainrule
