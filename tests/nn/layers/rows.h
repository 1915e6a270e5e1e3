// The rows of reference/layers.txt with what reference/layers.npz holds for them: one table for the comparison with
// PyTorch and for the gradient check.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine/factory.h"
#include "nn/layers.h"

namespace layer_rows {

struct Row {
  int number;
  std::string text, mode;
  std::string name() const { return text.substr(0, text.find('(')); }
};

const std::vector<Row>& rows();
bool has(const Row& row, const std::string& key);
/// The array under that name, float64 or int64.
chainrule::Tensor array(const Row& row, const std::string& key);

/// The layer of a row in float64 with the state that the file holds, and its inputs, trainable where torch's were.
struct Made {
  std::shared_ptr<chainrule::ModuleBase> layer;
  std::vector<chainrule::Tensor> inputs;
  chainrule::Tensor call() const;
  /// Inputs and parameters that have gradients.
  std::vector<chainrule::NamedTensor> leaves() const;
};
Made make(const Row& row);

/// While it lives, floating tensors are float64.
struct Float64 {
  Float64() { chainrule::set_default_dtype(chainrule::DType::float64); }
  ~Float64() { chainrule::set_default_dtype(chainrule::DType::float32); }
};

}  // namespace layer_rows
