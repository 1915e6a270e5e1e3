#include "nn/models/googlenet.h"

namespace chainrule {
namespace {

/// A convolution that keeps the size of images, and its ReLU.
void add_conv(Sequential& to, std::int64_t from, std::int64_t filters, std::int64_t size, const Init& init,
              std::int64_t stride = 1) {
  to.append(make<Conv2d>(from, filters,
                         Conv2d::Options{.kernel_size = size, .stride = stride, .padding = size / 2, .init = init}));
  to.append(make<ReLU>());
}

Sequential convs(std::int64_t from, std::initializer_list<std::pair<std::int64_t, std::int64_t>> filters_and_sizes,
                 const Init& init) {
  Sequential list;
  for (const auto& [filters, size] : filters_and_sizes) {
    add_conv(list, from, filters, size, init);
    from = filters;
  }
  return list;
}

Sequential pooled_conv(std::int64_t from, std::int64_t filters, const Init& init) {
  Sequential list(MaxPool2d(3, {.stride = 1, .padding = 1}));
  add_conv(list, from, filters, 1, init);
  return list;
}

std::shared_ptr<MaxPool2d> halving_pool() {
  return make<MaxPool2d>(3, MaxPool2d::Options{.stride = 2, .ceil_mode = true});
}

/// Appends Inception blocks; returns the channels that they give.
std::int64_t add_blocks(Sequential& to, std::int64_t from, std::initializer_list<InceptionSizes> list,
                        const Init& init) {
  for (const InceptionSizes& sizes : list) {
    to.append(make<Inception>(from, sizes, init));
    from = sizes.out();
  }
  return from;
}

void fill_head(Sequential& head, std::int64_t from, const GoogLeNetOptions& o) {
  head.append(make<AdaptiveAvgPool2d>(4));
  add_conv(head, from, 128, 1, o.init);
  head.append(make<Flatten>());
  head.append(make<Linear>(128 * 4 * 4, 1024, Linear::Options{.init = o.init}));
  head.append(make<ReLU>());
  head.append(make<Dropout>(0.7));
  head.append(make<Linear>(1024, o.num_classes, Linear::Options{.init = o.init}));
}

}  // namespace

Inception::Inception(std::int64_t in_channels, const InceptionSizes& s, const Init& init)
    : Branch(convs(in_channels, {{s.one, 1}}, init), convs(in_channels, {{s.reduce_three, 1}, {s.three, 3}}, init),
             convs(in_channels, {{s.reduce_five, 1}, {s.five, 5}}, init), pooled_conv(in_channels, s.pool, init)) {}

GoogLeNet::GoogLeNet(const Options& o)
    : stem_(*this, "stem"),
      inception3_(*this, "inception3"),
      inception4a_(*this, "inception4a"),
      inception4bcd_(*this, "inception4bcd"),
      inception4e_(*this, "inception4e"),
      inception5_(*this, "inception5"),
      classifier_(*this, "classifier") {
  const LocalResponseNorm::Options norm{.alpha = 5e-4, .beta = 0.75, .k = 1};
  add_conv(stem_, o.in_channels, 64, 7, o.init, 2);
  stem_.append(halving_pool());
  stem_.append(make<LocalResponseNorm>(5, norm));
  add_conv(stem_, 64, 64, 1, o.init);
  add_conv(stem_, 64, 192, 3, o.init);
  stem_.append(make<LocalResponseNorm>(5, norm));
  stem_.append(halving_pool());
  std::int64_t from = add_blocks(inception3_, 192, {{64, 96, 128, 16, 32, 32}, {128, 128, 192, 32, 96, 64}}, o.init);
  inception3_.append(halving_pool());
  from = add_blocks(inception4a_, from, {{192, 96, 208, 16, 48, 64}}, o.init);
  if (o.aux_heads) fill_head(aux1_.emplace(*this, "aux1"), from, o);
  from = add_blocks(inception4bcd_, from,
                    {{160, 112, 224, 24, 64, 64}, {128, 128, 256, 24, 64, 64}, {112, 144, 288, 32, 64, 64}}, o.init);
  if (o.aux_heads) fill_head(aux2_.emplace(*this, "aux2"), from, o);
  from = add_blocks(inception4e_, from, {{256, 160, 320, 32, 128, 128}}, o.init);
  inception4e_.append(halving_pool());
  from = add_blocks(inception5_, from, {{256, 160, 320, 32, 128, 128}, {384, 192, 384, 48, 128, 128}}, o.init);
  classifier_.append(make<GlobalAvgPool>());
  classifier_.append(make<Dropout>(0.4));
  classifier_.append(make<Linear>(from, o.num_classes, Linear::Options{.init = o.init}));
}

GoogLeNet::Output GoogLeNet::run_through(const Tensor& x, bool heads) {
  Output out;
  const Tensor first = inception4a_(inception3_(stem_(x)));
  if (heads && aux1_) out.aux1 = (*aux1_)(first);
  const Tensor second = inception4bcd_(first);
  if (heads && aux2_) out.aux2 = (*aux2_)(second);
  out.logits = classifier_(inception5_(inception4e_(second)));
  return out;
}

Tensor GoogLeNet::forward(const Tensor& x) { return run_through(x, false).logits; }
GoogLeNet::Output GoogLeNet::outputs(const Tensor& x, SourceLocation where) {
  return run(where, [&] { return run_through(x, true); });
}
Tensor GoogLeNet::loss(const Tensor& x, const Tensor& target, SourceLocation where) {
  const Output out = outputs(x, where);
  Tensor total = cross_entropy(out.logits, target);
  for (const Tensor& head : {out.aux1, out.aux2})
    if (head.defined()) total = total + 0.3 * cross_entropy(head, target);
  return total;
}

SmallGoogLeNet::SmallGoogLeNet(const Options& o) : layers_(*this, "layers") {
  add_conv(layers_, o.in_channels, 32, 3, o.init);
  layers_.append(halving_pool());
  std::int64_t from = add_blocks(layers_, 32, {{16, 16, 24, 4, 8, 8}, {24, 24, 40, 6, 16, 16}}, o.init);
  layers_.append(halving_pool());
  from = add_blocks(layers_, from, {{40, 32, 64, 8, 24, 24}}, o.init);
  layers_.append(make<GlobalAvgPool>());
  layers_.append(make<Linear>(from, o.num_classes, Linear::Options{.init = o.init}));
}
Tensor SmallGoogLeNet::forward(const Tensor& x) { return layers_(x); }

}  // namespace chainrule
