// Inner header: for our own sources, not installed.
// Loops over sliding windows of images: unfold and fold, convolution with its two gradients. Pooling is in pool.h.
// Images are logically (N, C, H, W) with strides of the caller's choice, so dense and channels-last both pass.
// float32 convolutions go through oneDNN where built in (conv_onednn.cpp), all else through unfold and matrix products.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/types/dtype.h"

namespace chainrule::kernels {

/// Elements from one index to the next along N, C, H, W.
using ImageStrides = std::array<std::int64_t, 4>;

constexpr ImageStrides dense_strides(std::int64_t c, std::int64_t h, std::int64_t w) {
  return {c * h * w, h * w, w, 1};
}
constexpr ImageStrides channels_last_strides(std::int64_t c, std::int64_t h, std::int64_t w) {
  return {h * w * c, 1, w * c, c};
}

/// One axis of a window: `size` taps, `dilation` apart, moved by `stride`, over an axis padded by `padding` on both
/// sides.
struct WindowAxis {
  std::int64_t size = 1;
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t dilation = 1;
  bool ceil =
      false;  ///< a last window that begins inside (not in the right padding) may hang over the end; pooling only

  /// How many positions fit on an axis of `length`, 0 when none does.
  constexpr std::int64_t positions(std::int64_t length) const {
    const std::int64_t room = length + 2 * padding - dilation * (size - 1) - 1 + (ceil ? stride - 1 : 0);
    if (room < 0) return 0;
    const std::int64_t count = room / stride + 1;
    return ceil && (count - 1) * stride >= length + padding ? count - 1 : count;
  }
};

/// A batch of images and the window that moves over them. Sizes may be 0; the caller has checked the rest.
struct Windows {
  std::int64_t n = 1;
  std::int64_t c = 1;
  std::int64_t h = 1;
  std::int64_t w = 1;
  WindowAxis y{};
  WindowAxis x{};

  constexpr std::int64_t out_h() const { return y.positions(h); }
  constexpr std::int64_t out_w() const { return x.positions(w); }
};

/// columns (N, C * taps, out_h * out_w) from images; padding reads as 0. Any dtype of 4 or 8 bytes.
void im2col(DType d, const Windows& s, const void* x, const ImageStrides& x_strides, void* columns);
/// The adjoint: each image element is the sum of the column entries that came from it. Overwrites x. Not for bool.
void col2im(DType d, const Windows& s, const void* columns, void* x, const ImageStrides& x_strides);

/// A convolution (cross-correlation): `out_channels` filters in `groups`, weight dense (out_channels, c / groups,
/// y.size, x.size).
struct Convolution {
  Windows windows;
  std::int64_t out_channels = 1;
  std::int64_t groups = 1;
};

// Floating types. z and g are (n, out_channels, out_h, out_w). Results are overwritten.

/// `bias` holds out_channels values or is null.
void conv2d(DType d, const Convolution& s, const void* x, const ImageStrides& x_strides, const void* weight,
            const void* bias, void* z, const ImageStrides& z_strides);
void conv2d_input_grad(DType d, const Convolution& s, const void* g, const ImageStrides& g_strides, const void* weight,
                       void* dx, const ImageStrides& dx_strides);
void conv2d_weight_grad(DType d, const Convolution& s, const void* x, const ImageStrides& x_strides, const void* g,
                        const ImageStrides& g_strides, void* dweight);

/// Which ways float32 convolutions may take, for all threads; both by default. `winograd` counts only with `onednn`.
void set_conv_ways(bool onednn, bool winograd);

/// The portable path of the three above, for every floating type: what oneDNN is tested against.
namespace reference {
void conv2d(DType d, const Convolution& s, const void* x, const ImageStrides& x_strides, const void* weight,
            const void* bias, void* z, const ImageStrides& z_strides);
void conv2d_input_grad(DType d, const Convolution& s, const void* g, const ImageStrides& g_strides, const void* weight,
                       void* dx, const ImageStrides& dx_strides);
void conv2d_weight_grad(DType d, const Convolution& s, const void* x, const ImageStrides& x_strides, const void* g,
                        const ImageStrides& g_strides, void* dweight);
}  // namespace reference

/// Prepared oneDNN convolutions kept for reuse, at most a fixed number; 0 without oneDNN.
std::size_t conv_cache_size();
void clear_conv_cache();

}  // namespace chainrule::kernels
