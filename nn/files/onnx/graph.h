// Inner header: for our own sources, not installed.
// An ONNX file as plain structs: what export makes, import runs, and proto.cpp turns into bytes and back. Only what
// this library can compute has a place here; everything else is refused by name while a file is read.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "engine/tensor.h"

namespace chainrule::internal {

using OnnxAttribute = std::variant<std::int64_t, double, std::string, std::vector<std::int64_t>, std::vector<double>,
                                   std::vector<std::string>, Tensor>;

struct OnnxNode {
  std::string type, name;                    // "Conv", "/conv1/Conv"
  std::vector<std::string> inputs, outputs;  // names of values; "" for one that is left out
  std::map<std::string, OnnxAttribute> attributes;
  /// "Conv node '/conv1/Conv'"; without a name it is called by what it makes.
  std::string title() const;
};

/// An input or output of the graph.
struct OnnxValue {
  std::string name;
  DType dtype = DType::float32;
  std::optional<std::vector<std::int64_t>> shape{};  // -1: any size; none: any rank
  std::vector<std::string> axis_names{};             // of the sizes that are -1; "" for no name
};

struct OnnxGraph {
  std::string name = "network", producer;
  std::int64_t opset = 17;
  std::vector<OnnxNode> nodes;  // in an order in which they can be computed
  std::vector<OnnxValue> inputs, outputs;
  std::vector<NamedTensor> initializers;
  std::map<std::string, std::string> metadata;
};

// Both throw EnvironmentError where the library was built without the reference classes of ONNX.
std::string onnx_bytes(const OnnxGraph& graph);
/// Throws ValueError for what is broken, for what ONNX allows and this library does not compute (by name, with the
/// node), and for sizes that the file does not hold. `file` is what messages call it.
OnnxGraph parse_onnx_graph(std::string_view bytes, const std::string& file);
/// A file with one TensorProto, as the test data of ONNX has them.
NamedTensor parse_onnx_tensor(std::string_view bytes, const std::string& file);
/// False where the library was built without the reference classes.
bool has_onnx();

}  // namespace chainrule::internal
