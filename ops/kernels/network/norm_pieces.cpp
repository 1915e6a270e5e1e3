// The loops of normalisation with Highway. Rows and columns end in narrower and narrower vectors, so that every
// element goes through the same instructions and nothing outside the arrays is touched.
#include <algorithm>
#include <cstddef>

#include "ops/kernels/network/norm_detail.h"
#include "ops/kernels/simd/simd_loops.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "ops/kernels/network/norm_pieces.cpp"
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

constexpr std::int64_t kRows = 64;   // rows that are added up before double takes over
constexpr std::int64_t kRun = 4096;  // numbers of a dense run likewise

// Lanes added up in double, in order.
template <class D, class V>
HWY_INLINE double total(D d, V v) {
  HWY_ALIGN hn::TFromD<D> lanes[simd::kWidest<hn::TFromD<D>>];
  hn::Store(v, d, lanes);
  double sum = 0;
  for (std::size_t j = 0; j < hn::Lanes(d); ++j) sum += static_cast<double>(lanes[j]);
  return sum;
}

template <class D, class V>
HWY_INLINE void add_to(D d, V v, double* sums) {
  HWY_ALIGN hn::TFromD<D> lanes[simd::kWidest<hn::TFromD<D>>];
  hn::Store(v, d, lanes);
  for (std::size_t j = 0; j < hn::Lanes(d); ++j) sums[j] += static_cast<double>(lanes[j]);
}

/// f(d, i, a, b) adds the vector at i to a and b; two pairs of sums take turns. Results in double.
template <class T, class F>
HWY_INLINE void two_sums(std::int64_t n, double* first, double* second, const F& f) {
  const hn::ScalableTag<T> d;
  const auto lanes = static_cast<std::int64_t>(hn::Lanes(d));
  auto a = hn::Zero(d), b = hn::Zero(d), a2 = hn::Zero(d), b2 = hn::Zero(d);
  std::int64_t i = 0;
  for (; i + 2 * lanes <= n; i += 2 * lanes) {
    f(d, i, a, b);
    f(d, i + lanes, a2, b2);
  }
  *first += total(d, hn::Add(a, a2));
  *second += total(d, hn::Add(b, b2));
  simd::each_vector<T>(i, n, [&](auto e, std::int64_t k) HWY_ATTR {
    auto p = hn::Zero(e), q = hn::Zero(e);
    f(e, k, p, q);
    *first += total(e, p);
    *second += total(e, q);
  });
}

// Around a mean that is rounded to T; what the rounding left is corrected in double.
inline detail::Moments corrected(double mean, double rest, double squares, double n) {
  return {mean + rest / n, std::max(squares - rest * rest / n, 0.0)};
}

template <class T>
detail::Moments line_moments(const T* x, std::int64_t n) {
  detail::Moments all{0, 0};
  for (std::int64_t at = 0; at < n; at += kRun) {
    const std::int64_t count = std::min(kRun, n - at);
    const T* run = x + at;
    double sum = 0, unused = 0, rest = 0, squares = 0;
    two_sums<T>(count, &sum, &unused,
                [run](auto d, std::int64_t i, auto& a, auto&) HWY_ATTR { a = hn::Add(a, hn::LoadU(d, run + i)); });
    const T mean = static_cast<T>(sum / static_cast<double>(count));
    two_sums<T>(count, &rest, &squares, [run, mean](auto d, std::int64_t i, auto& a, auto& b) HWY_ATTR {
      const auto v = hn::Sub(hn::LoadU(d, run + i), hn::Set(d, mean));
      a = hn::Add(a, v);
      b = hn::MulAdd(v, v, b);
    });
    const auto part = corrected(static_cast<double>(mean), rest, squares, static_cast<double>(count));
    all = detail::joined(all, static_cast<double>(at), part, static_cast<double>(count));
  }
  return all;
}

