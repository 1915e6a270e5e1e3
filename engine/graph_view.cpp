// Reading a graph for drawing. The same traversal as backward; nothing is recorded and nothing is changed.
#include "engine/graph_view.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "engine/factory.h"
#include "engine/traverse.h"

namespace chainrule {
namespace {

// A graph with more links than this shows no contributions: they could not be read, and each costs a run of a rule.
constexpr std::size_t kMostContributions = 80;
constexpr std::int64_t kLargestResult = 1 << 20;
constexpr std::size_t kMaxClusterDepth = 50;

class Reader {
 public:
  Reader(std::span<const Tensor> results, GraphView& view) : results_(results), graph_(results), view_(view) {}

  void read() {
    places_.resize(graph_.size());
    for (std::size_t i = graph_.size(); i-- > 0;) {  // oldest first
      Node& node = graph_.node(i);
      const auto edges = node.edges();
      boost::container::small_vector<std::size_t, 4> from;
      for (const Edge& e : edges)
        from.push_back(e.node ? places_[graph_.place_of(*e.node)] : leaf(e.value, node.module));
      const std::size_t place = view_.items.size();
      places_[i] = place;
      view_.items.push_back(operation(node));
      for (std::size_t k = 0; k < edges.size(); ++k)
        view_.links.push_back(
            {.from = from[k], .to = place, .input = static_cast<int>(k), .takes_grad = edges[k].needs_grad});
    }
    for (const Tensor& result : results_) add_result(result);
    for (std::size_t k = 0; k < view_.links.size(); ++k) {
      if (view_.links[k].takes_grad) view_.items[view_.links[k].from].sent_back.push_back(k);
    }
    view_.total = view_.items.size();
  }

  // Runs every rule once more, with the gradient that backward left: each link's share, and its local derivative.
  void read_contributions() {
    if (view_.links.size() > kMostContributions) return;
    const NoGrad only_values;
    const TeachingMode keep_nothing(false);
    for (std::size_t i = 0; i < graph_.size(); ++i) {
      Node& node = graph_.node(i);
      if (node.was_released() || numel(node.shape) > kLargestResult) continue;
      const Tensor& g = view_.items[places_[i]].grad;
      if (g.defined()) run(node, places_[i], g, &GraphLink::contribution);
      if (node.info->elementwise) run(node, places_[i], ones(node.shape, {.dtype = node.dtype}), &GraphLink::local);
    }
  }

 private:
  GraphItem operation(const Node& node) const {
    GraphItem item;
    item.info = node.info;
    item.attributes = node.attributes();
    item.shape = node.shape;
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

  // The item of a leaf or constant, made at its first use, by a module or by none.
  std::size_t leaf(const Ref<TensorImpl>& value, const ModulePath* user) {
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
      // What a module trains belongs inside its box; a free leaf is an input of the picture.
      item.kind = user ? ItemKind::parameter : ItemKind::input;
      item.module = user;
      item.takes_grad = true;
      if (tensor.has_grad()) item.grad = tensor.grad();
    } else if (tensor.impl().stop == Stop::detach) {
      item.kind = ItemKind::detached;
    } else if (tensor.impl().stop == Stop::frozen) {
      item.kind = ItemKind::frozen;
      item.module = user;
    }
    view_.items.push_back(std::move(item));
    return view_.items.size() - 1;
  }

