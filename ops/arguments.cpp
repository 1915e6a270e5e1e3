// Argument checks shared by the families; each happens before any arithmetic that could overflow.
#include "ops/arguments.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <numeric>

#include "engine/types/error.h"
#include "ops/launch.h"

namespace chainrule {

void throw_empty_argument(const char* who, std::string_view name) {
  throw EmptyHandleError(fmt::format("{}: {} is an empty tensor handle (made by default or moved from)", who, name));
}

const Operand& tensor_or_number(const Operand& x, const char* who, const char* name) {
  if (!x.is_number() && !x.tensor().defined()) throw_empty_argument(who, name);
  return x;
}

Tensor tensor_argument(const Operand& x, const char* who, const char* name) {
  return tensor_or_number(x, who, name).is_number() ? x.to_tensor() : x.tensor();
}

void expect_numbers(const Tensor& x, const char* who) {
  if (x.dtype() == DType::boolean)
    throw ValueError(fmt::format("{}: not defined for bool; convert to a number type first", who));
}

void expect_floating(const Tensor& x, const char* who, const char* letter) {
  if (!is_floating(x.dtype()))
    throw ValueError(
        fmt::format("{}: {} holds {}; convert it to a floating type first", who, letter, name_of(x.dtype())));
}

Strides strides_in_order_of(const Tensor& x, const Shape& shape) {
  if (x.shape().size() != shape.size() || x.is_contiguous() || !is_dense(x.shape(), x.strides()))
    return contiguous_strides(shape);
  std::array<int, kMaxRank> order{};
  const auto end = order.begin() + shape.rank();
  std::iota(order.begin(), end, 0);
  sort_axes(order.begin(), end, [&](int a, int b) { return x.strides()[a] > x.strides()[b]; });
  Strides strides = Strides::filled(shape.size(), 0);
  std::int64_t step = 1;
  for (auto axis = end; axis != order.begin();) {
    strides[*--axis] = step;
    step *= std::max<std::int64_t>(shape[*axis], 1);
  }
  return strides;
}

bool is_channels_last(const Tensor& x) {
  if (x.dim() != 4 || x.numel() == 0) return false;
  const auto wanted = kernels::channels_last_strides(x.shape()[1], x.shape()[2], x.shape()[3]);
  for (std::size_t i = 0; i < 4; ++i)
    if (x.shape()[i] != 1 && x.strides()[i] != wanted[i]) return false;
  return true;
}

Tensor empty_images(const Shape& shape, DType dtype, bool channels_last) {
  if (!channels_last || numel(shape) == 0) return empty(shape, dtype);
  const auto s = kernels::channels_last_strides(shape[1], shape[2], shape[3]);
  return empty_strided(shape, Strides(s.begin(), s.end()), dtype);
}

Tensor image_values(const Tensor& x) { return is_channels_last(x) ? x : dense(x); }

kernels::ImageStrides image_strides(const Tensor& x) {
  // An axis of one element may carry any stride; the kernels are told the dense one.
  const auto& n = x.shape();
  const bool row_major = x.is_contiguous();
  return row_major ? kernels::dense_strides(n[1], n[2], n[3]) : kernels::channels_last_strides(n[1], n[2], n[3]);
}

std::string to_string(Size2 size) {
  return size.h == size.w ? fmt::format("{}", size.h) : fmt::format("({}, {})", size.h, size.w);
}

kernels::Windows check_windows(const char* who, const Shape& x, Size2 kernel, Size2 stride, Size2 padding,
                               Size2 dilation, bool ceil_mode) {
  if (x.rank() != 4)
    throw ShapeError(fmt::format("{}: images have 4 axes (N, C, H, W), x has shape {}", who, to_string(x)));
  constexpr std::int64_t kLimit = (std::int64_t{1} << 31) - 1;  // keeps every product below from overflowing
  auto expect = [&](const char* what, Size2 size, std::int64_t least) {
    if (std::min(size.h, size.w) < least || std::max(size.h, size.w) > kLimit)
      throw ValueError(
          fmt::format("{}: {} is {}, it must be from {} to {}", who, what, to_string(size), least, kLimit));
  };
  expect("kernel size", kernel, 1);
  expect("stride", stride, 1);
  expect("padding", padding, 0);
  expect("dilation", dilation, 1);
  const kernels::Windows s{.n = x[0],
                           .c = x[1],
                           .h = x[2],
                           .w = x[3],
                           .y = {kernel.h, stride.h, padding.h, dilation.h, ceil_mode},
                           .x = {kernel.w, stride.w, padding.w, dilation.w, ceil_mode}};
  auto fits = [&](const char* axis, std::int64_t length, const kernels::WindowAxis& a) {
    if (a.positions(length) > 0) return;
    const std::int64_t span = a.dilation * (a.size - 1) + 1;
    const std::string spread = a.dilation > 1 ? fmt::format(" ({} taps, dilation {})", a.size, a.dilation) : "";
    throw ShapeError(
        fmt::format("{}: the kernel spans {}{} along the {}, the padded input has {} ({} + 2 * {}); "
                    "x has shape {}",
                    who, span, spread, axis, length + 2 * a.padding, length, a.padding, to_string(x)));
  };
  fits("height", s.h, s.y);
  fits("width", s.w, s.x);
  return s;
}

void check_columns(const char* who, const kernels::Windows& s, DType dtype) {
  const Shape columns{s.c, s.y.size, s.x.size, s.out_h(), s.out_w()};
  try {
    check_shape(columns, item_size(dtype), who);
  } catch (const ShapeError&) {
    throw ShapeError(
        fmt::format("{}: unfolding ({}, {}, {}, {}) with kernel ({}, {}) gives windows of {} elements, "
                    "too many to address",
                    who, s.n, s.c, s.h, s.w, s.y.size, s.x.size, to_string(columns)));
  }
}

}  // namespace chainrule
