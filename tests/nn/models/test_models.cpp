// Ready models: published numbers of parameters, names of torchvision, shapes, and that each can be trained.
#include <doctest/doctest.h>

#include <algorithm>

#include "nn/models/alexnet.h"
#include "nn/models/book.h"
#include "nn/models/googlenet.h"
#include "nn/models/lenet.h"
#include "nn/models/resnet.h"
#include "nn/models/vgg.h"

using namespace chainrule;

namespace {

/// One zero, seen as a weight of that shape: 140 million parameters in four bytes.
Tensor one_zero(const Shape& shape, Generator&) { return expand(zeros({1}), shape); }

bool has_parameter(const ModuleBase& model, const std::string& name, const Shape& shape) {
  const auto all = model.parameters();
  return std::any_of(all.begin(), all.end(),
                     [&](const NamedTensor& p) { return p.name == name && p.tensor.shape() == shape; });
}

struct Pictures {
  Tensor x, t;
};
/// Noise of ten kinds that are brighter in one of ten places, and their kinds.
Pictures pictures(const Shape& shape) {
  const auto per = static_cast<std::size_t>(numel(shape) / shape[0]);
  std::vector<double> values = randn(shape).to_vector(), kinds;
  for (std::size_t i = 0; i < static_cast<std::size_t>(shape[0]); ++i) {
    kinds.push_back(static_cast<double>(i % 10));
    for (std::size_t j = 0; j < per / 10; ++j) values[i * per + i % 10 * (per / 10) + j] += 2;
  }
  return {from_vector(values, shape, {.dtype = DType::float32}), to(from_vector(kinds, {shape[0]}), DType::int64)};
}

/// Every parameter has a gradient, and steps of RMSprop by hand (nn knows no optimizer) make the loss smaller.
void check_small(Module&& model, const Shape& shape, double rate = 2e-3) {
  CAPTURE(model.kind());
  manual_seed(1);
  const auto [x, t] = pictures(shape);
  double first = 0, last = 0;
  std::vector<Tensor> squares;
  for (const NamedTensor& p : model.parameters()) squares.push_back(zeros(p.tensor.shape()));
  for (int step = 0; step < 12; ++step) {
    model.zero_grad();
    const Tensor y = model(x);
    CHECK(y.shape() == Shape{shape[0], 10});
    Tensor loss = cross_entropy(y, t);
    last = loss.to_vector()[0];
    if (step == 0) first = last;
    loss.backward();
    const NoGrad change;
    auto all = model.parameters();
    for (std::size_t i = 0; i < all.size(); ++i) {
      REQUIRE_MESSAGE(all[i].tensor.grad().defined(), all[i].name);
      const Tensor g = all[i].tensor.grad();
      squares[i] = step == 0 ? g * g : 0.9 * squares[i] + 0.1 * g * g;
      all[i].tensor.copy_(all[i].tensor - rate * g / (sqrt(squares[i]) + 1e-8));
    }
  }
  CHECK_MESSAGE(last < 0.8 * first, first, " became ", last);
}

}  // namespace

TEST_CASE("the book's networks have the book's numbers of parameters") {
  CHECK(MLP({784, 50, 10}).parameter_count() == 39760);
  CHECK(MLP({784, 50, 100, 10}).parameter_count() == 45360);
  CHECK(TwoLayerNet(784, 50, 10).parameter_count() == 39760);
  CHECK(MultiLayerNet(784, {50, 100}, 10).parameter_count() == 45360);
  CHECK(MultiLayerNetExtend(784, {50, 100}, 10, {.use_dropout = true, .use_batchnorm = true}).parameter_count() ==
        45360 + 2 * 150);
  CHECK(SimpleConvNet().parameter_count() == 433890);
  CHECK(DeepConvNet().parameter_count() == 123552);
  CHECK(TwoLayerNet(784, 50, 10).affine1.W.shape() == Shape{784, 50});
}

TEST_CASE("LeNet-5 has 61,706 parameters in every form") {
  for (const bool original : {false, true})
    for (const std::int64_t size : {28, 32}) {
      LeNet5 net({.original = original, .activation = "Tanh()", .image_size = size});
      CHECK(net.parameter_count() == 61706);
      CHECK(net(zeros({2, 1, size, size})).shape() == Shape{2, 10});
    }
  CHECK_THROWS_WITH_AS(LeNet5({.image_size = 30}), "LeNet5: images are 28 or 32 wide, not 30", ValueError);
}

TEST_CASE("the large networks have the published numbers of parameters") {
  CHECK(AlexNet({.init = one_zero}).parameter_count() == 60965224);
  CHECK(VGG11({.init = one_zero}).parameter_count() == 132863336);
  CHECK(VGG16({.init = one_zero}).parameter_count() == 138357544);
  CHECK(VGG19({.init = one_zero}).parameter_count() == 143667240);
  CHECK(VGG11({.batch_norm = true, .init = one_zero}).parameter_count() == 132868840);
  CHECK(VGG16({.batch_norm = true, .init = one_zero}).parameter_count() == 138365992);
  CHECK(VGG19({.batch_norm = true, .init = one_zero}).parameter_count() == 143678248);
  CHECK(GoogLeNet({.aux_heads = false, .init = one_zero}).parameter_count() == 6998552);
  CHECK(GoogLeNet({.init = one_zero}).parameter_count() == 6998552 + 6379728);
  CHECK(ResNet18({.init = one_zero}).parameter_count() == 11689512);
  CHECK(ResNet34({.init = one_zero}).parameter_count() == 21797672);
  CHECK(ResNet50({.init = one_zero}).parameter_count() == 25557032);
  CHECK(ResNet20({.num_classes = 10, .in_channels = 3}).parameter_count() == 272474);
  CHECK(Inception(192, {64, 96, 128, 16, 32, 32}).parameter_count() == 163696);
}