  void add_result(const Tensor& result) {
    const Node* node = result.node();
    const std::size_t from = node ? places_[graph_.place_of(*node)] : leaf(result.ref(), nullptr);
    GraphItem item;
    item.kind = ItemKind::result;
    item.label = result.label().empty() ? "result" : result.label();
    item.shape = result.shape();
    item.dtype = result.dtype();
    item.value = alias(result);
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
    } catch (const std::exception&) {
      return;  // a saved value was overwritten, or the rule is wrong: the picture says "not computed"
    }
    const auto first = std::lower_bound(view_.links.begin(), view_.links.end(), place,
                                        [](const GraphLink& link, std::size_t to) { return link.to < to; });
    for (std::size_t k = 0; k < edges.size(); ++k) first[static_cast<std::ptrdiff_t>(k)].*part = sent[k];
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
  if (chain.size() > kMaxClusterDepth) chain.resize(kMaxClusterDepth);
  return chain;
}

GraphView view_graph(std::span<const Tensor> results, bool contributions) {
  GraphView view;
  Reader reader(results, view);
  reader.read();
  if (contributions) reader.read_contributions();
  return view;
}

// --- folding
// -----------------------------------------------------------------------------------------------------------

namespace {

// Replaces groups of items by one each. `group_of` maps an item to its group, or to itself; `made` tells what a group
// looks like.
void merge(GraphView& view, const std::vector<std::size_t>& group_of, const std::map<std::size_t, GraphItem>& made) {
  std::vector<std::size_t> place(view.items.size(), 0);
  std::vector<GraphItem> items;
  std::map<std::size_t, std::size_t> placed;  // group to its new place
  for (std::size_t i = 0; i < view.items.size(); ++i) {
    const auto group = made.find(group_of[i]);
    if (group == made.end()) {
      place[i] = items.size();
      items.push_back(std::move(view.items[i]));
      continue;
    }
    const auto [at, fresh] = placed.try_emplace(group->first, items.size());
    if (fresh) items.push_back(group->second);
    items[at->second].hidden += std::max<std::size_t>(view.items[i].hidden, 1);
    place[i] = at->second;
  }
  std::vector<GraphLink> links;
  std::set<std::pair<std::size_t, std::size_t>> known;
  for (GraphLink& link : view.links) {
    const bool touched = made.contains(group_of[link.from]) || made.contains(group_of[link.to]);
    link.from = place[link.from];
    link.to = place[link.to];
    if (touched && (link.from == link.to || !known.emplace(link.from, link.to).second)) continue;
    links.push_back(std::move(link));
  }
  for (GraphItem& item : items) item.sent_back.clear();  // they counted the old links
  view.items = std::move(items);
  view.links = std::move(links);
}

}  // namespace

void fold_view(GraphView& view, std::size_t limit) {
  std::size_t deepest = 0;
  std::vector<std::vector<const ModulePath*>> chains;
  chains.reserve(view.items.size());
  for (const GraphItem& item : view.items) {
    chains.push_back(module_chain(item.module));
    deepest = std::max(deepest, chains.back().size());
  }
  // Modules at depth d become one item each; the largest d that fits wins.
  for (std::size_t depth = deepest; depth >= 1 && view.items.size() > limit; --depth) {
    std::map<const ModulePath*, std::size_t> groups;
    std::map<std::size_t, GraphItem> made;
    std::vector<std::size_t> group_of(view.items.size());
    std::size_t left = 0;
    for (std::size_t i = 0; i < view.items.size(); ++i) {
      group_of[i] = i;
      if (chains[i].size() < depth) {
        ++left;
        continue;
      }
      const ModulePath* path = chains[i][depth - 1];
      const auto [group, fresh] = groups.try_emplace(path, i);
      group_of[i] = group->second;
      if (!fresh) continue;
      GraphItem item;
      item.kind = ItemKind::folded;
      item.label = path->full();
      item.module = path->parent;
      item.shape_known = false;
      made.emplace(i, std::move(item));
    }
    if (left + groups.size() > limit && depth > 1) continue;
    if (groups.size() < view.items.size()) merge(view, group_of, made);
    break;
  }
  if (view.items.size() <= limit) return;
  // No modules, or too many: the first and the last items stay, the middle is one.
  const std::size_t keep = std::max<std::size_t>(limit / 2, 2), begin = keep, end = view.items.size() - keep;
  std::vector<std::size_t> group_of(view.items.size());
  for (std::size_t i = 0; i < group_of.size(); ++i) group_of[i] = i >= begin && i < end ? begin : i;
  GraphItem middle;
  middle.kind = ItemKind::folded;
  middle.shape_known = false;
  merge(view, group_of, {{begin, middle}});
}

}  // namespace chainrule
