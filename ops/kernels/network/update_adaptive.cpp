// The steps that divide by a running size of the gradient, compiled once per instruction set and chosen at run time.
#include "ops/kernels/network/update.h"
#include "ops/kernels/network/update_loops.h"
#include "ops/kernels/simd/simd_loops.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/network/update_adaptive.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// The order matters: highway.h first.
#include "ops/kernels/network/update_lanes.h"
#include "ops/kernels/simd/simd_tails.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace detail {
#ifndef CHAINRULE_ADAPTIVELOOPS_DECLARED
#define CHAINRULE_ADAPTIVELOOPS_DECLARED
template <class T>
struct AdaptiveLoops {
  void (*adagrad)(const UpdatePiece<T>&, const AdagradStep&);
  void (*rmsprop)(const UpdatePiece<T>&, const RmspropStep&);
  void (*adadelta)(const UpdatePiece<T>&, const AdadeltaStep&);

  static const AdaptiveLoops& fastest();
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
void adagrad_loop(const UpdatePiece<T>& at, const AdagradStep& s) {
  T* const sum = at.slots[0];
  simd::each_vector<T>(0, at.n, [=](auto d, std::int64_t i) HWY_ATTR {
    const auto p = hn::LoadU(d, at.p + i), g = direction(d, at, i, p, s);
    const auto h = hn::MulAdd(g, g, hn::LoadU(d, sum + i));
    hn::StoreU(h, d, sum + i);
    const auto step = hn::Div(g, hn::Add(hn::Sqrt(h), number(d, s.epsilon)));
    hn::StoreU(hn::NegMulAdd(number(d, s.rate), step, p), d, at.p + i);
  });
}

template <class T>
void rmsprop_loop(const UpdatePiece<T>& at, const RmspropStep& s) {
  T *const square = at.slots[0], *const mean = at.slots[1], *const velocity = at.slots[2];
  simd::each_vector<T>(0, at.n, [=](auto d, std::int64_t i) HWY_ATTR {
    const auto p = hn::LoadU(d, at.p + i), g = direction(d, at, i, p, s);
    auto v = running_mean(d, s.alpha, hn::LoadU(d, square + i), hn::Mul(g, g));
    hn::StoreU(v, d, square + i);
    if (mean != nullptr) {
      const auto a = running_mean(d, s.alpha, hn::LoadU(d, mean + i), g);
      hn::StoreU(a, d, mean + i);
      v = hn::NegMulAdd(a, a, v);
      v = hn::IfThenElse(hn::Lt(v, hn::Zero(d)), hn::Zero(d),
                         v);  // rounding may take a variance below 0; NaN stays
    }
    auto step = hn::Div(g, hn::Add(hn::Sqrt(v), number(d, s.epsilon)));
    if (velocity != nullptr) {
      step = hn::MulAdd(number(d, s.momentum), hn::LoadU(d, velocity + i), step);
      hn::StoreU(step, d, velocity + i);
    }
    hn::StoreU(hn::NegMulAdd(number(d, s.rate), step, p), d, at.p + i);
  });
}

template <class T>
void adadelta_loop(const UpdatePiece<T>& at, const AdadeltaStep& s) {
  T *const square = at.slots[0], *const moved = at.slots[1];
  simd::each_vector<T>(0, at.n, [=](auto d, std::int64_t i) HWY_ATTR {
    const auto p = hn::LoadU(d, at.p + i), g = direction(d, at, i, p, s);
    const auto epsilon = number(d, s.epsilon);
    const auto v = running_mean(d, s.rho, hn::LoadU(d, square + i), hn::Mul(g, g));
    const auto before = hn::LoadU(d, moved + i);
    const auto root = hn::Div(hn::Sqrt(hn::Add(before, epsilon)), hn::Sqrt(hn::Add(v, epsilon)));
    const auto step = hn::Mul(root, g);
    hn::StoreU(v, d, square + i);
    hn::StoreU(running_mean(d, s.rho, before, hn::Mul(step, step)), d, moved + i);
    hn::StoreU(hn::NegMulAdd(number(d, s.rate), step, p), d, at.p + i);
  });
}

template <class T>
constexpr detail::AdaptiveLoops<T> kLoops{adagrad_loop<T>, rmsprop_loop<T>, adadelta_loop<T>};
CHAINRULE_LOOPS(detail::AdaptiveLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {

CHAINRULE_EXPORT_LOOPS(detail::AdaptiveLoops);

void adagrad(const UpdateMemory& memory, const AdagradStep& step) {
  detail::run_update<detail::AdaptiveLoops>(memory, step, [](const auto& loops) { return loops.adagrad; });
}

void rmsprop(const UpdateMemory& memory, const RmspropStep& step) {
  detail::run_update<detail::AdaptiveLoops>(memory, step, [](const auto& loops) { return loops.rmsprop; });
}

void adadelta(const UpdateMemory& memory, const AdadeltaStep& step) {
  detail::run_update<detail::AdaptiveLoops>(memory, step, [](const auto& loops) { return loops.adadelta; });
}

}  // namespace chainrule::kernels
#endif
