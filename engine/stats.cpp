// Counting, over the one traversal. Buffers are told apart by their storage.
#include "engine/stats.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <unordered_set>

#include "engine/traverse.h"

namespace chainrule {
namespace {

class Counter {
 public:
  explicit Counter(const Tensor& root) : graph_(std::span(&root, 1)) {}

  GraphStats run() {
    stats_.leaves = graph_.leaves().size();
    const auto owners = owners_of_leaves();
    for (TensorImpl* leaf : graph_.leaves()) {
      const auto at = owners.find(leaf);
      const ModulePath* module = at == owners.end() ? nullptr : at->second;
      add(module, "leaf", &GraphWeight::value_bytes, bytes_once(leaf));
      if (leaf->meta && leaf->meta->grad.defined())
        gradients_.push_back({module, "leaf", leaf->meta->grad.ref().get()});
    }
    // A value that its own node keeps counts there, not where it is used.
    for (std::size_t i = 0; i < graph_.size(); ++i) count_kept(graph_.node(i));
    for (std::size_t i = 0; i < graph_.size(); ++i) count_node(graph_.node(i));
    // Gradients last: one that shares its buffer with a value, as the gradient of a sum may, adds nothing.
    for (const auto& [module, op, grad] : gradients_) add(module, op, &GraphWeight::gradient_bytes, bytes_once(grad));
    for (const auto& [name, weight] : by_op_) stats_.by_op.push_back({name, weight});
    for (const auto& [name, weight] : by_module_) stats_.by_module.push_back({name, weight});
    std::stable_sort(stats_.by_op.begin(), stats_.by_op.end(),
                     [](const auto& a, const auto& b) { return a.weight.bytes() > b.weight.bytes(); });
    return std::move(stats_);
  }

 private:
  struct Gradient {
    const ModulePath* module;
    const char* op;
    const TensorImpl* value;
  };

  // A leaf counts for the module that first computed with it, which is the module of a parameter.
  std::map<const TensorImpl*, const ModulePath*> owners_of_leaves() const {
    std::map<const TensorImpl*, const ModulePath*> owners;
    for (std::size_t i = 0; i < graph_.size(); ++i)  // newest first, so the oldest stays
      for (const Edge& e : graph_.node(i).edges())
        if (e.value && !e.node) owners[e.value.get()] = graph_.node(i).module;
    return owners;
  }

  void count_kept(const Node& node) {
    if (!node.meta) return;
    const char* op = node.info->name;
    if (node.meta->value.defined())
      add(node.module, op, &GraphWeight::value_bytes, bytes_once(node.meta->value.ref().get()));
    if (node.meta->grad.defined()) gradients_.push_back({node.module, op, node.meta->grad.ref().get()});
  }

  void count_node(const Node& node) {
    const char* op = node.info->name;
    add(node.module, op, &GraphWeight::nodes, 1);
    add(node.module, op, &GraphWeight::edges, node.edges().size());
    for (const Edge& e : node.edges()) {
      if (!e.value) continue;
      // An input that is no result was there before the graph; results are held for backward only.
      const bool computed = static_cast<bool>(e.node);
      add(node.module, op, computed ? &GraphWeight::saved_bytes : &GraphWeight::value_bytes, bytes_once(e.value.get()));
    }
    if (const Edge* z = node.saved_result(); z && z->value)
      add(node.module, op, &GraphWeight::saved_bytes, bytes_once(z->value.get()));
  }

  // Bytes of a value's buffer, or of the value inside its header; 0 when it was counted before.
  std::size_t bytes_once(const TensorImpl* t) {
    const void* identity = t->storage ? static_cast<const void*>(t->storage.get()) : t;
    if (!seen_.insert(identity).second) return 0;
    return t->storage ? t->storage->bytes : static_cast<std::size_t>(numel(t->shape())) * item_size(t->dtype);
  }

  void add(const ModulePath* module, const char* op, std::size_t GraphWeight::*field, std::size_t amount) {
    auto path = paths_.find(module);
    if (path == paths_.end()) path = paths_.emplace(module, module ? module->full() : "").first;
    stats_.total.*field += amount;
    by_op_[op].*field += amount;
    by_module_[path->second].*field += amount;
  }

  Traversal graph_;
  GraphStats stats_;
  std::unordered_set<const void*> seen_;
  std::map<const ModulePath*, std::string> paths_;
  std::map<std::string, GraphWeight> by_op_, by_module_;
  std::vector<Gradient> gradients_;
};

void write_part(std::string& out, std::string_view name, const GraphWeight& w) {
  fmt::format_to(std::back_inserter(out), "{:<24} {:>10} {:>10} {:>14} {:>14} {:>14}\n", name, w.nodes, w.edges,
                 w.value_bytes, w.gradient_bytes, w.saved_bytes);
}

}  // namespace

GraphStats graph_stats(const Tensor& root) { return Counter(root).run(); }

std::string to_string(const GraphStats& stats) {
  std::string out = fmt::format("{:<24} {:>10} {:>10} {:>14} {:>14} {:>14}\n", "", "nodes", "edges", "value bytes",
                                "gradient bytes", "saved bytes");
  for (const auto& part : stats.by_op) write_part(out, part.name, part.weight);
  if (stats.by_module.size() > 1 || (stats.by_module.size() == 1 && !stats.by_module[0].name.empty())) {
    for (const auto& part : stats.by_module)
      write_part(out, part.name.empty() ? "(no module)" : "module " + part.name, part.weight);
  }
  write_part(out, "total", stats.total);
  out += fmt::format("{} trainable leaves", stats.leaves);
  return out;
}

}  // namespace chainrule
