// libFuzzer: any bytes as tables of inputs and targets. Not a test of values; those are in
// tests/nn/data/test_tables.cpp.
#include "nn/data/tables.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chainrule;
  for (const CsvColumns& columns : {CsvColumns{}, CsvColumns{.targets = {"label"}, .classes = true},
                                    CsvColumns{.inputs = {"a"}, .targets = {"label"}}})
    testing::expect_value_or_error(data, size,
                                   [&](std::string_view text) { (void)parse_csv_dataset(text, "fuzz.csv", columns); });
  return 0;
}
