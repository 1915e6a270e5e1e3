#include "nn/layers/checks.h"

#include <fmt/format.h>

#include "engine/types/error.h"

namespace chainrule {

std::int64_t positive(std::int64_t value, const char* layer, const char* argument) {
  if (value < 1) throw ValueError(fmt::format("{}: {} must be at least 1, not {}", layer, argument, value));
  return value;
}

void expect_type_of(const Tensor& x, const Tensor& weight, const char* layer) {
  if (is_floating(x.dtype()) && x.dtype() != weight.dtype())
    throw ValueError(fmt::format("{}: x holds {}, the weight {}; convert one of them, as in to(x, DType::{})", layer,
                                 name_of(x.dtype()), name_of(weight.dtype()), name_of(weight.dtype())));
}

}  // namespace chainrule
