// Inner header: for our own sources, not installed.
// Numbers and gradients as vectors, for the loops of optimizer steps.
// Compiled once per instruction set: include it after hwy/foreach_target.h.
#if defined(CHAINRULE_OPS_KERNELS_NETWORK_UPDATE_LANES_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef CHAINRULE_OPS_KERNELS_NETWORK_UPDATE_LANES_H_
#undef CHAINRULE_OPS_KERNELS_NETWORK_UPDATE_LANES_H_
#else
#define CHAINRULE_OPS_KERNELS_NETWORK_UPDATE_LANES_H_
#endif

#include <hwy/highway.h>

#include <cstdint>

HWY_BEFORE_NAMESPACE();
namespace chainrule::kernels {
namespace HWY_NAMESPACE {
namespace lanes {

namespace hn = hwy::HWY_NAMESPACE;

/// A number that was worked out in double, in every lane.
template <class D>
HWY_INLINE hn::Vec<D> number(D d, double value) {
  return hn::Set(d, static_cast<hn::TFromD<D>>(value));
}

/// decay old + (1 - decay) x, the running mean of x; the second factor is worked out in double.
template <class D, class V>
HWY_INLINE V running_mean(D d, double decay, V old, V x) {
  return hn::MulAdd(number(d, decay), old, hn::Mul(number(d, 1 - decay), x));
}

/// sign g + weight_decay p at element i.
template <class D, class V, class Piece, class Step>
HWY_INLINE V direction(D d, const Piece& at, std::int64_t i, V p, const Step& s) {
  const V g = hn::Mul(number(d, s.sign), hn::LoadU(d, at.g + i));
  return s.weight_decay == 0 ? g : hn::MulAdd(number(d, s.weight_decay), p, g);
}

}  // namespace lanes
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::kernels
HWY_AFTER_NAMESPACE();

#endif
