// The oracle of the generated tests: random inputs for a row, comparison with plain numbers, and derivatives by central
// differences. It calls operations from outside only and has nothing in common with the library's own gradient check.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tests/ops/cases/cases.h"
#include "tests/sanitized.h"

namespace chainrule::cases {

using testing::sanitized;

/// Random numbers as the row wants them; the same seed gives the same numbers. Rounded to float32, so that both
/// floating types start from the same values.
Array random_values(const Input& input, std::uint64_t seed);
/// A leaf of those numbers.
Tensor leaf(const Array& values, DType dtype, bool trainable = true);
std::vector<Array> random_inputs(const Case& c, std::uint64_t seed);
std::vector<Tensor> leaves(const std::vector<Array>& values, DType dtype);
Array to_array(const Tensor& t);

/// "" when shape and numbers agree (NaN with NaN), else what differs most. The tolerance is relative to the largest
/// finite wanted number, at least 1.
std::string difference(const Tensor& got, const Array& wanted, double tolerance);

/// Gradients of sum(f(x) * cotangent), zeros for inputs that f does not use.
std::vector<Tensor> gradients(const Tensor& z, const std::vector<Tensor>& x, const Tensor& cotangent,
                              bool create_graph = false);

using TensorFunction = std::function<Tensor(const std::vector<Tensor>&)>;
/// Compares the gradient of f (float64, any shape of result, weighed by a random cotangent) with central differences
/// improved by Richardson's step. Inputs of many elements are checked at random ones and along one random direction.
/// "" or a description of the worst element.
std::string check_gradient(const TensorFunction& f, const std::vector<Array>& at, std::uint64_t seed,
                           double tolerance = 1e-7);
/// The same for x, g -> gradients of f at x for cotangent g, weighed at random: second derivatives by every input and
/// by the cotangent. Of an input with more than `elements` as many are checked, and the random direction.
std::string check_second(const TensorFunction& f, const std::vector<Array>& at, std::uint64_t seed,
                         double tolerance = 1e-7, std::size_t elements = 24);

}  // namespace chainrule::cases
