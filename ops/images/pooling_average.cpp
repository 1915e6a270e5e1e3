// Average pooling, sliding and adaptive, and what is made of it. Max pooling is in pooling.cpp.
#include "ops/images/pooling.h"

#include <fmt/format.h>

#include "engine/record.h"
#include "engine/types/error.h"
#include "ops/families.h"
#include "ops/images/images.h"
#include "ops/launch.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

Tensor avg_pool2d_grad(const Tensor& g, const kernels::Pooling& s, const kernels::Averaging& a);
Tensor averaged(const Operand& x, const kernels::Pooling& s, const kernels::Averaging& a);

std::string text(const kernels::Pooling& s, const kernels::Averaging& a) {
  return fmt::format("{}{}{}", to_string(s), a.count_padding ? "" : ", count_include_pad=false",
                     a.divisor != 0 ? fmt::format(", divisor_override={}", a.divisor) : "");
}

// z[p] = sum of x over window p / n[p]      dx = avg_pool2d_grad(g)
struct AvgPool2d {
  static constexpr OpInfo info{.name = "avg_pool2d",
                               .formula = "z[p] = mean of x over window p",
                               .derivatives = {"1 / size (each window)"},
                               .latex = "z_p = \\frac{1}{|W(p)|} \\sum_{q \\in W(p)} x_q",
                               .flops = "numel(x) + numel(z)"};
  kernels::Pooling s;
  kernels::Averaging a;
  std::string attributes() const { return text(s, a); }
  Tensor forward(const Tensor& x) const {
    const bool channels_last = lies_channels_last(x);
    const Tensor from = laid_out(x, channels_last);
    Tensor z = empty_images(window_shape(s), x.dtype(), channels_last);
    if (z.numel() > 0) kernels::avg_pool2d(x.dtype(), s, a, channels_last, from.data(), z.impl().data);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return avg_pool2d_grad(g, s, a); });
  }
};

// z[q] = sum of x[p] / n[p] over the windows p that read q      dx = avg_pool2d(g)
struct AvgPool2dGrad {
  static constexpr OpInfo info{.name = "avg_pool2d_grad",
                               .formula = "z[q] = sum over the windows p that read q of x[p] / size",
                               .derivatives = {"1 / size (each window)"},
                               .flops = "2 * numel(z)"};
  kernels::Pooling s;
  kernels::Averaging a;
  std::string attributes() const { return text(s, a); }
  Tensor forward(const Tensor& x) const {
    const bool channels_last = lies_channels_last(x);
    const Tensor from = laid_out(x, channels_last);
    Tensor z = empty_images({s.n, s.c, s.y.length, s.x.length}, x.dtype(), channels_last);
    if (z.numel() > 0) kernels::avg_pool2d_grad(x.dtype(), s, a, channels_last, from.data(), z.impl().data);
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return averaged(g, s, a); });
  }
};

Tensor avg_pool2d_grad(const Tensor& g, const kernels::Pooling& s, const kernels::Averaging& a) {
  return record(AvgPool2dGrad{s, a}, g);
}
Tensor averaged(const Operand& x, const kernels::Pooling& s, const kernels::Averaging& a) {
  return record(AvgPool2d{s, a}, x);
}

/// mean of x over `size` channels around each, zeros beyond; x (N, C, ...)
Tensor mean_of_channels(const Tensor& x, std::int64_t size) {
  const Shape& shape = x.shape();
  const std::int64_t n = shape[0], c = shape[1], rest = numel(Shape(shape.begin() + 2, shape.end()));
  const bool channels_last = lies_channels_last(x);
  const kernels::Averaging all{.count_padding = true, .divisor = size};
  // Channels become rows of one plane for each image, or the columns of one for each pixel.
  const Tensor rows =
      channels_last ? reshape(permute(x, {0, 2, 3, 1}), {n * rest, 1, 1, c}) : reshape(x, {n, 1, c, rest});
  const Size2 kernel = channels_last ? Size2{1, size} : Size2{size, 1};
  const Size2 padding = channels_last ? Size2{0, size / 2} : Size2{size / 2, 0};
  auto s = pooling_windows("local_response_norm", rows.shape(), kernel, Size2{1}, padding, 1, false);
  (channels_last ? s.x : s.y).positions = c;  // an even size has one window too many, the last
  const Tensor mean = averaged(rows, s, all);
  return channels_last ? permute(reshape(mean, {n, shape[2], shape[3], c}), {0, 3, 1, 2}) : reshape(mean, shape);
}

}  // namespace

