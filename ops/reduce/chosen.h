// Inner header: for our own sources, not installed.
// The two rules of operations whose results are elements of their input: the element that was chosen gets the gradient,
// or all elements that are equal to the result share it. Each operation is a `Kind`: its OpInfo, and how it chooses.
// Library code only.
#pragma once

#include <fmt/format.h>

#include "ops/ops.h"
#include "ops/reduce/axes.h"
#include "ops/rules.h"

namespace chainrule {

/// z[.., j, ..] = x[.., i[.., j, ..], ..] with indices that are known to fit. Not recorded; in indexing.cpp.
Tensor picked_values(const Tensor& x, const Tensor& i, int dim);
/// The adjoint of gather: 0, then g added at i. Recorded.
Tensor gather_backward(const Tensor& g, const Tensor& i, int dim, const Shape& x);

// z = x[i]      dx = g at i, else 0
template <class Kind>
struct Chosen {
  static constexpr const OpInfo& info = Kind::info;
  static constexpr Uses uses[] = {kY, kNothing};
  int dim;
  bool keepdim = true;    // i has the axis always
  const char* note = "";  // how i was chosen, for the attributes
  std::int64_t k = -1;    // how many were chosen; -1: that goes without saying
  std::string attributes() const {
    return fmt::format("{}dim={}{}{}", k < 0 ? "" : fmt::format("k={}, ", k), dim, *note ? ", " : "", note);
  }
  Tensor forward(const Tensor& x, const Tensor& i) const {
    const Tensor z = picked_values(x, i, dim);
    return keepdim ? z : reshape(z, Over{1u << dim}.result(z.shape(), false));
  }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor i = c.input(1);
      return gather_backward(keepdim ? g : reshape(g, i.shape()), i, dim, c.shape(0));
    });
  }
};

// z = one of x      dx = g / n where x = z, else 0; n counts the x that are equal to z
template <class Kind>
struct Shared {
  static constexpr const OpInfo& info = Kind::info;
  static constexpr Uses uses[] = {kX | kOutput};
  Over o;
  std::string attributes() const { return o.text(); }
  Tensor forward(const Tensor& x) const { return Kind::choose(x, o); }
  void backward(GradContext& c, const Tensor& g) const {
    c.send(0, [&] {
      const Tensor x = c.input(0), z = with_axes(c.output(), o, x.shape());
      const Tensor equal = eq(x, z), n = to(sum(equal, o.axes(), true), x.dtype());
      // A result that is not equal to itself: the group holds a NaN.
      return where(equal, with_axes(g, o, x.shape()) / n, to(where(eq(z, z), 0, kNan), x.dtype()));
    });
  }
};

}  // namespace chainrule
