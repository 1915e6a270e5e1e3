// Convolution and its gradients: the portable path, unfolded images times weights, and the choice between it and
// oneDNN.
#include <algorithm>
#include <atomic>
#include <cassert>
#include <type_traits>

#include "ops/kernels/by_dtype.h"
#include "ops/kernels/elementwise/elementwise.h"
#include "ops/kernels/images/conv_detail.h"
#include "ops/kernels/matrix/matmul.h"
#include "ops/kernels/parallel.h"
#include "ops/kernels/scratch.h"

namespace chainrule::kernels {
namespace reference {
namespace {

constexpr std::int64_t kMaxPieces = 8;  // of a batch, each with its own sum of weight gradients

/// The sizes of one group of one image as matrices: weight (filters, taps), columns (taps, positions).
struct Sizes {
  explicit Sizes(const Convolution& s)
      : image(s.windows), filters(s.out_channels / s.groups), positions(s.windows.out_h() * s.windows.out_w()) {
    image.n = 1;
    image.c = s.windows.c / s.groups;
    taps = image.c * image.y.size * image.x.size;
  }
  Windows image;
  std::int64_t filters, positions, taps = 0;

  Shape plane_shape() const { return {filters, image.out_h(), image.out_w()}; }
  Strides plane_strides() const { return {positions, image.out_w(), 1}; }
};

Strides plane_strides(const ImageStrides& s) { return {s[1], s[2], s[3]}; }

// One group of one image of z or g as a (filters, positions) matrix, in place where its positions lie evenly.
template <class T>
const T* as_matrix(const Sizes& size, const T* g, const ImageStrides& strides, MatrixStrides& out) {
  if (strides[2] == size.image.out_w() * strides[3] || size.image.out_h() <= 1) {
    out = {strides[1], strides[3]};
    return g;
  }
  T* dense = scratch<T>(Scratch::plane, size.filters * size.positions);
  copy_strided(dtype_of<T>(), g, plane_strides(strides), dense, size.plane_strides(), size.plane_shape());
  out = {size.positions, 1};
  return dense;
}

// How many images make a thread worth waking: about 2^16 multiplications.
std::int64_t images_per_thread(const Sizes& size, std::int64_t groups) {
  return 1 + (std::int64_t{1} << 16) / std::max<std::int64_t>(size.filters * size.taps * size.positions * groups, 1);
}

// Calls f(image, group) for all; threads share out images, or what f does inside when there are too few.
template <class F>
void each_image(const Convolution& s, const Sizes& size, F f) {
  parallel_for(s.windows.n, images_per_thread(size, s.groups), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t n = begin; n < end; ++n) {
      for (std::int64_t group = 0; group < s.groups; ++group) f(n, group);
    }
  });
}

template <class T>
void forward(const Convolution& s, const T* x, const ImageStrides& xs, const T* weight, const T* bias, T* z,
             const ImageStrides& zs) {
  const Sizes size(s);
  const DType d = dtype_of<T>();
  each_image(s, size, [&](std::int64_t n, std::int64_t group) {
    T* columns = scratch<T>(Scratch::columns, size.taps * size.positions);
    im2col(d, size.image, offset(x, n * xs[0] + group * size.image.c * xs[1]), xs, columns);
    T* out = offset(z, n * zs[0] + group * size.filters * zs[1]);
    const bool in_place = zs[3] == 1 && zs[2] == size.image.out_w();
    T* dense = in_place ? out : scratch<T>(Scratch::plane, size.filters * size.positions);
    const std::int64_t row = in_place ? zs[1] : size.positions;
    gemm(d, size.filters, size.positions, size.taps, weight + group * size.filters * size.taps, {size.taps, 1}, columns,
         {size.positions, 1}, dense, row);
    if (bias != nullptr) {
      for (std::int64_t f = 0; f < size.filters; ++f) {
        const T b = bias[group * size.filters + f];
        for (std::int64_t p = 0; p < size.positions; ++p) dense[f * row + p] += b;
      }
    }
    if (!in_place) copy_strided(d, dense, size.plane_strides(), out, plane_strides(zs), size.plane_shape());
  });
}

template <class T>
void input_grad(const Convolution& s, const T* g, const ImageStrides& gs, const T* weight, T* dx,
                const ImageStrides& dxs) {
  const Sizes size(s);
  const DType d = dtype_of<T>();
  each_image(s, size, [&](std::int64_t n, std::int64_t group) {
    T* columns = scratch<T>(Scratch::columns, size.taps * size.positions);
    MatrixStrides strides{};
    const T* matrix = as_matrix(size, offset(g, n * gs[0] + group * size.filters * gs[1]), gs, strides);
    gemm(d, size.taps, size.positions, size.filters, weight + group * size.filters * size.taps, {1, size.taps}, matrix,
         strides, columns, size.positions);
    col2im(d, size.image, columns, offset(dx, n * dxs[0] + group * size.image.c * dxs[1]), dxs);
  });
}

template <class T>
void weight_grad(const Convolution& s, const T* x, const ImageStrides& xs, const T* g, const ImageStrides& gs, T* dw) {
  const Sizes size(s);
  const DType d = dtype_of<T>();
  const std::int64_t pieces = std::min(s.windows.n, kMaxPieces), one = size.filters * size.taps, all = one * s.groups;
  T* sums = scratch<T>(Scratch::sums, pieces * all);
  std::fill_n(sums, pieces * all, T(0));
  const std::int64_t images = std::max<std::int64_t>(s.windows.n / std::max<std::int64_t>(pieces, 1), 1);  // of a piece
  const std::int64_t grain = (images_per_thread(size, s.groups) + images - 1) / images;
  parallel_for(pieces, grain, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t piece = begin; piece < end; ++piece) {
      for (std::int64_t n = s.windows.n * piece / pieces; n < s.windows.n * (piece + 1) / pieces; ++n) {
        for (std::int64_t group = 0; group < s.groups; ++group) {
          T* columns = scratch<T>(Scratch::columns, size.taps * size.positions);
          im2col(d, size.image, offset(x, n * xs[0] + group * size.image.c * xs[1]), xs, columns);
          MatrixStrides strides{};
          const T* matrix = as_matrix(size, offset(g, n * gs[0] + group * size.filters * gs[1]), gs, strides);
          T* product = scratch<T>(Scratch::product, one);
          gemm(d, size.filters, size.taps, size.positions, matrix, strides, columns, {1, size.positions}, product,
               size.taps);
          T* sum = sums + piece * all + group * one;
          for (std::int64_t i = 0; i < one; ++i) sum[i] += product[i];
        }
      }
    }
  });
  std::fill_n(dw, all, T(0));
  for (std::int64_t piece = 0; piece < pieces; ++piece) {
    for (std::int64_t i = 0; i < all; ++i) dw[i] += sums[piece * all + i];
  }
}

}  // namespace

