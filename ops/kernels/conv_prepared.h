// oneDNN convolutions made ready once per shape and kept: what conv_onednn.cpp runs. Empty without oneDNN.
// Not for use outside ops/kernels.
#pragma once

#include "ops/kernels/onednn.h"
#include "ops/kernels/window.h"

#if CHAINRULE_KERNELS_USE_ONEDNN

#include <dnnl.hpp>
#include <memory>

namespace chainrule::kernels::detail {

enum class Kind : std::int64_t { forward, forward_bias, input_grad, weight_grad };

/// One convolution made ready: which layout it wants its weights in, how much scratch it needs.
struct Prepared {
  dnnl::primitive primitive;
  dnnl::memory::desc x, weight, bias, z, user_weight, scratch;
  bool usable = false;  // false: oneDNN has only its slow reference code for these sizes
  bool widest = false;  // made for the widest vectors of x86
};

/// Ready to run on `n` images, whatever s.windows.n says; made now or found among those kept.
std::shared_ptr<const Prepared> prepared(Kind kind, const Convolution& s, std::int64_t n);

const dnnl::engine& engine();

}  // namespace chainrule::kernels::detail

#endif
