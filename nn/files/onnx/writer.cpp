// Names of values, attributes of recorded operations, and the nodes that rows of the table add.
#include "nn/files/onnx/writer.h"

#include <fast_float/fast_float.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/files/onnx/table.h"

namespace chainrule::internal {
namespace {

bool is_same(const Tensor& a, const Tensor& b) {
  return a.data() == b.data() && a.dtype() == b.dtype() && a.shape() == b.shape() && a.strides() == b.strides();
}

/// The text of one attribute in "dim=1, shape=(2, 3), mode='a'"; empty when it is not there.
std::string_view value_in(std::string_view text, std::string_view key) {
  while (!text.empty()) {
    int depth = 0;
    std::size_t end = 0;
    for (; end < text.size() && (depth > 0 || text[end] != ','); ++end)
      depth += (text[end] == '(') - (text[end] == ')');
    const std::string_view part = text.substr(0, end);
    const auto equals = part.find('=');
    if (part.substr(0, equals) == key) return part.substr(equals + 1);
    text.remove_prefix(std::min(text.size(), end + 2));
  }
  return {};
}

}  // namespace

void OnnxWriter::know(const Tensor& value, const std::string& name) {
  names_.insert(name);
  known_[value.data()].push_back({value, name});
}

std::string OnnxWriter::fresh(const std::string& wanted) {
  std::string name = wanted;
  for (int i = 1; !names_.insert(name).second; ++i) name = fmt::format("{}_{}", wanted, i);
  return name;
}

std::string OnnxWriter::place() const {
  std::string text = node_->title();
  if (node_->module) text += fmt::format(" in {}", node_->module->full());
  if (node_->where.line() > 0) text += fmt::format(" at {}:{}", node_->where.file_name(), node_->where.line());
  return text;
}

void OnnxWriter::refuse(const std::string& why) const {
  throw ValueError(fmt::format("save_onnx: {} cannot be written: {}", place(), why));
}

void OnnxWriter::write(const Node& node) {
  node_ = &node;
  const OnnxRow* row = find_onnx_writer(node.info->name);
  if (!row) refuse(fmt::format("'{}' has no counterpart in ONNX, opset 17", node.info->name));
  base_ = node.info->name;
  if (node.module) {
    std::string path = node.module->full();
    std::replace(path.begin(), path.end(), '.', '/');
    base_ = path + "/" + base_;
  }
  std::string result;
  if (row->write) {
    result = row->write(*this);
  } else {
    std::vector<std::string> names;
    for (std::size_t i = 0; i < inputs(); ++i) names.push_back(in(i));
    result = add(row->onnx, std::move(names));
  }
  made_[&node] = result;
}

std::string OnnxWriter::name_of(const Node* node, const Tensor& value) {
  if (node) return made_.at(node);
  if (const auto found = known_.find(value.data()); found != known_.end() && value.numel() > 0)
    for (const Known& each : found->second)
      if (is_same(each.value, value)) return each.name;
  const auto [place, is_new] = constants_.try_emplace(value.ref().get());
  if (is_new) place->second = constant(value);
  return place->second;
}

std::string OnnxWriter::in(std::size_t i) {
  const Edge& edge = node_->edges()[i];
  return name_of(edge.node.get(), Tensor(edge.value));
}

Shape OnnxWriter::shape(std::size_t i) const {
  const Edge& edge = node_->edges()[i];
  return edge.node ? edge.node->shape() : edge.value->shape();
}

Tensor OnnxWriter::value(std::size_t i) const { return Tensor(node_->edges()[i].value).detach(); }

std::string OnnxWriter::word(std::string_view key) const {
  const std::string text = node_->attributes();
  std::string_view value = value_in(text, key);
  if (value.size() >= 2 && value.front() == '\'') value = value.substr(1, value.size() - 2);
  return std::string(value);
}

double OnnxWriter::number(std::string_view key) const {
  const std::string text = word(key);
  double value = 0;
  const auto [end, error] = fast_float::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size())
    refuse(fmt::format("its attribute '{}' is no number: '{}'", key, text));
  return value;
}

std::int64_t OnnxWriter::integer(std::string_view key) const { return static_cast<std::int64_t>(number(key)); }

std::vector<std::int64_t> OnnxWriter::integers(std::string_view key) const {
  const std::string text = word(key);
  std::vector<std::int64_t> list;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] != '-' && (text[i] < '0' || text[i] > '9')) {
      ++i;
      continue;
    }
    std::size_t used = 0;
    list.push_back(std::stoll(text.substr(i), &used));
    i += used;
  }
  return list;
}

std::vector<std::int64_t> OnnxWriter::pair(std::string_view key, std::int64_t otherwise) const {
  std::vector<std::int64_t> list = integers(key);
  if (list.empty()) list = {otherwise};
  if (list.size() == 1) list.push_back(list[0]);
  return list;
}

std::string OnnxWriter::add(const char* type, std::vector<std::string> inputs, Attributes attributes) {
  std::string name = fresh(base_);
  graph_.nodes.push_back({type, name, std::move(inputs), {name}, std::move(attributes)});
  return name;
}

std::string OnnxWriter::constant(const Tensor& value) {
  std::string name = fresh(base_ + "/constant");
  graph_.nodes.push_back({"Constant", name, {}, {name}, {{"value", copied(value.detach())}}});
  return name;
}

std::string OnnxWriter::constant(const std::vector<std::int64_t>& values) {
  return constant(from_vector(values, {static_cast<std::int64_t>(values.size())}));
}

std::string OnnxWriter::scalar(double value) { return constant(full({}, value, {.dtype = dtype()})); }

std::vector<NamedTensor> OnnxWriter::known(std::string_view ending) const {
  std::vector<NamedTensor> list;
  for (const auto& [data, values] : known_)
    for (const Known& each : values)
      if (each.name == ending || each.name.ends_with(fmt::format(".{}", ending)))
        list.push_back({each.name, each.value});
  std::sort(list.begin(), list.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  return list;
}

}  // namespace chainrule::internal
