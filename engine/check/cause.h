// Inner header: for our own sources, not installed.
// What wrong numbers look like: the gradient that a rule gives beside the numerical one, told apart by their pattern.
// No graph here; which operation they belong to is found in diagnosis.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "engine/check/gradcheck.h"

namespace chainrule::internal {

/// A cause with its sentence: "it sends -1 times the right gradient".
struct Pattern {
  GradcheckCause cause = GradcheckCause::wrong_rule;
  double factor = 0;  // of constant_factor
  std::string text{};
};

/// Some elements of one gradient, by their row-major place.
struct ComparedElements {
  std::vector<std::int64_t> places;
  std::vector<double> analytic, numeric;
};

/// `input` is the shape that the elements belong to; `output` that of the operation's result, whose sizes may be the
/// forgotten factor.
Pattern pattern_of(const ComparedElements& elements, const Shape& input, const Shape& output);

/// True when the gradient differs from the numbers only as the operation documents in its `kinks`: "symmetric part",
/// the mean of the numbers at [i, j] and [j, i], whichever triangle is read; "no gradient by", one row of zeros.
bool fits_convention(std::string_view documented, const ComparedElements& elements, const Shape& input);

/// A gradient of the wrong shape: not summed over broadcast axes, transposed, or neither.
Pattern pattern_of_shape(const Shape& sent, const Shape& input, const Shape& output);

/// True when the first shape broadcasts to the second and is another one.
bool is_broadcast(const Shape& from, const Shape& to);

}  // namespace chainrule::internal
