// Inner header: for our own sources, not installed.
// The table between our operations and those of ONNX, both ways; each family of rows has a file. A row without `write`
// and `read` stands for two elementwise functions of the same inputs, and needs neither.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "engine/tensor.h"

namespace chainrule::internal {

class OnnxWriter;
class OnnxReader;

struct OnnxRow {
  const char* ours;  ///< the recorded operation; "" for an operator that is only read
  const char* onnx;  ///< the operator; "" for an operation that is written as several
  /// Adds nodes for the recorded operation and returns the name of its result.
  std::string (*write)(OnnxWriter&) = nullptr;
  /// Computes the operator's first output; more are handed over by reader.set().
  Tensor (*read)(OnnxReader&) = nullptr;
  /// Names of the attributes that `read` knows, separated by spaces; any other is refused while the file is read.
  const char* attributes = "";
  /// Bit i: input i is read as plain numbers (a shape, a bound), so it is nothing to train.
  std::uint32_t plain = 0;
  /// Bit i: input i is a running value, a buffer.
  std::uint32_t buffers = 0;
};

std::span<const OnnxRow> onnx_pointwise_rows();
std::span<const OnnxRow> onnx_activation_rows();
std::span<const OnnxRow> onnx_reduce_rows();
std::span<const OnnxRow> onnx_matrix_rows();
std::span<const OnnxRow> onnx_shape_rows();
std::span<const OnnxRow> onnx_index_rows();
std::span<const OnnxRow> onnx_image_rows();
std::span<const OnnxRow> onnx_pool_rows();
std::span<const OnnxRow> onnx_network_rows();

/// The row that writes our operation; null when there is none.
const OnnxRow* find_onnx_writer(std::string_view ours);
/// The row that reads the operator; null when there is none.
const OnnxRow* find_onnx_reader(std::string_view onnx);

}  // namespace chainrule::internal
