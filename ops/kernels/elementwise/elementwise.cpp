// Entry points of the dense runs: picks the dtype, splits long runs over threads, and holds the loops that need no
// vector code of their own (int64, bool, comparisons, selection, casts, copies).
#include "ops/kernels/elementwise/elementwise.h"

#include <algorithm>
#include <bit>
#include <cassert>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <type_traits>

#include "ops/kernels/elementwise/elementwise_detail.h"
#include "ops/kernels/parallel.h"

namespace chainrule::kernels {
namespace {

// Elements below which a second thread costs more than it brings.
constexpr std::int64_t kCheap = 1 << 15;
constexpr std::int64_t kDear = 1 << 12;  // exp and the like

using Wrapping = std::uint64_t;  // int64 arithmetic wraps around instead of being undefined

template <class T>
const T* at(const void* x, std::int64_t i) {
  return static_cast<const T*>(x) + i;
}
template <class T>
T* at(void* z, std::int64_t i) {
  return static_cast<T*>(z) + i;
}

template <class Op>
constexpr std::int64_t grain_of(Op op) {
  return detail::loop_of(op) == detail::Loop::short_vector ? kCheap : kDear;
}

// z[i] = f(x[i], y[i]) with the steps known to the compiler, so that the loops vectorise.
template <class T, class Z, class F>
void zip(const T* x, std::int64_t x_step, const T* y, std::int64_t y_step, Z* z, std::int64_t n, F f) {
  if (x_step != 0 && y_step != 0) {
    for (std::int64_t i = 0; i < n; ++i) z[i] = f(x[i], y[i]);
  } else if (x_step != 0) {
    const T y0 = *y;
    for (std::int64_t i = 0; i < n; ++i) z[i] = f(x[i], y0);
  } else if (y_step != 0) {
    const T x0 = *x;
    for (std::int64_t i = 0; i < n; ++i) z[i] = f(x0, y[i]);
  } else {
    std::fill_n(z, n, static_cast<Z>(f(*x, *y)));
  }
}

void unary_int(Unary op, const std::int64_t* x, std::int64_t* z, std::int64_t n) {
  const auto map = [&](auto f) {
    for (std::int64_t i = 0; i < n; ++i) z[i] = static_cast<std::int64_t>(f(x[i]));
  };
  const auto negative = [](std::int64_t a) { return Wrapping{0} - static_cast<Wrapping>(a); };
  switch (op) {
    case Unary::neg:
      return map(negative);
    case Unary::abs:
      return map([&](std::int64_t a) { return a < 0 ? negative(a) : static_cast<Wrapping>(a); });
    case Unary::square:
      return map([](std::int64_t a) { return static_cast<Wrapping>(a) * static_cast<Wrapping>(a); });
    case Unary::sign:
      return map([](std::int64_t a) { return (a > 0) - (a < 0); });
    default:
      assert(false && "unary: not a function of int64");
  }
}

/// a^b for b >= 0, by squares.
std::int64_t whole_power(std::int64_t a, std::int64_t b) {
  Wrapping z = 1;
  for (auto square = static_cast<Wrapping>(a); b > 0; b >>= 1, square *= square)
    if (b & 1) z *= square;
  return static_cast<std::int64_t>(z);
}

std::int64_t truncated_remainder(std::int64_t a, std::int64_t b) {
  return b == -1 ? 0 : a % b;  // the smallest number by -1 would overflow on the way
}

void binary_int(Binary op, const std::int64_t* x, std::int64_t x_step, const std::int64_t* y, std::int64_t y_step,
                std::int64_t* z, std::int64_t n) {
  const auto map = [&](auto f) {
    zip(x, x_step, y, y_step, z, n, [f](std::int64_t a, std::int64_t b) {
      return static_cast<std::int64_t>(f(static_cast<Wrapping>(a), static_cast<Wrapping>(b)));
    });
  };
  switch (op) {
    case Binary::add:
      return map([](Wrapping a, Wrapping b) { return a + b; });
    case Binary::sub:
      return map([](Wrapping a, Wrapping b) { return a - b; });
    case Binary::mul:
      return map([](Wrapping a, Wrapping b) { return a * b; });
    case Binary::maximum:
      return zip(x, x_step, y, y_step, z, n, [](std::int64_t a, std::int64_t b) { return std::max(a, b); });
    case Binary::minimum:
      return zip(x, x_step, y, y_step, z, n, [](std::int64_t a, std::int64_t b) { return std::min(a, b); });
    case Binary::pow:
      return zip(x, x_step, y, y_step, z, n, whole_power);
    case Binary::fmod:
      return zip(x, x_step, y, y_step, z, n, truncated_remainder);
    case Binary::remainder:
      return zip(x, x_step, y, y_step, z, n, [](std::int64_t a, std::int64_t b) {
        const std::int64_t r = truncated_remainder(a, b);
        return r != 0 && (r < 0) != (b < 0) ? r + b : r;
      });
    case Binary::floor_divide:
      return zip(x, x_step, y, y_step, z, n, [](std::int64_t a, std::int64_t b) {
        if (b == -1) return static_cast<std::int64_t>(Wrapping{0} - static_cast<Wrapping>(a));
        return a / b - (a % b != 0 && (a < 0) != (b < 0));
      });
    default:
      assert(false && "binary: not a function of int64");
  }
}

template <class T>
void compare_run(Compare op, const T* x, std::int64_t x_step, const T* y, std::int64_t y_step, bool* z,
                 std::int64_t n) {
  const auto map = [&](auto f) { zip(x, x_step, y, y_step, z, n, f); };
  switch (op) {
    case Compare::eq:
      return map([](T a, T b) { return a == b; });
    case Compare::ne:
      return map([](T a, T b) { return a != b; });
    case Compare::lt:
      return map([](T a, T b) { return a < b; });
    case Compare::le:
      return map([](T a, T b) { return a <= b; });
    case Compare::gt:
      return map([](T a, T b) { return a > b; });
    case Compare::ge:
      return map([](T a, T b) { return a >= b; });
  }
}

template <class To, class From>
To convert(From x) {
  if constexpr (std::is_same_v<To, bool>) {
    return x != From(0);
  } else if constexpr (std::is_same_v<To, std::int64_t> && std::is_floating_point_v<From>) {
    constexpr From limit = From(9223372036854775808.0);  // 2^63, exact in both types
    if (x >= limit) return std::numeric_limits<To>::max();
    if (x < -limit) return std::numeric_limits<To>::min();
    return std::isnan(x) ? To(0) : static_cast<To>(x);
  } else {
    return static_cast<To>(x);
  }
}

}  // namespace

void unary(Unary op, DType d, const void* x, void* z, std::int64_t n, const Parameters& p) {
  assert(supports(op, d));
  parallel_for(n, grain_of(op), [&](std::int64_t begin, std::int64_t end) {
    if (d == DType::float32)
      detail::unary_run(op, at<float>(x, begin), at<float>(z, begin), end - begin, p);
    else if (d == DType::float64)
      detail::unary_run(op, at<double>(x, begin), at<double>(z, begin), end - begin, p);
    else
      unary_int(op, at<std::int64_t>(x, begin), at<std::int64_t>(z, begin), end - begin);
  });
}

void binary(Binary op, DType d, const void* x, std::int64_t x_step, const void* y, std::int64_t y_step, void* z,
            std::int64_t n, const Parameters& p) {
  assert(supports(op, d));
  if (n > 1 && x_step == 0 && y_step == 0) {
    alignas(8) std::byte value[8];
    binary(op, d, x, 1, y, 1, value, 1, p);
    return fill(d, value, z, n);
  }
  parallel_for(n, grain_of(op), [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t i = begin * x_step, j = begin * y_step, count = end - begin;
    dispatch(d, [&](auto zero) {
      using T = decltype(zero);
      if constexpr (std::is_floating_point_v<T>) {
        detail::binary_run(op, at<T>(x, i), x_step, at<T>(y, j), y_step, at<T>(z, begin), count, p);
      } else if constexpr (std::is_same_v<T, std::int64_t>) {
        binary_int(op, at<T>(x, i), x_step, at<T>(y, j), y_step, at<T>(z, begin), count);
      }
    });
  });
}

void compare(Compare op, DType d, const void* x, std::int64_t x_step, const void* y, std::int64_t y_step, bool* z,
             std::int64_t n) {
  parallel_for(n, kCheap, [&](std::int64_t begin, std::int64_t end) {
    dispatch(d, [&](auto zero) {
      using T = decltype(zero);
      compare_run(op, at<T>(x, begin * x_step), x_step, at<T>(y, begin * y_step), y_step, z + begin, end - begin);
    });
  });
}

namespace {

// Without a branch, by bits: which side is taken is often a matter of chance.
template <class T>
void choose(const bool* condition, std::int64_t condition_step, const T* x, std::int64_t x_step, const T* y,
            std::int64_t y_step, T* z, std::int64_t n) {
  using Bits = std::conditional_t<sizeof(T) == 8, std::uint64_t,
                                  std::conditional_t<sizeof(T) == 4, std::uint32_t, std::uint8_t>>;
  const auto pick = [](bool c, T a, T b) {
    const auto mask = static_cast<Bits>(Bits{0} - static_cast<Bits>(c));
    const auto u = std::bit_cast<Bits>(a), v = std::bit_cast<Bits>(b);
    return std::bit_cast<T>(static_cast<Bits>(v ^ ((u ^ v) & mask)));
  };
  if (condition_step == 0) {
    const bool c = *condition;
    for (std::int64_t i = 0; i < n; ++i) z[i] = c ? x[i * x_step] : y[i * y_step];
  } else if (x_step != 0 && y_step != 0) {
    for (std::int64_t i = 0; i < n; ++i) z[i] = pick(condition[i], x[i], y[i]);
  } else if (x_step != 0) {
    const T y0 = *y;
    for (std::int64_t i = 0; i < n; ++i) z[i] = pick(condition[i], x[i], y0);
  } else {
    const T x0 = *x;
    for (std::int64_t i = 0; i < n; ++i) z[i] = pick(condition[i], x0, y[i * y_step]);
  }
}

}  // namespace

void where(DType d, const bool* condition, std::int64_t condition_step, const void* x, std::int64_t x_step,
           const void* y, std::int64_t y_step, void* z, std::int64_t n) {
  parallel_for(n, kCheap, [&](std::int64_t begin, std::int64_t end) {
    dispatch(d, [&](auto zero) {
      using T = decltype(zero);
      choose(condition + begin * condition_step, condition_step, at<T>(x, begin * x_step), x_step,
             at<T>(y, begin * y_step), y_step, at<T>(z, begin), end - begin);
    });
  });
}

void cast(DType from, DType to, const void* x, void* z, std::int64_t n) {
  if (from == to) return copy(from, x, z, n);
  parallel_for(n, kCheap, [&](std::int64_t begin, std::int64_t end) {
    dispatch(from, [&](auto from_zero) {
      dispatch(to, [&](auto to_zero) {
        using From = decltype(from_zero);
        using To = decltype(to_zero);
        const From* source = at<From>(x, 0);
        To* target = at<To>(z, 0);
        for (std::int64_t i = begin; i < end; ++i) target[i] = convert<To>(source[i]);
      });
    });
  });
}

void copy(DType d, const void* x, void* z, std::int64_t n) {
  if (x == z || n == 0) return;
  const auto size = static_cast<std::int64_t>(item_size(d));
  parallel_for(n * size, kCheap * 8, [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(at<std::byte>(z, begin), at<std::byte>(x, begin), static_cast<std::size_t>(end - begin));
  });
}

void fill(DType d, const void* value, void* z, std::int64_t n) {
  parallel_for(n, kCheap, [&](std::int64_t begin, std::int64_t end) {
    dispatch(d, [&](auto zero) {
      using T = decltype(zero);
      std::fill(at<T>(z, begin), at<T>(z, end), *static_cast<const T*>(value));
    });
  });
}

}  // namespace chainrule::kernels
