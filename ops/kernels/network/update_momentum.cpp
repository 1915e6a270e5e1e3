// The steps along a gradient or its momentum, compiled once per instruction set and chosen at run time.
#include "ops/kernels/network/update.h"
#include "ops/kernels/network/update_loops.h"
#include "ops/kernels/simd/simd_loops.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/network/update_momentum.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// The order matters: highway.h first.
#include "ops/kernels/network/update_lanes.h"
#include "ops/kernels/simd/simd_tails.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace detail {
#ifndef CHAINRULE_MOMENTUMLOOPS_DECLARED
#define CHAINRULE_MOMENTUMLOOPS_DECLARED
template <class T>
struct MomentumLoops {
  void (*sgd)(const UpdatePiece<T>&, const SgdStep&);
  void (*lion)(const UpdatePiece<T>&, const LionStep&);

  static const MomentumLoops& fastest();
};
#endif
}  // namespace detail

namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = chainrule::kernels::HWY_NAMESPACE::simd;
using chainrule::kernels::HWY_NAMESPACE::lanes::direction;
using chainrule::kernels::HWY_NAMESPACE::lanes::number;
using chainrule::kernels::HWY_NAMESPACE::lanes::running_mean;
using detail::UpdatePiece;

template <class T>
void sgd_loop(const UpdatePiece<T>& at, const SgdStep& s) {
  T* const velocity = at.slots[0];
  simd::each_vector<T>(0, at.n, [=](auto d, std::int64_t i) HWY_ATTR {
    auto p = hn::LoadU(d, at.p + i), step = direction(d, at, i, p, s);
    if (velocity != nullptr) {
      const auto momentum = number(d, s.momentum);
      const auto v = hn::MulAdd(momentum, hn::LoadU(d, velocity + i), hn::Mul(number(d, s.keep), step));
      hn::StoreU(v, d, velocity + i);
      step = s.nesterov ? hn::MulAdd(momentum, v, hn::Mul(number(d, s.gain), step)) : v;
    }
    hn::StoreU(hn::NegMulAdd(number(d, s.rate), step, p), d, at.p + i);
  });
}

template <class T>
void lion_loop(const UpdatePiece<T>& at, const LionStep& s) {
  T* const mean = at.slots[0];
  simd::each_vector<T>(0, at.n, [=](auto d, std::int64_t i) HWY_ATTR {
    const auto p = hn::Mul(number(d, s.shrink), hn::LoadU(d, at.p + i));
    const auto g = hn::Mul(number(d, s.sign), hn::LoadU(d, at.g + i)), m = hn::LoadU(d, mean + i);
    const auto way = running_mean(d, s.beta1, m, g);
    // 0 and NaN are their own sign.
    const auto sign = hn::IfThenElse(hn::Gt(hn::Abs(way), hn::Zero(d)), hn::CopySign(number(d, 1), way), way);
    hn::StoreU(running_mean(d, s.beta2, m, g), d, mean + i);
    hn::StoreU(hn::NegMulAdd(number(d, s.rate), sign, p), d, at.p + i);
  });
}

template <class T>
constexpr detail::MomentumLoops<T> kLoops{sgd_loop<T>, lion_loop<T>};
CHAINRULE_LOOPS(detail::MomentumLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {

CHAINRULE_EXPORT_LOOPS(detail::MomentumLoops);

void sgd(const UpdateMemory& memory, const SgdStep& step) {
  detail::run_update<detail::MomentumLoops>(memory, step, [](const auto& loops) { return loops.sgd; });
}

void lion(const UpdateMemory& memory, const LionStep& step) {
  detail::run_update<detail::MomentumLoops>(memory, step, [](const auto& loops) { return loops.lion; });
}

}  // namespace chainrule::kernels
#endif
