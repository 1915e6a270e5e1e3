// Joining, cutting, turning and repeating: results in another arrangement. Padding is in padding.h.
#pragma once

#include <initializer_list>
#include <span>
#include <vector>

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

/// The tensors behind each other along an axis, in their common dtype. Other sizes must agree (ShapeError).
Tensor cat(std::span<const Tensor> tensors, std::int64_t dim = 0, SourceLocation where = SourceLocation::current());
Tensor cat(std::initializer_list<Tensor> tensors, std::int64_t dim = 0,
           SourceLocation where = SourceLocation::current());
/// The same for tensors of one shape along a new axis.
Tensor stack(std::span<const Tensor> tensors, std::int64_t dim = 0, SourceLocation where = SourceLocation::current());
Tensor stack(std::initializer_list<Tensor> tensors, std::int64_t dim = 0,
             SourceLocation where = SourceLocation::current());

/// Pieces of `size` along an axis, the last one shorter when they do not fit. Views.
[[nodiscard]] std::vector<Tensor> split(const Operand& x, std::int64_t size, std::int64_t dim = 0);
/// Pieces of these sizes, which must add up to the axis (ShapeError).
[[nodiscard]] std::vector<Tensor> split(const Operand& x, const std::vector<std::int64_t>& sizes, std::int64_t dim = 0);
/// At most `chunks` pieces of one size, the last one shorter.
[[nodiscard]] std::vector<Tensor> chunk(const Operand& x, std::int64_t chunks, std::int64_t dim = 0);

/// The same values in a buffer of their own, with x's history: a gradient goes through. clone(x.detach()) has none.
Tensor clone(const Operand& x);
/// The order along these axes reversed. A view with negative strides.
Tensor flip(const Operand& x, const Axes& dims);
/// Element i moves to i + shift along its axis, around the end; without `dims` in row-major order.
Tensor roll(const Operand& x, const Integers& shifts, const Axes& dims = {});
/// x beside itself, as often as told for each axis; more numbers than axes make new leading axes.
Tensor repeat(const Operand& x, const Integers& repeats);
/// The same; fewer numbers than axes leave the leading axes as they are.
Tensor tile(const Operand& x, const Integers& dims);

}  // namespace chainrule
