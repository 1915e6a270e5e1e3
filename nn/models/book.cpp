#include "nn/models/book.h"

#include <fmt/format.h>

#include <cmath>

#include "nn/layers/registry.h"

namespace chainrule {
namespace {

void draw(Parameter& weight, double std) {
  const NoGrad change;
  weight.copy_(randn(weight.shape()) * std);
}

std::int64_t pooled_size(const SimpleConvNet::Options& o) {
  if (o.stride < 1) throw ValueError(fmt::format("SimpleConvNet: stride must be at least 1, not {}", o.stride));
  const std::int64_t convolved = (o.image_size - o.filter_size + 2 * o.pad) / o.stride + 1;
  if (convolved < 2)
    throw ValueError(
        fmt::format("SimpleConvNet: filters of {} leave nothing to pool of images of {}", o.filter_size, o.image_size));
  return o.filter_num * (convolved / 2) * (convolved / 2);
}

}  // namespace

MLP::MLP(const std::vector<std::int64_t>& sizes, const Options& options) {
  if (sizes.size() < 2) throw ValueError("MLP: give at least the sizes of input and output, as in MLP({784, 50, 10})");
  for (std::size_t i = 1; i < sizes.size(); ++i) {
    append(make<Linear>(sizes[i - 1], sizes[i], Linear::Options{.init = options.init}));
    if (i + 1 == sizes.size()) break;
    if (options.batch_norm) append(make<BatchNorm1d>(sizes[i]));
    append(make_layer(options.activation));
    if (options.dropout > 0) append(make<Dropout>(options.dropout));
  }
}

TwoLayerNet::TwoLayerNet(std::int64_t input_size, std::int64_t hidden_size, std::int64_t output_size,
                         double weight_init_std)
    : affine1(*this, "affine1", input_size, hidden_size), affine2(*this, "affine2", hidden_size, output_size) {
  draw(affine1.W, weight_init_std);
  draw(affine2.W, weight_init_std);
}

Tensor TwoLayerNet::forward(const Tensor& x) { return affine2(relu(affine1(x))); }

MultiLayerNetExtend::MultiLayerNetExtend(std::int64_t input_size, const std::vector<std::int64_t>& hidden_sizes,
                                         std::int64_t output_size, const Options& options)
    : layers_(*this, "layers"), weight_decay_lambda_(options.weight_decay_lambda) {
  const double gain = options.activation.starts_with("ReLU") ? 2 : 1;
  std::int64_t from = input_size;
  const auto add = [&](std::int64_t to) {
    auto affine = make<Affine>(from, to);
    draw(affine->W, options.weight_init_std.value_or(std::sqrt(gain / static_cast<double>(from))));
    layers_.append(affine);
    affine_.push_back(std::move(affine));
    from = to;
  };
  for (const std::int64_t size : hidden_sizes) {
    add(size);
    if (options.use_batchnorm) layers_.append(make<BatchNorm1d>(size));
    layers_.append(make_layer(options.activation));
    if (options.use_dropout) layers_.append(make<Dropout>(options.dropout_ratio));
  }
  add(output_size);
}

Tensor MultiLayerNetExtend::forward(const Tensor& x) { return layers_(x); }

Tensor MultiLayerNetExtend::loss(const Tensor& x, const Tensor& t) {
  Tensor total = cross_entropy((*this)(x), t);
  if (weight_decay_lambda_ == 0) return total;
  for (const auto& affine : affine_) total = total + 0.5 * weight_decay_lambda_ * sum(affine->W * affine->W);
  return total;
}

SimpleConvNet::SimpleConvNet(const Options& o)
    : conv1(*this, "conv1", o.in_channels, o.filter_num,
            Conv2d::Options{.kernel_size = o.filter_size, .stride = o.stride, .padding = o.pad}),
      affine1(*this, "affine1", pooled_size(o), o.hidden_size),
      affine2(*this, "affine2", o.hidden_size, o.output_size) {
  draw(conv1.weight, o.weight_init_std);
  draw(affine1.W, o.weight_init_std);
  draw(affine2.W, o.weight_init_std);
}

Tensor SimpleConvNet::forward(const Tensor& x) { return affine2(relu(affine1(max_pool2d(relu(conv1(x)), 2)))); }

DeepConvNet::DeepConvNet(const Options& o) : layers_(*this, "layers") {
  std::int64_t from = o.in_channels;
  int number = 0;
  for (const std::int64_t to : {16, 16, 32, 32, 64, 64}) {
    ++number;  // the fourth has padding 2, so that the last pool sees 8 x 8
    layers_.append(make<Conv2d>(from, to, Conv2d::Options{.kernel_size = 3, .padding = number == 4 ? 2 : 1}));
    layers_.append(make<ReLU>());
    if (number % 2 == 0) layers_.append(make<MaxPool2d>(2));
    from = to;
  }
  layers_.append(make<Affine>(64 * 4 * 4, o.hidden_size));
  layers_.append(make<ReLU>());
  layers_.append(make<Dropout>(o.dropout));
  layers_.append(make<Affine>(o.hidden_size, o.output_size));
  layers_.append(make<Dropout>(o.dropout));  // the book drops out the scores, too
}

Tensor DeepConvNet::forward(const Tensor& x) { return layers_(x); }

}  // namespace chainrule
