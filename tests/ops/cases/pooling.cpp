// Rows for pooling: largest elements and averages of windows, sliding and adaptive, and what is made of them.
#include <cmath>
#include <limits>

#include "engine/factory.h"
#include "tests/ops/cases/naive_windows.h"

namespace chainrule::cases {
namespace {

constexpr double kLowest = -std::numeric_limits<double>::infinity();

/// Windows of one axis as [first, end) with everything cut to the axis, and how many elements an average counts.
struct Reach {
  std::int64_t first, end, counted;
};

std::vector<Reach> sliding(std::int64_t length, std::int64_t kernel, std::int64_t stride, std::int64_t padding,
                           bool ceil, bool count_padding) {
  std::vector<Reach> all;
  for (std::int64_t at = -padding;; at += stride) {
    const bool whole = at + kernel <= length + padding, begins_inside = at < length;
    if (!whole && !(ceil && begins_inside && at - stride + kernel < length + padding)) break;
    const std::int64_t first = std::max<std::int64_t>(at, 0), end = std::min(at + kernel, length);
    all.push_back({first, end, count_padding ? std::min(at + kernel, length + padding) - at : end - first});
  }
  return all;
}

std::vector<Reach> adaptive(std::int64_t length, std::int64_t outputs) {
  std::vector<Reach> all;
  for (std::int64_t i = 0; i < outputs; ++i) {
    const double share = static_cast<double>(length) / static_cast<double>(outputs);
    const auto first = static_cast<std::int64_t>(std::floor(static_cast<double>(i) * share + 1e-9));
    const auto end = static_cast<std::int64_t>(std::ceil(static_cast<double>(i + 1) * share - 1e-9));
    all.push_back({first, end, end - first});
  }
  return all;
}

/// fold(total, value) over every window; finish(total, counted) at its end.
template <class Fold, class Finish>
Array over_windows(const Array& x, const std::vector<Reach>& rows, const std::vector<Reach>& columns, double start,
                   Fold fold, Finish finish) {
  Array z({x.shape[0], x.shape[1], static_cast<std::int64_t>(rows.size()), static_cast<std::int64_t>(columns.size())});
  each_index(z.shape, [&](const Shape& at) {
    const Reach &r = rows[static_cast<std::size_t>(at[2])], &c = columns[static_cast<std::size_t>(at[3])];
    double total = start;
    for (std::int64_t i = r.first; i < r.end; ++i)
      for (std::int64_t j = c.first; j < c.end; ++j) total = fold(total, x.at({at[0], at[1], i, j}));
    z.at(at) = finish(total, r.counted * c.counted);
  });
  return z;
}

Array largest(const Array& x, const std::vector<Reach>& rows, const std::vector<Reach>& columns) {
  return over_windows(
      x, rows, columns, kLowest, [](double a, double b) { return std::max(a, b); },
      [](double total, std::int64_t) { return total; });
}

Array averages(const Array& x, const std::vector<Reach>& rows, const std::vector<Reach>& columns,
               std::int64_t divisor = 0) {
  return over_windows(
      x, rows, columns, 0, [](double a, double b) { return a + b; },
      [=](double total, std::int64_t n) { return total / static_cast<double>(divisor != 0 ? divisor : n); });
}

Case largest_case(std::string variant, const Shape& x, std::function<Tensor(const Tensor&)> f,
                  std::function<Array(const Array&)> reference) {
  return {.op = "max_pool2d",
          .variant = std::move(variant),
          .inputs = {{.shape = x, .distinct = true, .linear = true}},
          .f = [f = std::move(f)](const std::vector<Tensor>& t) { return f(t[0]); },
          .reference = [reference = std::move(reference)](const std::vector<Array>& in) { return reference(in[0]); },
          .nan = Nan::somewhere,
          .nan_reason = "each window picks one element",
          .runs = {"plane_scatter", "plane_gather"}};
}

Case pooled(std::string variant, const Shape& x, const Window& k) {
  return largest_case(
      std::move(variant), x,
      [=](const Tensor& t) {
        return max_pool2d(t, k.kernel, {.stride = k.stride, .padding = k.padding, .dilation = k.dilation});
      },
      [=](const Array& in) {
        const std::int64_t h = in.shape[2], w = in.shape[3];
        Array z({in.shape[0], in.shape[1], k.out_h(h), k.out_w(w)}, kLowest);
        for (std::int64_t n = 0; n < in.shape[0]; ++n)
          for (std::int64_t c = 0; c < in.shape[1]; ++c)
            each_tap(k, h, w, [&](auto i, auto j, auto, auto, auto y, auto xx) {
              z.at({n, c, i, j}) = std::max(z.at({n, c, i, j}), in.at({n, c, y, xx}));
            });
        return z;
      });
}

Case pooled_ceil(std::string variant, const Shape& x, const Window& k) {
  return largest_case(
      std::move(variant), x,
      [=](const Tensor& t) {
        return max_pool2d(t, k.kernel, {.stride = k.stride, .padding = k.padding, .ceil_mode = true});
      },
      [=](const Array& in) {
        return largest(in, sliding(in.shape[2], k.kernel.h, k.stride.h, k.padding.h, true, true),
                       sliding(in.shape[3], k.kernel.w, k.stride.w, k.padding.w, true, true));
      });
}

Case adaptive_max(std::string variant, const Shape& x, const OutputSize& size) {
  return largest_case(
      std::move(variant), x, [=](const Tensor& t) { return adaptive_max_pool2d(t, size); },
      [=](const Array& in) {
        return largest(in, adaptive(in.shape[2], size.h.value_or(in.shape[2])),
                       adaptive(in.shape[3], size.w.value_or(in.shape[3])));
      });
}

Case average_case(std::string variant, const Shape& x, std::function<Tensor(const Tensor&)> f,
                  std::function<Array(const Array&)> reference) {
  return {.op = "avg_pool2d",
          .variant = std::move(variant),
          .inputs = {{.shape = x, .linear = true}},
          .f = [f = std::move(f)](const std::vector<Tensor>& t) { return f(t[0]); },
          .reference = [reference = std::move(reference)](const std::vector<Array>& in) { return reference(in[0]); },
          .nan = Nan::somewhere,
          .nan_reason = "strides may step over elements",
          .runs = {"avg_pool2d_grad"}};
}

Case averaged(std::string variant, const Shape& x, Size2 kernel, const AveragePoolOptions& o) {
  return average_case(
      std::move(variant), x, [=](const Tensor& t) { return avg_pool2d(t, kernel, o); },
      [=](const Array& in) {
        const Size2 stride = o.stride.value_or(kernel);
        return averages(in, sliding(in.shape[2], kernel.h, stride.h, o.padding.h, o.ceil_mode, o.count_include_pad),
                        sliding(in.shape[3], kernel.w, stride.w, o.padding.w, o.ceil_mode, o.count_include_pad),
                        o.divisor_override.value_or(0));
      });
}

Case adaptive_average(std::string variant, const Shape& x, const OutputSize& size) {
  return average_case(
      std::move(variant), x, [=](const Tensor& t) { return adaptive_avg_pool2d(t, size); },
      [=](const Array& in) {
        return averages(in, adaptive(in.shape[2], size.h.value_or(in.shape[2])),
                        adaptive(in.shape[3], size.w.value_or(in.shape[3])));
      });
}

/// Pictures of one channel, (C, H, W).
Case flat(Case c) {
  const Shape whole = c.inputs[0].shape;
  c.variant += ", no batch axis";
  c.inputs[0].shape = {whole[1], whole[2], whole[3]};
  c.reference = [=, reference = c.reference](const std::vector<Array>& in) {
    Array z = reference({Array(whole, in[0].values)});
    z.shape = {z.shape[1], z.shape[2], z.shape[3]};
    return z;
  };
  return c;
}

Case unpooled(std::string variant, const Shape& x, const std::vector<std::int64_t>& places, Size2 size, Size2 kernel,
              const UnpoolOptions& o) {
  return {
      .op = "plane_scatter",
      .variant = "max_unpool2d, " + variant,
      .inputs = {{.shape = x, .linear = true}},
      .f = [=](const std::vector<Tensor>& t) { return max_unpool2d(t[0], from_vector(places, x), kernel, o); },
      .reference =
          [=](const std::vector<Array>& in) {
            Array z({x[0], x[1], size.h, size.w});
            const std::int64_t windows = x[2] * x[3];
            for (std::int64_t p = 0; p < numel(x); ++p)
              z.values[static_cast<std::size_t>(p / windows * size.h * size.w + places[static_cast<std::size_t>(p)])] =
                  in[0].values[static_cast<std::size_t>(p)];
            return z;
          },
      .nan = Nan::somewhere,
      .nan_reason = "zeros stand between the elements",
      .runs = {"plane_gather"}};
}

Case response(std::string variant, const Shape& x, std::int64_t size) {
  const double alpha = 0.6, beta = 0.7, k = 1.5;
  return {.op = "avg_pool2d",
          .variant = "local_response_norm, " + variant,
          .inputs = {{.shape = x}},
          .f = [=](const std::vector<Tensor>& t) { return local_response_norm(t[0], size, alpha, beta, k); },
          .reference =
              [=](const std::vector<Array>& in) {
                Array z(x);
                each_index(x, [&](const Shape& at) {
                  double total = 0;
                  for (std::int64_t c = at[1] - size / 2; c <= at[1] + (size - 1) / 2; ++c) {
                    Shape other = at;
                    other[1] = c;
                    if (c >= 0 && c < x[1]) total += in[0].at(other) * in[0].at(other);
                  }
                  z.at(at) = in[0].at(at) / std::pow(k + alpha * total / static_cast<double>(size), beta);
                });
                return z;
              },
          .runs = {"avg_pool2d_grad"}};
}

}  // namespace

std::vector<Case> pooling_cases() {
  return {
      pooled("kernel 2", {2, 2, 4, 4}, {.kernel = 2, .stride = 2}),
      pooled("overlapping", {1, 2, 4, 5}, {.kernel = {3, 2}, .stride = 1}),
      pooled("padding", {1, 1, 4, 4}, {.kernel = 3, .stride = 2, .padding = 1}),
      pooled("dilation", {1, 1, 5, 6}, {.kernel = 2, .stride = {1, 2}, .dilation = {2, 3}}),
      pooled("a rest that no window reaches", {1, 1, 5, 5}, {.kernel = 2, .stride = 2}),
      pooled("no images", {0, 2, 4, 4}, {.kernel = 2, .stride = 2}),
      pooled("channels of a whole vector and a rest", {1, 19, 2, 4}, {.kernel = 2, .stride = 1}),
      pooled("rows of a whole vector and a rest", {1, 1, 2, 23},
             {.kernel = {1, 3}, .stride = {1, 2}, .padding = {0, 1}}),
      pooled("more taps than a byte counts", {1, 1, 17, 18}, {.kernel = {16, 17}, .stride = 1}),
      pooled_ceil("ceil_mode", {1, 2, 5, 5}, {.kernel = 2, .stride = 2}),
      pooled_ceil("ceil_mode, a window that would begin in the padding", {1, 1, 3, 5},
                  {.kernel = 2, .stride = {2, 3}, .padding = 1}),
      pooled_ceil("ceil_mode, kernel larger than the image", {1, 1, 3, 4}, {.kernel = 4, .stride = 4}),
      adaptive_max("adaptive, uneven", {2, 2, 5, 7}, {3, 2}),
      adaptive_max("adaptive, even", {1, 2, 4, 6}, {2, 3}),
      adaptive_max("adaptive, as it is", {1, 1, 3, 5}, {std::nullopt, 2}),
      adaptive_max("adaptive, larger", {1, 1, 2, 3}, {3, 5}),
      adaptive_max("adaptive, nothing", {1, 2, 2, 3}, {0, 2}),
      flat(pooled("kernel 2", {1, 3, 4, 4}, {.kernel = 2, .stride = 2})),
      unpooled("kernel 2", {1, 2, 2, 2}, {0, 3, 8, 15, 5, 2, 9, 11}, 4, 2, {}),
      unpooled("a place named twice", {1, 1, 2, 2}, {4, 4, 8, 4}, 3, 2, {.stride = 1}),
      unpooled("output size", {2, 1, 1, 2}, {0, 14, 3, 2}, {3, 5}, 2, {.output_size = Size2{3, 5}}),
      averaged("kernel 2", {2, 2, 4, 4}, 2, {}),
      averaged("overlapping", {1, 2, 4, 5}, {3, 2}, {.stride = 1}),
      averaged("padding", {1, 1, 4, 5}, 3, {.stride = 2, .padding = 1}),
      averaged("padding that does not count", {1, 2, 4, 5}, 3, {.stride = 2, .padding = 1, .count_include_pad = false}),
      averaged("ceil_mode", {1, 1, 5, 6}, {2, 3}, {.stride = Size2{2, 4}, .padding = {1, 0}, .ceil_mode = true}),
      averaged("ceil_mode, padding that does not count", {1, 1, 5, 6}, 3,
               {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false}),
      averaged("divisor", {1, 1, 4, 4}, 2, {.padding = 1, .divisor_override = -3}),
      averaged("a rest that no window reaches", {1, 1, 5, 5}, 2, {}),
      averaged("no images", {0, 2, 4, 4}, 2, {}),
      averaged("channels of a whole vector and a rest", {1, 19, 2, 3}, 2, {.stride = 1}),
      adaptive_average("adaptive, uneven", {2, 2, 5, 7}, {3, 2}),
      adaptive_average("adaptive, as it is", {1, 1, 3, 5}, {std::nullopt, 2}),
      adaptive_average("adaptive, larger", {1, 1, 2, 3}, {3, 5}),
      adaptive_average("adaptive, nothing", {1, 2, 2, 3}, {0, 2}),
      flat(averaged("kernel 2", {1, 3, 4, 4}, 2, {})),
      response("odd size", {2, 5, 2, 2}, 3),
      response("even size", {1, 4, 3}, 2),
      response("more than there are", {2, 3, 1, 2}, 8),
  };
}

}  // namespace chainrule::cases
