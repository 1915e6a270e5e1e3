// Inner header: for our own sources, not installed.
// The loops around the vector formulas of one and two operands. A tail goes through padded buffers and the very same
// instructions, so an element's bits do not depend on its place and no load leaves the arrays. Compiled once per
// instruction set: include it after hwy/foreach_target.h.
#if defined(CHAINRULE_OPS_KERNELS_ELEMENTWISE_RUN_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CHAINRULE_OPS_KERNELS_ELEMENTWISE_RUN_H_
#undef CHAINRULE_OPS_KERNELS_ELEMENTWISE_RUN_H_
#else
#define CHAINRULE_OPS_KERNELS_ELEMENTWISE_RUN_H_
#endif

#include <hwy/highway.h>

#include <cstddef>
#include <utility>

#include "ops/kernels/elementwise/elementwise_detail.h"

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace HWY_NAMESPACE {
namespace simd {

namespace hn = hwy::HWY_NAMESPACE;

/// The parameters of an operation as vectors.
template <class V>
struct Settings {
  V a, b, c;
};

template <class D>
HWY_INLINE Settings<hn::Vec<D>> settings(D d, const Parameters& p) {
  using T = hn::TFromD<D>;
  return {hn::Set(d, static_cast<T>(p.a)), hn::Set(d, static_cast<T>(p.b)), hn::Set(d, static_cast<T>(p.c))};
}

/// z = f(d, x, settings).
template <class T, class F>
HWY_INLINE void run_unary(const T* x, T* z, std::size_t n, const Parameters& p, F f) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto s = settings(d, p);
  HWY_ALIGN T buffer[hn::MaxLanes(d)] = {};
  const std::size_t whole = n / lanes, left = n % lanes;
  for (int part = 0; part < 2; ++part) {  // the body, then the tail: one copy of the formula
    const T* from = part == 0 ? x : buffer;
    T* to = part == 0 ? z : buffer;
    const std::size_t count = part == 0 ? whole : left != 0;
    if (part == 1)
      for (std::size_t j = 0; j < left; ++j) buffer[j] = x[whole * lanes + j];
    for (std::size_t i = 0; i < count; ++i) hn::StoreU(f(d, hn::LoadU(d, from + i * lanes), s), d, to + i * lanes);
  }
  for (std::size_t j = 0; j < left; ++j) z[whole * lanes + j] = buffer[j];
}

/// z = f(d, x, y, settings); an operand that is not dense is one value.
template <bool x_dense, bool y_dense, class T, class F>
HWY_INLINE void run_binary(const T* x, const T* y, T* z, std::size_t n, const Parameters& p, F f) {
  const hn::ScalableTag<T> d;
  const std::size_t lanes = hn::Lanes(d);
  const auto s = settings(d, p);
  const auto x0 = hn::Set(d, *x);
  const auto y0 = hn::Set(d, *y);
  HWY_ALIGN T x_tail[hn::MaxLanes(d)] = {};
  HWY_ALIGN T y_tail[hn::MaxLanes(d)] = {};
  const std::size_t whole = n / lanes, left = n % lanes;
  for (int part = 0; part < 2; ++part) {
    const T *from_x = part == 0 ? x : x_tail, *from_y = part == 0 ? y : y_tail;
    T* to = part == 0 ? z : x_tail;
    const std::size_t count = part == 0 ? whole : left != 0;
    if (part == 1) {
      for (std::size_t j = 0; x_dense && j < left; ++j) x_tail[j] = x[whole * lanes + j];
      for (std::size_t j = 0; y_dense && j < left; ++j) y_tail[j] = y[whole * lanes + j];
    }
    for (std::size_t i = 0; i < count; ++i) {
      auto vx = x0, vy = y0;
      if constexpr (x_dense) vx = hn::LoadU(d, from_x + i * lanes);
      if constexpr (y_dense) vy = hn::LoadU(d, from_y + i * lanes);
      hn::StoreU(f(d, vx, vy, s), d, to + i * lanes);
    }
  }
  for (std::size_t j = 0; j < left; ++j) z[whole * lanes + j] = x_tail[j];
}

/// The same, told which operands are dense at run time.
template <class T, class F>
HWY_INLINE void run_binary(const T* x, bool x_dense, const T* y, bool y_dense, T* z, std::size_t n, const Parameters& p,
                           F f) {
  if (x_dense && y_dense) return run_binary<true, true>(x, y, z, n, p, f);
  if (x_dense) return run_binary<true, false>(x, y, z, n, p, f);
  run_binary<false, true>(x, y, z, n, p, f);
}

/// Calls run.operator()<op>() with an `op` of `list` that is known to the compiler.
template <detail::Functions list, class Op, class Run>
HWY_INLINE void with_function(Op op, const Run& run) {
  constexpr int first = static_cast<int>(list.first), count = static_cast<int>(list.last) - first + 1;
  const auto try_all = [&]<int... k>(std::integer_sequence<int, k...>) {
    const auto try_one = [&]<Op one>() { return op == one && (run.template operator()<one>(), true); };
    (void)(try_one.template operator()<static_cast<Op>(first + k)>() || ...);
  };
  try_all(std::make_integer_sequence<int, count>());
}

/// z = Formulas::of<op>(d, x, settings), op one of `list`.
template <class Formulas, detail::Functions list, class T>
void run_function(Unary op, const T* x, T* z, std::size_t n, const Parameters& p) {
  with_function<list>(op, [&]<Unary one>() {
    run_unary(x, z, n, p, [](auto d, auto v, const auto& s) HWY_ATTR { return Formulas::template of<one>(d, v, s); });
  });
}
template <class Formulas, detail::Functions list, class T>
void run_function(Binary op, const T* x, bool x_dense, const T* y, bool y_dense, T* z, std::size_t n,
                  const Parameters& p) {
  with_function<list>(op, [&]<Binary one>() {
    run_binary(x, x_dense, y, y_dense, z, n, p,
               [](auto d, auto u, auto v, const auto& s) HWY_ATTR { return Formulas::template of<one>(d, u, v, s); });
  });
}

}  // namespace simd
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#endif
