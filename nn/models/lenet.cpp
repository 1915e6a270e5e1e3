#include "nn/models/lenet.h"

#include <fmt/format.h>

#include "nn/layers/registry.h"

namespace chainrule {

LeNet5::LeNet5(const Options& o) : features_(*this, "features"), classifier_(*this, "classifier") {
  if (o.image_size != 28 && o.image_size != 32)
    throw ValueError(fmt::format("LeNet5: images are 28 or 32 wide, not {}", o.image_size));
  const auto activation = [&] { return o.original ? make_layer(o.activation) : make<ReLU>(); };
  const auto pool = [&]() -> std::shared_ptr<ModuleBase> {
    if (o.original) return make<AvgPool2d>(2);
    return make<MaxPool2d>(2);
  };
  features_.append(make<Conv2d>(
      o.in_channels, 6, Conv2d::Options{.kernel_size = 5, .padding = o.image_size == 28 ? 2 : 0, .init = o.init}));
  features_.append(activation());
  features_.append(pool());
  features_.append(make<Conv2d>(6, 16, Conv2d::Options{.kernel_size = 5, .init = o.init}));
  features_.append(activation());
  features_.append(pool());
  classifier_.append(make<Linear>(16 * 5 * 5, 120, Linear::Options{.init = o.init}));
  classifier_.append(activation());
  classifier_.append(make<Linear>(120, 84, Linear::Options{.init = o.init}));
  classifier_.append(activation());
  classifier_.append(make<Linear>(84, o.num_classes, Linear::Options{.init = o.init}));
}

Tensor LeNet5::forward(const Tensor& x) { return classifier_(flatten(features_(x), 1)); }

}  // namespace chainrule
