// Padding with a value, or with what stands inside, and cutting off.
#include "ops/shape/padding.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "engine/record.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/ops.h"
#include "ops/shape/arrangement.h"
#include "ops/shape/blocks.h"

namespace chainrule {
namespace {

Tensor pad_by(const Operand& x, const Shape& before, const Shape& after, double value);

// z = v, then z[a + i] = x[i]      dx = g[a + i], which is g padded by -a and -b
struct Pad {
  static constexpr OpInfo info{
      .name = "pad", .formula = "z = value; z[before + i] = x[i]", .derivatives = {"1 (same element)"}, .flops = "0"};
  Shape a, b;
  double v;
  std::string attributes() const {  // pairs from the last axis on, as in the call
    int first = 0;                  // the first axis that is padded
    while (first + 1 < a.rank() && a[first] == 0 && b[first] == 0) ++first;
    Shape pairs;
    for (int i = a.rank() - 1; i >= first; --i) {
      pairs.push_back(a[i]);
      pairs.push_back(b[i]);
    }
    return fmt::format("pad={}, value={}", to_string(pairs), v);
  }
  Tensor forward(const Tensor& x) const {
    Shape shape = x.shape(), size = shape, from = Shape::filled(a.size(), 0), to = from;
    for (int i = 0; i < x.dim(); ++i) {
      shape[i] += a[i] + b[i];
      from[i] = std::max<std::int64_t>(0, -a[i]);
      to[i] = std::max<std::int64_t>(0, a[i]);
      size[i] = std::max<std::int64_t>(0, size[i] - from[i] - std::max<std::int64_t>(0, -b[i]));
    }
    Tensor z = empty_strided(shape, strides_in_order_of(x, shape), x.dtype());
    if (size != shape)
      dispatch(x.dtype(), [&](auto zero) {
        const auto outside = static_cast<decltype(zero)>(v);
        kernels::fill(z.dtype(), &outside, z.impl().data, z.numel());
      });
    copy_into(block(z, to, size), block(x, from, size));
    return z;
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      Shape before = a, after = b;
      for (auto& n : before) n = -n;
      for (auto& n : after) n = -n;
      return pad_by(g, before, after, 0);
    });
  }
};

Tensor pad_by(const Operand& x, const Shape& before, const Shape& after, double value) {
  return record(Pad{before, after, value}, x);
}

/// The position in an axis of n that stands at i, which may lie outside.
std::int64_t inside(std::int64_t i, std::int64_t n, PadMode mode) {
  if (mode == PadMode::replicate) return std::clamp<std::int64_t>(i, 0, n - 1);
  if (mode == PadMode::circular) return i < 0 ? i + n : i >= n ? i - n : i;
  return i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i;
}

PadMode pad_mode(const Arguments& a) {
  const std::string name = a.mode(2);
  const PadMode mode = name == "constant"    ? PadMode::constant
                       : name == "reflect"   ? PadMode::reflect
                       : name == "replicate" ? PadMode::replicate
                                             : PadMode::circular;
  if (mode == PadMode::circular && name != "circular")
    throw ValueError(
        fmt::format("pad: mode '{}' is not known; there are constant, reflect, replicate, circular", name));
  if (mode != PadMode::constant && !a.is_none(3)) throw ValueError(fmt::format("pad: mode '{}' takes no value", name));
  return mode;
}

}  // namespace

Tensor pad(const Operand& x, const std::vector<std::int64_t>& amounts, PadMode mode, double value) {
  const CalledFrom caller(x.where());
  const Tensor t = tensor_argument(x, "pad");
  const std::size_t rank = t.shape().size();
  if (amounts.size() % 2 != 0 || amounts.size() > 2 * rank)
    throw ShapeError(fmt::format("pad: ({}) for shape {}: it takes two amounts for each axis, {} at most",
                                 fmt::join(amounts, ", "), to_string(t.shape()), 2 * rank));
  Shape before = Shape::filled(rank, 0), after = before, shape = t.shape();
  constexpr std::int64_t kLimit = std::int64_t{1} << 61;  // keeps the sums below from overflowing
  for (std::size_t k = 0; k < amounts.size() / 2; ++k) {
    const std::size_t axis = rank - 1 - k;
    const std::int64_t a = before[axis] = amounts[2 * k], b = after[axis] = amounts[2 * k + 1], n = t.shape()[axis];
    auto fail = [&](const std::string& why) {
      throw ShapeError(
          fmt::format("pad: axis {} of {} padded by {} and {}: {}", axis, to_string(t.shape()), a, b, why));
    };
    if (std::max(a, b) > kLimit || std::min(a, b) < -kLimit) fail("too much");
    shape[axis] = n + a + b;
    if (shape[axis] < 0) fail("more is cut off than there is");
    if (mode == PadMode::constant) continue;
    const std::int64_t kept = n + std::min<std::int64_t>(a, 0) + std::min<std::int64_t>(b, 0);
    const std::int64_t most = mode == PadMode::reflect ? n - 1 : mode == PadMode::circular ? kept : n > 0 ? kLimit : 0;
    if (std::max(a, b) > std::max<std::int64_t>(most, 0))
      fail(fmt::format("this mode reaches {} elements at most", std::max<std::int64_t>(most, 0)));
  }
  check_shape(shape, item_size(t.dtype()), "pad");
  if (!is_floating(t.dtype()) && !(std::abs(value) < 0x1p63))
    throw ValueError(fmt::format("pad: the value {} is none of {}", value, name_of(t.dtype())));
  if (mode == PadMode::constant) return pad_by(t, before, after, value);
  Tensor z = t;
  if (mode == PadMode::circular) {  // what is cut off does not come round again, as in PyTorch
    Shape cut_before = Shape::filled(rank, 0), cut_after = cut_before;
    bool cuts = false;
    for (std::size_t axis = 0; axis < rank; ++axis) {
      cuts = cuts || before[axis] < 0 || after[axis] < 0;
      cut_before[axis] = std::min<std::int64_t>(before[axis], 0), before[axis] -= cut_before[axis];
      cut_after[axis] = std::min<std::int64_t>(after[axis], 0), after[axis] -= cut_after[axis];
    }
    if (cuts) z = pad_by(t, cut_before, cut_after, 0);
  }
  for (std::size_t axis = 0; axis < rank; ++axis) {
    if (before[axis] == 0 && after[axis] == 0) continue;
    const Tensor index = empty({shape[axis]}, DType::int64);
    auto* at = static_cast<std::int64_t*>(index.impl().data);
    for (std::int64_t i = 0; i < shape[axis]; ++i) at[i] = inside(i - before[axis], z.shape()[axis], mode);
    z = index_select(z, static_cast<std::int64_t>(axis), index);
  }
  return z;
}

Family padding_family() {
  static constexpr const OpInfo* ops[] = {&Pad::info};
  static const Function functions[] = {
      {"pad", "input, pad, mode='constant', value=None",
       [](const Arguments& a) -> Value {
         return pad(a.operand(0), a.integers(1), pad_mode(a), a.is_none(3) ? 0 : a.number(3));
       },
       "pad(x, [1, 2])", "x=[1,2,3]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
