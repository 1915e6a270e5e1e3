// Sums, products, counts, and what is made of sums: means, variances, norms. Extremes are in reduce_extremes.cpp.
#include "ops/kernels/reduce/reduce.h"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "ops/kernels/reduce/reduce_fold.h"

namespace chainrule::kernels {
namespace {

// Integers wrap around instead of being undefined.
template <template <class> class Rule>
void fold_numbers(DType d, const void* x, void* z, const Lines& s) {
  using Wrapping = std::uint64_t;
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    const auto* from = static_cast<const T*>(x);
    if constexpr (std::is_floating_point_v<T>) {
      detail::fold<Rule<T>>(from, static_cast<T*>(z), s);
    } else {
      detail::fold<Rule<Wrapping>>(from, static_cast<Wrapping*>(z), s);
    }
  });
}

// z holds sums of squares. Where one overflowed, or lost its small parts, all are made again from numbers scaled by the
// largest of their line.
template <class T>
void root_of_squares(const T* x, T* z, const Lines& s) {
  constexpr T kLeast = std::numeric_limits<T>::min() / std::numeric_limits<T>::epsilon();
  const auto unsafe = [](T square) { return square > std::numeric_limits<T>::max() || square < kLeast; };
  const std::int64_t count = s.count();
  if (s.n == 0 || std::none_of(z, z + count, unsafe)) {
    for (std::int64_t i = 0; i < count; ++i) z[i] = std::sqrt(z[i]);
    return;
  }
  T* largest = scratch<T>(Scratch::largest, count);
  detail::fold<detail::Largest<T>>(x, largest, s, [](T v, std::int64_t) { return std::abs(v); });
  for (std::int64_t i = 0; i < count; ++i)
    if (largest[i] == 0 || std::isinf(largest[i])) largest[i] = 1;
  detail::fold<detail::Adding<T>>(x, z, s, [largest](T v, std::int64_t line) {
    const T part = v / largest[line];
    return part * part;
  });
  for (std::int64_t i = 0; i < count; ++i) z[i] = largest[i] * std::sqrt(z[i]);
}

}  // namespace

void sum(DType d, const void* x, void* z, const Lines& s) { fold_numbers<detail::Adding>(d, x, z, s); }

void prod(DType d, const void* x, void* z, const Lines& s) { fold_numbers<detail::Multiplying>(d, x, z, s); }

void count_nonzero(DType d, const void* x, std::int64_t* z, const Lines& s) {
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    detail::fold<detail::Adding<std::int64_t>>(static_cast<const T*>(x), z, s,
                                               [](T v, std::int64_t) { return std::int64_t{v != T(0)}; });
  });
}

void mean(DType d, const void* x, void* z, const Lines& s) {
  assert(is_floating(d));
  sum(d, x, z, s);
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    T* to = static_cast<T*>(z);
    for (std::int64_t i = 0; i < s.count(); ++i) to[i] /= static_cast<T>(s.n);
  });
}

void variance(DType d, const void* x, void* z, const Lines& s, double divisor) {
  mean(d, x, z, s);
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    T* to = static_cast<T*>(z);
    detail::fold<detail::Adding<T>>(static_cast<const T*>(x), to, s, [to](T v, std::int64_t line) {
      const T far = v - to[line];
      return far * far;
    });
    for (std::int64_t i = 0; i < s.count(); ++i) to[i] /= static_cast<T>(divisor);
  });
}

void norm(DType d, const void* x, void* z, const Lines& s, double p) {
  assert(is_floating(d) && std::isfinite(p) && p != 0);
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(x);
    T* to = static_cast<T*>(z);
    using Rule = detail::Adding<T>;
    if (p == 2) {
      detail::fold<Rule>(from, to, s, [](T v, std::int64_t) { return v * v; });
      return root_of_squares(from, to, s);
    }
    const T exponent = static_cast<T>(p), root = static_cast<T>(1 / p);
    detail::fold<Rule>(from, to, s, [exponent](T v, std::int64_t) { return std::pow(std::abs(v), exponent); });
    for (std::int64_t i = 0; i < s.count(); ++i) to[i] = std::pow(to[i], root);
  });
}

}  // namespace chainrule::kernels
