#include "nn/models/vgg.h"

namespace chainrule {

VGG::VGG(const std::vector<std::vector<std::int64_t>>& blocks, std::int64_t pooled, std::int64_t hidden,
         const Options& o)
    : features_(*this, "features"), avgpool_(*this, "avgpool", pooled), classifier_(*this, "classifier") {
  std::int64_t from = o.in_channels;
  for (const auto& block : blocks) {
    for (const std::int64_t filters : block) {
      features_.append(make<Conv2d>(from, filters, Conv2d::Options{.kernel_size = 3, .padding = 1, .init = o.init}));
      if (o.batch_norm) features_.append(make<BatchNorm2d>(filters));
      features_.append(make<ReLU>());
      from = filters;
    }
    features_.append(make<MaxPool2d>(2));
  }
  const Linear::Options linear{.init = o.init};
  classifier_.append(make<Linear>(from * pooled * pooled, hidden, linear));
  classifier_.append(make<ReLU>());
  classifier_.append(make<Dropout>(o.dropout));
  classifier_.append(make<Linear>(hidden, hidden, linear));
  classifier_.append(make<ReLU>());
  classifier_.append(make<Dropout>(o.dropout));
  classifier_.append(make<Linear>(hidden, o.num_classes, linear));
}

Tensor VGG::forward(const Tensor& x) { return classifier_(flatten(avgpool_(features_(x)), 1)); }

VGG11::VGG11(const Options& o) : VGG({{64}, {128}, {256, 256}, {512, 512}, {512, 512}}, 7, 4096, o) {}
VGG16::VGG16(const Options& o)
    : VGG({{64, 64}, {128, 128}, {256, 256, 256}, {512, 512, 512}, {512, 512, 512}}, 7, 4096, o) {}
VGG19::VGG19(const Options& o)
    : VGG({{64, 64}, {128, 128}, {256, 256, 256, 256}, {512, 512, 512, 512}, {512, 512, 512, 512}}, 7, 4096, o) {}
SmallVGG::SmallVGG(const Options& o) : VGG({{32, 32}, {64, 64}, {128, 128}}, 2, 128, o) {}

}  // namespace chainrule
