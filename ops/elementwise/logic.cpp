// Logic in terms of comparisons, as false < true: x and y is x > not y.
#include "ops/elementwise/logic.h"

#include <fmt/format.h>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/launch.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

Tensor truth(const Operand& x, const char* who, const char* name = "x") {
  const Tensor t = tensor_argument(x, who, name).detach();
  return t.dtype() == DType::boolean ? t : ne(t, 0);
}

Tensor opposite(const Tensor& mask) {
  return zip(mask, full({}, 0, {.dtype = DType::boolean}), Compare::eq, "logical_not");
}

void expect_mask(const Tensor& x, const char* symbol) {
  if (x.dtype() != DType::boolean)
    throw ValueError(fmt::format("{}: is for masks, not for {}; compare first, or call the function of that name",
                                 symbol, name_of(x.dtype())));
}

}  // namespace

Tensor logical_and(const Operand& x, const Operand& y) {
  return zip(truth(x, "logical_and"), opposite(truth(y, "logical_and", "y")), Compare::gt, "logical_and");
}
Tensor logical_or(const Operand& x, const Operand& y) {
  return zip(truth(x, "logical_or"), opposite(truth(y, "logical_or", "y")), Compare::ge, "logical_or");
}
Tensor logical_xor(const Operand& x, const Operand& y) {
  return zip(truth(x, "logical_xor"), truth(y, "logical_xor", "y"), Compare::ne, "logical_xor");
}
Tensor logical_not(const Operand& x) { return opposite(truth(x, "logical_not")); }

Tensor operator&(const Tensor& x, const Tensor& y) {
  expect_mask(x, "logical_and");
  expect_mask(y, "logical_and");
  return logical_and(x, y);
}
Tensor operator|(const Tensor& x, const Tensor& y) {
  expect_mask(x, "logical_or");
  expect_mask(y, "logical_or");
  return logical_or(x, y);
}
Tensor operator^(const Tensor& x, const Tensor& y) {
  expect_mask(x, "logical_xor");
  expect_mask(y, "logical_xor");
  return logical_xor(x, y);
}
Tensor operator~(const Tensor& x) {
  expect_mask(x, "logical_not");
  return logical_not(x);
}

Family logic_family() {
  static constexpr const char* kMask = "no derivative: the result is a mask";
  static const Function functions[] = {
      {"logical_and", "input, other",
       [](const Arguments& a) -> Value { return logical_and(a.operand(0), a.operand(1)); }, "logical_and(x > 1, x < 3)",
       "x=[1,2,3]", kMask},
      {"logical_or", "input, other", [](const Arguments& a) -> Value { return logical_or(a.operand(0), a.operand(1)); },
       "logical_or(x < 2, x > 2)", "x=[1,2,3]", kMask},
      {"logical_xor", "input, other",
       [](const Arguments& a) -> Value { return logical_xor(a.operand(0), a.operand(1)); }, "logical_xor(x > 1, x < 3)",
       "x=[1,2,3]", kMask},
      {"logical_not", "input", [](const Arguments& a) -> Value { return logical_not(a.operand(0)); },
       "logical_not(x > 1)", "x=[1,2,3]", kMask},
  };
  return {{}, functions};
}

}  // namespace chainrule
