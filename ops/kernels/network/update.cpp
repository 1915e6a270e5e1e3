// Optimizer steps, compiled once per instruction set and chosen at run time.
#include "ops/kernels/network/update.h"

#include <cassert>
#include <cmath>
#include <type_traits>

#include "ops/kernels/network/update_loops.h"
#include "ops/kernels/parallel.h"
#include "ops/kernels/simd/simd_loops.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/network/update.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>
// The order matters: highway.h first.
#include "ops/kernels/simd/simd_tails.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
namespace simd = chainrule::kernels::HWY_NAMESPACE::simd;
using detail::AdamCoefficients;
using detail::SgdCoefficients;

template <class D, class V, class T>
HWY_INLINE void sgd_lanes(D d, V& p, V g, V& v, bool with_velocity, const SgdCoefficients<T>& c) {
  g = hn::MulAdd(hn::Set(d, c.weight_decay), p, g);
  if (with_velocity) {
    const V momentum = hn::Set(d, c.momentum);
    v = hn::MulAdd(momentum, v, hn::Mul(hn::Set(d, c.keep), g));
    g = c.nesterov ? hn::MulAdd(momentum, v, g) : v;
  }
  p = hn::NegMulAdd(hn::Set(d, c.lr), g, p);
}

template <class D, class V, class T>
HWY_INLINE void adam_lanes(D d, V& p, V g, V& m, V& v, const AdamCoefficients<T>& c) {
  g = hn::MulAdd(hn::Set(d, c.weight_decay), p, g);
  m = hn::MulAdd(hn::Set(d, c.beta1), m, hn::Mul(hn::Set(d, c.rest1), g));
  v = hn::MulAdd(hn::Set(d, c.beta2), v, hn::Mul(hn::Set(d, c.rest2), hn::Mul(g, g)));
  const V scale = hn::MulAdd(hn::Sqrt(v), hn::Set(d, c.root), hn::Set(d, c.epsilon));
  p = hn::NegMulAdd(hn::Set(d, c.rate), hn::Div(m, scale), p);
}

template <class T>
void sgd(T* p, const T* g, T* v, std::int64_t n, const SgdCoefficients<T>& c) {
  const auto run = [=](auto with_velocity) HWY_ATTR {
    simd::each_vector<T>(0, n, [=](auto d, std::int64_t i) HWY_ATTR {
      auto vp = hn::LoadU(d, p + i), vv = hn::Zero(d);
      if constexpr (with_velocity) vv = hn::LoadU(d, v + i);
      sgd_lanes(d, vp, hn::LoadU(d, g + i), vv, with_velocity, c);
      hn::StoreU(vp, d, p + i);
      if constexpr (with_velocity) hn::StoreU(vv, d, v + i);
    });
  };
  v != nullptr ? run(std::true_type()) : run(std::false_type());
}

template <class T>
void adam(T* p, const T* g, T* m, T* v, std::int64_t n, const AdamCoefficients<T>& c) {
  simd::each_vector<T>(0, n, [=](auto d, std::int64_t i) HWY_ATTR {
    auto vp = hn::LoadU(d, p + i), vm = hn::LoadU(d, m + i), vv = hn::LoadU(d, v + i);
    adam_lanes(d, vp, hn::LoadU(d, g + i), vm, vv, c);
    hn::StoreU(vp, d, p + i);
    hn::StoreU(vm, d, m + i);
    hn::StoreU(vv, d, v + i);
  });
}

template <class T>
constexpr detail::UpdateLoops<T> kLoops{sgd<T>, adam<T>};
CHAINRULE_LOOPS(detail::UpdateLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {

CHAINRULE_EXPORT_LOOPS(detail::UpdateLoops);

namespace {

constexpr std::int64_t kGrain = 1 << 15;

}  // namespace

void sgd(DType d, void* parameter, const void* gradient, void* velocity, std::int64_t n, const SgdStep& s) {
  assert(is_floating(d) && (s.momentum == 0 || velocity != nullptr || n == 0));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const auto to = [](double value) { return static_cast<T>(value); };
    T* v = s.momentum != 0 ? static_cast<T*>(velocity) : nullptr;
    if (v != nullptr && s.first) {
      for (std::int64_t i = 0; i < n; ++i) v[i] = T(0);
    }
    const detail::SgdCoefficients<T> c{to(s.lr), to(s.momentum), to(s.first ? 1 : 1 - s.dampening), to(s.weight_decay),
                                       s.nesterov};
    parallel_for(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
      detail::UpdateLoops<T>::fastest().sgd(static_cast<T*>(parameter) + begin, static_cast<const T*>(gradient) + begin,
                                            v != nullptr ? v + begin : nullptr, end - begin, c);
    });
  });
}

void adam(DType d, void* parameter, const void* gradient, void* m, void* v, std::int64_t n, const AdamStep& s) {
  assert(is_floating(d) && s.step >= 1);
  const auto t = static_cast<double>(s.step);
  const double rate = s.lr / (1 - std::pow(s.beta1, t)), root = 1 / std::sqrt(1 - std::pow(s.beta2, t));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const auto to = [](double value) { return static_cast<T>(value); };
    const detail::AdamCoefficients<T> c{to(s.beta1), to(1 - s.beta1), to(s.beta2),   to(1 - s.beta2),
                                        to(rate),    to(root),        to(s.epsilon), to(s.weight_decay)};
    parallel_for(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
      detail::UpdateLoops<T>::fastest().adam(static_cast<T*>(parameter) + begin,
                                             static_cast<const T*>(gradient) + begin, static_cast<T*>(m) + begin,
                                             static_cast<T*>(v) + begin, end - begin, c);
    });
  });
}

}  // namespace chainrule::kernels
#endif
