#include "tests/nn/files/onnx/cases.h"

#include <numbers>

#include "engine/factory.h"
#include "engine/random.h"
#include "nn/layers.h"
#include "ops/ops.h"

namespace chainrule::testing {
namespace {

using F = std::function<Tensor(const Tensor&)>;

Tensor numbers(const Shape& shape, double low, double high, std::uint64_t seed) {
  Generator generator(seed);
  return rand(shape, {}, generator) * (high - low) + low;
}

struct Maker {
  std::vector<OnnxCase> cases;
  std::uint64_t seed = 1;

  void add(const char* name, const F& f, const Tensor& x, bool batch = true, const char* ours = nullptr) {
    cases.push_back({name, std::make_shared<FunctionNet>(f), x, batch, ours ? ours : name});
  }
  /// A function of one value, over a range of them.
  void pointwise(const char* name, Tensor (*f)(const Operand&), double low = -3, double high = 3) {
    add(
        name, [f](const Tensor& x) { return f(x); }, numbers({3, 7}, low, high, seed++));
  }
  Tensor image(std::int64_t channels = 4, std::int64_t height = 7, std::int64_t width = 9) {
    return numbers({2, channels, height, width}, -2, 2, seed++);
  }
  Tensor weight(const Shape& shape) { return numbers(shape, -0.5, 0.5, seed++).set_requires_grad(); }
};

void add_pointwise(Maker& m) {
  m.pointwise("abs", abs);
  m.pointwise("neg", neg);
  m.pointwise("sign", sign);
  m.pointwise("square", square);
  m.pointwise("sqrt", sqrt, 0.1);
  m.pointwise("rsqrt", rsqrt, 0.1);
  m.pointwise("reciprocal", reciprocal, 0.1);
  m.pointwise("exp", exp);
  m.pointwise("exp2", exp2);
  m.pointwise("log", log, 0.1);
  m.pointwise("log2", log2, 0.1);
  m.pointwise("log10", log10, 0.1);
  m.pointwise("erf", erf);
  m.pointwise("sin", sin);
  m.pointwise("cos", cos);
  m.pointwise("tan", tan, -1, 1);
  m.pointwise("asin", asin, -0.9, 0.9);
  m.pointwise("acos", acos, -0.9, 0.9);
  m.pointwise("atan", atan);
  m.pointwise("sinh", sinh);
  m.pointwise("cosh", cosh);
  m.pointwise("tanh", tanh);
  m.pointwise("asinh", asinh);
  m.pointwise("acosh", acosh, 1.1);
  m.pointwise("atanh", atanh, -0.9, 0.9);
  m.pointwise("floor", floor);
  m.pointwise("ceil", ceil);
  m.pointwise("trunc", trunc);
  m.pointwise("frac", frac);
  m.pointwise("step", step);
  m.pointwise("sigmoid", sigmoid);
  m.pointwise("logsigmoid", logsigmoid);
  m.pointwise("relu", relu);
  m.pointwise("relu6", relu6, -3, 9);
  m.pointwise("selu", selu);
  m.pointwise("silu", silu);
  m.pointwise("mish", mish);
  m.pointwise("softsign", softsign);
  m.pointwise("hardsigmoid", hardsigmoid, -5, 5);
  m.pointwise("hardswish", hardswish, -5, 5);
  const Tensor x = numbers({3, 7}, -3, 3, 91), w = m.weight({7}), positive = numbers({3, 7}, 0.2, 3, 92);
  m.add(
      "round", [](const Tensor& t) { return round(t); }, x);
  m.add(
      "leaky_relu", [](const Tensor& t) { return leaky_relu(t, 0.2); }, x);
  m.add(
      "elu", [](const Tensor& t) { return elu(t, 1.5); }, x);
  m.add(
      "celu", [](const Tensor& t) { return celu(t, 1.5); }, x);
  m.add(
      "gelu", [](const Tensor& t) { return gelu(t); }, x);
  m.add(
      "gelu_tanh", [](const Tensor& t) { return gelu(t, Approximation::tanh); }, x);
  m.add(
      "softplus", [](const Tensor& t) { return softplus(t); }, x);
  m.add(
      "softplus_beta", [](const Tensor& t) { return softplus(t, 2); }, x, true, "softplus");
  m.add(
      "hardtanh", [](const Tensor& t) { return hardtanh(t, -0.5, 2); }, x);
  m.add(
      "threshold", [](const Tensor& t) { return threshold(t, 0.5, -7); }, x);
  m.add(
      "clamp", [](const Tensor& t) { return clamp(t, -1, 0.5); }, x);
  m.add(
      "clamp_below", [](const Tensor& t) { return clamp(t, -1); }, x, true, "clamp");
  m.add(
      "add", [w](const Tensor& t) { return t + w; }, x);
  m.add(
      "sub", [w](const Tensor& t) { return w - t; }, x);
  m.add(
      "mul", [w](const Tensor& t) { return t * w * 3; }, x);
  m.add(
      "div", [w](const Tensor& t) { return w / t; }, positive);
  m.add(
      "pow", [](const Tensor& t) { return pow(t, 1.7); }, positive);
  m.add(
      "fmod", [](const Tensor& t) { return fmod(t, 0.7); }, x);
  m.add(
      "remainder", [](const Tensor& t) { return remainder(t, 0.7); }, x);
  m.add(
      "maximum", [w](const Tensor& t) { return maximum(t, w); }, x);
  m.add(
      "minimum", [w](const Tensor& t) { return minimum(t, w); }, x);
  m.add(
      "lerp", [w](const Tensor& t) { return lerp(t, w, 0.3); }, x);
  m.add(
      "where",
      [](const Tensor& t) {
        return where(tensor({1, 0, 1, 0, 0, 1, 1}, DType::boolean), t, 2);
      },
      x);
  m.add(
      "to", [](const Tensor& t) { return to(to(t, DType::float64) * 2, DType::float32); }, x);
}

void add_reductions(Maker& m) {
  const Tensor x = numbers({2, 5, 4}, 0.2, 2, 93);
  m.add(
      "sum", [](const Tensor& t) { return sum(t, {1}); }, x);
  m.add(
      "sum_all", [](const Tensor& t) { return sum(t); }, x, true, "sum");
  m.add(
      "mean",
      [](const Tensor& t) {
        return mean(t, {1, 2}, true);
      },
      x);
  m.add(
      "prod", [](const Tensor& t) { return prod(t, {2}); }, x);
  m.add(
      "amax", [](const Tensor& t) { return amax(t, {1}); }, x);
  m.add(
      "amin",
      [](const Tensor& t) {
        return amin(t, {1, 2});
      },
      x);
  m.add(
      "max", [](const Tensor& t) { return max_along(t, 1); }, x);
  m.add(
      "min", [](const Tensor& t) { return min_along(t, 2, true); }, x);
  m.add(
      "logsumexp", [](const Tensor& t) { return logsumexp(t, {1}); }, x);
  m.add(
      "norm", [](const Tensor& t) { return norm(t, 2, {1}) + norm(t, 1, {1}); }, x);
  m.add(
      "var", [](const Tensor& t) { return var(t, {1}); }, x);
  m.add(
      "std",
      [](const Tensor& t) {
        return std(t, {1, 2}, 0, true);
      },
      x);
  m.add(
      "cumsum", [](const Tensor& t) { return cumsum(t, 1); }, x);
  m.add(
      "softmax", [](const Tensor& t) { return softmax(t, 1); }, x);
  m.add(
      "log_softmax", [](const Tensor& t) { return log_softmax(t, -1); }, x);
}

void add_matrices_and_shapes(Maker& m) {
  const Tensor x = numbers({2, 4, 4}, -2, 2, 94), rows = numbers({3, 4}, -2, 2, 95), two = numbers({2, 4}, -2, 2, 96);
  const Tensor w = m.weight({5, 4}), a = m.weight({4, 5}), b = m.weight({5});
  m.add(
      "linear", [w, b](const Tensor& t) { return linear(t, w, b); }, rows);
  m.add(
      "linear_of_more_axes", [w, b](const Tensor& t) { return linear(t, w, b); }, x, true, "linear");
  m.add(
      "affine", [a, b](const Tensor& t) { return affine(t, a, b); }, rows);
  m.add(
      "matmul", [](const Tensor& t) { return matmul(t, transpose(t)); }, x);
  m.add(
      "tril", [](const Tensor& t) { return tril(t, 1); }, x);
  m.add(
      "triu", [](const Tensor& t) { return triu(t); }, x);
  m.add(
      "det", [](const Tensor& t) { return det(t); }, x);
  m.add(
      "reshape",
      [](const Tensor& t) {
        return reshape(t, {t.size(0), 2, 8});
      },
      x);
  m.add(
      "reshape_joins",
      [](const Tensor& t) {
        return reshape(t, {-1, 4}) * 2;
      },
      x, true, "reshape");
  m.add(
      "transpose", [](const Tensor& t) { return transpose(t, 0, 2); }, x);
  m.add(
      "permute",
      [](const Tensor& t) {
        return permute(t, {2, 0, 1});
      },
      x);
  m.add(
      "expand",
      [](const Tensor& t) {
        return expand(unsqueeze(t, 1), {t.size(0), 3, 4, 4});
      },
      x);
  m.add(
      "slice", [](const Tensor& t) { return slice(t, 1, 1, 4, 2); }, x);
  m.add(
      "flip",
      [](const Tensor& t) {
        return flip(t, {1, 2});
      },
      x);
  m.add(
      "roll",
      [](const Tensor& t) {
        return roll(t, {1, -2}, {1, 2});
      },
      x);
  m.add(
      "pad",
      [](const Tensor& t) {
        return pad(t, {1, 2, 0, 1}, PadMode::constant, -1.5);
      },
      x);
  m.add(
      "cat",
      [](const Tensor& t) {
        return cat({t, t * 2, t}, 1);
      },
      x);
  m.add(
      "clone", [](const Tensor& t) { return clone(t); }, x);
  m.add(
      "index_select",
      [](const Tensor& t) {
        return index_select(t, 1, tensor({3, 0, 3}));
      },
      x);
  const Tensor index = tensor({{0, 3, 1, 1}, {2, 2, 0, 3}});
  m.add(
      "gather", [index](const Tensor& t) { return gather(t, 1, index); }, two, false);
  m.add(
      "scatter_add", [index](const Tensor& t) { return scatter_add(t, 1, index, t * 2); }, two, false);
  m.add(
      "attention", [](const Tensor& t) { return scaled_dot_product_attention(t, t, t, {.is_causal = true}); }, x, true,
      "softmax");
  m.add(
      "einsum",
      [](const Tensor& t) {
        return einsum("nij,nkj->nik", {t, t});
      },
      x, true, "matmul");
}

void add_images(Maker& m) {
  const Tensor w = m.weight({6, 2, 3, 2}), b = m.weight({6}), v = m.weight({4, 3, 3, 3}), c = m.weight({3});
  const ConvOptions conv{.stride = {2, 1}, .padding = {1, 0}, .dilation = {1, 2}, .groups = 2};
  m.add(
      "conv2d", [=](const Tensor& t) { return conv2d(t, w, b, conv); }, m.image());
  m.add(
      "conv1d", [k = m.weight({3, 4, 3})](const Tensor& t) { return conv1d(t, k, {}, {.padding = 1}); },
      numbers({2, 4, 9}, -1, 1, 97), true, "conv2d");
  const ConvTransposeOptions growing{.stride = 2, .padding = 1, .output_padding = {1, 0}};
  m.add(
      "conv_transpose2d", [=](const Tensor& t) { return conv_transpose2d(t, v, c, growing); }, m.image(), true,
      "conv2d_input_grad");
  m.add(
      "max_pool2d", [](const Tensor& t) { return max_pool2d(t, 3, {.stride = 2, .padding = 1}); }, m.image());
  m.add(
      "max_pool2d_ceil", [](const Tensor& t) { return max_pool2d(t, 2, {.ceil_mode = true}); }, m.image(), true,
      "max_pool2d");
  m.add(
      "max_pool2d_dilated", [](const Tensor& t) { return max_pool2d(t, 2, {.stride = 1, .dilation = 2}); }, m.image(),
      true, "max_pool2d");
  m.add(
      "avg_pool2d",
      [](const Tensor& t) {
        return avg_pool2d(t, {2, 3}, {.stride = 2, .padding = 1});
      },
      m.image());
  m.add(
      "avg_pool2d_inside", [](const Tensor& t) { return avg_pool2d(t, 3, {.padding = 1, .count_include_pad = false}); },
      m.image(), true, "avg_pool2d");
  m.add(
      "adaptive_avg_pool2d",
      [](const Tensor& t) {
        return adaptive_avg_pool2d(t, {2, 3});
      },
      m.image(4, 8, 9), true, "avg_pool2d");
  m.add(
      "global_avg_pool2d", [](const Tensor& t) { return adaptive_avg_pool2d(t, 1); }, m.image(), true, "avg_pool2d");
  m.add(
      "global_max_pool2d", [](const Tensor& t) { return adaptive_max_pool2d(t, 1); }, m.image(), true, "max_pool2d");
  m.add(
      "local_response_norm", [](const Tensor& t) { return local_response_norm(t, 2); }, m.image(), true, "avg_pool2d");
  m.add(
      "pixel_shuffle", [](const Tensor& t) { return pixel_shuffle(t, 2); }, m.image(8), true, "reshape");
  const auto resize = [&m](const char* name, const InterpolateOptions& o) {
    m.add(
        name, [o](const Tensor& t) { return interpolate(t, o); }, m.image(4, 6, 8), true, "interpolate");
  };
  resize("resize_nearest", {.scale_factor = {{2, 3}}});
  resize("resize_exact", {.size = Size2{12, 4}, .mode = Interpolation::nearest_exact});
  resize("resize_bilinear", {.size = Size2{9, 12}, .mode = Interpolation::bilinear});
  resize("resize_corners", {.size = Size2{9, 12}, .mode = Interpolation::bilinear, .align_corners = true});
  resize("resize_bicubic", {.size = Size2{12, 16}, .mode = Interpolation::bicubic});
}

/// Layers with names, a buffer that is moved by training, and a head.
struct Network : Module {
  Child<Conv2d> conv{*this, "conv", 3, 8, {.kernel_size = 3, .padding = 1}};
  Parameter scale{*this, "norm_scale", full({8}, 1.5)};
  Parameter shift{*this, "norm_shift", full({8}, 0.25)};
  Buffer mean{*this, "running_mean", numbers({8}, -0.2, 0.2, 98)};
  Buffer var{*this, "running_var", numbers({8}, 0.5, 1.5, 99)};
  Child<Linear> out{*this, "out", 8 * 4 * 4, 5};