OutputSize output_size(const Arguments& a, int i) {
  const Value& v = a.value(i);
  if (!v.is<Value::List>()) {
    if (v.is<NoneType>()) return {std::nullopt, std::nullopt};
    return a.integer(i);
  }
  Value::List list = v.as<Value::List>();
  if (list.size() == 1) list.push_back(list[0]);
  if (list.size() != 2) return {a.size2(i).h, 0};  // throws the sentence
  const auto size = [&](const Value& one) -> std::optional<std::int64_t> {
    if (one.is<NoneType>()) return std::nullopt;
    if (!one.is<std::int64_t>())
      throw ValueError(fmt::format("output_size holds {}, it must be whole numbers or None", describe(one)));
    return one.as<std::int64_t>();
  };
  return {size(list[0]), size(list[1])};
}

Tensor avg_pool2d(const Operand& x, Size2 kernel_size, const AveragePoolOptions& options) {
  const CalledFrom caller(x.where());
  const ImageBatch batch = images_argument(x, "avg_pool2d");
  if (options.divisor_override == 0) throw ValueError("avg_pool2d: divisor_override is 0, and nothing divides by it");
  const auto s = pooling_windows("avg_pool2d", batch.x.shape(), kernel_size, options.stride, options.padding, 1,
                                 options.ceil_mode);
  const kernels::Averaging a{options.count_include_pad, options.divisor_override.value_or(0)};
  if (is_whole(batch.x)) return batch.back(to(averaged(to(batch.x, DType::float64), s, a), DType::int64));
  return batch.back(averaged(as_floating(batch.x), s, a));
}

Tensor adaptive_avg_pool2d(const Operand& x, const OutputSize& output_size) {
  const CalledFrom caller(x.where());
  const ImageBatch batch = images_argument(x, "adaptive_avg_pool2d");
  const auto s = adaptive_windows("adaptive_avg_pool2d", batch.x.shape(), output_size);
  return batch.back(averaged(as_floating(batch.x), s, {}));
}

Tensor local_response_norm(const Operand& x, std::int64_t size, double alpha, double beta, double k) {
  const CalledFrom caller(x.where());
  const Tensor t = as_floating(tensor_argument(x, "local_response_norm"));
  if (t.dim() < 3)
    throw ShapeError(fmt::format("local_response_norm: x is (N, C, ...) of three axes at least, it has shape {}",
                                 to_string(t.shape())));
  if (size < 1) throw ValueError(fmt::format("local_response_norm: size is {}, it must be positive", size));
  if (t.numel() == 0) return t * 1.0;
  return div(t, pow(mean_of_channels(square(t), size) * alpha + k, beta));
}

Family average_pooling_family() {
  static constexpr const OpInfo* ops[] = {&AvgPool2d::info, &AvgPool2dGrad::info};
  static const Function functions[] = {
      {"avg_pool2d",
       "input, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None",
       [](const Arguments& a) -> Value {
         return avg_pool2d(a.operand(0), a.size2(1),
                           {.stride = a.optional_size2(2),
                            .padding = a.size2(3),
                            .ceil_mode = a.flag(4),
                            .count_include_pad = a.flag(5),
                            .divisor_override = a.optional_integer(6)});
       },
       "avg_pool2d(x, 2, padding=1)", "x=randn(1,2,3,4)"},
      {"adaptive_avg_pool2d", "input, output_size",
       [](const Arguments& a) -> Value { return adaptive_avg_pool2d(a.operand(0), output_size(a, 1)); },
       "adaptive_avg_pool2d(x, (2, None))", "x=randn(1,2,3,4)", "z[p] = mean of x over an even share p"},
      {"local_response_norm", "input, size, alpha=0.0001, beta=0.75, k=1.0",
       [](const Arguments& a) -> Value {
         return local_response_norm(a.operand(0), a.integer(1), a.number(2), a.number(3), a.number(4));
       },
       "local_response_norm(x, 3, alpha=0.5)", "x=randn(2,4,3)",
       "z = x / (k + alpha * mean of x^2 over size channels)^beta"},
  };
  return {ops, functions};
}

}  // namespace chainrule
