// The self test. The table of derivatives is held against the registry, so that no operation can be forgotten.
#include "tools/selftest.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <set>

#include "engine/diagram.h"
#include "engine/error.h"
#include "engine/factory.h"
#include "engine/gradcheck.h"
#include "engine/scopes.h"
#include "engine/traverse.h"
#include "ops/kernels/parallel.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "tools/digits_net.h"

namespace chainrule {
namespace {

using Inputs = std::vector<Tensor>;

struct Probe {
  const char* name;
  std::vector<Shape> shapes;
  double low, high;  // inputs are uniform between the two
  std::function<Tensor(const Inputs&)> f;
};

Tensor indices(const std::vector<std::int64_t>& values, const Shape& shape) { return from_vector(values, shape); }

// One expression for each operation; those that only gradients use are reached by differentiating twice.
std::vector<Probe> probes() {
  const Shape m{2, 3};
  const Shape image{2, 2, 5, 4};
  return {
      {"add", {m, {3}}, -2, 2, [](const Inputs& x) { return x[0] + x[1]; }},
      {"sub", {m, {2, 1}}, -2, 2, [](const Inputs& x) { return x[0] - x[1]; }},
      {"mul", {m, {}}, -2, 2, [](const Inputs& x) { return x[0] * x[1]; }},
      {"div", {m, m}, 1, 2, [](const Inputs& x) { return x[0] / x[1]; }},
      {"neg", {m}, -2, 2, [](const Inputs& x) { return -x[0] * x[0]; }},
      {"pow", {m, m}, 0.5, 2, [](const Inputs& x) { return pow(x[0], x[1]); }},
      {"square", {m}, -2, 2, [](const Inputs& x) { return square(x[0]); }},
      {"sqrt", {m}, 0.5, 2, [](const Inputs& x) { return sqrt(x[0]); }},
      {"exp", {m}, -2, 2, [](const Inputs& x) { return exp(x[0]); }},
      {"log", {m}, 0.5, 2, [](const Inputs& x) { return log(x[0]); }},
      {"tanh", {m}, -2, 2, [](const Inputs& x) { return tanh(x[0]); }},
      {"sigmoid", {m}, -2, 2, [](const Inputs& x) { return sigmoid(x[0]); }},
      {"relu", {m}, 0.1, 2, [](const Inputs& x) { return relu(x[0] * x[0]) + relu(-x[0]); }},
      {"abs", {m}, -2, -0.1, [](const Inputs& x) { return abs(x[0]) * x[0]; }},
      {"sign", {m}, 0.1, 2, [](const Inputs& x) { return sign(x[0]) * x[0]; }},
      {"step", {m}, 0.1, 2, [](const Inputs& x) { return step(x[0]) * x[0]; }},
      {"maximum", {m, m}, -2, 2, [](const Inputs& x) { return maximum(x[0], x[1] + 5) * x[1]; }},
      {"minimum", {m, m}, -2, 2, [](const Inputs& x) { return minimum(x[0], x[1] + 5) * x[1]; }},
      {"clamp", {m}, -2, 2, [](const Inputs& x) { return clamp(x[0], -5, 5) * x[0]; }},
      {"where",
       {m, m},
       -2,
       2,
       [](const Inputs& x) {
         return where(gt(tensor({1, -1, 1}), 0), x[0], x[1] * x[1]);
       }},
      {"to",
       {m},
       -2,
       2,
       [](const Inputs& x) { return to(to(x[0], DType::float32), DType::float64) * 0 + x[0] * x[0]; }},
      {"sum", {m}, -2, 2, [](const Inputs& x) { return sum(x[0] * x[0], {1}); }},
      {"mean", {m}, -2, 2, [](const Inputs& x) { return mean(x[0] * x[0], {0}, true); }},
      {"amax",
       {m},
       -2,
       2,
       [](const Inputs& x) {
         return amax(x[0] * x[0] + tensor({0, 9, 20}), {1});
       }},
      {"logsumexp", {m}, -2, 2, [](const Inputs& x) { return logsumexp(x[0], {1}); }},
      {"softmax", {m}, -2, 2, [](const Inputs& x) { return softmax(x[0], 1); }},
      {"log_softmax", {m}, -2, 2, [](const Inputs& x) { return log_softmax(x[0], 0); }},
      {"matmul", {{2, 2, 3}, {3, 2}}, -2, 2, [](const Inputs& x) { return matmul(x[0], x[1]); }},
      {"linear", {m, {4, 3}, {4}}, -2, 2, [](const Inputs& x) { return linear(x[0], x[1], x[2]); }},
      {"reshape",
       {m},
       -2,
       2,
       [](const Inputs& x) {
         return reshape(x[0] * x[0], {3, -1});
       }},
      {"transpose", {m}, -2, 2, [](const Inputs& x) { return transpose(x[0] * x[0]); }},
      {"permute",
       {{2, 3, 2}},
       -2,
       2,
       [](const Inputs& x) {
         return permute(x[0] * x[0], {2, 0, 1});
       }},
      {"expand",
       {{2, 1}},
       -2,
       2,
       [](const Inputs& x) {
         return expand(x[0] * x[0], {2, 3});
       }},
      {"slice", {{5, 2}}, -2, 2, [](const Inputs& x) { return slice(x[0] * x[0], 0, 4, 0, -2); }},
      {"cat",
       {m, m},
       -2,
       2,
       [](const Inputs& x) {
         return cat({x[0] * x[1], x[1]}, 1);
       }},
      {"index_select",
       {m},
       -2,
       2,
       [](const Inputs& x) {
         return index_select(x[0] * x[0], 1, indices({2, 0, 2}, {3}));
       }},
      {"gather",
       {m},
       -2,
       2,
       [](const Inputs& x) {
         return gather(x[0] * x[0], 1, indices({1, 1, 0, 2}, {2, 2}));
       }},
      {"unfold", {image}, -2, 2, [](const Inputs& x) { return unfold(x[0] * x[0], 2, {.padding = 1}); }},
      {"fold",
       {{1, 8, 6}},
       -2,
       2,
       [](const Inputs& x) {
         return fold(x[0] * x[0], {3, 4}, 2);
       }},
      {"conv2d",
       {image, {4, 1, 3, 3}, {4}},
       -1,
       1,
       [](const Inputs& x) { return conv2d(x[0], x[1], x[2], {.stride = 2, .padding = 1, .groups = 2}); }},
      {"max_pool2d", {image}, -2, 2, [](const Inputs& x) { return max_pool2d(x[0] * x[0], 2); }},
      {"mse_loss", {m, m}, -2, 2, [](const Inputs& x) { return mse_loss(x[0], x[1]); }},
      {"cross_entropy",
       {m},
       -2,
       2,
       [](const Inputs& x) {
         return cross_entropy(x[0], indices({2, 0}, {2}));
       }},
      {"cross_entropy of probabilities", {m, m}, 0.1, 1, [](const Inputs& x) { return cross_entropy(x[0], x[1]); }},
  };
}

/// Notes the operations that a result, its gradient and its second gradient are recorded with.
void note_operations(const Probe& probe, const Inputs& inputs, std::set<std::string>& seen) {
  auto note = [&](const Tensor& result) {
    const Traversal graph(std::span(&result, 1));
    for (std::size_t i = 0; i < graph.size(); ++i) seen.insert(graph.node(i).info->name);
  };
  Tensor result = sum(square(probe.f(inputs)));  // squared, so that gradients depend on the inputs
  note(result);
  for (int order = 1; order <= 2 && result.requires_grad(); ++order) {
    Tensor next;
    for (const Tensor& g : grad({result}, inputs, {.create_graph = true, .allow_unused = true})) {
      if (!g.defined() || !g.requires_grad()) continue;
      const Tensor term = sum(g * g);
      next = next.defined() ? next + term : term;
    }
    if (!next.defined()) break;
    note(next);
    result = next;
  }
}

class SelfTest {
 public:
  int run() {
    const auto start = std::chrono::steady_clock::now();
    derivatives();
    training();
    diagram();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    fmt::print("selftest: {} ({:.1f} s)\n",
               failures_ == 0 ? "everything works" : fmt::format("{} checks failed", failures_), seconds);
    return failures_ == 0 ? 0 : 1;
  }

