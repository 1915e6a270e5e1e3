// Memory: what is alive, what it weighs, and that it stays flat.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <unistd.h>

#include <fstream>
#include <map>
#include <thread>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/stats.h"
#include "tests/engine/custom_rule.h"
#include "tests/engine/leaf.h"

using namespace chainrule;
using chainrule::testing::leaf;
using namespace chainrule::testing;

namespace {

std::int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::int64_t total = 0, resident = 0;
  file >> total >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

// A step of gradient descent on a small network; returns the loss.
double train_step(std::vector<Tensor>& parameters, const Tensor& x, const Tensor& y) {
  const Tensor hidden = tanh(linear(x, parameters[0], parameters[1]));
  const Tensor loss = mse_loss(linear(hidden, parameters[2]), y);
  for (Tensor& p : parameters) p.zero_grad();
  loss.backward();
  const NoGrad off;
  for (Tensor& p : parameters) p.copy_(p - 0.01 * p.grad());
  return loss.item();
}

struct Network {
  Generator generator{3};
  TensorOptions options{.dtype = DType::float64, .requires_grad = true};
  std::vector<Tensor> parameters = {randn({8, 4}, options, generator), randn({8}, options, generator),
                                    randn({2, 8}, options, generator)};
  Tensor x = randn({16, 4}, {.dtype = DType::float64}, generator),
         y = randn({16, 2}, {.dtype = DType::float64}, generator);
};

}  // namespace

TEST_CASE("memory: ten thousand training steps leave nothing") {
  Network net;
  const int steps = sanitized() ? 300 : 10'000;
  double first = 0, last = 0;
  for (int i = 0; i < 100; ++i) first = train_step(net.parameters, net.x, net.y);
  const auto nodes = live_nodes();
  const auto stats = memory_stats();
  const auto resident = resident_bytes();
  for (int i = 0; i < steps; ++i) last = train_step(net.parameters, net.x, net.y);
  CHECK(last < first);
  CHECK(live_nodes() == nodes);
  CHECK(memory_stats().buffer_bytes == stats.buffer_bytes);
  if (!sanitized()) {
    CHECK(memory_stats().system_requests == stats.system_requests);
    CHECK(resident_bytes() - resident < (std::int64_t{1} << 20));
  }
}

#if !CHAINRULE_PLAIN_ALLOCATION
TEST_CASE("memory: the second identical step asks nothing of the system") {
  Network net;
  train_step(net.parameters, net.x, net.y);
  const auto requests = memory_stats().system_requests;
  train_step(net.parameters, net.x, net.y);
  CHECK(memory_stats().system_requests == requests);
}
#endif

TEST_CASE("memory: a hundred thousand second derivatives leave no node") {
  const int iterations = sanitized() ? 5'000 : 100'000;
  const auto before = live_nodes();
  std::int64_t most = 0;
  {
    Tensor x = leaf({0.5, -0.25});
    std::int64_t resident = 0;
    for (int i = 0; i < iterations; ++i) {
      const Tensor y = sum(x * x * tanh(x));
      const Tensor slope = grad(y, x, {.create_graph = true});
      sum(slope * slope).backward();
      if (i % 1000 == 0) most = std::max(most, live_nodes() - before);
      if (i == 1000) resident = resident_bytes();
    }
    if (!sanitized()) CHECK(resident_bytes() - resident < (std::int64_t{1} << 20));
    CHECK(x.grad().to_vector()[0] != 0);
  }
  CHECK(most < 200);
  CHECK(live_nodes() == before);
}

TEST_CASE("memory: buffers that only backward needed go during the walk") {
  const Tensor x = rand({1000}, {.dtype = DType::float64, .requires_grad = true});
  Tensor y = x;
  const auto before = memory_stats().buffer_bytes;
  for (int i = 0; i < 20; ++i) y = exp(y * 0.5);
  const Tensor loss = sum(y);
  y = Tensor();
  CHECK(memory_stats().buffer_bytes > before + 20 * 8000);
  SUBCASE("freed") {
    loss.backward();
    CHECK(memory_stats().buffer_bytes < before + 3 * 8192);
  }
  SUBCASE("kept when asked for") {
    loss.backward({.retain_graph = true});
    CHECK(memory_stats().buffer_bytes > before + 20 * 8000);
  }
}

TEST_CASE("memory: a value is kept only for a gradient that somebody needs") {
  const Tensor x = rand({1000}, {.dtype = DType::float64}),
               w = rand({1000}, {.dtype = DType::float64, .requires_grad = true});
  Tensor product = exp(w) * w;  // kept: exp(w), its result and both factors, one buffer of it new
  const auto before = memory_stats().buffer_bytes;
  Tensor used = product * x;  // needs x for the derivative by the product, never the product itself
  product = Tensor();
  const auto held = memory_stats().buffer_bytes;
  CHECK(held <= before);
  (void)used;
}

// Long graphs of numbers are as fast as the memory that they walk through.
TEST_CASE("memory: an operation on two numbers takes two cache lines, its result one") {
  CHECK(sizeof(Node) + 2 * sizeof(Edge) == 128);
  CHECK(sizeof(TensorImpl) == 64);
}

