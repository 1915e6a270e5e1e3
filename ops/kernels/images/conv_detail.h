// Inner header: for our own sources, not installed.
// Between conv.cpp, which offers convolutions, and conv_onednn.cpp, which does the float32 ones where it can.
// Not for use outside ops/kernels.
#pragma once

#include "ops/kernels/images/window.h"

namespace chainrule::kernels::detail {

/// What set_conv_ways chose.
bool winograd_wanted();

// Each returns false, having written nothing, when oneDNN is absent or has no fast way for these sizes.

bool onednn_conv2d(const Convolution& s, const float* x, const ImageStrides& x_strides, const float* weight,
                   const float* bias, float* z, const ImageStrides& z_strides);
bool onednn_input_grad(const Convolution& s, const float* g, const ImageStrides& g_strides, const float* weight,
                       float* dx, const ImageStrides& dx_strides);
bool onednn_weight_grad(const Convolution& s, const float* x, const ImageStrides& x_strides, const float* g,
                        const ImageStrides& g_strides, float* dweight);

}  // namespace chainrule::kernels::detail
