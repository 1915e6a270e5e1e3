// Philox and the distributions. Only additions, products, square roots and our own logarithm, compiled without fused
// multiply-add, so that every machine makes the same bits.
#include "engine/random.h"

#include <fmt/format.h>

#include <atomic>
#include <cmath>
#include <thread>

#include "engine/types/error.h"

namespace chainrule {

std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> k) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53} * c[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57} * c[2];
    c = {static_cast<std::uint32_t>(p1 >> 32) ^ c[1] ^ k[0], static_cast<std::uint32_t>(p1),
         static_cast<std::uint32_t>(p0 >> 32) ^ c[3] ^ k[1], static_cast<std::uint32_t>(p0)};
    k[0] += 0x9E3779B9;
    k[1] += 0xBB67AE85;
  }
  return c;
}

void Generator::refill() {
  block_ = philox({static_cast<std::uint32_t>(counter_), static_cast<std::uint32_t>(counter_ >> 32),
                   static_cast<std::uint32_t>(stream_), static_cast<std::uint32_t>(stream_ >> 32)},
                  {static_cast<std::uint32_t>(seed_), static_cast<std::uint32_t>(seed_ >> 32)});
  ++counter_;
  left_ = 4;
}

std::uint32_t Generator::next_u32() {
  if (left_ == 0) refill();
  return block_[4 - left_--];
}

std::uint64_t Generator::next_u64() {
  const std::uint64_t low = next_u32();
  return low | (std::uint64_t{next_u32()} << 32);
}

double Generator::uniform() { return static_cast<double>(next_u64() >> 11) * 0x1p-53; }

std::int64_t Generator::below(std::int64_t n) {
  if (n <= 0) throw ValueError(fmt::format("random: the bound must be positive, not {}", n));
  const auto bound = static_cast<std::uint64_t>(n);
  // Numbers below the remainder of 2^64 / n are rejected, so that every result is equally likely.
  const std::uint64_t reject = (0 - bound) % bound;
  std::uint64_t x = next_u64();
  while (x < reject) x = next_u64();
  return static_cast<std::int64_t>(x % bound);
}

std::vector<std::int64_t> Generator::permutation(std::int64_t n) {
  if (n < 0) throw ValueError(fmt::format("random: a permutation of {} elements", n));
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  for (std::int64_t i = 0; i < n; ++i) order[i] = i;
  for (std::int64_t i = n - 1; i > 0; --i) std::swap(order[i], order[below(i + 1)]);
  return order;
}

void Generator::set_state(const State& s) {
  seed_ = s.seed;
  stream_ = s.stream;
  counter_ = s.drawn / 4;
  left_ = 0;
  for (auto skip = s.drawn % 4; skip > 0; --skip) next_u32();
}

namespace {

// log by its series in s = (m - 1) / (m + 1), m in [sqrt(1/2), sqrt(2)): plain arithmetic, about 1 ulp.
double plain_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);
  if (m < 0.70710678118654752) {
    m *= 2;
    --exponent;
  }
  const double s = (m - 1) / (m + 1), s2 = s * s;
  double series = 0;
  for (int k = 25; k >= 1; k -= 2) series = series * s2 + 1.0 / k;
  return 2 * s * series + exponent * 0.69314718055994531;
}

double ratio(double r, const double (&a)[8], const double (&b)[8]) {
  double top = a[7], bottom = b[7];
  for (int i = 6; i >= 0; --i) {
    top = top * r + a[i];
    bottom = bottom * r + b[i];
  }
  return top / bottom;
}

// Inverse of the normal distribution function: M. J. Wichura, Algorithm AS 241 (PPND16), Applied Statistics 37, 1988.
double normal_quantile(double p) {
  constexpr double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
                          1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
                          3.3430575583588128105e4, 2.5090809287301226727e3};
  constexpr double b[] = {1.0,
                          4.2313330701600911252e1,
                          6.8718700749205790830e2,
                          5.3941960214247511077e3,
                          2.1213794301586595867e4,
                          3.9307895800092710610e4,
                          2.8729085735721942674e4,
                          5.2264952788528545610e3};
  constexpr double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0, 5.76949722146069140550e0,
                          3.64784832476320460504e0,  1.27045825245236838258e0, 2.41780725177450611770e-1,
                          2.27238449892691845833e-2, 7.74545014278341407640e-4};
  constexpr double d[] = {1.0,
                          2.05319162663775882187e0,
                          1.67638483018380384940e0,
                          6.89767334985100004550e-1,
                          1.48103976427480074590e-1,
                          1.51986665636164571966e-2,
                          5.47593808499534494600e-4,
                          1.05075007164441684324e-9};
  constexpr double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,  1.78482653991729133580e0,
                          2.96560571828504891230e-1, 2.65321895265761230930e-2, 1.24266094738807843860e-3,
                          2.71155556874348757815e-5, 2.01033439929228813265e-7};
  constexpr double f[] = {1.0,
                          5.99832206555887937690e-1,
                          1.36929880922735805310e-1,
                          1.48753612908506148525e-2,
                          7.86869131145613259100e-4,
                          1.84631831751005468180e-5,
                          1.42151175831644588870e-7,
                          2.04426310338993978564e-15};
  const double q = p - 0.5;
  if (std::abs(q) <= 0.425) return q * ratio(0.180625 - q * q, a, b);
  const double tail = q < 0 ? p : 1 - p;
  const double r = std::sqrt(-plain_log(tail));
  const double z = r <= 5 ? ratio(r - 1.6, c, d) : ratio(r - 5, e, f);
  return q < 0 ? -z : z;
}

}  // namespace

// The middle of each of 2^52 cells: never 0 and never 1.
double Generator::normal() { return normal_quantile(static_cast<double>(next_u64() >> 12) * 0x1p-52 + 0x1p-53); }

namespace {

std::thread::id loading_thread() {
  static const std::thread::id id = std::this_thread::get_id();
  return id;
}
[[maybe_unused]] const std::thread::id asked_while_loading = loading_thread();

std::uint64_t stream_of_this_thread() {
  static std::atomic<std::uint64_t> others{0};
  if (std::this_thread::get_id() == loading_thread()) return 0;
  return others.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace

Generator& default_generator() {
  static thread_local Generator generator(0, stream_of_this_thread());
  return generator;
}

void manual_seed(std::uint64_t seed, std::uint64_t stream) { default_generator() = Generator(seed, stream); }

}  // namespace chainrule
