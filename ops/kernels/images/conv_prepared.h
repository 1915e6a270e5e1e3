// Inner header: for our own sources, not installed.
// oneDNN convolutions made ready once per shape and kept: what conv_onednn.cpp runs. Empty without oneDNN.
// Not for use outside ops/kernels.
#pragma once

#include "ops/kernels/images/onednn.h"
#include "ops/kernels/images/window.h"

#if CHAINRULE_KERNELS_USE_ONEDNN

#include <dnnl.hpp>
#include <initializer_list>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

namespace chainrule::kernels::detail {

enum class Kind : std::int64_t { forward, forward_bias, input_grad, weight_grad };

/// Winograd's method transforms tiles of 6 x 6 elements, where 4 x 4 positions of a 3 x 3 kernel cost 36 products
/// instead of 144 (Lavin and Gray 2016). oneDNN has it for images in blocks of kBlock channels: nChw16c.
enum class Method : std::int64_t { direct, winograd };
inline constexpr std::int64_t kBlock = 16;

/// A primitive with memory objects of its own, since oneDNN allocates for every new one. Any number of threads may run
/// it; each takes a set of memory objects that nobody uses, or makes one.
class Runnable {
 public:
  struct Argument {
    int name;  // DNNL_ARG_...
    dnnl::memory::desc memory;
  };
  Runnable() = default;
  Runnable(dnnl::primitive primitive, std::vector<Argument> arguments)
      : primitive_(std::move(primitive)), arguments_(std::move(arguments)) {}

  /// On memory at these addresses, in the order of the arguments; those at the end may be left out.
  void run(std::initializer_list<const void*> addresses) const;

 private:
  struct Set {
    std::vector<dnnl::memory> memories;
    std::vector<dnnl_exec_arg_t> list;
  };
  std::unique_ptr<Set> take() const;

  dnnl::primitive primitive_;
  std::vector<Argument> arguments_;
  mutable std::mutex mutex_;
  mutable std::vector<std::unique_ptr<Set>> idle_;
};

/// One convolution made ready. Its weights lie as oneDNN likes them, `reorder` makes them so; for the weight gradient
/// it goes the other way.
struct Prepared {
  std::unique_ptr<const Runnable> convolution;  // on x, weight, z, scratch, bias
  std::unique_ptr<const Runnable> reorder;      // null when oneDNN takes the caller's layout
  dnnl::memory::desc weight;
  std::size_t weight_bytes = 0, scratch_bytes = 0;
  bool usable = false;  // false: oneDNN has only its slow reference code for these sizes
  bool widest = false;  // made for the widest vectors of x86
};

/// Ready to run on `n` images, whatever s.windows.n says; made now or found among those kept.
std::shared_ptr<const Prepared> prepared(Kind kind, Method method, const Convolution& s, std::int64_t n);

}  // namespace chainrule::kernels::detail

#endif
