// The list of workloads and their data. Operations are counted as multiplications plus additions of the products and
// convolutions: forward, gradient by the weights, and gradient by the input for all layers but the first.
#include "tools/bench/workloads.h"

#include <algorithm>
#include <cmath>

namespace chainrule::bench {
namespace {

using LayerKind = Layer::Kind;

class Network {
 public:
  Network(std::vector<std::int64_t> input, std::int64_t shrink)
      : channels_(input[0]), side_(input.size() == 3 ? input[1] : 1), shrink_(shrink) {}

  Network& linear(std::int64_t out) {
    if (side_ > 1) layers.push_back({.kind = LayerKind::flatten});
    const std::int64_t in = channels_ * side_ * side_;
    add({.kind = LayerKind::linear, .in = in, .out = out}, in * out);
    side_ = 1;
    return *this;
  }
  Network& conv(std::int64_t out, std::int64_t kernel, std::int64_t padding) {
    out = smaller(out);
    side_ = side_ + 2 * padding - kernel + 1;
    add({.kind = LayerKind::conv, .in = channels_, .out = out, .kernel = kernel, .padding = padding},
        out * side_ * side_ * channels_ * kernel * kernel);
    return *this;
  }
  Network& batch_norm() {
    layers.push_back({.kind = LayerKind::batch_norm, .in = channels_, .out = channels_});
    return *this;
  }
  Network& relu() {
    layers.push_back({.kind = LayerKind::relu});
    return *this;
  }
  Network& pool() {
    layers.push_back({.kind = LayerKind::max_pool, .kernel = 2});
    side_ /= 2;
    return *this;
  }
  Network& hidden(std::int64_t out) { return linear(smaller(out)).relu(); }

  std::vector<Layer> layers;
  double flops = 0;  // of one example

