// Whole numbers are never taken through double: above 2^53 that would change them silently.
#include "ops/language/folding.h"

#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "engine/types/error.h"

namespace chainrule::language {
namespace {

using Whole = std::int64_t;

double as_double(const Value& v) { return v.is<double>() ? v.as<double>() : static_cast<double>(v.as<Whole>()); }

/// -1, 0 or 1 as x is below, equal to or above y; 2 when one is NaN. Exact, also between whole and floating numbers.
int order(const Value& x, const Value& y) {
  const auto sign = [](auto a, auto b) { return a < b ? -1 : a > b ? 1 : a == b ? 0 : 2; };
  if (x.is<Whole>() && y.is<Whole>()) return sign(x.as<Whole>(), y.as<Whole>());
  if (x.is<double>() && y.is<double>()) return sign(x.as<double>(), y.as<double>());
  if (x.is<double>()) {
    const int turned = order(y, x);
    return turned == 2 ? 2 : -turned;
  }
  const double b = y.as<double>();
  if (!(std::abs(b) < 0x1p63)) return sign(0.0, b);  // beyond every whole number, or NaN
  const double down = std::floor(b);
  const int whole = sign(x.as<Whole>(), static_cast<Whole>(down));
  return whole == 0 && down < b ? -1 : whole;
}

[[noreturn]] void throw_overflow(std::string_view symbol, Whole a, Whole b) {
  throw ValueError(fmt::format(
      "{} {} {} leaves int64, which ends at {}; with a floating number, as in {}., it is computed in floating "
      "point",
      a, symbol, b, std::numeric_limits<Whole>::max(), a));
}

Whole power(Whole a, Whole b) {
  Whole z = 1;
  if (a == 0 || a == 1) return b == 0 ? 1 : a;
  if (a == -1) return b % 2 ? -1 : 1;
  for (Whole i = 0; i < b; ++i)
    if (__builtin_mul_overflow(z, a, &z)) throw_overflow("**", a, b);
  return z;
}

}  // namespace

std::optional<Value> fold_numbers(std::string_view op, const Value& x, const Value& y) {
  if (op == "lt") return Value(order(x, y) == -1);
  if (op == "le") return Value(order(x, y) == -1 || order(x, y) == 0);
  if (op == "gt") return Value(order(x, y) == 1);
  if (op == "ge") return Value(order(x, y) == 1 || order(x, y) == 0);
  if (op == "eq") return Value(order(x, y) == 0);
  if (op == "ne") return Value(order(x, y) != 0);
  const double a = as_double(x), b = as_double(y);
  if (op == "div") return Value(a / b);
  if (x.is<Whole>() && y.is<Whole>()) {
    const Whole i = x.as<Whole>(), j = y.as<Whole>();
    Whole z = 0;
    if (op == "add") return __builtin_add_overflow(i, j, &z) ? (throw_overflow("+", i, j), Value()) : Value(z);
    if (op == "sub") return __builtin_sub_overflow(i, j, &z) ? (throw_overflow("-", i, j), Value()) : Value(z);
    if (op == "mul") return __builtin_mul_overflow(i, j, &z) ? (throw_overflow("*", i, j), Value()) : Value(z);
    if (op == "pow" && j >= 0) return Value(power(i, j));
  }
  if (op == "add") return Value(a + b);
  if (op == "sub") return Value(a - b);
  if (op == "mul") return Value(a * b);
  if (op == "pow") return Value(std::pow(a, b));
  return std::nullopt;
}

Value negated(const Value& x) {
  if (x.is<double>()) return Value(-x.as<double>());
  Whole z = 0;
  if (__builtin_sub_overflow(Whole{0}, x.as<Whole>(), &z)) throw_overflow("-", 0, x.as<Whole>());
  return Value(z);
}

}  // namespace chainrule::language
