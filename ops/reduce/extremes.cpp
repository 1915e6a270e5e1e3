// The largest and the smallest value, and where they stand. Over any axes equal values share the gradient; along one
// axis, as max(x, dim), it goes to the first of them.
#include "ops/reduce/extremes.h"

#include <fmt/format.h>

#include <string_view>

#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/kernels/reduce/reduce.h"
#include "ops/ops.h"
#include "ops/reduce/axes.h"
#include "ops/reduce/chosen.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

using PlaceKernel = void (*)(DType, const void*, std::int64_t*, const kernels::Lines&);

Tensor folded(const Tensor& x, const Over& o, LineKernel kernel) {
  const FoldPlan f = fold(x, o, x.dtype());
  if (f.z.numel() > 0) kernel(x.dtype(), f.x.data(), f.z.impl().data, f.lines);
  return f.z;
}

struct Largest {
  static constexpr OpInfo info{.name = "amax",
                               .formula = "z = max(x)",
                               .derivatives = {"1 where x = z, else 0"},
                               .kinks = "1 / n at each of n equal largest values",
                               .flops = "numel(x)"};
  static Tensor choose(const Tensor& x, const Over& o) { return folded(x, o, kernels::amax); }
};

struct Smallest {
  static constexpr OpInfo info{.name = "amin",
                               .formula = "z = min(x)",
                               .derivatives = {"1 where x = z, else 0"},
                               .kinks = "1 / n at each of n equal smallest values",
                               .flops = "numel(x)"};
  static Tensor choose(const Tensor& x, const Over& o) { return folded(x, o, kernels::amin); }
};

struct FirstLargest {
  static constexpr OpInfo info{.name = "max",
                               .formula = "z = x[i], i = argmax(x)",
                               .derivatives = {"1 at i, else 0"},
                               .kinks = "1 at the first of equal largest values",
                               .inputs = "x i",
                               .flops = "numel(x)"};
};

struct FirstSmallest {
  static constexpr OpInfo info{.name = "min",
                               .formula = "z = x[i], i = argmin(x)",
                               .derivatives = {"1 at i, else 0"},
                               .kinks = "1 at the first of equal smallest values",
                               .inputs = "x i",
                               .flops = "numel(x)"};
};

template <class Kind>
Tensor shared(const Operand& x, const Axes& dim, bool keepdim, const char* what, const char* who = Kind::info.name) {
  const CalledFrom caller(x.where());
  const Tensor a = tensor_argument(x, who);
  const Over o = over(a, dim, keepdim, who);
  expect_elements(a, o, who, what);
  if (a.dtype() == DType::boolean) return gt(Kind::choose(to(a, DType::int64), o), 0);
  return record(Shared<Kind>{o}, a);
}

Tensor place(const Operand& x, std::optional<std::int64_t> dim, bool keepdim, PlaceKernel kernel, const char* who,
             const char* what) {
  const Tensor a = tensor_argument(x, who).detach();
  const Over o = over(a, dim ? Axes{*dim} : Axes{}, keepdim, who);
  if (a.dtype() == DType::boolean) return place(to(a, DType::int64), dim, keepdim, kernel, who, what);
  expect_elements(a, o, who, what);
  // Positions in everything count in row-major order, whatever the order in memory.
  const FoldPlan f = fold(dim ? a : dense(a), o, DType::int64);
  if (f.z.numel() > 0) kernel(a.dtype(), f.x.data(), static_cast<std::int64_t*>(f.z.impl().data), f.lines);
  return f.z;
}

template <class Kind>
Tensor first(const Operand& x, std::int64_t dim, bool keepdim, PlaceKernel kernel, const char* what) {
  const CalledFrom caller(x.where());
  const char* who = Kind::info.name;
  const Tensor a = tensor_argument(x, who);
  const int axis = normal_axis(dim, a.dim(), who);
  if (a.dtype() == DType::boolean) return gt(first<Kind>(to(a, DType::int64), dim, keepdim, kernel, what), 0);
  if (a.dim() == 0) return reshape(first<Kind>(reshape(a, {1}), 0, true, kernel, what), {});
  const Tensor i = place(a, axis, true, kernel, who, what);
  return record(Chosen<Kind>{axis, keepdim, keepdim ? "keepdim=true" : ""}, a, i);
}

