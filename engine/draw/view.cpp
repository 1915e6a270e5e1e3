// Reading a graph for drawing. The same traversal as backward; nothing is recorded and nothing is changed.
#include "engine/draw/view.h"

#include <algorithm>
#include <unordered_map>

#include "engine/context.h"
#include "engine/draw/numbers.h"
#include "engine/factory.h"
#include "engine/system/text.h"
#include "engine/traverse.h"

namespace chainrule {
namespace {

constexpr std::int64_t kLargestResult = 1 << 20;
constexpr std::size_t kDeepestModule = 50;
constexpr std::size_t kNowhere = ~std::size_t{0};  // where an input stands that is not drawn

class Reader {
 public:
  Reader(std::span<const Tensor> results, GraphView& view) : results_(results), graph_(results), view_(view) {}

  void read() {
    places_.resize(graph_.size());
    for (std::size_t i = graph_.size(); i-- > 0;) {  // oldest first
      Node& node = graph_.node(i);
      const auto edges = node.edges();
      boost::container::small_vector<std::size_t, 4> from;
      const auto hidden = [&](std::size_t k) { return k < 32 && (node.info->hidden >> k & 1u); };
      for (std::size_t k = 0; k < edges.size(); ++k) {
        const Edge& e = edges[k];
        from.push_back(hidden(k) ? kNowhere : e.node ? places_[graph_.place_of(*e.node)] : leaf(e.value, &node));
      }
      const std::size_t place = view_.items.size();
      places_[i] = place;
      view_.items.push_back(operation(node));
      for (std::size_t k = 0; k < edges.size(); ++k) {
        if (from[k] == kNowhere) continue;
        note_value(from[k], edges[k]);
        view_.links.push_back(
            {.from = from[k], .to = place, .input = static_cast<int>(k), .takes_grad = edges[k].needs_grad});
      }
    }
    for (const Tensor& result : results_) add_result(result);
    for (std::size_t k = 0; k < view_.links.size(); ++k) {
      if (view_.links[k].takes_grad) view_.items[view_.links[k].from].sent_back.push_back(k);
    }
    view_.total = view_.items.size();
  }

  // Runs every rule once more, with the gradient that backward left: each link's share, and its local derivative.
  void read_contributions(std::size_t most_links) {
    if (view_.links.size() > most_links) return;
    const NoGrad only_values;
    const TeachingMode keep_nothing(false);
    const internal::Scope<Anomaly> unwatched(&ThreadState::anomaly, Anomaly::none);
    for (std::size_t i = 0; i < graph_.size(); ++i) {
      Node& node = graph_.node(i);
      if (node.was_released() || numel(node.shape()) > kLargestResult) continue;
      const Tensor& g = view_.items[places_[i]].grad;
      if (g.defined()) run(node, places_[i], g, &GraphLink::contribution);
      if (node.info->elementwise || numel(node.shape()) == 1)
        run(node, places_[i], ones(node.shape(), {.dtype = node.dtype}), &GraphLink::local);
    }
  }

 private:
  // A graph that does not keep its values still has those that a rule will read.
  void note_value(std::size_t from, const Edge& e) {
    GraphItem& item = view_.items[from];
    if (e.node && e.value && !item.value.defined()) item.value = internal::alias(Tensor(e.value));
  }

  GraphItem operation(const Node& node) const {
    GraphItem item;
    item.info = node.info;
    item.attributes = node.attributes();
    item.shape = node.shape();
    item.dtype = node.dtype;
    item.module = node.module;
    item.where = node.where;
    item.takes_grad = true;
    if (node.meta) {
      item.label = node.meta->label;
      item.value = node.meta->value;
      item.grad = node.meta->grad;
    }
    return item;
  }

