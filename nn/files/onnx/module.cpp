// OnnxModule: the nodes of a file in order, each computed by its row of the table, under the names of the file.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>

#include "engine/system/file.h"
#include "engine/types/error.h"
#include "nn/files/onnx/onnx.h"
#include "nn/files/onnx/reader.h"
#include "nn/files/onnx/table.h"
#include "nn/parameter.h"

namespace chainrule {

namespace {

using internal::OnnxGraph;
using internal::OnnxNode;
using internal::OnnxRow;
using internal::OnnxValue;

/// A part of the path of a parameter: "conv1" of "conv1.weight".
struct OnnxPart : ModuleBase {
  std::string kind() const override { return "OnnxPart"; }
};

bool is_one_of(std::string_view word, std::string_view list, char separator) {
  while (!list.empty()) {
    const auto end = std::min(list.find(separator), list.size());
    if (list.substr(0, end) == word) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

std::string sizes_text(const OnnxValue& v) {
  std::string text;
  for (std::size_t i = 0; i < v.shape->size(); ++i) {
    const bool any = (*v.shape)[i] < 0;
    const std::string name = any && i < v.axis_names.size() && !v.axis_names[i].empty() ? v.axis_names[i] : "any";
    text += fmt::format("{}{}", i ? ", " : "", any ? name : fmt::format("{}", (*v.shape)[i]));
  }
  return fmt::format("({})", text);
}

void expect_input(const OnnxValue& v, const Tensor& x) {
  if (!x.defined()) throw ValueError(fmt::format("ONNX: input '{}' is an empty tensor handle", v.name));
  if (x.dtype() != v.dtype)
    throw ValueError(
        fmt::format("ONNX: input '{}' is {}, the file says {}", v.name, name_of(x.dtype()), name_of(v.dtype)));
  if (!v.shape) return;
  bool fits = v.shape->size() == static_cast<std::size_t>(x.dim());
  for (int i = 0; fits && i < x.dim(); ++i) {
    const auto size = (*v.shape)[static_cast<std::size_t>(i)];
    fits = size < 0 || size == x.shape()[i];
  }
  if (!fits)
    throw ShapeError(
        fmt::format("ONNX: input '{}' has shape {}, the file says {}", v.name, to_string(x.shape()), sizes_text(v)));
}

}  // namespace

struct OnnxModule::Parts {
  OnnxGraph graph;
  std::vector<const OnnxRow*> rows;                // of each node
  std::vector<std::vector<std::string>> finished;  // values that nothing after a node reads
  std::unordered_map<std::string, Tensor> stored;  // initializers, by name

  Parts(OnnxGraph read, const std::string& file) : graph(std::move(read)) {
    std::set<std::string> made{""};
    for (const auto& each : graph.initializers) {
      stored.emplace(each.name, each.tensor);
      made.insert(each.name);
    }
    for (const auto& each : graph.inputs)
      if (!made.insert(each.name).second) fail(file, fmt::format("input '{}' is given twice", each.name));
    std::unordered_map<std::string, std::size_t> last;
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) add(file, graph.nodes[i], i, made, last);
    for (const auto& each : graph.outputs) {
      if (!made.contains(each.name)) fail(file, fmt::format("nothing computes the output '{}'", each.name));
      last.erase(each.name);
    }
    finished.resize(graph.nodes.size());
    for (const auto& [name, node] : last) finished[node].push_back(name);
  }

  [[noreturn]] static void fail(const std::string& file, const std::string& why) {
    throw ValueError(fmt::format("{}: {}", file, why));
  }

  void add(const std::string& file, const OnnxNode& node, std::size_t place, std::set<std::string>& made,
           std::unordered_map<std::string, std::size_t>& last) {
    const OnnxRow* row = internal::find_onnx_reader(node.type);
    if (!row) fail(file, fmt::format("the {} is of an operator that this library does not compute", node.title()));
    for (const auto& [name, value] : node.attributes)
      if (!is_one_of(name, row->attributes, ' '))
        fail(file, fmt::format("attribute '{}' of the {} is not understood", name, node.title()));
    for (const auto& name : node.inputs) {
      if (!made.contains(name))
        fail(file, fmt::format("the {} reads '{}', which nothing before it computes", node.title(), name));
      last[name] = place;
    }
    if (node.outputs.empty()) fail(file, fmt::format("the {} has no output", node.title()));
    for (const auto& name : node.outputs) {
      if (!name.empty() && !made.insert(name).second) fail(file, fmt::format("'{}' is computed twice", name));
      last[name] = place;
    }
    last.erase("");
    rows.push_back(row);
  }

  /// What nodes read as plain numbers, or as running values.
  std::set<std::string> names_of(std::uint32_t OnnxRow::*bits) const {
    std::set<std::string> names;
    for (std::size_t i = 0; i < rows.size(); ++i)
      for (std::size_t k = 0; k < graph.nodes[i].inputs.size() && k < 32; ++k)
        if (rows[i]->*bits >> k & 1u) names.insert(graph.nodes[i].inputs[k]);
    return names;
  }

  Tensor one(const std::vector<Tensor>& results) const {
    if (results.size() != 1)
      throw ValueError(
          fmt::format("ONNX: the network has {} outputs: call it with a std::vector of its inputs", results.size()));
    return results[0];
  }

  std::vector<Tensor> run(const std::vector<Tensor>& inputs) const {
    if (inputs.size() != graph.inputs.size())
      throw ValueError(
          fmt::format("ONNX: the network takes {} inputs, {} are given", graph.inputs.size(), inputs.size()));
    std::unordered_map<std::string, Tensor> values = stored;
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      expect_input(graph.inputs[i], inputs[i]);
      values[graph.inputs[i].name] = inputs[i];
    }
    for (std::size_t i = 0; i < graph.nodes.size(); ++i) {
      compute(graph.nodes[i], *rows[i], values);
      for (const auto& name : finished[i]) values.erase(name);
    }
    std::vector<Tensor> results;
    for (const auto& each : graph.outputs) results.push_back(values.at(each.name));
    return results;
  }