template <class T>
void column_moments(const T* x, std::int64_t rows, std::int64_t width, double* mean, double* squares) {
  for (std::int64_t r = 0; r < rows; r += kRows) {
    const std::int64_t count = std::min(kRows, rows - r);
    const T* block = x + r * width;
    const double before = static_cast<double>(r), now = static_cast<double>(count);
    simd::each_vector<T>(0, width, [=](auto d, std::int64_t c) HWY_ATTR {
      const T* top = block + c;
      auto s = hn::Zero(d), s2 = hn::Zero(d);
      std::int64_t k = 0;
      for (; k + 2 <= count; k += 2) {
        s = hn::Add(s, hn::LoadU(d, top + k * width));
        s2 = hn::Add(s2, hn::LoadU(d, top + (k + 1) * width));
      }
      if (k < count) s = hn::Add(s, hn::LoadU(d, top + k * width));
      const auto m = hn::Div(hn::Add(s, s2), hn::Set(d, static_cast<T>(now)));
      auto rest = hn::Zero(d), q = hn::Zero(d), q2 = hn::Zero(d);
      for (k = 0; k + 2 <= count; k += 2) {
        const auto v = hn::Sub(hn::LoadU(d, top + k * width), m), w = hn::Sub(hn::LoadU(d, top + (k + 1) * width), m);
        rest = hn::Add(rest, hn::Add(v, w));
        q = hn::MulAdd(v, v, q);
        q2 = hn::MulAdd(w, w, q2);
      }
      if (k < count) {
        const auto v = hn::Sub(hn::LoadU(d, top + k * width), m);
        rest = hn::Add(rest, v);
        q = hn::MulAdd(v, v, q);
      }
      HWY_ALIGN T means[simd::kWidest<T>], rests[simd::kWidest<T>], qs[simd::kWidest<T>];
      hn::Store(m, d, means);
      hn::Store(rest, d, rests);
      hn::Store(hn::Add(q, q2), d, qs);
      for (std::size_t j = 0; j < hn::Lanes(d); ++j) {
        const auto part =
            corrected(static_cast<double>(means[j]), static_cast<double>(rests[j]), static_cast<double>(qs[j]), now);
        const auto all = detail::joined(
            {mean[c + static_cast<std::int64_t>(j)], squares[c + static_cast<std::int64_t>(j)]}, before, part, now);
        mean[c + static_cast<std::int64_t>(j)] = all.mean;
        squares[c + static_cast<std::int64_t>(j)] = all.squares;
      }
    });
  }
}

template <class T>
void line_sums(const T* g, const T* x, std::int64_t n, T mean, double* product, double* sum) {
  for (std::int64_t at = 0; at < n; at += kRun) {
    const T *gs = g + at, *xs = x + at;
    two_sums<T>(std::min(kRun, n - at), product, sum, [=](auto d, std::int64_t i, auto& a, auto& b) HWY_ATTR {
      const auto v = hn::LoadU(d, gs + i);
      a = hn::MulAdd(v, hn::Sub(hn::LoadU(d, xs + i), hn::Set(d, mean)), a);
      b = hn::Add(b, v);
    });
  }
}

// Four vectors side by side: memory is read in long runs, and no sum waits for itself.
template <class T>
HWY_INLINE void four_columns(const T* g, const T* x, std::int64_t rows, std::int64_t width, const T* mean,
                             double* product, double* sum) {
  const hn::ScalableTag<T> d;
  const auto n = static_cast<std::int64_t>(hn::Lanes(d));
  const auto m0 = hn::LoadU(d, mean), m1 = hn::LoadU(d, mean + n), m2 = hn::LoadU(d, mean + 2 * n),
             m3 = hn::LoadU(d, mean + 3 * n);
  auto p0 = hn::Zero(d), p1 = p0, p2 = p0, p3 = p0, s0 = p0, s1 = p0, s2 = p0, s3 = p0;
  for (std::int64_t k = 0; k < rows; ++k, g += width, x += width) {
    const auto v0 = hn::LoadU(d, g), v1 = hn::LoadU(d, g + n), v2 = hn::LoadU(d, g + 2 * n),
               v3 = hn::LoadU(d, g + 3 * n);
    p0 = hn::MulAdd(v0, hn::Sub(hn::LoadU(d, x), m0), p0);
    p1 = hn::MulAdd(v1, hn::Sub(hn::LoadU(d, x + n), m1), p1);
    p2 = hn::MulAdd(v2, hn::Sub(hn::LoadU(d, x + 2 * n), m2), p2);
    p3 = hn::MulAdd(v3, hn::Sub(hn::LoadU(d, x + 3 * n), m3), p3);
    s0 = hn::Add(s0, v0);
    s1 = hn::Add(s1, v1);
    s2 = hn::Add(s2, v2);
    s3 = hn::Add(s3, v3);
  }
  add_to(d, p0, product);
  add_to(d, p1, product + n);
  add_to(d, p2, product + 2 * n);
  add_to(d, p3, product + 3 * n);
  add_to(d, s0, sum);
  add_to(d, s1, sum + n);
  add_to(d, s2, sum + 2 * n);
  add_to(d, s3, sum + 3 * n);
}

