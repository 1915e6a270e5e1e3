#include "nn/models/alexnet.h"

namespace chainrule {
namespace {

struct Convolution {
  std::int64_t filters, size, stride, padding, groups;
  bool norm, pool;
};

void add_features(Sequential& features, std::int64_t in_channels, std::initializer_list<Convolution> list,
                  const Init& init) {
  std::int64_t from = in_channels;
  for (const Convolution& c : list) {
    features.append(make<Conv2d>(
        from, c.filters,
        Conv2d::Options{
            .kernel_size = c.size, .stride = c.stride, .padding = c.padding, .groups = c.groups, .init = init}));
    features.append(make<ReLU>());
    // Their k = 2, n = 5, alpha = 1e-4, beta = 0.75; ours takes the mean of the five squares where they take the sum.
    if (c.norm)
      features.append(make<LocalResponseNorm>(5, LocalResponseNorm::Options{.alpha = 5e-4, .beta = 0.75, .k = 2}));
    if (c.pool) features.append(make<MaxPool2d>(3, MaxPool2d::Options{.stride = 2}));
    from = c.filters;
  }
}

void add_classifier(Sequential& classifier, std::int64_t in, std::int64_t hidden, const AlexNetOptions& o) {
  classifier.append(make<Dropout>(o.dropout));
  classifier.append(make<Linear>(in, hidden, Linear::Options{.init = o.init}));
  classifier.append(make<ReLU>());
  classifier.append(make<Dropout>(o.dropout));
  classifier.append(make<Linear>(hidden, hidden, Linear::Options{.init = o.init}));
  classifier.append(make<ReLU>());
  classifier.append(make<Linear>(hidden, o.num_classes, Linear::Options{.init = o.init}));
}

}  // namespace

AlexNet::AlexNet(const Options& o)
    : features_(*this, "features"), avgpool_(*this, "avgpool", 6), classifier_(*this, "classifier") {
  add_features(features_, o.in_channels,
               {{96, 11, 4, 2, 1, true, true},
                {256, 5, 1, 2, 2, true, true},
                {384, 3, 1, 1, 1, false, false},
                {384, 3, 1, 1, 2, false, false},
                {256, 3, 1, 1, 2, false, true}},
               o.init);
  add_classifier(classifier_, 256 * 6 * 6, 4096, o);
}
Tensor AlexNet::forward(const Tensor& x) { return classifier_(flatten(avgpool_(features_(x)), 1)); }

SmallAlexNet::SmallAlexNet(const Options& o)
    : features_(*this, "features"), avgpool_(*this, "avgpool", 2), classifier_(*this, "classifier") {
  add_features(features_, o.in_channels,
               {{24, 5, 1, 2, 1, true, true},
                {48, 5, 1, 2, 2, true, true},
                {64, 3, 1, 1, 1, false, false},
                {64, 3, 1, 1, 2, false, false},
                {48, 3, 1, 1, 2, false, true}},
               o.init);
  add_classifier(classifier_, 48 * 2 * 2, 128, o);
}
Tensor SmallAlexNet::forward(const Tensor& x) { return classifier_(flatten(avgpool_(features_(x)), 1)); }

}  // namespace chainrule