TEST_CASE("parameters are named as in torchvision") {
  const ResNet18 resnet({.init = one_zero});
  CHECK(has_parameter(resnet, "conv1.weight", {64, 3, 7, 7}));
  CHECK(has_parameter(resnet, "layer1.0.bn2.bias", {64}));
  CHECK(has_parameter(resnet, "layer2.0.downsample.0.weight", {128, 64, 1, 1}));
  CHECK(has_parameter(resnet, "layer4.1.conv2.weight", {512, 512, 3, 3}));
  CHECK(has_parameter(resnet, "fc.weight", {1000, 512}));
  CHECK(has_parameter(ResNet50({.init = one_zero}), "layer3.5.conv3.weight", {1024, 256, 1, 1}));
  CHECK(has_parameter(VGG16({.init = one_zero}), "features.28.weight", {512, 512, 3, 3}));
  CHECK(has_parameter(VGG16({.batch_norm = true, .init = one_zero}), "features.41.weight", {512}));
  CHECK(has_parameter(VGG16({.init = one_zero}), "classifier.6.weight", {1000, 4096}));
  CHECK(has_parameter(AlexNet({.init = one_zero}), "classifier.1.weight", {4096, 9216}));
}

TEST_CASE("the large networks read 224 x 224") {
  const NoGrad forward_only;
  const Tensor image = zeros({1, 3, 224, 224});
  const auto check = [&](Module&& model) {
    model.eval();
    CHECK(model(image).shape() == Shape{1, 1000});
  };
  check(AlexNet({.init = one_zero}));
  check(VGG11({.init = one_zero}));
  check(GoogLeNet({.init = one_zero}));
  check(ResNet18({.init = one_zero}));
  check(ResNet50({.init = one_zero}));
}

TEST_CASE("GoogLeNet's heads are part of training only") {
  manual_seed(2);
  GoogLeNet net({.num_classes = 10, .in_channels = 1});
  const Tensor x = randn({2, 1, 64, 64}), t = to(tensor({1., 2.}), DType::int64);
  const GoogLeNet::Output out = net.outputs(x);
  for (const Tensor& y : {out.logits, out.aux1, out.aux2}) CHECK(y.shape() == Shape{2, 10});
  Tensor loss = net.loss(x, t);
  loss.backward();
  for (const NamedTensor& p : net.parameters()) CHECK_MESSAGE(p.tensor.grad().defined(), p.name);
  GoogLeNet plain({.num_classes = 10, .in_channels = 1, .aux_heads = false, .init = one_zero});
  CHECK_FALSE(plain.outputs(x).aux1.defined());
}

TEST_CASE("an Inception block joins four branches on the channels") {
  Inception block(192, {64, 96, 128, 16, 32, 32});
  CHECK(block(zeros({1, 192, 7, 7})).shape() == Shape{1, 256, 7, 7});
}

TEST_CASE("small networks learn pictures of 28 x 28 and 32 x 32") {
  const Shape gray{20, 1, 28, 28}, coloured{20, 3, 32, 32};
  manual_seed(5);
  check_small(LeNet5(), gray);
  check_small(SimpleConvNet(), gray);
  check_small(DeepConvNet({.dropout = 0}), gray);
  check_small(SmallAlexNet({.num_classes = 10, .in_channels = 1, .dropout = 0}), gray);
  check_small(SmallVGG({.batch_norm = true, .num_classes = 10, .in_channels = 3, .dropout = 0}), coloured);
  check_small(SmallGoogLeNet(), gray);
  check_small(ResNet20({.num_classes = 10, .in_channels = 3}), coloured);
  check_small(MLP({784, 50, 10}, {.batch_norm = true}), {20, 784});
  check_small(TwoLayerNet(784, 50, 10, 0.05), gray);  // the first affine joins the axes of images
}

TEST_CASE("the book's weight decay is half of lambda times the squares") {
  manual_seed(3);
  MultiLayerNet plain(4, {3}, 2), decayed(4, {3}, 2, {.weight_decay_lambda = 0.1});
  double squares = 0;
  {
    const NoGrad change;
    const auto from = plain.parameters(), into = decayed.parameters();
    for (std::size_t i = 0; i < from.size(); ++i) Tensor(into[i].tensor).copy_(from[i].tensor);
  }
  for (const NamedTensor& p : plain.parameters())
    if (p.name.ends_with("W"))
      for (const double w : p.tensor.to_vector()) squares += w * w;
  const Tensor x = randn({5, 4}), t = to(tensor({0., 1, 0, 1, 1}), DType::int64);
  CHECK(decayed.loss(x, t).to_vector()[0] ==
        doctest::Approx(plain.loss(x, t).to_vector()[0] + 0.05 * squares).epsilon(1e-5));
}

TEST_CASE("sizes that make no network are refused") {
  CHECK_THROWS_WITH_AS(MLP({784}), "MLP: give at least the sizes of input and output, as in MLP({784, 50, 10})",
                       ValueError);
  CHECK_THROWS_WITH_AS(SimpleConvNet({.image_size = 5}),
                       "SimpleConvNet: filters of 5 leave nothing to pool of images of 5", ValueError);
  CHECK_THROWS_WITH_AS(MLP({2, 2, 2}, {.activation = "Relu7()"}), "there is no layer 'Relu7'; did you mean ReLU?",
                       ValueError);
}
