// Rows for the activations. The references are their definitions, in plain C++.
#include "tests/ops/cases/support.h"

namespace chainrule::cases {
namespace {

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

}  // namespace

std::vector<Case> activation_cases() {
  const Input any{.shape = {}}, not_zero{.shape = {}, .kinks = {0}};
  const Input wide{.shape = {}, .low = -5, .high = 5, .kinks = {-3, 3}};
  return {
      with(unary("sigmoid", sigmoid, sigmoid_of), "", {"sigmoid_grad"}),
      unary("logsigmoid", logsigmoid, [](double x) { return -std::log1p(std::exp(-x)); }),
      with(unary(
               "relu", relu, [](double x) { return x > 0 ? x : 0; }, not_zero),
           "", {"relu_grad"}),
      with(unary("relu6", relu6, [](double x) { return std::min(std::max(x, 0.0), 6.0); },
                 {.shape = {}, .low = -3, .high = 9, .kinks = {0, 6}}),
           "", {"hardtanh_grad"}),
      with(calls(
               "leaky_relu", "slope 0.1", not_zero, [](const Tensor& x) { return leaky_relu(x, 0.1); },
               [](double x) { return x > 0 ? x : 0.1 * x; }),
           "slope 0.1", {"leaky_relu_grad"}),
      with(calls(
               "elu", "alpha 2", not_zero, [](const Tensor& x) { return elu(x, 2); },
               [](double x) { return x > 0 ? x : 2 * std::expm1(x); }),
           "alpha 2", {"elu_grad"}),
      unary(
          "selu", selu, [](double x) { return 1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * std::expm1(x)); },
          not_zero),
      calls(
          "celu", "alpha 0.5", not_zero, [](const Tensor& x) { return celu(x, 0.5); },
          [](double x) { return x > 0 ? x : 0.5 * std::expm1(x / 0.5); }),
      with(calls(
               "gelu", "exact", any, [](const Tensor& x) { return gelu(x); },
               [](double x) { return 0.5 * x * std::erfc(-x / std::sqrt(2.0)); }),
           "exact", {"gelu_grad"}),
      with(calls(
               "gelu_tanh", "", any, [](const Tensor& x) { return gelu(x, Approximation::tanh); },
               [](double x) {
                 return 0.5 * x * (1 + std::tanh(std::sqrt(2 / std::acos(-1.0)) * (x + 0.044715 * x * x * x)));
               }),
           "", {"gelu_tanh_grad"}),
      with(unary("silu", silu, [](double x) { return x * sigmoid_of(x); }), "", {"silu_grad"}),
      with(unary("mish", mish, [](double x) { return x * std::tanh(std::log1p(std::exp(x))); }), "", {"mish_grad"}),
      with(calls(
               "softplus", "default", any, [](const Tensor& x) { return softplus(x); },
               [](double x) { return std::log1p(std::exp(x)); }),
           "default", {"softplus_grad"}),
      calls(
          "softplus", "beta 2, threshold 1", {.shape = {}, .kinks = {0.5}},
          [](const Tensor& x) { return softplus(x, 2, 1); },
          [](double x) { return 2 * x > 1 ? x : std::log1p(std::exp(2 * x)) / 2; }),
      unary(
          "softsign", softsign, [](double x) { return x / (1 + std::abs(x)); }, not_zero),
      calls(
          "hardtanh", "from -2 to 0.5", {.shape = {}, .low = -3, .high = 3, .kinks = {-2, 0.5}},
          [](const Tensor& x) { return hardtanh(x, -2, 0.5); },
          [](double x) { return std::min(std::max(x, -2.0), 0.5); }),
      unary(
          "hardsigmoid", hardsigmoid, [](double x) { return std::min(std::max(x + 3, 0.0), 6.0) / 6; }, wide),
      with(unary(
               "hardswish", hardswish, [](double x) { return x * std::min(std::max(x + 3, 0.0), 6.0) / 6; }, wide),
           "", {"hardswish_grad"}),
      calls(
          "threshold", "below 0.5 it is 7", {.shape = {}, .kinks = {0.5}},
          [](const Tensor& x) { return threshold(x, 0.5, 7); }, [](double x) { return x > 0.5 ? x : 7; }),
  };
}

}  // namespace chainrule::cases
