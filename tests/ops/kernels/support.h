// What the kernel tests share: reproducible numbers, comparison by bits and by units in the last place, thread counts.
// No kernel is called here, so nothing here can agree with one by construction.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include "ops/kernels/parallel.h"

namespace chainrule::test {

/// Lengths around the widths of vector registers, and some longer ones.
inline const std::vector<std::int64_t> kLengths{0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100, 1000, 4099};

class RandomNumbers {
 public:
  explicit RandomNumbers(std::uint64_t seed) : state_(seed * 2654435761U + 1) {}

  std::uint64_t next() {  // splitmix64
    std::uint64_t z = state_ += 0x9e3779b97f4a7c15U;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
  }
  std::int64_t below(std::int64_t n) { return static_cast<std::int64_t>(next() % static_cast<std::uint64_t>(n)); }
  double uniform(double low, double high) { return low + (high - low) * static_cast<double>(next() >> 11) * 0x1p-53; }

  template <class T>
  std::vector<T> fill(std::int64_t n, double low = -2, double high = 2) {
    std::vector<T> x(static_cast<std::size_t>(n));
    for (auto& v : x) v = static_cast<T>(uniform(low, high));
    return x;
  }

 private:
  std::uint64_t state_;
};

template <class T>
bool same_bits(const T& a, const T& b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}
template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

/// Same value, counting every NaN as one and +0 apart from -0.
template <class T>
bool same_value(T a, T b) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b && std::signbit(a) == std::signbit(b);
}

/// Distance between a result and the truth in units of the result type's last place.
template <class T>
double ulps(T got, long double truth) {
  if (std::isnan(got) || std::isnan(truth)) return std::isnan(got) && std::isnan(truth) ? 0 : 1e30;
  const T rounded = static_cast<T>(truth);
  if (std::isinf(got) || std::isinf(rounded)) return got == rounded ? 0 : 1e30;
  const T next = std::nextafter(std::abs(rounded), std::numeric_limits<T>::infinity());
  const long double unit =
      std::isinf(next) ? std::abs(rounded) - std::nextafter(std::abs(rounded), T(0)) : next - std::abs(rounded);
  return static_cast<double>(std::abs(static_cast<long double>(got) - truth) / unit);
}

/// |got - truth| within `tolerance` of the larger of |truth| and `scale`.
inline bool near(double got, double truth, double tolerance, double scale = 1) {
  return std::abs(got - truth) <= tolerance * std::max(std::abs(truth), scale);
}

/// Runs f with that many kernel threads.
template <class F>
auto with_threads(int count, F f) {
  struct Restore {
    ~Restore() { set_num_threads(0); }
  } restore;
  set_num_threads(count);
  return f();
}

}  // namespace chainrule::test
