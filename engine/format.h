// Tensors, shapes and dtypes in fmt. `{}` prints six significant digits, `{:.12}` as many as asked; `{:.4f}`, `{:.4e}`
// and `{:.4g}` mean what they mean for a number. Whole numbers and bools are printed as they are. Streams print them
// too.
#pragma once

#include <fmt/core.h>

#include "engine/tensor.h"

namespace chainrule::internal {
/// Not constexpr, so that a wrong format string does not compile.
[[noreturn]] void throw_tensor_format();
}  // namespace chainrule::internal

template <>
struct fmt::formatter<chainrule::Tensor> {
  constexpr auto parse(fmt::format_parse_context& context) {
    auto p = context.begin();
    if (p != context.end() && *p == '.') {
      numbers.digits = 0;
      for (++p; p != context.end() && *p >= '0' && *p <= '9' && numbers.digits < 100; ++p)
        numbers.digits = numbers.digits * 10 + (*p - '0');
      numbers.kind = 'g';
      if (p != context.end() && (*p == 'f' || *p == 'e' || *p == 'g')) numbers.kind = *p++;
      if (numbers.digits < (numbers.kind == 'g' ? 1 : 0) || numbers.digits > 17)
        chainrule::internal::throw_tensor_format();
    }
    if (p != context.end() && *p != '}') chainrule::internal::throw_tensor_format();
    return p;
  }
  auto format(const chainrule::Tensor& tensor, fmt::format_context& context) const {
    return fmt::format_to(context.out(), "{}", chainrule::to_string(tensor, numbers));
  }
  chainrule::NumberFormat numbers{};
};

/// Width and alignment as for texts: `{:>12}`.
template <>
struct fmt::formatter<chainrule::Shape> : fmt::formatter<fmt::string_view> {
  auto format(const chainrule::Shape& shape, fmt::format_context& context) const {
    return fmt::formatter<fmt::string_view>::format(chainrule::to_string(shape), context);
  }
};
template <>
struct fmt::formatter<chainrule::Strides> : fmt::formatter<fmt::string_view> {
  auto format(const chainrule::Strides& strides, fmt::format_context& context) const {
    return fmt::formatter<fmt::string_view>::format(chainrule::to_string(strides), context);
  }
};
template <>
struct fmt::formatter<chainrule::DType> : fmt::formatter<fmt::string_view> {
  auto format(chainrule::DType dtype, fmt::format_context& context) const {
    return fmt::formatter<fmt::string_view>::format(chainrule::name_of(dtype), context);
  }
};