 private:
  void line(bool ok, const char* what, const std::string& facts) {
    fmt::print("{:<4} {:<12} {}\n", ok ? "ok" : "FAIL", what, facts);
    if (!ok) ++failures_;
  }

  void derivatives() {
    std::set<std::string> seen;
    int right = 0, checked = 0;
    for (const Probe& probe : probes()) {
      Generator generator(7);
      Inputs inputs;
      for (const Shape& shape : probe.shapes) {
        const Tensor u = rand(shape, {.dtype = DType::float64}, generator);
        Tensor x = (u * (probe.high - probe.low) + probe.low).detach();
        inputs.push_back(x.set_requires_grad());
      }
      ++checked;
      const GradcheckReport report = gradcheck(probe.f, inputs, {.order = 2});
      if (report.ok())
        ++right;
      else
        line(false, probe.name, "\n" + to_string(report));
      note_operations(probe, inputs, seen);
    }
    std::vector<std::string> missed;
    for (const OpInfo* info : op_registry())
      if (!seen.contains(info->name)) missed.push_back(info->name);
    line(right == checked, "derivatives",
         fmt::format("{} of {} expressions, order one and two, {} operations", right, checked, seen.size()));
    if (!missed.empty()) line(false, "coverage", fmt::format("not reached: {}", fmt::join(missed, " ")));
  }

  void training() {
    const Digits digits = load_digits();
    auto train_one_epoch = [&](int threads) {
      set_num_threads(threads);
      Generator generator(1);
      std::vector<Tensor> parameters = make_digits_net(generator);
      const auto history = train_digits(digits, parameters, generator, {.epochs = 1},
                                        [](double, const EpochRecord*, double) { return true; });
      std::vector<double> bits{history[0].loss, history[0].test_accuracy};
      for (const Tensor& p : parameters)
        for (const double v : p.to_vector()) bits.push_back(v);
      return bits;
    };
    const auto one = train_one_epoch(1), two = train_one_epoch(2);
    set_num_threads(0);
    line(one[1] > 0.8, "training", fmt::format("one epoch of digits: {:.1f} % of the test set right", 100 * one[1]));
    line(one == two, "threads", "one thread and two give the same bits");
  }

  void diagram() {
    const Tensor x = variable(2, "x");
    const Tensor y = (x * x).label("y");
    y.backward();
    const std::string dot = graph_to_dot(y);
    const bool good = dot.starts_with("digraph") && dot.find(">4<") != std::string::npos && dot == graph_to_dot(y);
    line(good && x.grad().item() == 4, "diagrams", fmt::format("{} bytes of DOT, the same each time", dot.size()));
  }

  int failures_ = 0;
};

}  // namespace

int run_selftest() { return SelfTest().run(); }

int print_version() {
  fmt::print("chainrule {} ({}, {} threads)\n", CHAINRULE_VERSION,
#ifdef NDEBUG
             "release",
#else
             "debug: slow, with assertions",
#endif
             num_threads());
  return 0;
}

}  // namespace chainrule
