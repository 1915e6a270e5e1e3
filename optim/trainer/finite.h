// Inner header: for our own sources, not installed.
// Is every number finite? One pass that looks at the exponents, so that the compiler can take many at a time.
#pragma once

#include <cstdint>
#include <cstring>

#include "engine/tensor.h"

namespace chainrule::internal {

template <class Bits>
bool no_full_exponent(const void* numbers, std::int64_t count, Bits exponent) {
  const auto* bytes = static_cast<const unsigned char*>(numbers);
  unsigned found = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    Bits bits;
    std::memcpy(&bits, bytes + i * static_cast<std::int64_t>(sizeof bits), sizeof bits);
    found |= (bits & exponent) == exponent;
  }
  return found == 0;
}

inline bool all_finite(const Tensor& tensor) {
  if (!is_floating(tensor.dtype()) || tensor.numel() == 0) return true;
  const Tensor rows = dense(tensor.detach());
  return rows.dtype() == DType::float32
             ? no_full_exponent<std::uint32_t>(rows.data(), rows.numel(), 0x7F800000U)
             : no_full_exponent<std::uint64_t>(rows.data(), rows.numel(), 0x7FF0000000000000U);
}

}  // namespace chainrule::internal
