// Small problems for optimizers, the same as in reference/make_reference.py, and all optimizers by PyTorch's name, made
// from options as text. Adding an optimizer is one row in kOptimizers.
#pragma once

#include <cmath>
#include <functional>
#include <map>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "engine/factory.h"
#include "ops/ops.h"
#include "optim/adam.h"
#include "optim/adaptive.h"
#include "optim/lbfgs.h"
#include "optim/lion.h"
#include "optim/sgd.h"

namespace chainrule::test {

struct Problem {
  std::vector<NamedTensor> parameters;
  std::function<Tensor()> loss;
  std::vector<double> numbers() const {
    std::vector<double> all;
    for (const auto& [name, tensor] : parameters)
      for (const double v : tensor.to_vector()) all.push_back(v);
    return all;
  }
};

/// "bowl" (x^2/20 + y^2, the book's), "rosenbrock" or "logistic".
inline Problem problem(const std::string& name, DType dtype = DType::float64) {
  const auto leaf = [&](const Nested& values) { return tensor(values, {.dtype = dtype, .requires_grad = true}); };
  if (name == "bowl") {
    const Tensor p = leaf({-7, 2}), scale = tensor({0.05, 1.0}, dtype);
    return {{{"p", p}}, [=] { return sum(scale * p * p); }};
  }
  if (name == "rosenbrock") {
    const Tensor p = leaf({-1.2, 1});
    return {{{"p", p}}, [=] { return square(1 - p[0]) + 100 * square(p[1] - square(p[0])); }};
  }
  std::vector<double> x, sign;
  for (int i = 0; i < 12; ++i) {
    for (int j = 0; j < 3; ++j) x.push_back(std::sin(3.0 * i + j) + 0.1 * j);
    sign.push_back(std::sin(3.0 * i) + std::cos(2.0 * i) > 0 ? 1 : -1);
  }
  const Tensor points = from_vector(x, {12, 3}, dtype), side = from_vector(sign, {12, 1}, dtype);
  const Tensor w = leaf({{0.1}, {-0.2}, {0.3}}), b = leaf({0.05});
  return {{{"w", w}, {"b", b}}, [=] { return mean(softplus(-side * (matmul(points, w) + b))); }};
}

/// One step, also of an optimizer that asks for the loss several times.
inline double step(Optimizer& optimizer, const Problem& p) {
  return optimizer
      .step([&] {
        optimizer.zero_grad();
        Tensor loss = p.loss();
        loss.backward();
        return loss;
      })
      .item();
}

/// "lr=0.1 momentum=0.9" as options; bools are 0 and 1. Each name must be one of theirs.
template <class Options>
Options options_from(const std::string& text) {
  Options o;
  std::istringstream words(text);
  for (std::string word; words >> word;) {
    const std::string name = word.substr(0, word.find('='));
    const double value = std::stod(word.substr(word.find('=') + 1));
    bool known = false;
#define CHAINRULE_OPTION(field)                        \
  if constexpr (requires { o.field; }) {               \
    if (name == #field) {                              \
      o.field = static_cast<decltype(o.field)>(value); \
      known = true;                                    \
    }                                                  \
  }
    CHAINRULE_OPTION(lr)
    CHAINRULE_OPTION(momentum)
    CHAINRULE_OPTION(dampening)
    CHAINRULE_OPTION(weight_decay)
    CHAINRULE_OPTION(nesterov)
    CHAINRULE_OPTION(maximize)
    CHAINRULE_OPTION(rate_in_velocity)
    CHAINRULE_OPTION(decay_biases)
    CHAINRULE_OPTION(beta1)
    CHAINRULE_OPTION(beta2)
    CHAINRULE_OPTION(eps)
    CHAINRULE_OPTION(amsgrad)
    CHAINRULE_OPTION(epsilon_hat)
    CHAINRULE_OPTION(momentum_decay)
    CHAINRULE_OPTION(lr_decay)
    CHAINRULE_OPTION(initial_accumulator_value)
    CHAINRULE_OPTION(alpha)
    CHAINRULE_OPTION(centered)
    CHAINRULE_OPTION(rho)
    CHAINRULE_OPTION(max_iter)
    CHAINRULE_OPTION(max_eval)
    CHAINRULE_OPTION(tolerance_grad)
    CHAINRULE_OPTION(tolerance_change)
    CHAINRULE_OPTION(history_size)
    CHAINRULE_OPTION(strong_wolfe)
#undef CHAINRULE_OPTION
    if (!known) throw std::runtime_error("no option " + name);
  }
  return o;
}

using MakeOptimizer = std::unique_ptr<Optimizer> (*)(const std::vector<NamedTensor>&, const std::string& options);
template <class O>
std::unique_ptr<Optimizer> make(const std::vector<NamedTensor>& parameters, const std::string& options) {
  return std::make_unique<O>(parameters, options_from<typename O::Options>(options));
}

inline const std::map<std::string, MakeOptimizer> kOptimizers{
    {"SGD", make<Sgd>},           {"Adam", make<Adam>},     {"AdamW", make<AdamW>},     {"NAdam", make<NAdam>},
    {"RAdam", make<RAdam>},       {"Adamax", make<Adamax>}, {"Adagrad", make<Adagrad>}, {"RMSprop", make<RMSprop>},
    {"Adadelta", make<Adadelta>}, {"Lion", make<Lion>},     {"LBFGS", make<LBFGS>},
};

}  // namespace chainrule::test
