// Tensors in fmt: `{}` prints six significant digits, `{:.12}` as many as asked.
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
      digits = 0;
      for (++p; p != context.end() && *p >= '0' && *p <= '9'; ++p) digits = digits * 10 + (*p - '0');
      if (digits < 1 || digits > 17) chainrule::internal::throw_tensor_format();
    }
    if (p != context.end() && *p != '}') chainrule::internal::throw_tensor_format();
    return p;
  }
  auto format(const chainrule::Tensor& tensor, fmt::format_context& context) const {
    return fmt::format_to(context.out(), "{}", chainrule::to_string(tensor, digits));
  }
  int digits = 6;
};