 protected:
  Tensor forward(const Tensor& x) override {
    Tensor z = batch_norm(conv(x), mean, var, scale, shift, {.training = is_training()});
    z = dropout(relu(z), 0.5, is_training());
    return softmax(out(flatten(max_pool2d(z, 2), 1)), 1);
  }
};

void add_networks(Maker& m) {
  const Tensor w = m.weight({4}), b = m.weight({4}), rows = numbers({3, 5, 4}, -2, 2, 100);
  m.add(
      "layer_norm", [=](const Tensor& t) { return layer_norm(t, {4}, w, b); }, rows);
  m.add(
      "layer_norm_plain",
      [](const Tensor& t) {
        return layer_norm(t, {5, 4});
      },
      rows, true, "layer_norm");
  m.add(
      "rms_norm", [=](const Tensor& t) { return rms_norm(t, {4}, w, 1e-5); }, rows);
  m.add(
      "group_norm", [=](const Tensor& t) { return group_norm(t, 2, w, b); }, m.image());
  m.add(
      "instance_norm", [=](const Tensor& t) { return instance_norm(t, {}, {}, w, b); }, m.image());
  manual_seed(7);
  m.cases.push_back({"network", std::make_shared<Network>(), m.image(3, 8, 8), true, "batch_norm"});
}

}  // namespace

std::vector<OnnxCase> onnx_cases() {
  Maker m;
  add_pointwise(m);
  add_reductions(m);
  add_matrices_and_shapes(m);
  add_images(m);
  add_networks(m);
  return m.cases;
}

}  // namespace chainrule::testing