  void compute(const OnnxNode& node, const OnnxRow& row, std::unordered_map<std::string, Tensor>& values) const {
    std::vector<Tensor> inputs, outputs(node.outputs.size());
    for (const auto& name : node.inputs) inputs.push_back(name.empty() ? Tensor() : values.at(name));
    internal::OnnxReader reader(node, graph.opset, std::move(inputs), outputs);
    const auto titled = [&](const auto& e) {
      const std::string text = e.what();
      return text.starts_with("ONNX: ") ? text : fmt::format("ONNX: the {}: {}", node.title(), text);
    };
    try {
      outputs[0] = row.read(reader);
    } catch (const ShapeError& e) {
      throw ShapeError(titled(e));
    } catch (const ValueError& e) {
      throw ValueError(titled(e));
    }
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (node.outputs[k].empty()) continue;
      if (!outputs[k].defined()) reader.refuse(fmt::format("its output {} is not computed here", k));
      values[node.outputs[k]] = outputs[k];
    }
  }
};

OnnxModule::OnnxModule(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {
  const auto plain = parts_->names_of(&OnnxRow::plain), running = parts_->names_of(&OnnxRow::buffers);
  const auto listed = parts_->graph.metadata.find("chainrule.buffers");
  const std::string kept = listed == parts_->graph.metadata.end() ? "" : listed->second;
  std::map<std::string, std::shared_ptr<OnnxPart>, std::less<>> steps;  // by whole path
  for (auto& [name, tensor] : parts_->graph.initializers) {
    const bool buffer = running.contains(name) || is_one_of(name, kept, '\n');
    if (!is_floating(tensor.dtype()) || (plain.contains(name) && !buffer)) continue;
    // "block.conv.weight" is the parameter `weight` of the part `conv` of the part `block`.
    ModuleBase* owner = this;
    std::size_t begin = 0;
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', begin)) {
      auto& part = steps[name.substr(0, dot)];
      if (!part) part = owner->add_child(name.substr(begin, dot - begin), std::make_shared<OnnxPart>());
      owner = part.get();
      begin = dot + 1;
    }
    const std::string last = name.substr(begin);
    parts_->stored.at(name) =
        buffer ? static_cast<Tensor>(Buffer(*owner, last, tensor)) : Parameter(*owner, last, tensor);
    tensor = Tensor();
  }
}

OnnxModule::~OnnxModule() = default;

std::vector<Tensor> OnnxModule::forward(const std::vector<Tensor>& inputs) { return parts_->run(inputs); }

Tensor OnnxModule::forward(const Tensor& x) { return parts_->one(parts_->run({x})); }

Tensor OnnxModule::forward(const Tensor& x, const Tensor& y) { return parts_->one(parts_->run({x, y})); }

std::vector<std::string> OnnxModule::input_names() const {
  std::vector<std::string> names;
  for (const auto& each : parts_->graph.inputs) names.push_back(each.name);
  return names;
}

std::vector<std::string> OnnxModule::output_names() const {
  std::vector<std::string> names;
  for (const auto& each : parts_->graph.outputs) names.push_back(each.name);
  return names;
}

std::shared_ptr<OnnxModule> parse_onnx(std::string_view bytes, const std::string& file) {
  auto parts = std::make_unique<OnnxModule::Parts>(internal::parse_onnx_graph(bytes, file), file);
  try {
    return std::make_shared<OnnxModule>(std::move(parts));
  } catch (const ValueError& e) {  // names that cannot be those of parameters
    throw ValueError(fmt::format("{}: {}", file, e.what()));
  }
}

std::shared_ptr<OnnxModule> load_onnx(const std::string& path) {
  return parse_onnx(read_file(path, "load_onnx"), path);
}

}  // namespace chainrule
