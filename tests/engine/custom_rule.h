// An operation whose forward and backward are given as functions: for tests that need wrong rules, counted rules, or
// rules that throw. Not a model for real operations, which are structs of their own.
#pragma once

#include <cstdlib>
#include <functional>
#include <string>

#include "engine/record.h"
#include "ops/ops.h"
#include "tests/sanitized.h"
#include "tests/text.h"

namespace chainrule::testing {

struct Rule1 {
  std::function<Tensor(const Tensor& x)> forward;
  std::function<Tensor(const Tensor& g, const Tensor& x, const Tensor& z)> dx;
};

struct Custom1 {
  static constexpr OpInfo info{.name = "custom1"};
  static constexpr Uses uses[] = {kX | kOutput};
  Rule1 rule;
  Tensor forward(const Tensor& x) const { return rule.forward(x); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] { return rule.dx(g, c.input(0), c.output()); });
  }
};
inline Tensor apply(const Rule1& rule, const Tensor& x) { return record(Custom1{rule}, x, SourceLocation{}); }

struct Rule2 {
  std::function<Tensor(const Tensor& x, const Tensor& y)> forward;
  std::function<Tensor(const Tensor&g, const Tensor&x, const Tensor&y)> dx, dy;
};

struct Custom2 {
  static constexpr OpInfo info{.name = "custom2", .inputs = "x y"};
  static constexpr Uses uses[] = {kX | kY, kX | kY};
  Rule2 rule;
  Tensor forward(const Tensor& x, const Tensor& y) const { return rule.forward(x, y); }
  void backward(GradContext& c, const Tensor& g) const {
    const Tensor x = c.input(0), y = c.input(1);
    c.send(0, [&] { return rule.dx(g, x, y); });
    c.send(1, [&] { return rule.dy(g, x, y); });
  }
};
inline Tensor apply(const Rule2& rule, const Tensor& x, const Tensor& y) {
  return record(Custom2{rule}, x, y, SourceLocation{});
}

/// The message of the E that f throws; "nothing thrown" or "another type: ..." otherwise.
template <class E, class F>
std::string message_of(F&& f) {
  try {
    f();
  } catch (const E& e) {
    return e.what();
  } catch (const std::exception& e) {
    return std::string("another type: ") + e.what();
  }
  return "nothing thrown";
}

}  // namespace chainrule::testing