TEST_CASE("memory: what another thread frees comes home") {
#if !CHAINRULE_PLAIN_ALLOCATION
  auto build = [] {
    const Tensor x = leaf(1);
    Tensor y = x;
    for (int i = 0; i < 100'000; ++i) y = y * 1.0;
    return y;
  };
  const auto nodes = live_nodes();
  std::uint64_t requests = 0;
  for (int round = 0; round < 12; ++round) {
    Tensor y = build();
    std::thread([&] { y = Tensor(); }).join();
    if (round == 3) requests = memory_stats().system_requests;
  }
  CHECK(live_nodes() == nodes);
  CHECK(memory_stats().system_requests - requests < 20);
#endif
}

TEST_CASE("memory: the cache has a limit and can be emptied") {
  empty_cache();
  CHECK(memory_stats().cached_bytes == 0);
  { const Tensor t = zeros({1000}); }
#if !CHAINRULE_PLAIN_ALLOCATION
  CHECK(memory_stats().cached_bytes >= 4000);
#endif
  set_buffer_cache_limit(0);
  CHECK(memory_stats().cached_bytes == 0);
  { const Tensor t = zeros({1000}); }
  CHECK(memory_stats().cached_bytes == 0);
  set_buffer_cache_limit(std::size_t{1} << 30);
  // Sizes of every class come back as the class they were taken from.
  for (std::int64_t n = 1; n < 100'000; n = n * 5 / 4 + 1) {
    const Tensor t = zeros({n}, {.dtype = DType::int64});
    CHECK(reinterpret_cast<std::uintptr_t>(t.data()) % 64 == 0);
  }
  empty_cache();
  CHECK(memory_stats().cached_bytes == 0);
}

TEST_CASE("memory: a parameter that took no part") {
  Tensor used = leaf({1, 2}), unused = leaf({3});
  sum(used * 2).backward();
  CHECK(used.has_grad());
  CHECK_FALSE(unused.has_grad());
  unused.zero_grad();
  CHECK_FALSE(unused.has_grad());
}

TEST_CASE("graph_stats: counts by hand") {
  const Tensor x = rand({100}, {.dtype = DType::float64, .requires_grad = true});
  Tensor loss;
  {
    const ModuleScope net("net"), layer("square");
    const Tensor y = x * x;  // keeps x twice, which is the leaf's own buffer
    loss = sum(exp(y));      // exp keeps its result
  }
  GraphStats stats = graph_stats(loss);
  CHECK(stats.total.nodes == 3);
  CHECK(stats.total.edges == 4);
  CHECK(stats.leaves == 1);
  CHECK(stats.total.value_bytes == 800);
  CHECK(stats.total.saved_bytes == 800);
  CHECK(stats.total.gradient_bytes == 0);
  REQUIRE(stats.by_module.size() == 1);
  CHECK(stats.by_module[0].name == "net.square");
  CHECK(stats.by_module[0].weight.nodes == 3);
  CHECK(stats.by_module[0].weight.value_bytes == 800);  // the leaf belongs to where it is used first
  for (const auto& part : stats.by_op) {
    if (part.name == "exp") CHECK(part.weight.saved_bytes == 800);
    if (part.name == "mul") CHECK(part.weight.edges == 2);
    if (part.name == "leaf") CHECK(part.weight.value_bytes == 800);
  }
  const std::string text = fmt::format("{}", stats);
  for (const char* part : {"exp", "module net.square", "total", "1 trainable leaves"}) CHECK(contains(text, part));

  loss.backward();
  stats = graph_stats(loss);
  CHECK(stats.total.nodes == 3);
  CHECK(stats.total.saved_bytes == 0);
  CHECK(stats.total.gradient_bytes == 800);
  CHECK(graph_stats(tensor(1.)).total.nodes == 0);
  // For learning, values are kept where they were made.
  const Tensor v = variable({1, 2, 3}), doubled = v * 2;
  for (const auto& part : graph_stats(exp(doubled)).by_op) {
    CHECK(part.weight.saved_bytes == 0);
    if (part.name == "exp") CHECK(part.weight.value_bytes == 24);
  }
  // A value used twice is one value.
  const Tensor h = x * 2;
  CHECK(graph_stats(h * h + h * h).total.saved_bytes == 800);
}

TEST_CASE("graph_stats: a leaf counts for the module that used it first") {
  const Tensor shared = leaf({1, 2, 3}), free = leaf({1, 2});
  Tensor a, b;
  {
    const ModuleScope first("first");
    a = sum(shared * 2);
  }
  {
    const ModuleScope second("second");
    b = sum(shared * 3);
  }
  const Tensor loss = a + b + sum(free * free);
  loss.backward();
  std::map<std::string, GraphWeight> modules;
  for (const auto& part : graph_stats(loss).by_module) modules[part.name] = part.weight;
  REQUIRE(modules.size() == 3);
  CHECK(modules["first"].value_bytes == 24);
  CHECK(modules["first"].gradient_bytes == 24);
  CHECK(modules["second"].value_bytes == 0);
  CHECK(modules["second"].gradient_bytes == 0);
  CHECK(modules[""].gradient_bytes == 16);
}
