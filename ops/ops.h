// Every operation, by family. Names, arguments and defaults follow torch and torch.nn.functional. Operands are tensors
// or plain numbers; a number takes the dtype of the tensor beside it. Shapes that do not fit throw ShapeError,
// arguments out of range ValueError. How each is differentiated stands beside its forward in the family's file; edge
// values and kinks are in ops/README.md.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <vector>

#include "engine/backward.h"
#include "engine/operand.h"

namespace chainrule {

/// The axes of a reduction; none means all. Negative axes count from the end.
using Axes = std::vector<std::int64_t>;

// --- arithmetic (arithmetic.cpp): elementwise, broadcasting ---

Tensor add(const Operand& x, const Operand& y);
Tensor sub(const Operand& x, const Operand& y);
Tensor mul(const Operand& x, const Operand& y);
Tensor div(const Operand& x, const Operand& y);  ///< integers are divided as floating numbers
Tensor neg(const Operand& x);
Tensor pow(const Operand& x, const Operand& y);
Tensor square(const Operand& x);
Tensor sqrt(const Operand& x);

inline Tensor operator+(const Operand& x, const Operand& y) { return add(x, y); }
inline Tensor operator-(const Operand& x, const Operand& y) { return sub(x, y); }
inline Tensor operator*(const Operand& x, const Operand& y) { return mul(x, y); }
inline Tensor operator/(const Operand& x, const Operand& y) { return div(x, y); }
inline Tensor operator-(const Operand& x) { return neg(x); }
// A compound assignment computes a new value and binds the handle to it; the old value and its graph are untouched.
inline Tensor& operator+=(Tensor& x, const Operand& y) { return x = add(x, y); }
inline Tensor& operator-=(Tensor& x, const Operand& y) { return x = sub(x, y); }
inline Tensor& operator*=(Tensor& x, const Operand& y) { return x = mul(x, y); }
inline Tensor& operator/=(Tensor& x, const Operand& y) { return x = div(x, y); }

// --- pointwise functions (pointwise.cpp) ---

Tensor exp(const Operand& x);
Tensor log(const Operand& x);
Tensor tanh(const Operand& x);
Tensor sigmoid(const Operand& x);
Tensor relu(const Operand& x);
Tensor abs(const Operand& x);
Tensor sign(const Operand& x);  ///< derivative 0
Tensor step(const Operand& x);  ///< 1 where x > 0, else 0; derivative 0
Tensor maximum(const Operand& x, const Operand& y);
Tensor minimum(const Operand& x, const Operand& y);
Tensor clamp(const Operand& x, double min = -std::numeric_limits<double>::infinity(),
             double max = std::numeric_limits<double>::infinity());
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

// --- reductions (reductions.cpp) and softmax (softmax.cpp) ---

Tensor sum(const Operand& x, const Axes& dim = {}, bool keepdim = false);
Tensor mean(const Operand& x, const Axes& dim = {}, bool keepdim = false);
/// Largest value; ties share the gradient evenly.
Tensor amax(const Operand& x, const Axes& dim = {}, bool keepdim = false);
Tensor logsumexp(const Operand& x, const Axes& dim = {}, bool keepdim = false);
Tensor softmax(const Operand& x, std::int64_t dim = -1);
Tensor log_softmax(const Operand& x, std::int64_t dim = -1);
/// Position of the largest value along an axis, the first among equals, as int64. No derivative.
Tensor argmax(const Tensor& x, std::int64_t dim = -1, bool keepdim = false);

// --- products (products.cpp) ---

/// NumPy's matmul: vectors, matrices, and batches of matrices that broadcast.
Tensor matmul(const Operand& x, const Operand& y);
/// x @ weight^T + bias, weight (out, in), bias (out) or empty, x (..., in).
Tensor linear(const Operand& x, const Operand& weight, const std::optional<Tensor>& bias = {});

// --- shape (shape_ops.cpp) and indexing (indexing.cpp) ---

Tensor reshape(const Operand& x, const Shape& shape);  ///< one size may be -1
/// Joins the axes start_dim .. end_dim.
Tensor flatten(const Operand& x, std::int64_t start_dim = 0, std::int64_t end_dim = -1);
Tensor transpose(const Operand& x, std::int64_t dim0 = -2, std::int64_t dim1 = -1);
Tensor permute(const Operand& x, const Axes& dims);
Tensor expand(const Operand& x, const Shape& shape);  ///< -1 keeps a size
/// start, start + step, ... below end along one axis, as x[start:end:step] in NumPy; steps may be negative.
Tensor slice(const Operand& x, std::int64_t dim, std::optional<std::int64_t> start = {},
             std::optional<std::int64_t> end = {}, std::int64_t step = 1);
Tensor cat(std::span<const Tensor> tensors, std::int64_t dim = 0, SourceLocation where = SourceLocation::current());
Tensor cat(std::initializer_list<Tensor> tensors, std::int64_t dim = 0,
           SourceLocation where = SourceLocation::current());
/// x's slices at `index` (int64, one axis) along an axis.
Tensor index_select(const Operand& x, std::int64_t dim, const Tensor& index);
/// z[.., j, ..] = x[.., index[.., j, ..], ..] along an axis; sizes of the other axes as in index, at most x's.
Tensor gather(const Operand& x, std::int64_t dim, const Tensor& index);

// --- windows (windows.cpp, conv.cpp) ---

/// One size for both image axes, or (height, width).
struct Size2 {
  std::int64_t h, w;
  constexpr Size2(std::int64_t both) : h(both), w(both) {}
  constexpr Size2(std::int64_t height, std::int64_t width) : h(height), w(width) {}
  bool operator==(const Size2&) const = default;
};
struct WindowOptions {
  Size2 stride = 1, padding = 0, dilation = 1;
};
/// (N, C, H, W) to (N, C * kernel_h * kernel_w, windows): im2col.
Tensor unfold(const Operand& x, Size2 kernel_size, const WindowOptions& options = {});
/// The adjoint: windows added back into images of output_size: col2im.
Tensor fold(const Operand& x, Size2 output_size, Size2 kernel_size, const WindowOptions& options = {});
struct ConvOptions {
  Size2 stride = 1, padding = 0, dilation = 1;
  std::int64_t groups = 1;
};
/// x (N, C, H, W), weight (O, C / groups, kernel_h, kernel_w), bias (O) or none.
Tensor conv2d(const Operand& x, const Operand& weight, const std::optional<Tensor>& bias = {},
              const ConvOptions& options = {});
struct PoolOptions {
  std::optional<Size2> stride{};  ///< default: the kernel size
  Size2 padding = 0, dilation = 1;
};
/// Ties: the first in reading order gets the gradient.
Tensor max_pool2d(const Operand& x, Size2 kernel_size, const PoolOptions& options = {});

// --- losses (losses.cpp) ---

enum class Reduction : std::uint8_t { none, mean, sum };
Tensor mse_loss(const Operand& x, const Operand& target, Reduction reduction = Reduction::mean);
/// x (N, classes) or (N, classes, ...); target int64 class indices (N, ...) or probabilities of x's shape.
Tensor cross_entropy(const Operand& x, const Tensor& target, Reduction reduction = Reduction::mean);

}  // namespace chainrule
