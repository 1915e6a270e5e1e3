// libFuzzer: any bytes as NumPy arrays. Not a test of values; those are in tests/engine/files.
#include "engine/files/array_files.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chainrule;
  return testing::expect_value_or_error(data, size, [](std::string_view bytes) { (void)parse_npy(bytes, "fuzz.npy"); });
}
