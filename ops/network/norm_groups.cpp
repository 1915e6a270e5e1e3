// Batch, group and instance normalisation see memory as channels: batch (outer, C, inner), the others one channel for
// each sample's channel. Layer and root-mean-square normalisation see rows.

#include "ops/network/norm_groups.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/factory.h"
#include "ops/kernels/elementwise/elementwise.h"
#include "ops/kernels/network/norm.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

double* numbers(const Tensor& t) { return static_cast<double*>(t.impl().data); }
Tensor room(std::int64_t n) { return empty({n}, DType::float64); }

double at(const Tensor& t, std::int64_t i) {
  return t.dtype() == DType::float64 ? t.data<double>()[i] : static_cast<double>(t.data<float>()[i]);
}

/// Channels innermost and the rest row-major: what convolutions give.
bool is_channels_innermost(const Tensor& x) {
  std::int64_t step = x.shape()[1];
  for (int i = x.dim() - 1; i >= 0; --i) {
    if (x.shape()[i] != 1 && x.strides()[i] != (i == 1 ? 1 : step)) return false;
    if (i != 1) step *= x.shape()[i];
  }
  return true;
}

/// x's numbers in memory that the kernels understand, and how they see it.
struct Memory {
  Tensor x;
  kernels::Lines lines;   // weights and biases are constant in each channel
  kernels::Lines groups;  // statistics are
  std::int64_t channels;  // of x: weight of a line is line % channels
  std::int64_t lines_of_group() const { return lines.n / std::max<std::int64_t>(groups.n, 1); }
};

Memory memory_of(const NormGroups& s, const Tensor& x) {
  const Shape& shape = x.shape();
  if (s.is_of_rows()) {
    std::int64_t n = 1;
    for (int i = x.dim() - s.axes(); i < x.dim(); ++i) n *= shape[i];
    const kernels::Lines rows{1, x.numel() / n, n};
    return {dense(x), rows, rows, n};
  }
  const std::int64_t n = shape[0], c = shape[1], inner = x.numel() / (n * c);
  if (s.kind == NormKind::batch) {
    const bool innermost = is_channels_innermost(x);
    const kernels::Lines all = innermost ? kernels::Lines{n * inner, c, 1} : kernels::Lines{n, c, inner};
    return {innermost ? x : dense(x), all, all, c};
  }
  const std::int64_t together = s.kind == NormKind::group ? c / s.groups : 1;
  return {dense(x), {1, n * c, inner}, {1, n * c / together, inner * together}, c};
}

Axes axes_but_channels(int rank) {
  Axes axes{0};
  for (int i = 2; i < rank; ++i) axes.push_back(i);
  return axes;
}

Axes last_axes(int rank, int count) {
  Axes axes;
  for (int i = rank - count; i < rank; ++i) axes.push_back(i);
  return axes;
}

}  // namespace

std::string NormGroups::text() const {
  std::string text;
  if (kind == NormKind::batch) text = constant ? "training=False, " : "training=True, ";
  if (kind == NormKind::group) text = fmt::format("num_groups={}, ", groups);
  if (is_of_rows()) text = fmt::format("normalized_shape={}, ", to_string(last));
  return text + fmt::format("eps={}", eps);
}

Tensor NormGroups::average(const Tensor& t) const {
  const Shape& x = t.shape();
  if (kind == NormKind::batch) return mean(t, axes_but_channels(t.dim()), true);
  if (is_of_rows()) return mean(t, last_axes(t.dim(), axes()), true);
  if (kind == NormKind::instance) return mean(t, last_axes(t.dim(), t.dim() - 2), true);
  const std::int64_t together = x[1] / groups;
  const Tensor m = mean(reshape(t, {x[0], groups, t.numel() / std::max<std::int64_t>(x[0] * groups, 1)}), {2}, true);
  Shape shape = Shape::filled(x.size(), 1);
  shape[0] = x[0], shape[1] = x[1];
  return reshape(expand(m, {x[0], groups, together}), shape);
}

Tensor NormGroups::beside(const Tensor& w, const Shape& shape) const {
  if (is_of_rows()) return reshape(w, Shape(shape.end() - axes(), shape.end()));
  Shape wide = Shape::filled(shape.size() - 1, 1);
  wide[0] = shape[1];
  return reshape(w, wide);
}

Tensor NormGroups::sum_beside(const Tensor& t) const {
  if (!is_of_rows()) return sum(t, axes_but_channels(t.dim()));
  if (t.dim() == axes()) return t;
  Axes leading;
  for (int i = 0; i < t.dim() - axes(); ++i) leading.push_back(i);
  return sum(t, leading);
}

NormStatistics::NormStatistics(std::int64_t groups)
    : mean(room(groups)), variance(room(groups)), factor(room(groups)) {}

NormStatistics NormStatistics::without_sums() const {
  NormStatistics s = *this;
  s.sums = Tensor();
  return s;
}

NormStatistics NormStatistics::with_sums(const NormGroups& s, const Shape& x) const {
  NormStatistics wide = *this;
  if (!s.is_of_rows()) wide.sums = room(2 * (s.kind == NormKind::batch ? x[1] : x[0] * x[1]));
  return wide;
}

