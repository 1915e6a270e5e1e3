// Making a graph small enough to look at: modules become one item each, and where that is not enough, the middle does.
// Nothing is lost silently: every folded item carries the count of what it stands for.
#include <algorithm>
#include <map>
#include <set>

#include "engine/draw/view.h"

namespace chainrule {
namespace internal {

std::size_t ItemGroups::add(GraphItem item) {
  item.kind = ItemKind::folded;
  item.shape_known = false;
  made.push_back(std::move(item));
  return made.size() - 1;
}

std::size_t ItemGroups::add(const ModulePath& path) {
  GraphItem item;
  item.label = path.full();
  item.attributes = path.kind;
  item.parameters = path.parameters;
  item.module = path.parent;
  return add(std::move(item));
}

// A constant that only folded items read goes with the first of them.
void take_constants_along(const GraphView& view, ItemGroups& groups) {
  constexpr std::size_t kUnread = ItemGroups::kNone - 1;
  std::vector<std::size_t> reader(view.items.size(), kUnread);
  for (const GraphLink& link : view.links) {
    const std::size_t group = groups.of[link.to];
    if (reader[link.from] == kUnread || group == ItemGroups::kNone) reader[link.from] = group;
  }
  for (std::size_t i = 0; i < view.items.size(); ++i)
    if (view.items[i].kind == ItemKind::constant && groups.of[i] == ItemGroups::kNone && reader[i] != kUnread)
      groups.of[i] = reader[i];
}

void merge_items(GraphView& view, ItemGroups groups) {
  take_constants_along(view, groups);
  constexpr std::size_t kNoOutput = ItemGroups::kNone;
  std::vector<std::pair<Tensor, Tensor>> values;  // value and gradient of each item, before it moves
  values.reserve(view.items.size());
  for (const GraphItem& item : view.items) values.emplace_back(item.value, item.grad);
  std::vector<GraphItem> items;
  std::vector<std::size_t> place(view.items.size()), group_place(groups.made.size(), ItemGroups::kNone);
  for (std::size_t i = 0; i < view.items.size(); ++i) {
    const std::size_t group = groups.of[i];
    if (group == ItemGroups::kNone) {
      place[i] = items.size();
      view.items[i].sent_back.clear();  // counts the old links
      items.push_back(std::move(view.items[i]));
      continue;
    }
    if (group_place[group] == ItemGroups::kNone) {
      group_place[group] = items.size();
      items.push_back(groups.made[group]);
    }
    place[i] = group_place[group];
    items[place[i]].hidden += std::max<std::size_t>(view.items[i].hidden, 1);
  }
  std::vector<GraphLink> links;
  std::map<std::pair<std::size_t, std::size_t>, std::size_t> known;  // one line between two items is enough
  std::map<std::size_t, std::size_t> outputs;  // of a folded item: the one inner item that is read
  for (GraphLink& link : view.links) {
    const std::size_t inner = link.from;
    const bool from_folded = groups.of[link.from] != ItemGroups::kNone;
    const bool folded = from_folded || groups.of[link.to] != ItemGroups::kNone;
    link.from = place[link.from];
    link.to = place[link.to];
    if (folded) {
      if (link.from == link.to) continue;
      link.local = Tensor();
      if (from_folded && outputs.try_emplace(link.from, inner).first->second != inner) outputs[link.from] = kNoOutput;
      const auto [line, fresh] = known.try_emplace({link.from, link.to}, links.size());
      if (!fresh) {
        links[line->second].contribution = Tensor();  // one of several
        links[line->second].takes_grad |= link.takes_grad;
        continue;
      }
    }
    links.push_back(std::move(link));
  }
  // As before, the links of one item stand together.
  std::stable_sort(links.begin(), links.end(), [](const GraphLink& a, const GraphLink& b) { return a.to < b.to; });
  for (std::size_t k = 0; k < links.size(); ++k)
    if (links[k].takes_grad) items[links[k].from].sent_back.push_back(k);
  // A folded item with one result has that result's value and gradient.
  for (const auto& [group, inner] : outputs) {
    if (inner == kNoOutput) continue;
    items[group].value = values[inner].first;
    items[group].grad = values[inner].second;
    items[group].takes_grad = items[group].grad.defined();
  }
  view.items = std::move(items);
  view.links = std::move(links);
}

}  // namespace internal

namespace {

using internal::ItemGroups;

// The largest depth at which one item for each module leaves few enough; the outermost modules otherwise.
void fold_modules(GraphView& view, std::size_t limit) {
  std::vector<std::vector<const ModulePath*>> chains;
  chains.reserve(view.items.size());
  std::size_t deepest = 0;
  for (const GraphItem& item : view.items) {
    chains.push_back(module_chain(item.module));
    deepest = std::max(deepest, chains.back().size());
  }
  for (std::size_t depth = deepest; depth > 0; --depth) {
    std::map<const ModulePath*, std::size_t> group_of;  // looked up only: the order of addresses decides nothing
    ItemGroups groups(view.items.size());
    std::size_t left = 0;
    for (std::size_t i = 0; i < view.items.size(); ++i) {
      if (chains[i].size() < depth) {
        ++left;
        continue;
      }
      const ModulePath* path = chains[i][depth - 1];
      const auto [known, fresh] = group_of.try_emplace(path, groups.made.size());
      if (fresh) groups.add(*path);
      groups.of[i] = known->second;
    }
    if (left + groups.made.size() > limit && depth > 1) continue;
    internal::merge_items(view, std::move(groups));
    return;
  }
}

// Creation order is a topological order, so a stretch of it can become one item without making a cycle.
void fold_middle(GraphView& view, std::size_t limit) {
  const std::size_t kept = std::max<std::size_t>(limit, 5) - 1, begin = kept / 2;
  const std::size_t end = view.items.size() - (kept - begin);
  ItemGroups groups(view.items.size());
  std::fill(groups.of.begin() + static_cast<std::ptrdiff_t>(begin),
            groups.of.begin() + static_cast<std::ptrdiff_t>(end), groups.add(GraphItem{}));
  internal::merge_items(view, std::move(groups));
}

}  // namespace

void fold_view(GraphView& view, std::size_t limit) {
  if (view.items.size() > limit) fold_modules(view, limit);
  if (view.items.size() > std::max<std::size_t>(limit, 5)) fold_middle(view, limit);
}

}  // namespace chainrule