void conv2d(DType d, const Convolution& s, const void* x, const ImageStrides& x_strides, const void* weight,
            const void* bias, void* z, const ImageStrides& z_strides) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    forward(s, static_cast<const T*>(x), x_strides, static_cast<const T*>(weight), static_cast<const T*>(bias),
            static_cast<T*>(z), z_strides);
  });
}

void conv2d_input_grad(DType d, const Convolution& s, const void* g, const ImageStrides& g_strides, const void* weight,
                       void* dx, const ImageStrides& dx_strides) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    input_grad(s, static_cast<const T*>(g), g_strides, static_cast<const T*>(weight), static_cast<T*>(dx), dx_strides);
  });
}

void conv2d_weight_grad(DType d, const Convolution& s, const void* x, const ImageStrides& x_strides, const void* g,
                        const ImageStrides& g_strides, void* dweight) {
  assert(is_floating(d));
  dispatch_floating(d, [&](auto zero) {
    using T = decltype(zero);
    weight_grad(s, static_cast<const T*>(x), x_strides, static_cast<const T*>(g), g_strides, static_cast<T*>(dweight));
  });
}

}  // namespace reference

namespace {
std::atomic<bool> allow_onednn{true}, allow_winograd{true};

bool onednn_wanted(DType d) { return d == DType::float32 && allow_onednn.load(std::memory_order_relaxed); }
}  // namespace

bool detail::winograd_wanted() { return allow_winograd.load(std::memory_order_relaxed); }

void set_conv_ways(bool onednn, bool winograd) {
  allow_onednn = onednn;
  allow_winograd = winograd;
}

void conv2d(DType d, const Convolution& s, const void* x, const ImageStrides& x_strides, const void* weight,
            const void* bias, void* z, const ImageStrides& z_strides) {
  if (onednn_wanted(d) &&
      detail::onednn_conv2d(s, static_cast<const float*>(x), x_strides, static_cast<const float*>(weight),
                            static_cast<const float*>(bias), static_cast<float*>(z), z_strides)) {
    return;
  }
  reference::conv2d(d, s, x, x_strides, weight, bias, z, z_strides);
}

void conv2d_input_grad(DType d, const Convolution& s, const void* g, const ImageStrides& g_strides, const void* weight,
                       void* dx, const ImageStrides& dx_strides) {
  if (onednn_wanted(d) &&
      detail::onednn_input_grad(s, static_cast<const float*>(g), g_strides, static_cast<const float*>(weight),
                                static_cast<float*>(dx), dx_strides)) {
    return;
  }
  reference::conv2d_input_grad(d, s, g, g_strides, weight, dx, dx_strides);
}

void conv2d_weight_grad(DType d, const Convolution& s, const void* x, const ImageStrides& x_strides, const void* g,
                        const ImageStrides& g_strides, void* dweight) {
  if (onednn_wanted(d) &&
      detail::onednn_weight_grad(s, static_cast<const float*>(x), x_strides, static_cast<const float*>(g), g_strides,
                                 static_cast<float*>(dweight))) {
    return;
  }
  reference::conv2d_weight_grad(d, s, x, x_strides, g, g_strides, dweight);
}

}  // namespace chainrule::kernels
