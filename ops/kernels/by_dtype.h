// Inner header: for our own sources, not installed.
// Loops that only move elements, or add them up, are compiled once for each size or kind of number.
#pragma once

#include <cassert>
#include <cstdint>

#include "engine/types/dtype.h"

namespace chainrule::kernels {

/// Calls f with a zero of an unsigned type as wide as the elements.
template <class F>
void by_size(DType d, F f) {
  switch (item_size(d)) {
    case 1:
      return f(std::uint8_t{});
    case 4:
      return f(std::uint32_t{});
    default:
      return f(std::uint64_t{});
  }
}

/// Calls f with a zero of the type that sums are made in.
template <class F>
void by_sum(DType d, F f) {
  assert(d != DType::boolean);
  if (d == DType::int64)
    f(std::uint64_t{});  // wraps around
  else
    dispatch_floating(d, f);
}

/// The part of an array that begins there. An array without elements may have no address, to which nothing is added.
template <class T>
T* offset(T* array, std::int64_t by) {
  return array == nullptr ? nullptr : array + by;
}

}  // namespace chainrule::kernels