template <class T>
void column_sums(const T* g, const T* x, std::int64_t rows, std::int64_t width, const T* mean, double* product,
                 double* sum) {
  for (std::int64_t r = 0; r < rows; r += kRows) {
    const std::int64_t count = std::min(kRows, rows - r);
    const auto four = 4 * static_cast<std::int64_t>(hn::Lanes(hn::ScalableTag<T>()));
    std::int64_t first = 0;
    for (; first + four <= width; first += four)
      four_columns(g + r * width + first, x + r * width + first, count, width, mean + first, product + first,
                   sum + first);
    simd::each_vector<T>(first, width, [=](auto d, std::int64_t c) HWY_ATTR {
      const T *gs = g + r * width + c, *xs = x + r * width + c;
      const auto m = hn::LoadU(d, mean + c);
      auto p = hn::Zero(d), s = hn::Zero(d), p2 = hn::Zero(d), s2 = hn::Zero(d);
      std::int64_t k = 0;
      for (; k + 2 <= count; k += 2) {
        const auto v = hn::LoadU(d, gs + k * width), w = hn::LoadU(d, gs + (k + 1) * width);
        p = hn::MulAdd(v, hn::Sub(hn::LoadU(d, xs + k * width), m), p);
        p2 = hn::MulAdd(w, hn::Sub(hn::LoadU(d, xs + (k + 1) * width), m), p2);
        s = hn::Add(s, v);
        s2 = hn::Add(s2, w);
      }
      if (k < count) {
        const auto v = hn::LoadU(d, gs + k * width);
        p = hn::MulAdd(v, hn::Sub(hn::LoadU(d, xs + k * width), m), p);
        s = hn::Add(s, v);
      }
      add_to(d, hn::Add(p, p2), product + c);
      add_to(d, hn::Add(s, s2), sum + c);
    });
  }
}

template <class T>
void weight_sums(const T* g, const T* x, std::int64_t rows, std::int64_t width, const double* mean,
                 const double* factor, double* product, double* sum) {
  simd::each_vector<T>(0, width, [=](auto d, std::int64_t c) HWY_ATTR {
    auto p = hn::Zero(d), s = hn::Zero(d);
    for (std::int64_t k = 0; k < rows; ++k) {
      const auto v = hn::LoadU(d, g + k * width + c);
      const auto deviation = hn::Sub(hn::LoadU(d, x + k * width + c), hn::Set(d, static_cast<T>(mean[k])));
      p = hn::MulAdd(v, hn::Mul(deviation, hn::Set(d, static_cast<T>(factor[k]))), p);
      s = hn::Add(s, v);
    }
    add_to(d, p, product + c);
    add_to(d, s, sum + c);
  });
}

template <class T>
void line_affine(const T* x, std::int64_t n, T mean, T scale, T shift, T* z) {
  simd::each_vector<T>(0, n, [=](auto d, std::int64_t i) HWY_ATTR {
    const auto v = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
    hn::StoreU(hn::MulAdd(v, hn::Set(d, scale), hn::Set(d, shift)), d, z + i);
  });
}

template <class T>
void column_affine(const T* x, std::int64_t n, const T* mean, const T* scale, const T* shift, T* z) {
  simd::each_vector<T>(0, n, [=](auto d, std::int64_t i) HWY_ATTR {
    const auto v = hn::Sub(hn::LoadU(d, x + i), hn::LoadU(d, mean + i));
    hn::StoreU(hn::MulAdd(v, hn::LoadU(d, scale + i), hn::LoadU(d, shift + i)), d, z + i);
  });
}