/// The largest of all, max(x) of the language.
template <class Kind>
Tensor of_all(const Operand& x) {
  const bool largest = std::string_view(Kind::info.name) == "amax";
  return shared<Kind>(x, {}, false, largest ? "largest value" : "smallest value", largest ? "max" : "min");
}

/// max(x), max(x, dim, keepdim) and max(x, other) of the language: torch tells them apart by the second argument.
Value overloaded(const char* who, const Arguments& a, Tensor (*all)(const Operand&),
                 Tensor (*along)(const Operand&, std::int64_t, bool), Tensor (*pair)(const Operand&, const Operand&)) {
  if (!a.is_none(3)) return pair(a.operand(0), a.operand(3));
  if (a.value(1).is<Tensor>() || a.value(1).is<Value::List>()) return pair(a.operand(0), a.operand(1));
  if (a.is_none(1)) return all(a.operand(0));
  if (a.value(0).is_number())
    throw ValueError(
        fmt::format("{0}: the second argument is an axis, and a number has none; the {1} of two numbers is "
                    "{0}imum(a, b)",
                    who, who == std::string_view("max") ? "larger" : "smaller"));
  return along(a.operand(0), a.integer(1), a.flag(2));
}

}  // namespace

Tensor amax(const Operand& x, const Axes& dim, bool keepdim) {
  return shared<Largest>(x, dim, keepdim, "largest value");
}
Tensor amin(const Operand& x, const Axes& dim, bool keepdim) {
  return shared<Smallest>(x, dim, keepdim, "smallest value");
}
Tensor max_along(const Operand& x, std::int64_t dim, bool keepdim) {
  return first<FirstLargest>(x, dim, keepdim, kernels::argmax, "largest value");
}
Tensor min_along(const Operand& x, std::int64_t dim, bool keepdim) {
  return first<FirstSmallest>(x, dim, keepdim, kernels::argmin, "smallest value");
}
Tensor argmax(const Operand& x, std::optional<std::int64_t> dim, bool keepdim) {
  return place(x, dim, keepdim, kernels::argmax, "argmax", "largest value");
}
Tensor argmin(const Operand& x, std::optional<std::int64_t> dim, bool keepdim) {
  return place(x, dim, keepdim, kernels::argmin, "argmin", "smallest value");
}

Family extreme_family() {
  static constexpr const OpInfo* ops[] = {&Largest::info, &Smallest::info, &FirstLargest::info, &FirstSmallest::info};
  static const Function functions[] = {
      {"amax", "input, dim=None, keepdim=False",
       [](const Arguments& a) -> Value { return amax(a.operand(0), a.axes(1), a.flag(2)); }, "amax(x, dim=1)",
       "x=[[1,3,2],[4,6,5]]"},
      {"amin", "input, dim=None, keepdim=False",
       [](const Arguments& a) -> Value { return amin(a.operand(0), a.axes(1), a.flag(2)); }, "amin(x, dim=1)",
       "x=[[1,3,2],[4,6,5]]"},
      {"max", "input, dim=None, keepdim=False, other=None",
       [](const Arguments& a) -> Value { return overloaded("max", a, of_all<Largest>, max_along, maximum); },
       "max(x, dim=1)", "x=[[1,3,2],[4,6,5]]"},
      {"min", "input, dim=None, keepdim=False, other=None",
       [](const Arguments& a) -> Value { return overloaded("min", a, of_all<Smallest>, min_along, minimum); },
       "min(x, dim=1)", "x=[[1,3,2],[4,6,5]]"},
      {"argmax", "input, dim=None, keepdim=False",
       [](const Arguments& a) -> Value { return argmax(a.operand(0), a.optional_integer(1), a.flag(2)); },
       "argmax(x, dim=0)", "x=[1,3,2]", "no derivative: a position"},
      {"argmin", "input, dim=None, keepdim=False",
       [](const Arguments& a) -> Value { return argmin(a.operand(0), a.optional_integer(1), a.flag(2)); },
       "argmin(x, dim=0)", "x=[1,3,2]", "no derivative: a position"},
  };
  return {ops, functions};
}

}  // namespace chainrule
