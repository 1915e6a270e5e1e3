// Functions of two floating operands that take a few instructions, compiled once per instruction set and chosen at run
// time; the other functions are in elementwise_math.cpp and elementwise_scalar.cpp. No threads.
#include <cmath>
#include <cstddef>

#include "ops/kernels/elementwise/elementwise_detail.h"
#include "ops/kernels/simd/simd_loops.h"
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

/// z = of<op>(d, x ..., settings).
struct Formulas {
  template <Binary op, class D, class V>
  static HWY_INLINE V of(D d, V x, V y, const simd::Settings<V>& s) {
    using T = hn::TFromD<D>;
    const V zero = hn::Zero(d), three = hn::Set(d, T(3));
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
        // (2 y + 3) / 6, because y / 3 + 1 / 2 would cancel near its zero
        const V middle = hn::Mul(x, hn::Div(hn::Add(hn::Add(y, y), three), hn::Set(d, T(6))));
        const V z = hn::IfThenElse(hn::Le(y, three), middle, x);
        return unless_nan(hn::IfThenElse(hn::Lt(y, hn::Neg(three)), zero, z));
      }
      default:
        return x;
    }
  }
};

template <class T>
constexpr BinaryLoops<T> kLoops{simd::run_function<Formulas, kShortBinary, T>};
CHAINRULE_LOOPS(BinaryLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels::detail
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {
namespace detail {

CHAINRULE_EXPORT_LOOPS(BinaryLoops);

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
