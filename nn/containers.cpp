// What the containers of this header compute: sums and joins of their parts.
#include "nn/containers.h"

#include <fmt/format.h>

#include "ops/ops.h"

namespace chainrule {

void Residual::set(std::shared_ptr<ModuleBase> body, std::shared_ptr<ModuleBase> shortcut) {
  body_ = add_child("body", std::move(body));
  if (shortcut) shortcut_ = add_child("shortcut", std::move(shortcut));
}

Tensor Residual::forward(const Tensor& x) {
  const Tensor y = call(*body_, x, called_from());
  const Tensor straight = shortcut_ ? call(*shortcut_, x, called_from()) : x;
  if (y.shape() != straight.shape())
    throw ShapeError(fmt::format("Residual: the body makes {} of x {}, the shortcut {}; they must agree to be added",
                                 to_string(y.shape()), to_string(x.shape()), to_string(straight.shape())));
  return y + straight;
}

void Branch::append(std::shared_ptr<ModuleBase> module) {
  modules_.push_back(add_child(std::to_string(modules_.size()), std::move(module)));
}

Tensor Branch::forward(const Tensor& x) {
  std::vector<Tensor> parts;
  for (const auto& module : modules_) parts.push_back(call(*module, x, called_from()));
  return cat(parts, 1);
}

Lambda::Lambda(std::function<Tensor(const Tensor&)> function) : function_(std::move(function)) {
  if (!function_) throw ValueError("Lambda: the function is empty");
}

Tensor Lambda::forward(const Tensor& x) { return function_(x); }

}  // namespace chainrule
