// Inner header: for our own sources, not installed.
// What a row of the table sees of a recorded operation while a network is written, and what it adds to the graph.
#pragma once

#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "engine/node.h"
#include "nn/files/onnx/graph.h"

namespace chainrule::internal {

class OnnxWriter {
 public:
  /// `names`: what values are called; the writer adds to all of them.
  explicit OnnxWriter(OnnxGraph& graph) : graph_(graph) {}

  // --- the network --------------------------------------------------------------------------------------------------
  /// A value that is known before: an input, a parameter or a buffer.
  void know(const Tensor& value, const std::string& name);
  /// Adds what the operation is in ONNX. Throws ValueError for one that has no counterpart.
  void write(const Node& node);
  /// The name of a value: of the node that made it, of what is known, or of a constant that holds it.
  std::string name_of(const Node* node, const Tensor& value);
  /// A name that nothing has yet.
  std::string fresh(const std::string& wanted);

  // --- for the rows -------------------------------------------------------------------------------------------------
  std::size_t inputs() const { return node_->edges().size(); }
  std::string in(std::size_t i);
  Shape shape(std::size_t i) const;
  Shape result_shape() const { return node_->shape(); }
  DType dtype() const { return node_->dtype; }
  /// What the example gave.
  Tensor value(std::size_t i) const;
  Tensor result() const { return node_->meta->value; }
  /// Numbers of the operation's attributes, which it tells as text.
  bool has(std::string_view key) const { return !word(key).empty(); }
  std::int64_t integer(std::string_view key) const;
  double number(std::string_view key) const;
  bool flag(std::string_view key) const { return word(key) == "true"; }
  std::vector<std::int64_t> integers(std::string_view key) const;                      ///< "(2, 3)", or one number
  std::vector<std::int64_t> pair(std::string_view key, std::int64_t otherwise) const;  ///< (height, width)
  std::string word(std::string_view key) const;  ///< "" when there is no such attribute
  /// The parameters and buffers whose names end so.
  std::vector<NamedTensor> known(std::string_view ending) const;

  using Attributes = std::map<std::string, OnnxAttribute>;
  /// Adds a node and returns the name of its output.
  std::string add(const char* type, std::vector<std::string> inputs, Attributes attributes = {});
  /// A constant, named after the operation.
  std::string constant(const Tensor& value);
  std::string constant(const std::vector<std::int64_t>& values);
  /// A number of the operation's own dtype.
  std::string scalar(double value);
  [[noreturn]] void refuse(const std::string& why) const;

 private:
  struct Known {
    Tensor value;  // kept alive, so that nothing else comes to lie at its place
    std::string name;
  };
  std::string place() const;
  OnnxGraph& graph_;
  const Node* node_ = nullptr;
  std::string base_;  // what nodes and values of the current operation are called
  std::unordered_map<const Node*, std::string> made_;
  std::unordered_map<const void*, std::vector<Known>> known_;  // by their first element
  std::unordered_map<const void*, std::string> constants_;     // by their header; the graph keeps them alive
  std::set<std::string> names_;
};

}  // namespace chainrule::internal
