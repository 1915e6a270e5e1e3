#include "tools/bench/recipes.h"

#include "nn/data/augment.h"
#include "nn/layers.h"
#include "nn/models/book.h"
#include "nn/models/lenet.h"
#include "nn/models/resnet.h"
#include "optim/adam.h"
#include "optim/sgd.h"

namespace chainrule::bench {
namespace {

std::shared_ptr<Module> mlp() {
  return std::make_shared<Sequential>(Flatten(), Linear(784, 50), ReLU(), Linear(50, 10));
}
std::shared_ptr<Module> lenet() { return std::make_shared<LeNet5>(); }
std::shared_ptr<Module> deep_conv() { return std::make_shared<DeepConvNet>(); }
/// ResNet20 with one block in each stage in place of three: 8 layers.
std::shared_ptr<Module> resnet() {
  return std::make_shared<ResNet>(ResNet::Block::basic, std::vector<std::int64_t>{1, 1, 1}, 16, true,
                                  ResNet::Options{.num_classes = 10, .in_channels = 1});
}

}  // namespace

std::vector<Recipe> recipes() {
  std::vector<Recipe> list(4);
  Recipe &small = list[0], &le = list[1], &deep = list[2], &res = list[3];
  small.title = "MLP 784-50-10, MNIST";
  small.make = mlp;
  small.learning = {.network = "mlp", .adam = true, .lr = 2e-3};
  small.ratio = 3;

  le.title = "LeNet-5 (ReLU), MNIST";
  le.make = lenet;
  le.learning = {.network = "lenet", .adam = true, .lr = 2e-3};
  le.transform = random_shift(2);
  le.accuracy = 0.99;
  le.ratio = 3;

  deep.title = "DeepConvNet, MNIST";
  deep.make = deep_conv;
  deep.learning = {.network = "deep-conv", .adam = true, .lr = 1e-3};
  deep.dropout = true;
  deep.epochs = 20;
  deep.accuracy = 0.993;
  deep.ratio = 1.4;

  res.title = "ResNet-8, Fashion-MNIST";
  res.make = resnet;
  res.learning = {.network = "resnet", .lr = 0.1, .momentum = 0.9, .weight_decay = 5e-4};
  res.fashion = true;
  res.batch = 128;
  res.epochs = 12;
  res.transform = random_shift(2) | random_flip();
  res.accuracy = 0.92;
  res.ratio = 1.4;
  return list;
}

std::unique_ptr<Optimizer> make_optimizer(const Learning& l, const Module& net) {
  if (l.adam)
    return std::make_unique<Adam>(net.parameters(), Adam::Options{.lr = l.lr, .weight_decay = l.weight_decay});
  return std::make_unique<Sgd>(
      net.parameters(),
      Sgd::Options{.lr = l.lr, .momentum = l.momentum, .weight_decay = l.weight_decay, .nesterov = l.momentum > 0});
}

}  // namespace chainrule::bench
