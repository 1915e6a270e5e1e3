// Making a graph small enough to look at: modules become one item each, and where that is not enough, the middle does.
// Nothing is lost silently: every folded item carries the count of what it stands for.
#include <algorithm>
#include <map>
#include <set>

#include "engine/graph_view.h"

namespace chainrule {
namespace {

// Items that become one, which stands where its first member stood.
struct Groups {
  explicit Groups(std::size_t items) : of(items, kNone) {}
  static constexpr std::size_t kNone = ~std::size_t{0};
  std::size_t add(GraphItem item) {
    item.kind = ItemKind::folded;
    item.shape_known = false;
    made.push_back(std::move(item));
    return made.size() - 1;
  }
  std::vector<std::size_t> of;  // group of each item, or kNone
  std::vector<GraphItem> made;
};

void merge(GraphView& view, const Groups& groups) {
  std::vector<GraphItem> items;
  std::vector<std::size_t> place(view.items.size()), group_place(groups.made.size(), Groups::kNone);
  for (std::size_t i = 0; i < view.items.size(); ++i) {
    const std::size_t group = groups.of[i];
    if (group == Groups::kNone) {
      place[i] = items.size();
      view.items[i].sent_back.clear();  // counts the old links
      items.push_back(std::move(view.items[i]));
      continue;
    }
    if (group_place[group] == Groups::kNone) {
      group_place[group] = items.size();
      items.push_back(groups.made[group]);
    }
    place[i] = group_place[group];
    items[place[i]].hidden += std::max<std::size_t>(view.items[i].hidden, 1);
  }
  std::vector<GraphLink> links;
  std::set<std::pair<std::size_t, std::size_t>> known;  // one line between two items is enough where one is folded
  for (GraphLink& link : view.links) {
    const bool folded = groups.of[link.from] != Groups::kNone || groups.of[link.to] != Groups::kNone;
    link.from = place[link.from];
    link.to = place[link.to];
    if (folded && (link.from == link.to || !known.emplace(link.from, link.to).second)) continue;
    link.contribution = link.local = Tensor();  // a folded picture shows none
    links.push_back(std::move(link));
  }
  view.items = std::move(items);
  view.links = std::move(links);
}

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
    Groups groups(view.items.size());
    std::size_t left = 0;
    for (std::size_t i = 0; i < view.items.size(); ++i) {
      if (chains[i].size() < depth) {
        ++left;
        continue;
      }
      const ModulePath* path = chains[i][depth - 1];
      const auto [known, fresh] = group_of.try_emplace(path, groups.made.size());
      if (fresh) {
        GraphItem item;
        item.label = path->full();
        item.attributes = module_facts(*path);
        item.module = path->parent;
        groups.add(std::move(item));
      }
      groups.of[i] = known->second;
    }
    if (left + groups.made.size() > limit && depth > 1) continue;
    merge(view, groups);
    return;
  }
}

// Creation order is a topological order, so a stretch of it can become one item without making a cycle.
void fold_middle(GraphView& view, std::size_t limit) {
  const std::size_t kept = std::max<std::size_t>(limit, 5) - 1, begin = kept / 2;
  const std::size_t end = view.items.size() - (kept - begin);
  Groups groups(view.items.size());
  std::fill(groups.of.begin() + static_cast<std::ptrdiff_t>(begin),
            groups.of.begin() + static_cast<std::ptrdiff_t>(end), groups.add({}));
  merge(view, groups);
}

}  // namespace

void fold_view(GraphView& view, std::size_t limit) {
  if (view.items.size() > limit) fold_modules(view, limit);
  if (view.items.size() > std::max<std::size_t>(limit, 5)) fold_middle(view, limit);
}

}  // namespace chainrule
