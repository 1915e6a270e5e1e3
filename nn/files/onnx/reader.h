// Inner header: for our own sources, not installed.
// What a row of the table sees of a node while a network that was read is run.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nn/files/onnx/graph.h"

namespace chainrule::internal {

class OnnxReader {
 public:
  /// `inputs`: undefined where one is left out. Results go to `outputs`, one for each of the node's.
  OnnxReader(const OnnxNode& node, std::int64_t opset, std::vector<Tensor> inputs, std::vector<Tensor>& outputs)
      : node_(node), opset_(opset), inputs_(std::move(inputs)), outputs_(outputs) {}

  std::int64_t opset() const { return opset_; }
  std::size_t inputs() const { return inputs_.size(); }
  bool has(std::size_t i) const { return i < inputs_.size() && inputs_[i].defined(); }
  /// Throws ValueError when it is left out.
  const Tensor& in(std::size_t i) const;
  Tensor optional(std::size_t i) const { return has(i) ? inputs_[i] : Tensor(); }
  const std::vector<Tensor>& all() const { return inputs_; }
  /// The numbers of an int64 input, or of a floating one.
  std::vector<std::int64_t> integers(std::size_t i) const;
  std::vector<double> numbers(std::size_t i) const;
  double number(std::size_t i) const;  ///< the one number of an input

  bool has(const std::string& attribute) const { return node_.attributes.contains(attribute); }
  std::int64_t integer(const std::string& attribute, std::int64_t otherwise) const;
  std::int64_t integer(const std::string& attribute) const;  ///< throws ValueError when it is missing
  double number(const std::string& attribute, double otherwise) const;
  std::string word(const std::string& attribute, const std::string& otherwise) const;
  std::vector<std::int64_t> integers(const std::string& attribute, const std::vector<std::int64_t>& otherwise) const;
  std::vector<double> numbers(const std::string& attribute, const std::vector<double>& otherwise) const;
  Tensor tensor(const std::string& attribute) const;
  /// The axes of a reduction and the like: an attribute in old versions, input i from `since` on.
  std::optional<std::vector<std::int64_t>> axes(std::size_t i, std::int64_t since) const;

  bool wants(std::size_t output) const { return output < node_.outputs.size() && !node_.outputs[output].empty(); }
  std::size_t outputs() const { return node_.outputs.size(); }
  void set(std::size_t output, const Tensor& value) const { outputs_.at(output) = value; }
  /// Throws unless a tensor of that shape is of a size that may come from a file: 2^28 elements.
  void expect_size(const Shape& shape) const;
  Shape shape_of(const std::vector<std::int64_t>& sizes) const;
  [[noreturn]] void refuse(const std::string& why) const;
  const OnnxNode& node() const { return node_; }

 private:
  template <class T>
  const T* find(const std::string& attribute, const char* kind) const;
  const OnnxNode& node_;
  std::int64_t opset_;
  std::vector<Tensor> inputs_;
  std::vector<Tensor>& outputs_;
};

}  // namespace chainrule::internal
