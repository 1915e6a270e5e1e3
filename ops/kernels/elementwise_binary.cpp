// Functions of two floating operands, compiled once per instruction set and chosen at run time; pow goes through the
// standard library. No threads.
#include <cmath>
#include <cstddef>

#include "ops/kernels/elementwise_detail.h"
#include "ops/kernels/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/elementwise_binary.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels::detail {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

template <class D, class V>
HWY_INLINE V apply(D d, V x, V y, Binary op) {
  using T = hn::TFromD<D>;
  const V one = hn::Set(d, T(1));
  switch (op) {
    case Binary::add:
      return hn::Add(x, y);
    case Binary::sub:
      return hn::Sub(x, y);
    case Binary::mul:
      return hn::Mul(x, y);
    case Binary::div:
      return hn::Div(x, y);
    // A NaN in y loses every comparison and so is chosen; a NaN in x is asked for.
    case Binary::maximum:
      return hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::Gt(x, y)), x, y);
    case Binary::minimum:
      return hn::IfThenElse(hn::Or(hn::IsNaN(x), hn::Lt(x, y)), x, y);
    case Binary::tanh_grad:
      return hn::Mul(x, hn::NegMulAdd(y, y, one));
    case Binary::sigmoid_grad:
      return hn::Mul(hn::Mul(x, y), hn::Sub(one, y));
    case Binary::relu_grad: {
      const V g = hn::IfThenElseZero(hn::Gt(y, hn::Zero(d)), x);
      return hn::IfThenElse(hn::IsNaN(y), y, g);
    }
    case Binary::pow:
      break;
  }
  return x;
}

// The tail goes through padded buffers, so it takes the same vector instructions and no load leaves the arrays.
template <Binary op, bool x_dense, bool y_dense, class T>
void run(const T* x, const T* y, T* z, std::size_t n) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto x0 = hn::Set(d, *x);
  const auto y0 = hn::Set(d, *y);
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) {
    auto vx = x0, vy = y0;
    if constexpr (x_dense) vx = hn::LoadU(d, x + i);
    if constexpr (y_dense) vy = hn::LoadU(d, y + i);
    hn::StoreU(apply(d, vx, vy, op), d, z + i);
  }
  if (i == n) return;
  HWY_ALIGN T x_tail[hn::MaxLanes(d)] = {};
  HWY_ALIGN T y_tail[hn::MaxLanes(d)] = {};
  hn::Store(x0, d, x_tail);
  hn::Store(y0, d, y_tail);
  for (std::size_t j = i; x_dense && j < n; ++j) x_tail[j - i] = x[j];
  for (std::size_t j = i; y_dense && j < n; ++j) y_tail[j - i] = y[j];
  hn::Store(apply(d, hn::Load(d, x_tail), hn::Load(d, y_tail), op), d, x_tail);
  for (std::size_t j = i; j < n; ++j) z[j] = x_tail[j - i];
}

template <Binary op, class T>
void choose_steps(const T* x, bool x_dense, const T* y, bool y_dense, T* z, std::size_t n) {
  if (x_dense && y_dense) return run<op, true, true>(x, y, z, n);
  if (x_dense) return run<op, true, false>(x, y, z, n);
  run<op, false, true>(x, y, z, n);
}

template <class T>
void choose(Binary op, const T* x, bool x_dense, const T* y, bool y_dense, T* z, std::size_t n) {
  switch (op) {
    case Binary::add:
      return choose_steps<Binary::add>(x, x_dense, y, y_dense, z, n);
    case Binary::sub:
      return choose_steps<Binary::sub>(x, x_dense, y, y_dense, z, n);
    case Binary::mul:
      return choose_steps<Binary::mul>(x, x_dense, y, y_dense, z, n);
    case Binary::div:
      return choose_steps<Binary::div>(x, x_dense, y, y_dense, z, n);
    case Binary::maximum:
      return choose_steps<Binary::maximum>(x, x_dense, y, y_dense, z, n);
    case Binary::minimum:
      return choose_steps<Binary::minimum>(x, x_dense, y, y_dense, z, n);
    case Binary::tanh_grad:
      return choose_steps<Binary::tanh_grad>(x, x_dense, y, y_dense, z, n);
    case Binary::sigmoid_grad:
      return choose_steps<Binary::sigmoid_grad>(x, x_dense, y, y_dense, z, n);
    case Binary::relu_grad:
      return choose_steps<Binary::relu_grad>(x, x_dense, y, y_dense, z, n);
    case Binary::pow:
      return;
  }
}

void binary_float(Binary op, const float* x, bool x_dense, const float* y, bool y_dense, float* z, std::size_t n) {
  choose(op, x, x_dense, y, y_dense, z, n);
}
void binary_double(Binary op, const double* x, bool x_dense, const double* y, bool y_dense, double* z, std::size_t n) {
  choose(op, x, x_dense, y, y_dense, z, n);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {
namespace detail {

namespace {
// std::pow hides a NaN in pow(NaN, 0) and pow(1, NaN); here it stays visible.
template <class T>
T visible_pow(T x, T y) {
  return std::isnan(x) || std::isnan(y) ? x + y : std::pow(x, y);
}
template <class T>
void pow_run(const T* x, std::int64_t x_step, const T* y, std::int64_t y_step, T* z, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) z[i] = visible_pow(x[i * x_step], y[i * y_step]);
}
}  // namespace

HWY_EXPORT(binary_float);
HWY_EXPORT(binary_double);

void binary_run(Binary op, const float* x, std::int64_t x_step, const float* y, std::int64_t y_step, float* z,
                std::int64_t n) {
  if (op == Binary::pow) return pow_run(x, x_step, y, y_step, z, n);
  HWY_DYNAMIC_DISPATCH(binary_float)(op, x, x_step != 0, y, y_step != 0, z, static_cast<std::size_t>(n));
}
void binary_run(Binary op, const double* x, std::int64_t x_step, const double* y, std::int64_t y_step, double* z,
                std::int64_t n) {
  if (op == Binary::pow) return pow_run(x, x_step, y, y_step, z, n);
  HWY_DYNAMIC_DISPATCH(binary_double)(op, x, x_step != 0, y, y_step != 0, z, static_cast<std::size_t>(n));
}

}  // namespace detail

namespace {

// One rounding or none: plain C++ gives the bits of the vector instruction. The others ask the vector code.
template <class T>
T one(Binary op, T x, T y) {
  switch (op) {
    case Binary::add:
      return x + y;
    case Binary::sub:
      return x - y;
    case Binary::mul:
      return x * y;
    case Binary::div:
      return x / y;
    case Binary::pow:
      return detail::visible_pow(x, y);
    case Binary::maximum:
      return std::isnan(x) || x > y ? x : y;
    case Binary::minimum:
      return std::isnan(x) || x < y ? x : y;
    case Binary::relu_grad:
      return y > 0 ? x : y <= 0 ? T(0) : y;
    case Binary::tanh_grad:
    case Binary::sigmoid_grad:
      break;
  }
  T z;
  detail::binary_run(op, &x, 1, &y, 1, &z, 1);
  return z;
}

}  // namespace

float binary_one(Binary op, float x, float y) { return one(op, x, y); }
double binary_one(Binary op, double x, double y) { return one(op, x, y); }

}  // namespace chainrule::kernels
#endif
