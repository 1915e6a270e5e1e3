// The step of Lion, compiled once per instruction set and chosen at run time.
#include "ops/kernels/network/update.h"
#include "ops/kernels/network/update_loops.h"
#include "ops/kernels/simd/simd_loops.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/network/update_lion.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// The order matters: highway.h first.
#include "ops/kernels/network/update_lanes.h"
#include "ops/kernels/simd/simd_tails.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace detail {
#ifndef CHAINRULE_LIONLOOPS_DECLARED
#define CHAINRULE_LIONLOOPS_DECLARED
template <class T>
struct LionLoops {
  void (*lion)(const UpdatePiece<T>&, const LionStep&);

  static const LionLoops& fastest();
};
#endif
}  // namespace detail

namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = chainrule::kernels::HWY_NAMESPACE::simd;
using chainrule::kernels::HWY_NAMESPACE::lanes::number;
using chainrule::kernels::HWY_NAMESPACE::lanes::running_mean;
using detail::UpdatePiece;

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
constexpr detail::LionLoops<T> kLoops{lion_loop<T>};
CHAINRULE_LOOPS(detail::LionLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {

CHAINRULE_EXPORT_LOOPS(detail::LionLoops);

void lion(const UpdateMemory& memory, const LionStep& step) {
  detail::run_update<detail::LionLoops>(memory, step, [](const auto& loops) { return loops.lion; });
}

}  // namespace chainrule::kernels
#endif
