// Our side of every workload, written as a user would write it: tensors, modules, an optimizer.
#include "tools/bench/ours.h"

#include <memory>

#include "engine/backward.h"
#include "engine/factory.h"
#include "nn/layers.h"
#include "ops/ops.h"
#include "optim/adam.h"
#include "optim/sgd.h"

namespace chainrule::bench {
namespace {

Tensor zeros_init(const Shape& shape, Generator&) { return zeros(shape); }  // the shared numbers replace them

struct BatchNorm : Module {
  explicit BatchNorm(std::int64_t channels)
      : weight(*this, "weight", ones({channels})),
        bias(*this, "bias", zeros({channels})),
        mean(*this, "mean", zeros({channels})),
        variance(*this, "variance", ones({channels})) {}
  Tensor forward(const Tensor& x) override { return batch_norm(x, mean, variance, weight, bias, {.training = true}); }

  Parameter weight, bias;
  Buffer mean, variance;
};

struct TrainingStep {
  TrainingStep(const Workload& w, const Data& data) {
    Shape shape{w.batch};
    for (const std::int64_t n : w.input) shape.push_back(n);
    images = from_vector(data.x, shape);
    labels = from_vector(data.labels, {w.batch});
    for (const Layer& layer : w.layers) append(layer);
    std::vector<NamedTensor> parameters = model.parameters();
    {
      const NoGrad only_values;
      for (std::size_t i = 0; i < parameters.size(); ++i)
        parameters[i].tensor.copy_(from_vector(data.parameters.at(i), parameters[i].tensor.shape()));
    }
    if (w.adam)
      optimizer = std::make_unique<Adam>(parameters, Adam::Options{.lr = kAdamRate});
    else
      optimizer = std::make_unique<Sgd>(parameters, Sgd::Options{.lr = kSgdRate});
  }

  void append(const Layer& layer) {
    using Kind = Layer::Kind;
    switch (layer.kind) {
      case Kind::linear:
        return model.append(std::make_shared<Linear>(layer.in, layer.out, Linear::Options{.init = zeros_init}));
      case Kind::conv:
        return model.append(std::make_shared<Conv2d>(
            layer.in, layer.out,
            Conv2d::Options{.kernel_size = layer.kernel, .padding = layer.padding, .init = zeros_init}));
      case Kind::batch_norm:
        return model.append(std::make_shared<BatchNorm>(layer.out));
      case Kind::relu:
        return model.append(std::make_shared<ReLU>());
      case Kind::max_pool:
        return model.append(std::make_shared<MaxPool2d>(layer.kernel));
      case Kind::flatten:
        return model.append(std::make_shared<Flatten>());
    }
  }

  double step() {
    const Tensor loss = cross_entropy(model(images), labels);
    optimizer->zero_grad();
    loss.backward();
    optimizer->step();
    return loss.item();
  }

  Tensor images, labels;
  Sequential model;
  std::unique_ptr<Optimizer> optimizer;
};

Step scalar_graph(std::int64_t steps) {
  const TensorOptions trainable{.dtype = DType::float64, .requires_grad = true};
  return [x = full({}, kScalarX, trainable), y = full({}, kScalarY, trainable), steps]() mutable {
    x.zero_grad();
    y.zero_grad();
    Tensor z = x;
    for (std::int64_t i = 0; i < steps; ++i) z = z * x + y;
    z.backward();
    return x.grad().item();
  };
}

Step elementwise(const Data& data) {
  const auto n = static_cast<std::int64_t>(data.x.size());
  Tensor a = from_vector(data.x, {n}), b = from_vector(data.y, {n});
  a.set_requires_grad();
  b.set_requires_grad();
  return [a, b]() mutable {
    a.zero_grad();
    b.zero_grad();
    const Tensor z = sum(pow(exp(tanh(a * b + a)) - b, 2));
    z.backward();
    return z.item();
  };
}

Step product(const Data& data, std::int64_t n) {
  return [x = from_vector(data.x, {n, n}), y = from_vector(data.y, {n, n})] {
    return static_cast<double>(*matmul(x, y).data<float>());
  };
}

}  // namespace

Step make_ours(const Workload& w, const Data& data) {
  switch (w.kind) {
    case Workload::Kind::scalar_graph:
      return scalar_graph(w.size);
    case Workload::Kind::elementwise:
      return elementwise(data);
    case Workload::Kind::matmul:
      return product(data, w.size);
    case Workload::Kind::training:
      break;
  }
  return [training = std::make_shared<TrainingStep>(w, data)] { return training->step(); };
}

}  // namespace chainrule::bench
