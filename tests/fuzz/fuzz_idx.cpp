// libFuzzer: any bytes as IDX files, plain or packed. Not a test of values; those are in tests/nn/data/test_idx.cpp.
#include "nn/data/idx.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chainrule;
  testing::expect_value_or_error(data, size, [](std::string_view bytes) { parse_idx_header(bytes, "fuzz-idx"); });
  return testing::expect_value_or_error(data, size,
                                        [](std::string_view bytes) { (void)idx_tensor(parse_idx(bytes, "fuzz-idx")); });
}
