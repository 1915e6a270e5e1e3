// Rows of the table: activations, softmax, dropout.
#include <cmath>
#include <numbers>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/files/onnx/reader.h"
#include "nn/files/onnx/table.h"
#include "nn/files/onnx/writer.h"
#include "ops/ops.h"

namespace chainrule::internal {
namespace {

/// Above the threshold ours is x itself, which from 20 on nobody can tell from the formula.
std::string write_softplus(OnnxWriter& w) {
  const double beta = w.number("beta"), threshold = w.number("threshold");
  const std::string x = w.in(0);
  const std::string scaled_x = beta == 1 ? x : w.add("Mul", {x, w.scalar(beta)});
  std::string z = w.add("Softplus", {scaled_x});
  if (beta != 1) z = w.add("Div", {z, w.scalar(beta)});
  return threshold >= 20 ? z : w.add("Where", {w.add("Greater", {scaled_x, w.scalar(threshold)}), x, z});
}

// x / 2 (1 + inner)
std::string gelu_of(OnnxWriter& w, const std::string& inner) {
  return w.add("Mul", {w.add("Mul", {w.in(0), w.add("Add", {inner, w.scalar(1)})}), w.scalar(0.5)});
}

std::string write_gelu(OnnxWriter& w) {
  return gelu_of(w, w.add("Erf", {w.add("Mul", {w.in(0), w.scalar(std::numbers::sqrt2 / 2)})}));
}

std::string write_gelu_tanh(OnnxWriter& w) {
  const std::string x = w.in(0), cube = w.add("Mul", {x, w.add("Mul", {x, x})});
  const std::string sum = w.add("Add", {x, w.add("Mul", {cube, w.scalar(0.044715)})});
  const double slope = std::numbers::sqrt2 * std::numbers::inv_sqrtpi;  // sqrt(2 / pi)
  return gelu_of(w, w.add("Tanh", {w.add("Mul", {sum, w.scalar(slope)})}));
}

std::string write_threshold(OnnxWriter& w) {
  const std::string above = w.add("Greater", {w.in(0), w.scalar(w.number("threshold"))});
  return w.add("Where", {above, w.in(0), w.scalar(w.number("value"))});
}

Tensor read_hard_sigmoid(OnnxReader& r) {
  return clamp(r.in(0) * r.number("alpha", 0.2) + r.number("beta", 0.5), 0, 1);
}

Tensor read_selu(OnnxReader& r) {
  // The defaults are the paper's numbers, as float32.
  const double alpha = r.number("alpha", 1.67326319217681884765625),
               gamma = r.number("gamma", 1.05070102214813232421875);
  if (std::abs(alpha - 1.6732632423543772) < 1e-6 && std::abs(gamma - 1.0507009873554805) < 1e-6) return selu(r.in(0));
  return gamma * elu(r.in(0), alpha);
}

Tensor read_shrink(OnnxReader& r) {
  const double lambd = r.number("lambd", 0.5), bias = r.number("bias", 0);
  const Tensor& x = r.in(0);
  return where(x < -lambd, x + bias, where(x > lambd, x - bias, 0));
}

/// Up to version 12 everything from the axis on was one long axis, and the default was 1.
template <class F>
Tensor along_axis(OnnxReader& r, F f) {
  const Tensor& x = r.in(0);
  if (r.opset() >= 13) return f(x, r.integer("axis", -1));
  const int axis = normal_axis(r.integer("axis", 1), x.dim(), "ONNX");
  std::int64_t rows = 1;
  for (int i = 0; i < axis; ++i) rows *= x.shape()[i];
  return reshape(f(reshape(x, {rows, rows > 0 ? x.numel() / rows : 0}), 1), x.shape());
}

Tensor read_hardmax(OnnxReader& r) {
  return along_axis(r, [](const Tensor& x, std::int64_t dim) {
    const Tensor first = argmax(x, dim, true);
    Shape count = Shape::filled(x.shape().size(), 1);
    const int axis = normal_axis(dim, x.dim(), "ONNX");
    count[axis] = x.shape()[axis];
    return to(eq(first, reshape(arange(x.shape()[axis]), count)), x.dtype());
  });
}

Tensor read_prelu(OnnxReader& r) {
  const Tensor &x = r.in(0), &slope = r.in(1);
  return where(x < 0, x * slope, x);
}

/// Evaluation leaves everything as it is.
Tensor read_dropout(OnnxReader& r) {
  if (r.opset() < 7 && r.integer("is_test", 0) == 0) r.refuse("it is meant for training (is_test = 0)");
  if (r.has(2) && r.in(2).item() != 0) r.refuse("it is meant for training (training_mode is true)");
  if (r.wants(1)) r.set(1, ones(r.in(0).shape(), {.dtype = DType::boolean}));
  return clone(r.in(0));
}

}  // namespace

std::span<const OnnxRow> onnx_activation_rows() {
  static const OnnxRow rows[] = {
      {"relu", "Relu", nullptr, [](OnnxReader& r) { return relu(r.in(0)); }},
      {"sigmoid", "Sigmoid", nullptr, [](OnnxReader& r) { return sigmoid(r.in(0)); }},
      {"softsign", "Softsign", nullptr, [](OnnxReader& r) { return softsign(r.in(0)); }},
      {"leaky_relu", "LeakyRelu",
       [](OnnxWriter& w) {
         return w.add("LeakyRelu", {w.in(0)}, {{"alpha", w.number("negative_slope")}});
       },
       [](OnnxReader& r) { return leaky_relu(r.in(0), r.number("alpha", 0.01)); }, "alpha"},
      {"elu", "Elu",
       [](OnnxWriter& w) {
         return w.add("Elu", {w.in(0)}, {{"alpha", w.number("alpha")}});
       },
       [](OnnxReader& r) { return elu(r.in(0), r.number("alpha", 1)); }, "alpha"},
      {"celu", "Celu",
       [](OnnxWriter& w) {
         return w.add("Celu", {w.in(0)}, {{"alpha", w.number("alpha")}});
       },
       [](OnnxReader& r) { return celu(r.in(0), r.number("alpha", 1)); }, "alpha"},
      {"selu", "Selu", [](OnnxWriter& w) { return w.add("Selu", {w.in(0)}); }, read_selu, "alpha gamma"},
      {"silu", "",
       [](OnnxWriter& w) {
         return w.add("Mul", {w.in(0), w.add("Sigmoid", {w.in(0)})});
       }},
      {"mish", "",
       [](OnnxWriter& w) {
         return w.add("Mul", {w.in(0), w.add("Tanh", {w.add("Softplus", {w.in(0)})})});
       }},
      {"gelu", "", write_gelu},
      {"gelu_tanh", "", write_gelu_tanh},
      {"softplus", "Softplus", write_softplus, [](OnnxReader& r) { return softplus(r.in(0)); }},
      {"logsigmoid", "", [](OnnxWriter& w) { return w.add("Neg", {w.add("Softplus", {w.add("Neg", {w.in(0)})})}); }},
      {"hardsigmoid", "",
       [](OnnxWriter& w) {
         return w.add("HardSigmoid", {w.in(0)}, {{"alpha", 1.0 / 6}, {"beta", 0.5}});
       }},
      {"", "HardSigmoid", nullptr, read_hard_sigmoid, "alpha beta"},
      {"hardswish", "HardSwish", [](OnnxWriter& w) { return w.add("HardSwish", {w.in(0)}); },
       [](OnnxReader& r) { return hardswish(r.in(0)); }},
      {"threshold", "", write_threshold},
      {"step", "",
       [](OnnxWriter& w) {
         const std::int64_t code = w.dtype() == DType::float64 ? 11 : 1;
         return w.add("Cast", {w.add("Greater", {w.in(0), w.scalar(0)})}, {{"to", code}});
       }},
      {"", "ThresholdedRelu", nullptr, [](OnnxReader& r) { return threshold(r.in(0), r.number("alpha", 1), 0); },
       "alpha"},
      {"", "PRelu", nullptr, read_prelu},
      {"", "Shrink", nullptr, read_shrink, "bias lambd"},
      {"softmax", "Softmax",
       [](OnnxWriter& w) {
         return w.add("Softmax", {w.in(0)}, {{"axis", w.integer("dim")}});
       },
       [](OnnxReader& r) { return along_axis(r, [](const Tensor& x, std::int64_t dim) { return softmax(x, dim); }); },
       "axis"},
      {"log_softmax", "LogSoftmax",
       [](OnnxWriter& w) {
         return w.add("LogSoftmax", {w.in(0)}, {{"axis", w.integer("dim")}});
       },
       [](OnnxReader& r) {
         return along_axis(r, [](const Tensor& x, std::int64_t dim) { return log_softmax(x, dim); });
       },
       "axis"},
      {"", "Hardmax", nullptr, read_hardmax, "axis"},
      {"dropout", "",
       [](OnnxWriter& w) -> std::string { w.refuse("it draws random numbers; evaluation leaves it out"); }},
      {"", "Dropout", nullptr, read_dropout, "ratio is_test seed", 6},
  };
  return rows;
}

}  // namespace chainrule::internal