template <class T>
void line_grad(const T* g, const T* x, std::int64_t n, T mean, T scale, T offset, T slope, T* dx) {
  simd::each_vector<T>(0, n, [=](auto d, std::int64_t i) HWY_ATTR {
    const auto v = hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean));
    const auto straight = hn::MulSub(hn::Set(d, scale), hn::LoadU(d, g + i), hn::Set(d, offset));
    hn::StoreU(hn::NegMulAdd(v, hn::Set(d, slope), straight), d, dx + i);
  });
}

template <class T>
void column_grad(const T* g, const T* x, std::int64_t n, const T* mean, const T* scale, const T* offset, const T* slope,
                 T* dx) {
  simd::each_vector<T>(0, n, [=](auto d, std::int64_t i) HWY_ATTR {
    const auto v = hn::Sub(hn::LoadU(d, x + i), hn::LoadU(d, mean + i));
    const auto straight = hn::MulSub(hn::LoadU(d, scale + i), hn::LoadU(d, g + i), hn::LoadU(d, offset + i));
    hn::StoreU(hn::NegMulAdd(v, hn::LoadU(d, slope + i), straight), d, dx + i);
  });
}

template <class T>
void row_affine(const T* x, std::int64_t n, T mean, T factor, const T* w, const T* b, T* z) {
  simd::each_vector<T>(0, n, [=](auto d, std::int64_t i) HWY_ATTR {
    auto v = hn::Mul(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, mean)), hn::Set(d, factor));
    if (w != nullptr) v = hn::Mul(v, hn::LoadU(d, w + i));
    if (b != nullptr) v = hn::Add(v, hn::LoadU(d, b + i));
    hn::StoreU(v, d, z + i);
  });
}

template <class T>
void row_grad(const T* g, const T* x, std::int64_t n, double mean, double factor, const T* w, bool centred, T* dx) {
  const T m = static_cast<T>(mean);
  double product = 0, sum = 0;
  for (std::int64_t at = 0; at < n; at += kRun) {
    const T *gs = g + at, *xs = x + at, *ws = w != nullptr ? w + at : nullptr;
    two_sums<T>(std::min(kRun, n - at), &product, &sum, [=](auto d, std::int64_t i, auto& a, auto& b) HWY_ATTR {
      auto v = hn::LoadU(d, gs + i);
      if (ws != nullptr) v = hn::Mul(v, hn::LoadU(d, ws + i));
      a = hn::MulAdd(v, hn::Sub(hn::LoadU(d, xs + i), hn::Set(d, m)), a);
      b = hn::Add(b, v);
    });
  }
  const double count = static_cast<double>(n);
  const T scale = static_cast<T>(factor), offset = static_cast<T>(centred ? factor * sum / count : 0.0),
          slope = static_cast<T>(factor * factor * factor * product / count);
  simd::each_vector<T>(0, n, [=](auto d, std::int64_t i) HWY_ATTR {
    auto v = hn::LoadU(d, g + i);
    if (w != nullptr) v = hn::Mul(v, hn::LoadU(d, w + i));
    const auto straight = hn::MulSub(hn::Set(d, scale), v, hn::Set(d, offset));
    hn::StoreU(hn::NegMulAdd(hn::Sub(hn::LoadU(d, x + i), hn::Set(d, m)), hn::Set(d, slope), straight), d, dx + i);
  });
}

template <class T>
constexpr detail::NormLoops<T> kLoops{line_moments<T>, column_moments<T>, line_sums<T>,     column_sums<T>,
                                      weight_sums<T>,  line_affine<T>,    column_affine<T>, line_grad<T>,
                                      column_grad<T>,  row_affine<T>,     row_grad<T>};

CHAINRULE_LOOPS(detail::NormLoops)

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::kernels {

CHAINRULE_EXPORT_LOOPS(detail::NormLoops);

}  // namespace chainrule::kernels
#endif
