// save_onnx: a network is run, what it recorded is written row by row, and a second and third run with other numbers
// and one sample more must give the same graph.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/random.h"
#include "engine/scopes.h"
#include "engine/system/file.h"
#include "engine/traverse.h"
#include "engine/types/error.h"
#include "nn/files/onnx/onnx.h"
#include "nn/files/onnx/writer.h"

namespace chainrule::internal {
namespace {

/// A network in evaluation mode with everything trainable, as long as it lives.
class Prepared {
 public:
  explicit Prepared(ModuleBase& net) {
    for (const NamedModule& each : net.modules()) modes_.push_back({each.module, each.module->is_training()});
    for (const NamedTensor& each : net.parameters()) {
      Tensor p = each.tensor;
      if (p.requires_grad() || !p.is_leaf()) continue;
      p.set_requires_grad(true);
      frozen_.push_back(p);
    }
    net.eval();
  }
  ~Prepared() {
    for (Tensor& p : frozen_) p.set_requires_grad(false);
    for (const auto& [module, training] : modes_) module->train(training);  // from the outside in
  }
  Prepared(const Prepared&) = delete;
  Prepared& operator=(const Prepared&) = delete;

 private:
  std::vector<std::pair<ModuleBase*, bool>> modes_;
  std::vector<Tensor> frozen_;
};

std::vector<std::string> names_or(const std::vector<std::string>& given, std::size_t count, const char* otherwise) {
  if (!given.empty() && given.size() != count)
    throw ValueError(fmt::format("save_onnx: {} names of {}s are given for {}", given.size(), otherwise, count));
  if (!given.empty()) return given;
  if (count == 1) return {otherwise};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < count; ++i) names.push_back(fmt::format("{}_{}", otherwise, i));
  return names;
}

std::vector<std::int64_t> sizes(const Shape& shape) { return {shape.begin(), shape.end()}; }

/// What the network computes for these inputs, as a graph.
OnnxGraph traced(ModuleBase& net, const OnnxCall& call, const std::vector<Tensor>& examples,
                 const OnnxOptions& options) {
  const EnableGrad recording;
  const TeachingMode keep_values;
  std::vector<Tensor> inputs;
  for (const Tensor& x : examples) {
    inputs.push_back(copied(x.detach()));
    if (is_floating(x.dtype())) inputs.back().set_requires_grad(true);
  }
  const std::vector<Tensor> outputs = call(inputs);
  if (outputs.empty()) throw ValueError("save_onnx: the network returns no tensor");

  OnnxGraph graph;
  graph.producer = "chainrule";
  OnnxWriter writer(graph);
  const auto input_names = names_or(options.input_names, inputs.size(), "input");
  const auto output_names = names_or(options.output_names, outputs.size(), "output");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    writer.know(inputs[i], input_names[i]);
    graph.inputs.push_back({input_names[i], inputs[i].dtype(), sizes(inputs[i].shape())});
  }
  std::string buffers;
  const auto keep = [&](const std::vector<NamedTensor>& tensors, std::string* list) {
    for (const auto& [name, tensor] : tensors) {
      writer.know(tensor, name);
      graph.initializers.push_back({name, tensor.detach()});
      if (list) *list += name + "\n";
    }
  };
  keep(net.parameters(), nullptr);
  keep(net.buffers(), &buffers);
  if (!buffers.empty()) graph.metadata["chainrule.buffers"] = buffers;
  for (const auto& name : output_names) writer.fresh(name);

  const Traversal walk(outputs);
  for (std::size_t i = walk.size(); i-- > 0;) writer.write(walk.node(i));
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const std::string name = writer.name_of(outputs[i].node(), outputs[i]);
    graph.nodes.push_back({"Identity", output_names[i], {name}, {output_names[i]}, {}});
    graph.outputs.push_back({output_names[i], outputs[i].dtype(), sizes(outputs[i].shape())});
  }
  return graph;
}

/// Initializers that no node reads are left out, and a result takes the name of the output that it becomes.
void tidy(OnnxGraph& graph) {
  std::map<std::string, int> readers;
  for (const auto& node : graph.nodes)
    for (const auto& name : node.inputs) ++readers[name];
  std::erase_if(graph.initializers, [&](const NamedTensor& each) { return !readers.contains(each.name); });
  for (const auto& output : graph.outputs) {
    const auto identity = std::find_if(graph.nodes.begin(), graph.nodes.end(),
                                       [&](const OnnxNode& n) { return n.outputs[0] == output.name; });
    const std::string from = identity->inputs[0];
    const auto maker =
        std::find_if(graph.nodes.begin(), graph.nodes.end(), [&](const OnnxNode& n) { return n.outputs[0] == from; });
    if (readers[from] != 1 || maker == graph.nodes.end()) continue;
    maker->outputs[0] = output.name;
    graph.nodes.erase(identity);
  }
}

/// Other numbers of the same kind, with `more` samples more along axis 0 of each. With the other sign they are the same
/// ones negated, so that no sum of them decides alike for both.
std::vector<Tensor> others(const std::vector<Tensor>& examples, std::int64_t more, double sign) {
  Generator generator(2718);
  std::vector<Tensor> result;
  for (const Tensor& x : examples) {
    Shape shape = x.shape();
    if (more > 0) shape[0] += more;
    const std::vector<double> from = x.to_vector();
    std::vector<double> to(static_cast<std::size_t>(numel(shape)));
    double largest = 0;
    for (const double v : from) largest = std::max(largest, std::isfinite(v) ? std::abs(v) : 0);
    for (double& v : to) {
      // Whole numbers are labels or places in a table: only those that were there are known to be allowed.
      if (is_floating(x.dtype()))
        v = sign * (2 * generator.uniform() - 1) * (largest > 0 ? largest : 1);
      else if (!from.empty())
        v = from[static_cast<std::size_t>(generator.uniform() * static_cast<double>(from.size()))];
    }
    result.push_back(from_vector(to, shape, {.dtype = x.dtype()}));
  }
  return result;
}

