// libFuzzer: any bytes as PNG and JPEG files. Not a test of values; those are in tests/nn/data/test_pictures.cpp.
#include "nn/data/picture.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chainrule;
  for (const std::int64_t channels : {1, 3})
    testing::expect_value_or_error(data, size,
                                   [&](std::string_view bytes) { (void)parse_picture(bytes, "fuzz", channels); });
  return 0;
}
