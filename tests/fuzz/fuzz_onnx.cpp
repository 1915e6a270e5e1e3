// libFuzzer: any bytes as an ONNX file, and what can be read is run on ones. Not a test of values; those are in
// tests/nn/files/onnx.
#include <algorithm>

#include "engine/factory.h"
#include "nn/files/onnx/graph.h"
#include "nn/files/onnx/onnx.h"
#include "tests/fuzz/fuzz.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace chainrule;
  return testing::expect_value_or_error(data, size, [](std::string_view bytes) {
    const auto net = parse_onnx(bytes, "fuzz.onnx");
    std::vector<Tensor> inputs;
    for (const auto& input : internal::parse_onnx_graph(bytes, "fuzz.onnx").inputs) {
      Shape shape;
      for (const auto axis : input.shape.value_or(std::vector<std::int64_t>{}))
        shape.push_back(std::clamp<std::int64_t>(axis, 1, 4));
      inputs.push_back(ones(shape, {.dtype = input.dtype}));
    }
    (void)(*net)(inputs);
  });
}
