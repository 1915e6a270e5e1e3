// What the tests of operations say often.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/types/error.h"

namespace chainrule::testing {

using Numbers = std::vector<double>;

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