  // The item of a leaf or constant, made at its first use, by an operation or as a result.
  std::size_t leaf(const Ref<TensorImpl>& value, const Node* reader) {
    const ModulePath* user = reader ? reader->module : nullptr;
    GraphItem item;
    item.kind = ItemKind::constant;
    if (!value) {
      item.shape_known = false;
      view_.items.push_back(item);
      return view_.items.size() - 1;
    }
    const auto [known, fresh] = leaves_.try_emplace(value.get(), view_.items.size());
    if (!fresh) return known->second;
    const Tensor tensor(value);
    item.label = tensor.label();
    item.shape = tensor.shape();
    item.dtype = tensor.dtype();
    item.value = tensor;
    if (tensor.requires_grad()) {
      // What a module trains belongs inside its box; in a lesson, what belongs to no module is an input of the picture.
      const bool named = !item.label.empty() && !item.shape.empty() && !(reader && reader->teaching);
      item.kind = user || named ? ItemKind::parameter : ItemKind::input;
      item.module = user;
      item.takes_grad = true;
      if (tensor.has_grad()) item.grad = tensor.grad();
    } else if (tensor.impl().stop == Stop::detach || tensor.impl().stop == Stop::no_grad) {
      item.kind = ItemKind::detached;
    } else if (tensor.impl().stop == Stop::frozen) {
      item.kind = ItemKind::frozen;
      item.module = user;
    } else if (item.label.empty() && (!is_floating(item.dtype) || has_one_element(tensor))) {
      item.module = user;  // a detail of the operation, such as indices
    }
    view_.items.push_back(std::move(item));
    return view_.items.size() - 1;
  }

  void add_result(const Tensor& result) {
    const Node* node = result.node();
    const std::size_t from = node ? places_[graph_.place_of(*node)] : leaf(result.ref(), nullptr);
    GraphItem item;
    item.kind = ItemKind::result;
    item.label = result.label();
    item.shape = result.shape();
    item.dtype = result.dtype();
    item.value = internal::alias(result);
    item.takes_grad = result.requires_grad();
    item.grad = view_.items[from].grad;
    view_.links.push_back(
        {.from = from, .to = view_.items.size(), .takes_grad = item.takes_grad, .contribution = item.grad});
    view_.items[from].value = item.value;
    view_.items[from].is_result = true;
    view_.items.push_back(std::move(item));
  }

  void run(Node& node, std::size_t place, const Tensor& g, Tensor GraphLink::*part) {
    const auto edges = node.edges();
    boost::container::small_vector<bool, 8> needed;
    for (const Edge& e : edges) needed.push_back(e.needs_grad);
    GradContext::Sent sent;
    try {
      run_rule(node, g, {needed.data(), needed.size()}, sent);
    } catch (...) {
      return;  // a saved value was overwritten, or the rule is wrong: the picture says "not computed"
    }
    const auto first = std::lower_bound(view_.links.begin(), view_.links.end(), place,
                                        [](const GraphLink& link, std::size_t to) { return link.to < to; });
    for (auto link = first; link != view_.links.end() && link->to == place; ++link)
      (*link).*part = sent[static_cast<std::size_t>(link->input)];
  }

  std::span<const Tensor> results_;
  Traversal graph_;
  GraphView& view_;
  std::vector<std::size_t> places_;
  std::unordered_map<const TensorImpl*, std::size_t> leaves_;
};

}  // namespace

std::vector<const ModulePath*> module_chain(const ModulePath* path) {
  std::vector<const ModulePath*> chain;
  for (; path; path = path->parent) chain.push_back(path);
  std::reverse(chain.begin(), chain.end());
  if (chain.size() > kDeepestModule) chain.resize(kDeepestModule);
  return chain;
}

std::string module_facts(std::string_view kind, std::int64_t parameters) {
  std::string facts(kind);
  if (parameters == 0) return facts;
  if (!facts.empty()) facts += "  ·  ";
  return facts + count_text(static_cast<std::size_t>(parameters)) + (parameters == 1 ? " parameter" : " parameters");
}

std::string module_facts(const GraphItem& folded, bool with_count) {
  std::string facts = module_facts(folded.attributes, with_count ? folded.parameters : 0);
  return folded.repeats > 1 ? facts + " × " + count_text(folded.repeats) : facts;
}

GraphView view_graph(std::span<const Tensor> results, bool contributions, std::size_t most_links) {
  GraphView view;
  Reader reader(results, view);
  reader.read();
  if (contributions) reader.read_contributions(most_links);
  return view;
}

}  // namespace chainrule
