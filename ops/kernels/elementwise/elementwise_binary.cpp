// Functions of two floating operands that take a few instructions, compiled once per instruction set and chosen at run
// time; the other functions are in elementwise_math.cpp and elementwise_scalar.cpp. No threads.
#include <cmath>
#include <cstddef>

#include "ops/kernels/elementwise/elementwise_detail.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/elementwise/elementwise_binary.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// The order matters: highway.h first.
#include "ops/kernels/elementwise/elementwise_run.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels::detail {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = chainrule::kernels::HWY_NAMESPACE::simd;

template <Binary op, class D, class V>
HWY_INLINE V apply(D d, V x, V y, const simd::Settings<V>& s) {
  using T = hn::TFromD<D>;
  const V zero = hn::Zero(d), one = hn::Set(d, T(1)), three = hn::Set(d, T(3));
  const auto unless_nan = [&](V z) { return hn::IfThenElse(hn::IsNaN(y), y, z); };
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
    case Binary::square_grad:
      return hn::Add(hn::Mul(x, y), hn::Mul(x, y));  // overflows only where the result does
    case Binary::relu_grad:
      return unless_nan(hn::IfThenElseZero(hn::Gt(y, zero), x));
    case Binary::leaky_relu_grad:
      return unless_nan(hn::IfThenElse(hn::Gt(y, zero), x, hn::Mul(s.a, x)));
    case Binary::clamp_grad:
      return unless_nan(hn::IfThenElseZero(hn::And(hn::Ge(y, s.a), hn::Le(y, s.b)), x));
    case Binary::hardtanh_grad:
      return unless_nan(hn::IfThenElseZero(hn::And(hn::Gt(y, s.a), hn::Lt(y, s.b)), x));
    case Binary::hardswish_grad: {
      const V middle = hn::Mul(x, hn::Add(hn::Div(y, three), hn::Set(d, T(0.5))));
      const V z = hn::IfThenElse(hn::Le(y, three), middle, x);
      return unless_nan(hn::IfThenElse(hn::Lt(y, hn::Neg(three)), zero, z));
    }
    default:
      return x;
  }
}

/// Runs the one of `ops` that is wanted.
template <Binary... ops, class T>
HWY_INLINE void choose(Binary op, const T* x, bool x_dense, const T* y, bool y_dense, T* z, std::size_t n,
                       const Parameters& p) {
  const auto run = [&]<Binary one>() {
    simd::run_binary(x, x_dense, y, y_dense, z, n, p,
                     [](auto d, auto u, auto v, const auto& s) HWY_ATTR { return apply<one>(d, u, v, s); });
    return true;
  };
  (void)((op == ops && run.template operator()<ops>()) || ...);
}

template <class T>
HWY_INLINE void any(Binary op, const T* x, bool x_dense, const T* y, bool y_dense, T* z, std::size_t n,
                    const Parameters& p) {
  choose<Binary::add, Binary::sub, Binary::mul, Binary::div, Binary::maximum, Binary::minimum, Binary::tanh_grad,
         Binary::sigmoid_grad, Binary::square_grad, Binary::relu_grad, Binary::leaky_relu_grad, Binary::clamp_grad,
         Binary::hardtanh_grad, Binary::hardswish_grad>(op, x, x_dense, y, y_dense, z, n, p);
}

void binary_float(Binary op, const float* x, bool x_dense, const float* y, bool y_dense, float* z, std::size_t n,
                  const Parameters& p) {
  any(op, x, x_dense, y, y_dense, z, n, p);
}
void binary_double(Binary op, const double* x, bool x_dense, const double* y, bool y_dense, double* z, std::size_t n,
                   const Parameters& p) {
  any(op, x, x_dense, y, y_dense, z, n, p);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {
namespace detail {

HWY_EXPORT(binary_float);
HWY_EXPORT(binary_double);

void binary_run(Binary op, const float* x, std::int64_t x_step, const float* y, std::int64_t y_step, float* z,
                std::int64_t n, const Parameters& p) {
  if (loop_of(op) == Loop::long_vector) return binary_math_run(op, x, x_step, y, y_step, z, n, p);
  if (loop_of(op) == Loop::scalar) return binary_scalar_run(op, x, x_step, y, y_step, z, n);
  HWY_DYNAMIC_DISPATCH(binary_float)(op, x, x_step != 0, y, y_step != 0, z, static_cast<std::size_t>(n), p);
}
void binary_run(Binary op, const double* x, std::int64_t x_step, const double* y, std::int64_t y_step, double* z,
                std::int64_t n, const Parameters& p) {
  if (loop_of(op) == Loop::long_vector) return binary_math_run(op, x, x_step, y, y_step, z, n, p);
  if (loop_of(op) == Loop::scalar) return binary_scalar_run(op, x, x_step, y, y_step, z, n);
  HWY_DYNAMIC_DISPATCH(binary_double)(op, x, x_step != 0, y, y_step != 0, z, static_cast<std::size_t>(n), p);
}

}  // namespace detail

namespace {

// One rounding or none: plain C++ gives the bits of the vector instruction. The others ask the vector code.
template <class T>
T one(Binary op, T x, T y, const Parameters& p) {
  switch (op) {
    case Binary::add:
      return x + y;
    case Binary::sub:
      return x - y;
    case Binary::mul:
      return x * y;
    case Binary::div:
      return x / y;
    case Binary::maximum:
      return std::isnan(x) || x > y ? x : y;
    case Binary::minimum:
      return std::isnan(x) || x < y ? x : y;
    case Binary::relu_grad:
      return y > 0 ? x : y <= 0 ? T(0) : y;
    default:
      T z;
      detail::binary_run(op, &x, 1, &y, 1, &z, 1, p);
      return z;
  }
}

}  // namespace

float binary_one(Binary op, float x, float y, const Parameters& p) { return one(op, x, y, p); }
double binary_one(Binary op, double x, double y, const Parameters& p) { return one(op, x, y, p); }

}  // namespace chainrule::kernels
#endif