bool is_equal(const OnnxAttribute& a, const OnnxAttribute& b) {
  if (a.index() != b.index()) return false;
  return std::visit(
      [&]<class T>(const T& x) {
        const T& y = std::get<T>(b);
        if constexpr (std::is_same_v<T, Tensor>) {
          if (x.dtype() != y.dtype() || x.shape() != y.shape()) return false;
          const std::vector<double> u = x.to_vector(), v = y.to_vector();
          return std::equal(u.begin(), u.end(), v.begin(),
                            [](double p, double q) { return p == q || (std::isnan(p) && std::isnan(q)); });
        } else {
          return x == y;
        }
      },
      a);
}

/// The place of the only number in which two lists differ; -1 when there is none, or more than one.
std::int64_t only_difference(const std::vector<std::int64_t>& a, const std::vector<std::int64_t>& b) {
  std::int64_t place = -1;
  if (a.size() != b.size()) return -1;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i]) continue;
    if (place >= 0) return -1;
    place = static_cast<std::int64_t>(i);
  }
  return place;
}

/// Where another run gave another graph; "" when it is the same. The shape of a Reshape may differ in one size when
/// `batch` is set, which becomes "whatever is left".
std::string difference(OnnxGraph& a, const OnnxGraph& b, bool batch) {
  if (a.nodes.size() != b.nodes.size()) return fmt::format("it has {} and {} nodes", a.nodes.size(), b.nodes.size());
  std::map<std::string, int> reshapes, others;  // who reads a constant
  for (const auto& node : a.nodes)
    for (std::size_t k = 0; k < node.inputs.size(); ++k)
      ++(node.type == "Reshape" && k == 1 ? reshapes : others)[node.inputs[k]];
  for (std::size_t i = 0; i < a.nodes.size(); ++i) {
    OnnxNode& x = a.nodes[i];
    const OnnxNode& y = b.nodes[i];
    if (x.type != y.type || x.inputs != y.inputs || x.outputs != y.outputs ||
        x.attributes.size() != y.attributes.size())
      return fmt::format("the {} becomes the {}", x.title(), y.title());
    for (auto& [name, value] : x.attributes) {
      const auto other = y.attributes.find(name);
      if (other == y.attributes.end()) return fmt::format("the {} has other attributes", x.title());
      if (is_equal(value, other->second)) continue;
      if (x.type != "Constant") return fmt::format("attribute '{}' of the {} changes", name, x.title());
      const Tensor u = std::get<Tensor>(value), v = std::get<Tensor>(other->second);
      if (batch && u.dtype() == DType::int64 && reshapes.contains(x.outputs[0]) && !others.contains(x.outputs[0])) {
        std::vector<std::int64_t> shape = u.values<std::int64_t>();
        const auto place = only_difference(shape, v.values<std::int64_t>());
        if (place >= 0) {
          shape[static_cast<std::size_t>(place)] = -1;
          value = from_vector(shape, u.shape());
          continue;
        }
      }
      return fmt::format("the constant '{}' of shape {} changes", x.outputs[0], to_string(u.shape()));
    }
  }
  return "";
}

/// Names the batch where it shows in the shapes of inputs and outputs.
void name_batch(OnnxGraph& a, const OnnxGraph& b) {
  for (auto [list, other] : {std::pair{&a.inputs, &b.inputs}, std::pair{&a.outputs, &b.outputs}})
    for (std::size_t i = 0; i < list->size(); ++i) {
      OnnxValue& v = (*list)[i];
      v.axis_names.resize(v.shape->size());
      for (std::size_t axis = 0; axis < v.shape->size(); ++axis)
        if ((*v.shape)[axis] != (*(*other)[i].shape)[axis]) {
          (*v.shape)[axis] = -1;
          if (axis == 0) v.axis_names[axis] = "batch";
        }
    }
}

}  // namespace

void save_onnx(ModuleBase& net, const OnnxCall& call, const std::vector<Tensor>& examples, const std::string& path,
               const OnnxOptions& options) {
  for (const Tensor& x : examples) {
    if (!x.defined()) throw ValueError("save_onnx: an example is an empty tensor handle");
    if (options.dynamic_batch && x.dim() == 0)
      throw ShapeError("save_onnx: an example has no axis that could be the batch; say dynamic_batch = false");
  }
  const Prepared prepared(net);
  OnnxGraph graph = traced(net, call, examples, options);
  for (const double sign : {1.0, -1.0}) {
    const std::string changed = difference(graph, traced(net, call, others(examples, 0, sign), options), false);
    if (changed.empty()) continue;
    throw ValueError(fmt::format(
        "save_onnx: the network is another one for other inputs of the same shape: {}; it branches on values, or "
        "computes a mask or an index of them, which leaves no operation to write",
        changed));
  }
  if (options.dynamic_batch) {
    OnnxGraph larger;
    std::string reason;
    try {
      larger = traced(net, call, others(examples, 1, 1), options);
      reason = difference(graph, larger, true);
    } catch (const Error& e) {
      reason = e.what();
    }
    if (!reason.empty())
      throw ValueError(
          fmt::format("save_onnx: the network is another one for a batch of another size: {}; to write it for the "
                      "example's size alone, say dynamic_batch = false",
                      reason));
    name_batch(graph, larger);
  }
  tidy(graph);
  write_file(path, onnx_bytes(graph));
}

}  // namespace chainrule::internal
