// Layouts are told apart here, once, in order of how common they are: one scalar; all dense in one order; one operand
// a single number; everything else by strides.
#include "ops/launch.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

void expect_supported(bool supported, DType d, const char* who) {
  if (!supported) throw ValueError(fmt::format("{}: not defined for {}", who, name_of(d)));
}

/// The result of a pairwise operation, in the stride order of whichever operand already has its shape.
Tensor empty_pair(const Tensor& x, const Tensor& y, const Shape& shape, DType dtype) {
  for (const Tensor* t : {&x, &y})
    if (t->shape() == shape && is_dense(shape, t->strides())) return empty_strided(shape, t->strides(), dtype);
  return internal::empty_result(shape, dtype);
}

/// What is computed of whole numbers is exact or refused.
bool may_wrap(Binary op, const Tensor& x, const Tensor& y) {
  if (op == Binary::pow) return true;  // also of small ones
  const bool grows = op == Binary::add || op == Binary::sub || op == Binary::mul || op == Binary::floor_divide;
  return grows && !(all_small(x) && all_small(y));
}

// Calls run(x_step, y_step, n) when one flat run does, or strided(x_strides, y_strides).
template <class Run, class Strided>
void classify(const Tensor& x, const Tensor& y, const Tensor& z, Run&& run, Strided&& strided) {
  const std::int64_t n = z.numel();
  if (n == 0) return;
  auto step = [&](const Tensor& t) -> int {
    if (t.shape() == z.shape() && t.strides() == z.strides()) return 1;
    return t.numel() == 1 ? 0 : -1;
  };
  const bool flat = is_dense(z.shape(), z.strides());
  const int x_step = step(x), y_step = step(y);
  if (flat && x_step >= 0 && y_step >= 0)
    run(x_step, y_step, n);
  else
    strided(broadcast_strides(x, z.shape()), broadcast_strides(y, z.shape()));
}

}  // namespace

bool is_dense(const Shape& shape, const Strides& strides) {
  std::int64_t step = 1;
  bool row_major = true;
  for (int i = shape.rank() - 1; i >= 0 && row_major; --i) {
    row_major = shape[i] == 1 || strides[i] == step;
    step *= shape[i];
  }
  if (row_major) return true;
  boost::container::static_vector<int, kMaxRank> order;
  for (int i = 0; i < shape.rank(); ++i)
    if (shape[i] != 1) order.push_back(i);
  std::sort(order.begin(), order.end(), [&](int a, int b) { return strides[a] < strides[b]; });
  step = 1;
  for (const int axis : order) {
    if (strides[axis] != step) return false;
    step *= shape[axis];
  }
  return true;
}

Strides broadcast_strides(const Tensor& x, const Shape& shape) {
  Strides strides = Strides::filled(shape.size(), 0);
  const std::size_t lead = shape.size() - x.shape().size();
  for (std::size_t i = 0; i < x.shape().size(); ++i)
    if (x.shape()[i] != 1) strides[lead + i] = x.strides()[i];
  return strides;
}

Tensor empty_like(const Tensor& x, DType dtype) {
  if (!x.shape().empty() && is_dense(x.shape(), x.strides())) return empty_strided(x.shape(), x.strides(), dtype);
  return internal::empty_result(x.shape(), dtype);
}

void copy_into(const Tensor& z, const Tensor& x) {
  if (x.numel() > 0) kernels::copy_strided(x.dtype(), x.data(), x.strides(), z.impl().data, z.strides(), x.shape());
}

Tensor with_strides(const Tensor& x, const Strides& strides) {
  if (x.strides() == strides) return x;
  Tensor z = empty_strided(x.shape(), strides, x.dtype());
  copy_into(z, x);
  return z;
}

Tensor without_gaps(const Tensor& x) { return is_dense(x.shape(), x.strides()) ? x : dense(x); }

Tensor in_float64(const Tensor& x) { return to(x, DType::float64); }

bool all_small(const Tensor& x) {
  constexpr std::int64_t kSmall = std::int64_t{1} << 31;
  const Tensor values = without_gaps(x);
  const auto* v = values.data<std::int64_t>();
  for (std::int64_t i = 0, n = values.numel(); i < n; ++i)
    if (v[i] <= -kSmall || v[i] >= kSmall) return false;
  return true;
}

void expect_not_wrapped(const Tensor& z, const Tensor& real, const char* who) {
  const Tensor whole = dense(z), wanted = dense(real);
  const auto* w = whole.data<std::int64_t>();
  const auto* r = wanted.data<double>();
  for (std::int64_t i = 0, n = whole.numel(); i < n; ++i)
    if (!(std::abs(static_cast<double>(w[i]) - r[i]) < 0x1p63))
      throw ValueError(
          fmt::format("{}: the result is about {:g}, which leaves int64; floating numbers reach further, as in "
                      "to(x, 'float64')",
                      who, r[i]));
}

