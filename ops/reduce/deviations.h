// How far numbers are from their mean and from 0: variance, standard deviation, norms. No axes in `dim` mean all;
// negative axes count from the end. Axes that do not exist or come twice throw ShapeError.
#pragma once

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

/// Squared distance from the mean, summed and divided by max(n - correction, 0): NaN for one number and correction 1.
Tensor var(const Operand& x, const Axes& dim = {}, std::int64_t correction = 1, bool keepdim = false);
/// True is a correction of 1 in torch and keepdim in mean(x, axes, True), so it says neither here.
template <std::same_as<bool> B>
Tensor var(const Operand&, const Axes&, B, bool keep = false) = delete;  // var(x, axes, correction, keepdim)
template <std::same_as<bool> B>
Tensor std(const Operand&, const Axes&, B, bool keep = false) = delete;  // std(x, axes, correction, keepdim)
/// The root of var; its derivative at 0 is taken as 0. Say chainrule::std where the namespace is imported.
Tensor std(const Operand& x, const Axes& dim = {}, std::int64_t correction = 1, bool keepdim = false);
/// (sum |x|^p)^(1/p); p = 0 counts the numbers that are not 0, inf and -inf are the largest and smallest |x|. The
/// derivative at a vector of zeros is taken as 0.
Tensor norm(const Operand& x, double p = 2, const Axes& dim = {}, bool keepdim = false);

}  // namespace chainrule
