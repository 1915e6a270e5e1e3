// What the tests of operations say often; kInf and kNan are those of ops/rules.h.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "ops/rules.h"

namespace chainrule::testing {

using Numbers = std::vector<double>;

/// A leaf with these elements.
inline Tensor numbers(const Numbers& v, const Shape& shape, DType dtype = DType::float64, bool trainable = true) {
  return from_vector(v, shape, {.dtype = dtype, .requires_grad = trainable});
}
/// The same with one axis.
inline Tensor numbers(const Numbers& v) { return numbers(v, {static_cast<std::int64_t>(v.size())}); }
/// A trainable float64 scalar.
inline Tensor number(double v) { return numbers({v}, {}); }

/// 0, 1, 2, ... in row-major order.
inline Tensor counting(const Shape& shape) { return reshape(arange(0., static_cast<double>(numel(shape))), shape); }
inline Tensor integers(const std::vector<std::int64_t>& values) {
  return from_vector<std::int64_t>(values, {static_cast<std::int64_t>(values.size())});
}
inline bool shares_memory(const Tensor& a, const Tensor& b) { return a.impl().storage.get() == b.impl().storage.get(); }

/// The sum of the products of two tensors of one shape.
inline double inner(const Tensor& a, const Tensor& b) {
  const Numbers x = a.to_vector(), y = b.to_vector();
  double total = 0;
  for (std::size_t i = 0; i < x.size(); ++i) total += x[i] * y[i];
  return total;
}

/// dz/dx for the cotangent g. The graph stays whole.
inline Numbers slopes(const Tensor& z, const Tensor& x, const Numbers& g) {
  const Tensor c = from_vector(g, z.shape(), {.dtype = z.dtype()});
  return grad(std::vector{z}, std::vector{x}, {.retain_graph = true, .cotangents = {c}})[0].to_vector();
}

/// The same for a cotangent of ones.
inline Numbers slopes(const Tensor& z, const Tensor& x) {
  return slopes(z, x, Numbers(static_cast<std::size_t>(z.numel()), 1.0));
}

/// What the error says.
template <class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

inline void check_close(const Numbers& got, const Numbers& wanted, double epsilon = 1e-12) {
  REQUIRE(got.size() == wanted.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == doctest::Approx(wanted[i]).epsilon(epsilon));
}

}  // namespace chainrule::testing
