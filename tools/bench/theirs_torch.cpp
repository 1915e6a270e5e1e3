// libtorch's side of every workload, written as its users write it. Nothing else of ours is compiled with its headers.
#include <dlfcn.h>
#include <torch/torch.h>

#include <cstdlib>
#include <memory>

#include "tools/bench/theirs.h"

namespace chainrule::bench {
namespace {

torch::Tensor tensor_of(const std::vector<float>& values, const std::vector<std::int64_t>& shape) {
  return torch::from_blob(const_cast<float*>(values.data()), shape, torch::kFloat32).clone();
}

struct Training {
  Training(const Workload& w, const Data& data) {
    std::vector<std::int64_t> shape{w.batch};
    shape.insert(shape.end(), w.input.begin(), w.input.end());
    images = tensor_of(data.x, shape);
    labels = torch::tensor(data.labels, torch::kInt64);
    for (const Layer& layer : w.layers) append(layer);
    const std::vector<torch::Tensor> parameters = model->parameters();
    {
      const torch::NoGradGuard only_values;
      for (std::size_t i = 0; i < parameters.size(); ++i)
        parameters[i].copy_(tensor_of(data.parameters.at(i), parameters[i].sizes().vec()));
    }
    if (w.adam)
      optimizer = std::make_unique<torch::optim::Adam>(parameters, torch::optim::AdamOptions(kAdamRate));
    else
      optimizer = std::make_unique<torch::optim::SGD>(parameters, torch::optim::SGDOptions(kSgdRate));
  }

  void append(const Layer& layer) {
    using Kind = Layer::Kind;
    namespace nn = torch::nn;
    switch (layer.kind) {
      case Kind::linear:
        return model->push_back(nn::Linear(layer.in, layer.out));
      case Kind::conv:
        return model->push_back(
            nn::Conv2d(nn::Conv2dOptions(layer.in, layer.out, layer.kernel).padding(layer.padding)));
      case Kind::batch_norm:
        return model->push_back(nn::BatchNorm2d(layer.out));
      case Kind::relu:
        return model->push_back(nn::ReLU());
      case Kind::max_pool:
        return model->push_back(nn::MaxPool2d(layer.kernel));
      case Kind::flatten:
        return model->push_back(nn::Flatten());
    }
  }

  double step() {
    const torch::Tensor loss = torch::nn::functional::cross_entropy(model->forward(images), labels);
    // Dropping the gradients is faster than filling them with zeros, and is what our side does.
    for (torch::Tensor& p : optimizer->param_groups()[0].params()) p.mutable_grad().reset();
    loss.backward();
    optimizer->step();
    return loss.item<double>();
  }

  torch::Tensor images, labels;
  torch::nn::Sequential model;
  std::unique_ptr<torch::optim::Optimizer> optimizer;
};

Step scalar_graph(std::int64_t steps) {
  const auto trainable = torch::dtype(torch::kFloat64).requires_grad(true);
  const torch::Tensor x = torch::full({}, kScalarX, trainable), y = torch::full({}, kScalarY, trainable);
  return [x, y, steps] {
    x.mutable_grad().reset();
    y.mutable_grad().reset();
    torch::Tensor z = x;
    for (std::int64_t i = 0; i < steps; ++i) z = z * x + y;
    z.backward();
    return x.grad().item<double>();
  };
}

Step elementwise(const Data& data) {
  const auto n = static_cast<std::int64_t>(data.x.size());
  const torch::Tensor a = tensor_of(data.x, {n}).requires_grad_(), b = tensor_of(data.y, {n}).requires_grad_();
  return [a, b] {
    a.mutable_grad().reset();
    b.mutable_grad().reset();
    const torch::Tensor z = ((a * b + a).tanh().exp() - b).pow(2).sum();
    z.backward();
    return z.item<double>();
  };
}

Step product(const Data& data, std::int64_t n) {
  return [x = tensor_of(data.x, {n, n}), y = tensor_of(data.y, {n, n})] {
    return static_cast<double>(*torch::matmul(x, y).data_ptr<float>());
  };
}

std::string blas_file() {
  Dl_info info{};
  const void* product = dlsym(RTLD_DEFAULT, "sgemm_");  // what libtorch itself finds
  if (!product || dladdr(product, &info) == 0 || !info.dli_fname) return "an unknown library";
  const std::unique_ptr<char, decltype(&std::free)> path(realpath(info.dli_fname, nullptr), &std::free);
  return path ? path.get() : info.dli_fname;
}

}  // namespace

Step make_theirs(const Workload& w, const Data& data) {
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
  return [training = std::make_shared<Training>(w, data)] { return training->step(); };
}

void set_their_threads(int threads) {
  torch::set_num_threads(threads);
  // OpenBLAS with threads of its own does not listen to libtorch.
  if (void* symbol = dlsym(RTLD_DEFAULT, "openblas_set_num_threads")) reinterpret_cast<void (*)(int)>(symbol)(threads);
}

std::string their_blas_core() {
  void* symbol = dlsym(RTLD_DEFAULT, "openblas_get_corename");
  return symbol ? reinterpret_cast<const char* (*)()>(symbol)() : "";
}

std::string their_version() {
  const std::string core = their_blas_core();
  return std::string("libtorch ") + TORCH_VERSION + ", products by " + blas_file() +
         (core.empty() ? "" : " (" + core + ")");
}

bool their_blas_is_fast() {
  const std::string file = blas_file();
  for (const char* name : {"openblas", "mkl", "blis"})
    if (file.find(name) != std::string::npos) return true;
  return false;
}

}  // namespace chainrule::bench
