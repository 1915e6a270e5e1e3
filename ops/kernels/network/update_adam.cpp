// The steps of Adam and its relatives, compiled once per instruction set and chosen at run time.
#include "ops/kernels/network/update.h"
#include "ops/kernels/network/update_loops.h"
#include "ops/kernels/simd/simd_loops.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/network/update_adam.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// The order matters: highway.h first.
#include "ops/kernels/network/update_lanes.h"
#include "ops/kernels/simd/simd_tails.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace detail {
#ifndef CHAINRULE_ADAMLOOPS_DECLARED
#define CHAINRULE_ADAMLOOPS_DECLARED
template <class T>
struct AdamLoops {
  void (*adam)(const UpdatePiece<T>&, const AdamStep&);
  void (*adamax)(const UpdatePiece<T>&, const AdamaxStep&);

  static const AdamLoops& fastest();
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
void adam_loop(const UpdatePiece<T>& at, const AdamStep& s) {
  T *const first = at.slots[0], *const second = at.slots[1], *const largest = at.slots[2];
  simd::each_vector<T>(0, at.n, [=](auto d, std::int64_t i) HWY_ATTR {
    auto p = hn::LoadU(d, at.p + i);
    const auto g = direction(d, at, i, p, s);
    const auto m = running_mean(d, s.beta1, hn::LoadU(d, first + i), g);
    auto v = running_mean(d, s.beta2, hn::LoadU(d, second + i), hn::Mul(g, g));
    hn::StoreU(m, d, first + i);
    hn::StoreU(v, d, second + i);
    if (largest != nullptr) {
      const auto before = hn::LoadU(d, largest + i);
      v = hn::IfThenElse(hn::Le(v, before), before, v);  // a NaN in v stays
      hn::StoreU(v, d, largest + i);
    }
    if (s.shrink != 1) p = hn::Mul(number(d, s.shrink), p);
    auto rate = number(d, s.rate), step = m;
    if (s.gradient_rate != 0) {
      step = hn::MulAdd(rate, m, hn::Mul(number(d, s.gradient_rate), g));
      rate = number(d, 1);
    }
    if (s.scaled) step = hn::Div(step, hn::MulAdd(hn::Sqrt(v), number(d, s.root), number(d, s.epsilon)));
    hn::StoreU(hn::NegMulAdd(rate, step, p), d, at.p + i);
  });
}

template <class T>
void adamax_loop(const UpdatePiece<T>& at, const AdamaxStep& s) {
  T *const mean = at.slots[0], *const largest = at.slots[1];
  simd::each_vector<T>(0, at.n, [=](auto d, std::int64_t i) HWY_ATTR {
    const auto p = hn::LoadU(d, at.p + i), g = direction(d, at, i, p, s);
    const auto m = running_mean(d, s.beta1, hn::LoadU(d, mean + i), g);
    const auto faded = hn::Mul(number(d, s.beta2), hn::LoadU(d, largest + i));
    const auto now = hn::Add(hn::Abs(g), number(d, s.epsilon));
    const auto u = hn::IfThenElse(hn::Ge(faded, now), faded, now);  // a NaN in the gradient stays
    hn::StoreU(m, d, mean + i);
    hn::StoreU(u, d, largest + i);
    hn::StoreU(hn::NegMulAdd(number(d, s.rate), hn::Div(m, u), p), d, at.p + i);
  });
}

template <class T>
constexpr detail::AdamLoops<T> kLoops{adam_loop<T>, adamax_loop<T>};
CHAINRULE_LOOPS(detail::AdamLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {

CHAINRULE_EXPORT_LOOPS(detail::AdamLoops);

void adam(const UpdateMemory& memory, const AdamStep& step) {
  detail::run_update<detail::AdamLoops>(memory, step, [](const auto& loops) { return loops.adam; });
}

void adamax(const UpdateMemory& memory, const AdamaxStep& step) {
  detail::run_update<detail::AdamLoops>(memory, step, [](const auto& loops) { return loops.adamax; });
}

}  // namespace chainrule::kernels
#endif