Tensor map(const Tensor& x, Unary op, const char* who, const Parameters& p) {
  expect_supported(supports(op, x.dtype()), x.dtype(), who);
  if (internal::is_number(x.impl()))
    return internal::number_result(kernels::unary_one(op, internal::number_in(x.impl()), p));
  Tensor z = empty_like(x, x.dtype());
  if (z.strides() == x.strides()) {
    kernels::unary(op, x.dtype(), x.data(), z.impl().data, z.numel(), p);
  } else {
    kernels::unary_strided(op, x.dtype(), x.data(), x.strides(), z.impl().data, z.strides(), x.shape(), p);
  }
  if (x.dtype() == DType::int64 && op != Unary::sign && !all_small(x))
    expect_not_wrapped(z, map(in_float64(x), op, who, p), who);
  return z;
}

Tensor zip_arrays(const Tensor& x, const Tensor& y, Binary op, const char* who, const Parameters& p) {
  const DType d = x.dtype();
  expect_supported(supports(op, d), d, who);
  Tensor z = empty_pair(x, y, broadcast_shapes(x.shape(), y.shape(), who), d);
  void* out = z.impl().data;
  classify(
      x, y, z,
      [&](int x_step, int y_step, std::int64_t n) {
        kernels::binary(op, d, x.data(), x_step, y.data(), y_step, out, n, p);
      },
      [&](const Strides& xs, const Strides& ys) {
        kernels::binary_strided(op, d, x.data(), xs, y.data(), ys, out, z.strides(), z.shape(), p);
      });
  if (d == DType::int64 && may_wrap(op, x, y))
    expect_not_wrapped(z, zip_arrays(in_float64(x), in_float64(y), op, who, p), who);
  return z;
}

Tensor zip(const Tensor& x, const Tensor& y, Compare op, const char* who) {
  Tensor z = empty_pair(x, y, broadcast_shapes(x.shape(), y.shape(), who), DType::boolean);
  bool* out = static_cast<bool*>(z.impl().data);
  classify(
      x, y, z,
      [&](int x_step, int y_step, std::int64_t n) {
        kernels::compare(op, x.dtype(), x.data(), x_step, y.data(), y_step, out, n);
      },
      [&](const Strides& xs, const Strides& ys) {
        kernels::compare_strided(op, x.dtype(), x.data(), xs, y.data(), ys, out, z.strides(), z.shape());
      });
  return z;
}

// --- dtypes ----------------------------------------------------------------------------------------------------------

namespace {

int kind(DType d) { return is_floating(d) ? 2 : d == DType::int64 ? 1 : 0; }

/// 0: a plain number, 1: a tensor without axes, 2: a tensor with axes.
int weight(const Operand& x) { return x.is_number() ? 0 : x.tensor().shape().empty() ? 1 : 2; }

}  // namespace

DType common_dtype(const Operand& x, const Operand& y) {
  auto own = [](const Operand& o) {
    if (!o.is_number()) return o.tensor().dtype();
    return o.is_bool() ? DType::boolean : o.is_integer() ? DType::int64 : default_dtype();
  };
  const DType a = own(x), b = own(y);
  if (a == b) return a;
  if (kind(a) != kind(b)) return kind(a) > kind(b) ? a : b;
  if (weight(x) != weight(y)) return weight(x) > weight(y) ? a : b;
  return DType::float64;  // one kind, two dtypes: float32 and float64
}

Tensor as_tensor(const Operand& x, DType dtype) {
  if (x.is_number() && dtype == DType::int64 && x.is_integer()) return from_vector<std::int64_t>({x.integer()}, {});
  if (x.is_number() && dtype == DType::int64 && !(std::abs(x.number()) < 0x1p63))
    throw ValueError(fmt::format("{} is none of int64", x.number()));
  if (x.is_number()) return full({}, x.number(), {.dtype = dtype});
  return x.tensor().dtype() == dtype ? x.tensor() : to(x, dtype);
}

Tensor as_floating(const Operand& x) {
  if (x.is_number()) return full({}, x.number());
  return is_floating(x.tensor().dtype()) ? x.tensor() : to(x, default_dtype());
}

Pair promote(const Operand& x, const Operand& y) {
  const DType d = common_dtype(x, y);
  return {as_tensor(x, d), as_tensor(y, d)};
}

Pair promote_floating(const Operand& x, const Operand& y) {
  const DType common = common_dtype(x, y), d = is_floating(common) ? common : default_dtype();
  return {as_tensor(x, d), as_tensor(y, d)};
}

}  // namespace chainrule
