// Functions of one number at a time, choices between two, comparisons. Elementwise, broadcasting; integers are
// computed as floating numbers where the function is one of real numbers. Values and derivatives at 0, infinity and NaN
// are in README.md. Arithmetic is in arithmetic.h.
#pragma once

#include <limits>
#include <string>

#include "engine/operand.h"

namespace chainrule {

// --- exponentials, logarithms and what is integrated from them (exponentials.cpp) ---

Tensor exp(const Operand& x);
Tensor expm1(const Operand& x);  ///< exp(x) - 1 without cancellation near 0
Tensor exp2(const Operand& x);
Tensor log(const Operand& x);
Tensor log1p(const Operand& x);  ///< log(1 + x) without cancellation near 0
Tensor log2(const Operand& x);
Tensor log10(const Operand& x);
Tensor erf(const Operand& x);
Tensor erfc(const Operand& x);     ///< 1 - erf(x) without cancellation for large x
Tensor lgamma(const Operand& x);   ///< log |Gamma(x)|
Tensor digamma(const Operand& x);  ///< derivative of lgamma
/// The derivative of order n of digamma. Throws ValueError for n below 0.
Tensor polygamma(std::int64_t n, const Operand& x);

// --- circular and hyperbolic functions (trigonometry.cpp) ---

Tensor sin(const Operand& x);
Tensor cos(const Operand& x);
Tensor tan(const Operand& x);
Tensor asin(const Operand& x);
Tensor acos(const Operand& x);
Tensor atan(const Operand& x);
Tensor sinh(const Operand& x);
Tensor cosh(const Operand& x);
Tensor tanh(const Operand& x);
Tensor asinh(const Operand& x);
Tensor acosh(const Operand& x);
Tensor atanh(const Operand& x);

// --- steps (rounding.cpp): derivative 0 everywhere, 1 for frac; whole numbers stay integers ---

Tensor floor(const Operand& x);
Tensor ceil(const Operand& x);
/// To the nearest multiple of 10^-decimals, halves to the even one.
Tensor round(const Operand& x, std::int64_t decimals = 0);
Tensor trunc(const Operand& x);  ///< toward 0
Tensor frac(const Operand& x);   ///< x - trunc(x)
Tensor sign(const Operand& x);
Tensor step(const Operand& x);  ///< 1 where x > 0, else 0

// --- activations (activations.cpp); at a kink the derivative is the one of PyTorch ---

Tensor sigmoid(const Operand& x);
Tensor logsigmoid(const Operand& x);                                ///< log(sigmoid(x)), finite for every finite x
Tensor relu(const Operand& x);                                      ///< derivative 0 at 0
Tensor relu6(const Operand& x);                                     ///< min(max(x, 0), 6); derivative 0 at 0 and at 6
Tensor leaky_relu(const Operand& x, double negative_slope = 0.01);  ///< derivative negative_slope at 0
Tensor elu(const Operand& x, double alpha = 1);                     ///< derivative alpha at 0
Tensor selu(const Operand& x);  ///< Klambauer et al., "Self-Normalizing Neural Networks" (2017)
/// Barron, "Continuously Differentiable Exponential Linear Units" (2017). Throws ValueError for alpha = 0.
Tensor celu(const Operand& x, double alpha = 1);
/// x Phi(x), Phi the normal distribution function; "tanh" is its approximation by Hendrycks and Gimpel (2016). Throws
/// ValueError for another mode.
Tensor gelu(const Operand& x, const std::string& approximate = "none");
Tensor silu(const Operand& x);  ///< x sigmoid(x)
Tensor mish(const Operand& x);  ///< x tanh(softplus(x)), Misra (2019)
/// log(1 + exp(beta x)) / beta, and x itself where beta x > threshold. Throws ValueError for beta = 0.
Tensor softplus(const Operand& x, double beta = 1, double threshold = 20);
Tensor softsign(const Operand& x);  ///< x / (1 + |x|)
/// min(max(x, min_val), max_val); derivative 0 at both bounds. Throws ValueError unless min_val < max_val.
Tensor hardtanh(const Operand& x, double min_val = -1, double max_val = 1);
Tensor hardsigmoid(const Operand& x);  ///< relu6(x + 3) / 6; derivative 0 at -3 and at 3
Tensor hardswish(const Operand& x);    ///< x hardsigmoid(x); derivative -1/2 at -3 and 3/2 at 3
/// x where x > threshold, else value; derivative 0 at the threshold.
Tensor threshold(const Operand& x, double threshold, double value);

// --- functions of two and three operands (pairs.cpp) ---

Tensor maximum(const Operand& x, const Operand& y);  ///< half of the gradient to each where x = y
Tensor minimum(const Operand& x, const Operand& y);
Tensor atan2(const Operand& y, const Operand& x);  ///< the angle of the point (x, y); no derivative at the origin: NaN
Tensor hypot(const Operand& x, const Operand& y);  ///< sqrt(x^2 + y^2); no derivative at the origin: NaN
/// What is left of dividing x by y: fmod has the sign of x, remainder that of y (as % in Python). Throws ValueError for
/// an integer by 0.
Tensor fmod(const Operand& x, const Operand& y);
Tensor remainder(const Operand& x, const Operand& y);
Tensor logaddexp(const Operand& x, const Operand& y);  ///< log(exp(x) + exp(y)) without overflow
Tensor xlogy(const Operand& x, const Operand& y);      ///< x log(y), and 0 where x = 0
/// start + weight (end - start)
Tensor lerp(const Operand& start, const Operand& end, const Operand& weight);

// --- choices and conversions (pointwise.cpp) ---

Tensor abs(const Operand& x);  ///< derivative 0 at 0
/// min(max(x, min), max); derivative 1 at both bounds. Throws ValueError unless min <= max.
Tensor clamp(const Operand& x, double min = -std::numeric_limits<double>::infinity(),
             double max = std::numeric_limits<double>::infinity());
/// The same with bounds that broadcast and may be trained; an empty handle is no bound.
Tensor clamp(const Operand& x, const Tensor& min, const Tensor& max);
/// condition ? x : y, all three broadcasting. The side that is not chosen gets gradient 0, also where it is not finite.
Tensor where(const Tensor& condition, const Operand& x, const Operand& y);
/// The same values in another dtype. A gradient comes back in the dtype of x.
Tensor to(const Operand& x, DType dtype);

// Comparisons give bool masks and are never recorded.
Tensor eq(const Operand& x, const Operand& y);
Tensor ne(const Operand& x, const Operand& y);
Tensor lt(const Operand& x, const Operand& y);
Tensor le(const Operand& x, const Operand& y);
Tensor gt(const Operand& x, const Operand& y);
Tensor ge(const Operand& x, const Operand& y);
inline Tensor operator<(const Operand& x, const Operand& y) { return lt(x, y); }
inline Tensor operator<=(const Operand& x, const Operand& y) { return le(x, y); }
inline Tensor operator>(const Operand& x, const Operand& y) { return gt(x, y); }
inline Tensor operator>=(const Operand& x, const Operand& y) { return ge(x, y); }

}  // namespace chainrule
