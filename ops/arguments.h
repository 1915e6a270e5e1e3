// Inner header: for our own sources, not installed.
// What the families share in checking their arguments: operands as tensors, window sizes, strides of images.
// The sentences of the errors are made here; the operations themselves are in the family files.
#pragma once

#include <string>
#include <string_view>

#include "engine/operand.h"
#include "engine/tensor.h"
#include "ops/kernels/images/window.h"
#include "ops/ops.h"

namespace chainrule {

[[noreturn]] void throw_empty_argument(const char* who, std::string_view name);
/// The operand as a tensor, numbers as a scalar of default dtype. Throws EmptyHandleError, which names the operation
/// and the argument, for an empty handle.
Tensor tensor_argument(const Operand& x, const char* who, const char* name = "x");
/// The operand itself; the same check.
const Operand& tensor_or_number(const Operand& x, const char* who, const char* name = "x");
/// Throws ValueError for bools.
void expect_numbers(const Tensor& x, const char* who);
/// Throws ValueError unless the element type is floating.
void expect_floating(const Tensor& x, const char* who, const char* letter);
/// Dense strides for `shape` in the axis order of x's memory; row-major when x has gaps or another rank.
Strides strides_in_order_of(const Tensor& x, const Shape& shape);
/// True for (N, C, H, W) images whose channels lie side by side.
bool is_channels_last(const Tensor& x);
/// A fresh (N, C, H, W) result.
Tensor empty_images(const Shape& shape, DType dtype, bool channels_last);
/// x itself when its memory is row-major or channels-last, else a row-major copy: what the window kernels take.
Tensor image_values(const Tensor& x);
kernels::ImageStrides image_strides(const Tensor& x);

/// Checks that x is (N, C, H, W) and the window's numbers, and that the window fits at least once. Throws ShapeError or
/// ValueError whose sentence names every size.
kernels::Windows check_windows(const char* who, const Shape& x, Size2 kernel, Size2 stride, Size2 padding,
                               Size2 dilation, bool ceil_mode = false);
/// Throws ShapeError when channels * taps * positions elements could not be addressed: the unfolded images.
void check_columns(const char* who, const kernels::Windows& s, DType dtype);

/// "2" or "(2, 1)".
std::string to_string(Size2 size);

}  // namespace chainrule
