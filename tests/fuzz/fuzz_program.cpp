// libFuzzer: any text as a program of the expression language, parsed and run with its gradient, for a limited time.
#include <chrono>

#include "engine/factory.h"
#include "engine/memory/pool.h"
#include "ops/language/bindings.h"
#include "ops/ops.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chainrule;
  using namespace chainrule::language;
  set_memory_limit(std::size_t{4} << 20);  // so that one operation cannot take seconds
  return testing::expect_value_or_error(data, size, [](std::string_view text) {
    Bindings bindings;
    bindings.bind("x", tensor({{1, -2, 0}, {0.5, 3, -1}}, {.dtype = DType::float64}));
    bindings.bind("y", tensor({2, 1, 4}, {.dtype = DType::float64}));
    const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(200);
    const Value value = evaluate(parse(text), bindings.names, {.deadline = end});
    const Tensor result = to_tensor(value, "the result");
    if (result.requires_grad()) sum(result).backward();
  });
}
