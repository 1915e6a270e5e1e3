// Optimizer steps, compiled once per instruction set and chosen at run time. All numbers that do not change along the
// run are worked out in double beforehand.
#include "ops/kernels/network/update.h"

#include <cassert>
#include <cmath>
#include <cstddef>

#include "ops/kernels/parallel.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/network/update.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

#ifndef CHAINRULE_KERNELS_UPDATE_COEFFICIENTS
#define CHAINRULE_KERNELS_UPDATE_COEFFICIENTS
namespace chainrule::kernels {

template <class T>
struct SgdCoefficients {
  T lr, momentum, keep, weight_decay;  // keep: how much of the new gradient enters the velocity
  bool nesterov;
};
template <class T>
struct AdamCoefficients {
  T beta1, rest1, beta2, rest2, rate, root, epsilon, weight_decay;  // root: 1 / sqrt(1 - beta2^t)
};

}  // namespace chainrule::kernels
#endif

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

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

// The last lanes go through padded buffers: the same instructions, and nothing outside the arrays is touched.
template <class T>
struct Tail {
  HWY_ALIGN T lanes[hn::MaxLanes(hn::ScalableTag<T>())] = {};
  void load(const T* from, std::size_t n) {
    for (std::size_t j = 0; j < n; ++j) lanes[j] = from[j];
  }
  void store(T* to, std::size_t n) const {
    for (std::size_t j = 0; j < n; ++j) to[j] = lanes[j];
  }
};

template <class T>
void sgd_run(T* p, const T* g, T* v, std::size_t n, const SgdCoefficients<T>& c) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto step = [&](T* pi, const T* gi, T* vi) HWY_ATTR {
    auto vp = hn::LoadU(d, pi);
    auto vv = vi != nullptr ? hn::LoadU(d, vi) : hn::Zero(d);
    sgd_lanes(d, vp, hn::LoadU(d, gi), vv, vi != nullptr, c);
    hn::StoreU(vp, d, pi);
    if (vi != nullptr) hn::StoreU(vv, d, vi);
  };
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) step(p + i, g + i, v != nullptr ? v + i : nullptr);
  if (i == n) return;
  Tail<T> tp, tg, tv;
  tp.load(p + i, n - i);
  tg.load(g + i, n - i);
  if (v != nullptr) tv.load(v + i, n - i);
  step(tp.lanes, tg.lanes, v != nullptr ? tv.lanes : nullptr);
  tp.store(p + i, n - i);
  if (v != nullptr) tv.store(v + i, n - i);
}

template <class T>
void adam_run(T* p, const T* g, T* m, T* v, std::size_t n, const AdamCoefficients<T>& c) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto step = [&](T* pi, const T* gi, T* mi, T* vi) HWY_ATTR {
    auto vp = hn::LoadU(d, pi), vm = hn::LoadU(d, mi), vv = hn::LoadU(d, vi);
    adam_lanes(d, vp, hn::LoadU(d, gi), vm, vv, c);
    hn::StoreU(vp, d, pi);
    hn::StoreU(vm, d, mi);
    hn::StoreU(vv, d, vi);
  };
  std::size_t i = 0;
  for (; i + lanes <= n; i += lanes) step(p + i, g + i, m + i, v + i);
  if (i == n) return;
  Tail<T> tp, tg, tm, tv;
  tp.load(p + i, n - i);
  tg.load(g + i, n - i);
  tm.load(m + i, n - i);
  tv.load(v + i, n - i);
  step(tp.lanes, tg.lanes, tm.lanes, tv.lanes);
  tp.store(p + i, n - i);
  tm.store(m + i, n - i);
  tv.store(v + i, n - i);
}

void sgd_float(float* p, const float* g, float* v, std::size_t n, const SgdCoefficients<float>& c) {
  sgd_run(p, g, v, n, c);
}
void sgd_double(double* p, const double* g, double* v, std::size_t n, const SgdCoefficients<double>& c) {
  sgd_run(p, g, v, n, c);
}
void adam_float(float* p, const float* g, float* m, float* v, std::size_t n, const AdamCoefficients<float>& c) {
  adam_run(p, g, m, v, n, c);
}
void adam_double(double* p, const double* g, double* m, double* v, std::size_t n, const AdamCoefficients<double>& c) {
  adam_run(p, g, m, v, n, c);
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {

HWY_EXPORT(sgd_float);
HWY_EXPORT(sgd_double);
HWY_EXPORT(adam_float);
HWY_EXPORT(adam_double);

namespace {

constexpr std::int64_t kGrain = 1 << 15;

void run(float* p, const float* g, float* v, std::size_t n, const SgdCoefficients<float>& c) {
  HWY_DYNAMIC_DISPATCH(sgd_float)(p, g, v, n, c);
}
void run(double* p, const double* g, double* v, std::size_t n, const SgdCoefficients<double>& c) {
  HWY_DYNAMIC_DISPATCH(sgd_double)(p, g, v, n, c);
}
void run(float* p, const float* g, float* m, float* v, std::size_t n, const AdamCoefficients<float>& c) {
  HWY_DYNAMIC_DISPATCH(adam_float)(p, g, m, v, n, c);
}
void run(double* p, const double* g, double* m, double* v, std::size_t n, const AdamCoefficients<double>& c) {
  HWY_DYNAMIC_DISPATCH(adam_double)(p, g, m, v, n, c);
}

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
    const SgdCoefficients<T> c{to(s.lr), to(s.momentum), to(s.first ? 1 : 1 - s.dampening), to(s.weight_decay),
                               s.nesterov};
    parallel_for(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
      run(static_cast<T*>(parameter) + begin, static_cast<const T*>(gradient) + begin,
          v != nullptr ? v + begin : nullptr, static_cast<std::size_t>(end - begin), c);
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
    const AdamCoefficients<T> c{to(s.beta1), to(1 - s.beta1), to(s.beta2),   to(1 - s.beta2),
                                to(rate),    to(root),        to(s.epsilon), to(s.weight_decay)};
    parallel_for(n, kGrain, [&](std::int64_t begin, std::int64_t end) {
      run(static_cast<T*>(parameter) + begin, static_cast<const T*>(gradient) + begin, static_cast<T*>(m) + begin,
          static_cast<T*>(v) + begin, static_cast<std::size_t>(end - begin), c);
    });
  });
}

}  // namespace chainrule::kernels
#endif
