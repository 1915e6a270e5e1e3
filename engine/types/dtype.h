// Element types, known at run time, and the one place where they turn into C++ types.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <type_traits>

namespace chainrule {

enum class DType : std::uint8_t { float32, float64, int64, boolean };

constexpr bool is_floating(DType d) { return d == DType::float32 || d == DType::float64; }

/// Bytes of one element.
constexpr std::size_t item_size(DType d) { return d == DType::float32 ? 4 : d == DType::boolean ? 1 : 8; }

/// "float32", "float64", "int64" or "bool", as NumPy and PyTorch call them.
constexpr const char* name_of(DType d) {
  switch (d) {
    case DType::float32:
      return "float32";
    case DType::float64:
      return "float64";
    case DType::int64:
      return "int64";
    case DType::boolean:
      return "bool";
  }
  return "?";
}

std::ostream& operator<<(std::ostream& out, DType d);

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DType::float32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::float64;
  else if constexpr (std::is_same_v<T, bool>)
    return DType::boolean;
  else {
    static_assert(std::is_same_v<T, std::int64_t>, "tensors hold float, double, std::int64_t or bool");
    return DType::int64;
  }
}

/// Calls f with a value of the element type: dispatch(d, [&](auto zero) { using T = decltype(zero); ... }).
template <class F>
decltype(auto) dispatch(DType d, F&& f) {
  switch (d) {
    case DType::float32:
      return f(float{});
    case DType::float64:
      return f(double{});
    case DType::int64:
      return f(std::int64_t{});
    case DType::boolean:
      break;
  }
  return f(bool{});
}

/// The same for the two types that carry gradients; float32 unless d is float64.
template <class F>
decltype(auto) dispatch_floating(DType d, F&& f) {
  return d == DType::float64 ? f(double{}) : f(float{});
}

}  // namespace chainrule
