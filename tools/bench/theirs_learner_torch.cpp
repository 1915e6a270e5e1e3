// libtorch's side of bench_training, written as its users write it.
#include <torch/torch.h>

#include <stdexcept>

#include "tools/bench/theirs.h"

namespace chainrule::bench {
namespace {

namespace nn = torch::nn;

nn::Conv2d conv(std::int64_t from, std::int64_t to, std::int64_t size, std::int64_t padding) {
  return nn::Conv2d(nn::Conv2dOptions(from, to, size).padding(padding));
}

nn::Sequential mlp() { return nn::Sequential(nn::Flatten(), nn::Linear(784, 50), nn::ReLU(), nn::Linear(50, 10)); }

nn::Sequential lenet() {
  return nn::Sequential(conv(1, 6, 5, 2), nn::ReLU(), nn::MaxPool2d(2), conv(6, 16, 5, 0), nn::ReLU(), nn::MaxPool2d(2),
                        nn::Flatten(), nn::Linear(400, 120), nn::ReLU(), nn::Linear(120, 84), nn::ReLU(),
                        nn::Linear(84, 10));
}

nn::Sequential deep_conv() {
  nn::Sequential net;
  std::int64_t from = 1;
  int number = 0;
  for (const std::int64_t to : {16, 16, 32, 32, 64, 64}) {
    ++number;
    net->push_back(conv(from, to, 3, number == 4 ? 2 : 1));
    net->push_back(nn::ReLU());
    if (number % 2 == 0) net->push_back(nn::MaxPool2d(2));
    from = to;
  }
  net->push_back(nn::Flatten());
  net->push_back(nn::Linear(1024, 50));
  net->push_back(nn::ReLU());
  net->push_back(nn::Dropout(0.5));
  net->push_back(nn::Linear(50, 10));
  net->push_back(nn::Dropout(0.5));
  return net;
}

struct BlockImpl : nn::Module {
  BlockImpl(std::int64_t from, std::int64_t to, std::int64_t stride) {
    const auto filters = [&](std::int64_t in, std::int64_t size, std::int64_t step) {
      return nn::Conv2d(nn::Conv2dOptions(in, to, size).stride(step).padding(size / 2).bias(false));
    };
    conv1 = register_module("conv1", filters(from, 3, stride));
    bn1 = register_module("bn1", nn::BatchNorm2d(to));
    conv2 = register_module("conv2", filters(to, 3, 1));
    bn2 = register_module("bn2", nn::BatchNorm2d(to));
    if (stride != 1 || from != to)
      downsample = register_module("downsample", nn::Sequential(filters(from, 1, stride), nn::BatchNorm2d(to)));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const torch::Tensor y = bn2(conv2(torch::relu(bn1(conv1(x)))));
    return torch::relu(y + (downsample.is_empty() ? x : downsample->forward(x)));
  }
  nn::Conv2d conv1{nullptr}, conv2{nullptr};
  nn::BatchNorm2d bn1{nullptr}, bn2{nullptr};
  nn::Sequential downsample{nullptr};
};
TORCH_MODULE(Block);

nn::Sequential resnet() {
  return nn::Sequential(nn::Conv2d(nn::Conv2dOptions(1, 16, 3).padding(1).bias(false)), nn::BatchNorm2d(16), nn::ReLU(),
                        Block(16, 16, 1), Block(16, 32, 2), Block(32, 64, 2), nn::AdaptiveAvgPool2d(1), nn::Flatten(),
                        nn::Linear(64, 10));
}

nn::Sequential make(const std::string& network) {
  if (network == "mlp") return mlp();
  if (network == "lenet") return lenet();
  if (network == "deep-conv") return deep_conv();
  if (network == "resnet") return resnet();
  throw std::invalid_argument("bench: libtorch's side has no network '" + network + "'");
}

class TorchLearner : public Learner {
 public:
  TorchLearner(const Learning& l, const std::vector<FirstNumbers>& first) : net_(make(l.network)) {
    const std::vector<torch::Tensor> parameters = net_->parameters();
    if (parameters.size() != first.size()) throw std::invalid_argument("bench: the two networks are not the same");
    const torch::NoGradGuard only_values;
    for (std::size_t i = 0; i < first.size(); ++i) {
      torch::Tensor values = torch::from_blob(const_cast<float*>(first[i].values.data()), first[i].shape);
      if (values.dim() == 2 && values.sizes() != parameters[i].sizes()) values = values.t();
      if (values.sizes() != parameters[i].sizes()) throw std::invalid_argument("bench: the two networks differ");
      parameters[i].copy_(values);
    }
    if (l.adam)
      optimizer_ = std::make_unique<torch::optim::Adam>(parameters,
                                                        torch::optim::AdamOptions(l.lr).weight_decay(l.weight_decay));
    else
      optimizer_ = std::make_unique<torch::optim::SGD>(
          parameters,
          torch::optim::SGDOptions(l.lr).momentum(l.momentum).weight_decay(l.weight_decay).nesterov(l.momentum > 0));
  }

  double loss(const Samples& samples) override {
    const torch::NoGradGuard only_values;
    net_->eval();
    const auto value = loss_of(samples).item<double>();
    net_->train();
    return value;
  }

  double step(const Samples& samples) override {
    const torch::Tensor loss = loss_of(samples);
    // Dropping the gradients is faster than filling them with zeros, and is what our side does.
    for (torch::Tensor& p : optimizer_->param_groups()[0].params()) p.mutable_grad().reset();
    loss.backward();
    optimizer_->step();
    return loss.item<double>();
  }

 private:
  torch::Tensor loss_of(const Samples& s) {
    const auto images = torch::from_blob(const_cast<float*>(s.images), {s.count, 1, 28, 28});
    const auto labels = torch::from_blob(const_cast<std::int64_t*>(s.labels), {s.count}, torch::kInt64);
    return nn::functional::cross_entropy(net_->forward(images), labels);
  }
  nn::Sequential net_;
  std::unique_ptr<torch::optim::Optimizer> optimizer_;
};

}  // namespace

std::unique_ptr<Learner> make_their_learner(const Learning& learning, const std::vector<FirstNumbers>& parameters) {
  return std::make_unique<TorchLearner>(learning, parameters);
}

}  // namespace chainrule::bench
