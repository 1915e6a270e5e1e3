// Factories of the expression language: zeros, arange, randn and their kin, by name. C++ programs use engine/factory.h.
#include "engine/factory.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/types/error.h"
#include "ops/families.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

constexpr std::int64_t kExact = std::int64_t{1} << 53;  // numbers up to here are exact on the way through double

TensorOptions options(const Arguments& a, int i) {
  TensorOptions o{.dtype = default_dtype()};
  if (!a.is_none(i)) o.dtype = a.dtype(i);
  return o;
}

/// PyTorch's rule for numbers without a dtype: whole ones make int64, True and False bool, others the default type.
bool all_of_kind(const Value& v, bool (*kind)(const Value&)) {
  if (!v.is<Value::List>()) return kind(v);
  const auto& list = v.as<Value::List>();
  if (list.empty()) return false;
  for (const Value& one : list)
    if (!all_of_kind(one, kind)) return false;
  return true;
}
bool is_whole(const Value& v) { return v.is<std::int64_t>(); }
bool is_plain(const Value& v) { return v.is_number() || v.is<bool>(); }

/// The size of a result, checked here so that the error names the function.
Shape size_of(const Arguments& a, int i, const char* who) {
  Shape shape = a.shape(i);
  check_shape(shape, sizeof(double), who);
  return shape;
}

/// Lists of numbers become float64 while this lives, so that no digit is lost before the dtype is known.
class WideNumbers {
 public:
  WideNumbers() { set_default_dtype(DType::float64); }
  WideNumbers(const WideNumbers&) = delete;
  WideNumbers& operator=(const WideNumbers&) = delete;
  ~WideNumbers() { set_default_dtype(before_); }

 private:
  DType before_ = default_dtype();
};

Value make_tensor(const Arguments& a) {
  const bool whole = all_of_kind(a.value(0), is_whole);
  if (!all_of_kind(a.value(0), is_plain)) {  // holds tensors, which have a dtype
    const Tensor t = a.tensor(0).detach();
    return a.is_none(1) ? t : to(t, a.dtype(1));
  }
  const Tensor t = [&] {
    const WideNumbers wide;
    return a.tensor(0);
  }();
  if (!a.is_none(1)) return to(t, a.dtype(1));
  return t.dtype() == DType::boolean ? t : to(t, whole ? DType::int64 : default_dtype());
}

/// A number that the result can hold: whole types have no NaN and no infinity.
void expect_held(double value, DType dtype, const char* who) {
  if (!is_floating(dtype) && !(std::abs(value) < 0x1p63))
    throw ValueError(fmt::format("{}: {} is none of {}", who, value, name_of(dtype)));
}

Value make_full(const Arguments& a) {
  TensorOptions o = options(a, 2);
  const Shape shape = size_of(a, 0, "full");
  if (a.value(1).is<bool>()) return full(shape, a.flag(1) ? 1 : 0, {.dtype = a.is_none(2) ? DType::boolean : *o.dtype});
  const double value = a.number(1);
  if (is_whole(a.value(1)) && (a.is_none(2) || o.dtype == DType::int64))
    return clone(expand(from_vector<std::int64_t>({a.integer(1)}, {}), shape));
  expect_held(value, *o.dtype, "full");
  return full(shape, value, o);
}

Value make_arange(const Arguments& a) {
  const bool one = a.is_none(1);  // arange(end)
  const double start = one ? 0 : a.number(0), end = a.number(one ? 0 : 1), step = a.number(2);
  if ((end - start) * step < 0)
    throw ValueError(fmt::format("arange: steps of {} do not lead from {} to {}", step, start, end));
  TensorOptions o = options(a, 3);
  const bool whole = (one || is_whole(a.value(1))) && is_whole(a.value(0)) && is_whole(a.value(2));
  if (a.is_none(3) && whole) o.dtype = DType::int64;
  constexpr auto kLimit = static_cast<double>(kExact);
  if (o.dtype == DType::int64 && std::max(std::abs(start), std::abs(end)) > kLimit)
    throw ValueError(
        fmt::format("arange: from {} to {} passes 2^53, beyond which whole numbers are not exact here", start, end));
  return arange(start, end, step, o);
}

/// n rows, m columns.
Value make_eye(const Arguments& a) {
  const std::int64_t n = a.integer(0), m = a.is_none(1) ? n : a.integer(1);
  check_shape({n, m}, sizeof(double), "eye");
  if (n == m) return eye(n, options(a, 2));
  const auto count = [](std::int64_t size) { return arange(0, static_cast<double>(size), 1, {.dtype = DType::int64}); };
  return to(eq(unsqueeze(count(n), 1), count(m)), *options(a, 2).dtype);
}

Value make_linspace(const Arguments& a) {
  const std::int64_t steps = a.integer(2);
  if (steps < 0) throw ValueError(fmt::format("linspace: {} steps; there cannot be fewer than 0", steps));
  check_shape({steps}, sizeof(double), "linspace");
  const TensorOptions o = options(a, 3);
  expect_held(a.number(0), *o.dtype, "linspace");
  expect_held(a.number(1), *o.dtype, "linspace");
  return linspace(a.number(0), a.number(1), steps, o);
}

Value make_randint(const Arguments& a) {
  const bool two = a.is_none(2);  // randint(high, size)
  if (a.is_none(1)) throw ValueError("randint: size is missing; it is randint(low, high, size) or randint(high, size)");
  const Shape shape = size_of(a, two ? 1 : 2, "randint");
  const Tensor t = randint(two ? 0 : a.integer(0), a.integer(two ? 0 : 1), shape);
  return a.is_none(3) ? t : to(t, a.dtype(3));
}

constexpr const char* kConstant = "no derivative: a constant";

}  // namespace

Family factory_family() {
  static const Function functions[] = {
      {"tensor", "data, dtype=None", make_tensor, "tensor([[1, 2], [3, 4]])", "", kConstant},
      {"zeros", "*size, dtype=None",
       [](const Arguments& a) -> Value { return zeros(size_of(a, 0, "zeros"), options(a, 1)); }, "zeros(2, 3)", "",
       kConstant},
      {"ones", "*size, dtype=None",
       [](const Arguments& a) -> Value { return ones(size_of(a, 0, "ones"), options(a, 1)); }, "ones(2, 3)", "",
       kConstant},
      {"full", "size, fill_value, dtype=None", make_full, "full([2, 3], 0.5)", "", kConstant},
      {"eye", "n, m=None, dtype=None", make_eye, "eye(3)", "", kConstant},
      {"arange", "start=0, end=None, step=1, dtype=None", make_arange, "arange(1, 10, 2)", "", kConstant},
      {"linspace", "start, end, steps, dtype=None", make_linspace, "linspace(0, 1, 5)", "", kConstant},
      {"rand", "*size, dtype=None",
       [](const Arguments& a) -> Value { return rand(size_of(a, 0, "rand"), options(a, 1)); }, "rand(2, 3)", "",
       kConstant},
      {"randn", "*size, dtype=None",
       [](const Arguments& a) -> Value { return randn(size_of(a, 0, "randn"), options(a, 1)); }, "randn(2, 3)", "",
       kConstant},
      {"randint", "low=0, high=None, size=None, dtype=None", make_randint, "randint(0, 10, [2, 3])", "", kConstant},
  };
  return {{}, functions};
}

}  // namespace chainrule
