// Functions of steps: their derivative is 0 between the jumps, and NaN at NaN. Whole numbers stay integers.
#include "ops/elementwise/rounding.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "ops/families.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule {
namespace {

// z = floor(x)      dx = 0
struct Floor {
  static constexpr OpInfo info{.name = "floor",
                               .elementwise = true,
                               .formula = "z = floor(x)",
                               .derivatives = {"0"},
                               .kinks = "0 at the jumps, the whole numbers"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return is_floating(x.dtype()) ? map(x, Unary::floor, "floor") : x; }
  void backward(GradContext& c, const Tensor&) const {
    c.send(0, [&] { return flat_slope(c.input(0)); });
  }
};

// z = ceil(x)      dx = 0
struct Ceil {
  static constexpr OpInfo info{.name = "ceil",
                               .elementwise = true,
                               .formula = "z = ceil(x)",
                               .derivatives = {"0"},
                               .kinks = "0 at the jumps, the whole numbers"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return is_floating(x.dtype()) ? map(x, Unary::ceil, "ceil") : x; }
  void backward(GradContext& c, const Tensor&) const {
    c.send(0, [&] { return flat_slope(c.input(0)); });
  }
};

// z = trunc(x)      dx = 0
struct Trunc {
  static constexpr OpInfo info{.name = "trunc",
                               .elementwise = true,
                               .formula = "z = trunc(x)",
                               .derivatives = {"0"},
                               .kinks = "0 at the jumps, the whole numbers"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return is_floating(x.dtype()) ? map(x, Unary::trunc, "trunc") : x; }
  void backward(GradContext& c, const Tensor&) const {
    c.send(0, [&] { return flat_slope(c.input(0)); });
  }
};

// z = round(x * 10^d) / 10^d      dx = 0
struct Round {
  static constexpr OpInfo info{.name = "round",
                               .elementwise = true,
                               .formula = "z = round(x, decimals)",
                               .derivatives = {"0"},
                               .kinks = "0 at the jumps; halves go to the even number"};
  static constexpr Uses uses[] = {kX};
  std::int64_t decimals;
  std::string attributes() const { return fmt::format("decimals={}", decimals); }
  Tensor forward(const Tensor& x) const {
    if (!is_floating(x.dtype())) return x;
    if (decimals == 0) return map(x, Unary::round, "round");
    const bool single = x.dtype() == DType::float32;
    const double largest = single ? 1e38 : 1e308;
    const double scale = std::min(std::pow(10.0, static_cast<double>(std::abs(decimals))), largest);
    if (decimals < 0) return mul(map(div(x, scale), Unary::round, "round"), scale);
    const Tensor scaled = mul(x, scale);
    // From here on every number is a multiple of 10^-d already, and rounding could only do harm.
    const double whole = std::ldexp(1.0, single ? 23 : 52);
    return where(abs(scaled) < whole, div(map(scaled, Unary::round, "round"), scale), x);
  }
  void backward(GradContext& c, const Tensor&) const {
    c.send(0, [&] { return flat_slope(c.input(0)); });
  }
};

// z = x - trunc(x)      dx = g
struct Frac {
  static constexpr OpInfo info{.name = "frac",
                               .elementwise = true,
                               .formula = "z = x - trunc(x)",
                               .derivatives = {"1"},
                               .kinks = "1 at the jumps, the whole numbers",
                               .flops = "2 * numel(z)"};
  Tensor forward(const Tensor& x) const { return map(x, Unary::frac, "frac"); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return g; });
  }
};

// z = sign(x)      dx = 0
struct Sign {
  static constexpr OpInfo info{.name = "sign",
                               .elementwise = true,
                               .formula = "z = sign(x)",
                               .derivatives = {"0"},
                               .kinks = "0 at the jump x = 0"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return map(x, Unary::sign, "sign"); }
  void backward(GradContext& c, const Tensor&) const {
    c.send(0, [&] { return flat_slope(c.input(0)); });
  }
};

// z = 1 where x > 0, else 0      dx = 0
struct Step {
  static constexpr OpInfo info{.name = "step",
                               .elementwise = true,
                               .formula = "z = 1 where x > 0, else 0",
                               .derivatives = {"0"},
                               .kinks = "0 at the jump x = 0"};
  static constexpr Uses uses[] = {kX};
  Tensor forward(const Tensor& x) const { return map(x, Unary::step, "step"); }
  void backward(GradContext& c, const Tensor&) const {
    c.send(0, [&] { return flat_slope(c.input(0)); });
  }
};

}  // namespace

Tensor floor(const Operand& x) { return record_one(Floor{}, x); }
Tensor ceil(const Operand& x) { return record_one(Ceil{}, x); }
Tensor trunc(const Operand& x) { return record_one(Trunc{}, x); }
Tensor round(const Operand& x, std::int64_t decimals) {
  return decimals < 0 ? record_floating(Round{decimals}, x) : record_one(Round{decimals}, x);
}
Tensor frac(const Operand& x) { return record_floating(Frac{}, x); }
Tensor sign(const Operand& x) {
  if (!x.is_number() && is_mask(x)) return x.tensor();
  return record_one(Sign{}, x);
}
Tensor step(const Operand& x) {
  const CalledFrom caller(x.where());
  if (!x.is_number() && is_mask(x)) return x.tensor();
  return is_whole(x) ? to(x > 0, DType::int64) : record_floating(Step{}, x);
}

Tensor flat_slope(const Tensor& x) {
  const NoGrad never_recorded;
  return map(x, Unary::flat, "flat_slope");
}

Family rounding_family() {
  static constexpr const OpInfo* ops[] = {&Floor::info, &Ceil::info, &Trunc::info, &Round::info,
                                          &Frac::info,  &Sign::info, &Step::info};
  static const Function functions[] = {
      {"floor", "input", [](const Arguments& a) -> Value { return floor(a.operand(0)); }, "floor(x)", "x=[0.5,-1.5]"},
      {"ceil", "input", [](const Arguments& a) -> Value { return ceil(a.operand(0)); }, "ceil(x)", "x=[0.5,-1.5]"},
      {"trunc", "input", [](const Arguments& a) -> Value { return trunc(a.operand(0)); }, "trunc(x)", "x=[0.5,-1.5]"},
      {"round", "input, decimals=0", [](const Arguments& a) -> Value { return round(a.operand(0), a.integer(1)); },
       "round(x, decimals=1)", "x=[0.52,-1.58]"},
      {"frac", "input", [](const Arguments& a) -> Value { return frac(a.operand(0)); }, "frac(x)", "x=[0.5,-1.5]"},
      {"sign", "input", [](const Arguments& a) -> Value { return sign(a.operand(0)); }, "sign(x)", "x=[0.5,-1.5]"},
      {"step", "input", [](const Arguments& a) -> Value { return step(a.operand(0)); }, "step(x)", "x=[0.5,-1.5]"},
  };
  return {ops, functions};
}

}  // namespace chainrule