Tensor normalized(const NormGroups& s, const NormStatistics& known, const Tensor& x, const Tensor* w, const Tensor* b) {
  if (x.numel() == 0) return empty_like(x, x.dtype());
  const Memory m = memory_of(s, x);
  double *mean = numbers(known.mean), *variance = numbers(known.variance), *factor = numbers(known.factor);
  if (!s.constant) {
    kernels::channel_moments(x.dtype(), m.x.data(), m.groups, mean, variance);
    for (std::int64_t k = 0; k < m.groups.n; ++k) {
      const double spread = s.is_centred() ? variance[k] : variance[k] + mean[k] * mean[k];
      if (!s.is_centred()) mean[k] = 0;
      factor[k] = 1 / std::sqrt(spread + s.eps);
    }
  }
  const Tensor weight = w ? dense(*w) : Tensor(), bias = b ? dense(*b) : Tensor();
  Tensor z = empty_like(m.x, x.dtype());
  if (s.is_of_rows()) {
    kernels::row_affine(x.dtype(), m.x.data(), m.groups.n, m.groups.inner, mean, factor, w ? weight.data() : nullptr,
                        b ? bias.data() : nullptr, z.impl().data);
    return z;
  }
  const std::int64_t lines = m.lines.n, together = m.lines_of_group();
  const Tensor coefficients = room(3 * lines);
  double *centre = numbers(coefficients), *scale = centre + lines, *shift = scale + lines;
  for (std::int64_t k = 0; k < lines; ++k) {
    centre[k] = mean[k / together];
    scale[k] = factor[k / together] * (w ? at(weight, k % m.channels) : 1);
    shift[k] = b ? at(bias, k % m.channels) : 0;
  }
  kernels::channel_affine(x.dtype(), m.x.data(), m.lines, centre, scale, shift, z.impl().data);
  return z;
}

namespace {

/// Sums of g (x - mean) and of g for each line: into `room_for_sums`, two rows.
void line_sums(const Memory& m, const NormStatistics& known, const Tensor& g, double* room_for_sums) {
  const std::int64_t lines = m.lines.n, together = m.lines_of_group();
  const Tensor centres = room(lines);
  for (std::int64_t k = 0; k < lines; ++k) numbers(centres)[k] = numbers(known.mean)[k / together];
  kernels::channel_sums(g.dtype(), g.data(), m.x.data(), m.lines, numbers(centres), room_for_sums,
                        room_for_sums + lines);
}

}  // namespace

// dx = w r g - r mean(g w) - (x - mean) r^3 mean(g w (x - mean)), the means over a group
Tensor normalized_grad(const NormGroups& s, const NormStatistics& known, const Tensor& g, const Tensor& x,
                       const Tensor* w) {
  if (x.numel() == 0) return empty_like(x, x.dtype());
  const Memory m = memory_of(s, x);
  const Tensor from = with_strides(g, m.x.strides()), weight = w ? dense(*w) : Tensor();
  Tensor z = empty_like(m.x, x.dtype());
  const double *mean = numbers(known.mean), *factor = numbers(known.factor);
  if (s.is_of_rows()) {
    kernels::row_grad(x.dtype(), from.data(), m.x.data(), m.groups.n, m.groups.inner, mean, factor,
                      w ? weight.data() : nullptr, s.is_centred(), z.impl().data);
    return z;
  }
  const std::int64_t lines = m.lines.n, together = m.lines_of_group();
  Tensor sums = known.sums;
  if (!sums.defined()) {
    sums = room(2 * lines);
    line_sums(m, known, from, numbers(sums));
  }
  const double count = static_cast<double>(m.groups.outer * m.groups.inner);
  const Tensor coefficients = room(4 * lines);
  double *centre = numbers(coefficients), *scale = centre + lines, *offset = scale + lines, *slope = offset + lines;
  for (std::int64_t first = 0; first < lines; first += together) {
    const double r = factor[first / together];
    double product = 0, sum = 0;
    for (std::int64_t k = first; k < first + together; ++k) {
      const double weigh = w ? at(weight, k % m.channels) : 1;
      product += weigh * numbers(sums)[k];
      sum += weigh * numbers(sums)[lines + k];
      scale[k] = weigh * r;
    }
    for (std::int64_t k = first; k < first + together; ++k) {
      centre[k] = mean[first / together];
      offset[k] = r * sum / count;
      slope[k] = r * r * r * product / count;
    }
  }
  kernels::channel_grad(x.dtype(), from.data(), m.x.data(), m.lines, centre, scale, offset, slope, z.impl().data);
  return z;
}

Tensor normalized_weight_grad(const NormGroups& s, const NormStatistics& known, const Tensor& g, const Tensor& x) {
  std::int64_t weights = s.is_of_rows() ? 1 : x.shape()[1];
  for (int i = x.dim() - s.axes(); i < x.dim(); ++i) weights *= x.shape()[i];
  if (x.numel() == 0) return zeros({2, weights}, {.dtype = x.dtype()});
  const Memory m = memory_of(s, x);
  const Tensor from = with_strides(g, m.x.strides());
  const Tensor totals = room(2 * weights);
  double *product = numbers(totals), *sum = product + weights;
  if (s.is_of_rows()) {
    kernels::row_sums(x.dtype(), from.data(), m.x.data(), m.groups.n, weights, numbers(known.mean),
                      numbers(known.factor), product, sum);
  } else {
    const std::int64_t lines = m.lines.n, together = m.lines_of_group();
    const Tensor sums = known.sums.defined() ? known.sums : room(2 * lines);
    line_sums(m, known, from, numbers(sums));
    std::fill(product, product + 2 * weights, 0.0);
    for (std::int64_t k = 0; k < lines; ++k) {
      product[k % weights] += numbers(sums)[k] * numbers(known.factor)[k / together];
      sum[k % weights] += numbers(sums)[lines + k];
    }
  }
  Tensor z = empty({2, weights}, x.dtype());
  kernels::cast(DType::float64, x.dtype(), product, z.impl().data, 2 * weights);
  return z;
}

}  // namespace chainrule