 private:
  std::int64_t smaller(std::int64_t n) const { return std::max<std::int64_t>(n / shrink_, 2); }
  void add(const Layer& layer, std::int64_t products) {
    flops += 2.0 * static_cast<double>(products) * (flops == 0 ? 2 : 3);  // nobody needs the images' gradient
    channels_ = layer.out;
    layers.push_back(layer);
  }
  std::int64_t channels_, side_, shrink_;
};

Workload training(std::string name, std::string title, std::int64_t batch, std::vector<std::int64_t> input, bool adam,
                  double target, double peak_factor, const Network& network) {
  Workload w{.name = std::move(name), .title = std::move(title), .kind = Workload::Kind::training};
  w.batch = batch;
  w.input = std::move(input);
  w.layers = network.layers;
  w.adam = adam;
  w.flops = network.flops * static_cast<double>(batch);
  w.target = target;
  w.peak_factor = peak_factor;
  return w;
}

}  // namespace

std::vector<Workload> workloads(bool quick) {
  std::vector<Workload> all;
  const auto scaled = [quick](std::int64_t n, std::int64_t small) { return quick ? small : n; };
  const std::int64_t steps = scaled(1000, 100);
  all.push_back({.name = "scalar-graph",
                 .title = "scalar graph z = z*x + y, per operation",
                 .kind = Workload::Kind::scalar_graph,
                 .size = steps,
                 .operations = 2 * static_cast<double>(steps),
                 .target = 75});
  const auto elementwise = [&](const char* name, const char* title, std::int64_t n, double target) {
    all.push_back({.name = name, .title = title, .kind = Workload::Kind::elementwise, .size = n, .target = target});
  };
  elementwise("elementwise-1e3", "elementwise chain, N = 1e3", scaled(1000, 100), 6);
  elementwise("elementwise-1e5", "elementwise chain, N = 1e5", scaled(100'000, 1000), 2.5);
  elementwise("elementwise-4e6", "elementwise chain, N = 4e6", scaled(4'000'000, 10'000), 1.5);
  for (const std::int64_t n : {512, 1024, 2048}) {
    const std::int64_t size = scaled(n, n / 16);
    all.push_back({.name = "matmul-" + std::to_string(n),
                   .title = "matrix product " + std::to_string(n) + ", float32",
                   .kind = Workload::Kind::matmul,
                   .size = size,
                   .flops = 2 * std::pow(static_cast<double>(size), 3),
                   .target = 1.9,
                   .peak_factor = 1 / 0.95});
  }

  const std::int64_t shrink = quick ? 16 : 1;
  const std::vector<std::int64_t> flat{784}, digit{1, 28, 28}, photo{3, 32, 32};
  all.push_back(training("mlp-small", "MLP 784-50-10, batch 100, SGD step", scaled(100, 4), flat, false, 2, 0,
                         Network(flat, shrink).hidden(50).linear(kClasses)));
  all.push_back(training("mlp-medium", "MLP 784-512-512-10, batch 128, Adam step", scaled(128, 4), flat, true, 2.3, 1.3,
                         Network(flat, shrink).hidden(512).hidden(512).linear(kClasses)));
  all.push_back(training("mlp-large", "MLP 784-2048x3-10, batch 512, Adam step", scaled(512, 4), flat, true, 2, 1.3,
                         Network(flat, shrink).hidden(2048).hidden(2048).hidden(2048).linear(kClasses)));
  all.push_back(training("simple-conv", "SimpleConvNet, batch 100, Adam step", scaled(100, 2), digit, true, 2.5, 0,
                         Network(digit, shrink).conv(30, 5, 0).relu().pool().hidden(100).linear(kClasses)));

  Network deep(digit, shrink);
  deep.conv(16, 3, 1).relu().conv(16, 3, 1).relu().pool();
  deep.conv(32, 3, 1).relu().conv(32, 3, 2).relu().pool();
  deep.conv(64, 3, 1).relu().conv(64, 3, 1).relu().pool();
  deep.hidden(50).linear(kClasses);
  all.push_back(
      training("deep-conv", "DeepConvNet, batch 100, Adam step", scaled(100, 2), digit, true, 1.6, 1.3, deep));

  Network vgg(photo, shrink);
  for (const std::int64_t width : {64, 128, 256})
    vgg.conv(width, 3, 1).batch_norm().relu().conv(width, 3, 1).batch_norm().relu().pool();
  vgg.linear(kClasses);
  all.push_back(training("vgg", "VGG-like with batch norm 3x32x32, batch 32, Adam step", scaled(32, 2), photo, true,
                         1.4, 1.3, vgg));
  return all;
}

namespace {

/// Numbers that look random and are the same everywhere: uniform on [-spread, spread).
class Numbers {
 public:
  float operator()(double spread) {
    state_ = state_ * 6364136223846793005u + 1442695040888963407u;
    return static_cast<float>((static_cast<double>(state_ >> 40) / (1 << 23) - 1) * spread);
  }
  std::vector<float> many(std::int64_t count, double spread) {
    std::vector<float> values(static_cast<std::size_t>(count));
    for (float& v : values) v = (*this)(spread);
    return values;
  }

 private:
  std::uint64_t state_ = 2026;
};

}  // namespace

Data make_data(const Workload& w) {
  Numbers numbers;
  Data data;
  if (w.kind == Workload::Kind::elementwise) {
    data.x = numbers.many(w.size, 1);
    data.y = numbers.many(w.size, 1);
  } else if (w.kind == Workload::Kind::matmul) {
    data.x = numbers.many(w.size * w.size, 1);
    data.y = numbers.many(w.size * w.size, 1);
  } else if (w.kind == Workload::Kind::training) {
    std::int64_t count = w.batch;
    for (const std::int64_t n : w.input) count *= n;
    data.x = numbers.many(count, 1);
    for (std::int64_t i = 0; i < w.batch; ++i) data.labels.push_back(i * 7 % kClasses);
    for (const Layer& layer : w.layers) {
      if (layer.kind == LayerKind::batch_norm) {
        data.parameters.emplace_back(static_cast<std::size_t>(layer.out), 1.0f);
      } else if (layer.kind == LayerKind::linear || layer.kind == LayerKind::conv) {
        const std::int64_t fan_in = layer.in * (layer.kernel ? layer.kernel * layer.kernel : 1);
        data.parameters.push_back(numbers.many(layer.out * fan_in, std::sqrt(6 / static_cast<double>(fan_in))));
      } else {
        continue;
      }
      data.parameters.emplace_back(static_cast<std::size_t>(layer.out), 0.0f);
    }
  }
  return data;
}

}  // namespace chainrule::bench
