// Modules become one item each, chosen ones or as many as it takes; where that is not enough, the middle does.
#include "engine/draw/fold.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <set>

namespace chainrule {
namespace {

/// Items that become one, which stands where its first member stood.
struct ItemGroups {
  explicit ItemGroups(std::size_t items) : of(items, kNone) {}
  static constexpr std::size_t kNone = ~std::size_t{0};

  std::size_t add(GraphItem item) {
    item.kind = ItemKind::folded;
    item.shape_known = false;
    made.push_back(std::move(item));
    return made.size() - 1;
  }

  /// A folded item for the module.
  std::size_t add(const ModulePath& path) {
    GraphItem item;
    item.label = path.full();
    item.attributes = path.kind;
    item.parameters = path.parameters;
    item.module = path.parent;
    return add(std::move(item));
  }

  std::vector<std::size_t> of;  // group of each item, or kNone
  std::vector<GraphItem> made;
};

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

// --- what the reader asked for: modules below a depth, by name, and rows of modules that are alike ---

using Chain = std::vector<const ModulePath*>;

bool fits(const ModulePath& path, const std::vector<std::string>& patterns) {
  return std::any_of(patterns.begin(), patterns.end(), [&, full = path.full()](const std::string& pattern) {
    return fnmatch(pattern.c_str(), full.c_str(), 0) == 0;
  });
}

std::vector<Chain> chains_of(const GraphView& view) {
  std::vector<Chain> chains;
  chains.reserve(view.items.size());
  for (const GraphItem& item : view.items) chains.push_back(module_chain(item.module));
  return chains;
}

/// Modules that stay open: those that were named, and what they stand in.
std::set<const ModulePath*> open_modules(const std::vector<Chain>& chains, const std::vector<std::string>& patterns) {
  std::set<const ModulePath*> open, looked_at;
  if (patterns.empty()) return open;
  for (const Chain& chain : chains)
    for (std::size_t i = 0; i < chain.size(); ++i)
      if (looked_at.insert(chain[i]).second && fits(*chain[i], patterns))
        open.insert(chain.begin(), chain.begin() + static_cast<std::ptrdiff_t>(i) + 1);
  return open;
}

/// The outermost module of the chain that is to be one node; null when none is.
const ModulePath* folded_module(const Chain& chain, const std::set<const ModulePath*>& open,
                                const GraphOptions& options) {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const bool too_deep = options.depth >= 0 && i >= static_cast<std::size_t>(options.depth);
    if (!open.contains(chain[i]) && (too_deep || fits(*chain[i], options.fold))) return chain[i];
  }
  return nullptr;
}

void fold_modules(GraphView& view, const GraphOptions& options) {
  const std::vector<Chain> chains = chains_of(view);
  const std::set<const ModulePath*> open = open_modules(chains, options.expand);
  std::map<const ModulePath*, std::size_t> group_of;  // looked up only: the order of addresses decides nothing
  std::map<const ModulePath*, const ModulePath*> decided;
  ItemGroups groups(view.items.size());
  for (std::size_t i = 0; i < view.items.size(); ++i) {
    const auto [known, fresh] = decided.try_emplace(view.items[i].module);
    if (fresh) known->second = folded_module(chains[i], open, options);
    if (!known->second) continue;
    const auto [place, first] = group_of.try_emplace(known->second, groups.made.size());
    if (first) groups.add(*known->second);
    groups.of[i] = place->second;
  }
  if (!groups.made.empty()) merge_items(view, std::move(groups));
}

/// A module at one level: what is in it, in order, so that like modules have equal texts.
struct Block {
  const ModulePath* path = nullptr;
  std::string content{};
  std::vector<std::size_t> items{};
};

/// The modules at `level` of the path chain inside one parent, in order of their first items.
std::map<std::size_t, std::vector<Block>> blocks_at(const GraphView& view, const std::vector<Chain>& chains,
                                                    std::size_t level) {
  std::map<std::size_t, std::vector<Block>> rows;  // by the parent's first item
  std::map<const ModulePath*, std::size_t> parents;
  std::map<const ModulePath*, std::pair<std::size_t, std::size_t>> known;
  for (std::size_t i = 0; i < view.items.size(); ++i) {
    // A constant stands where it was used first, and is shared.
    if (chains[i].size() <= level || view.items[i].kind == ItemKind::constant) continue;
    const ModulePath* path = chains[i][level];
    const std::size_t row = parents.try_emplace(level ? chains[i][level - 1] : nullptr, i).first->second;
    const auto [at, fresh] = known.try_emplace(path, row, rows[row].size());
    if (fresh) rows[row].push_back({.path = path, .content = path->kind});
    Block& block = rows[row][at->second.second];
    const GraphItem& item = view.items[i];
    block.content += fmt::format(" {}:{}:{}:{}", static_cast<int>(item.kind), item.info ? item.info->name : "",
                                 item.hidden > 0 ? module_facts(item) : item.attributes,
                                 item.shape_known ? to_string(item.shape) : "");
    block.items.push_back(i);
  }
  return rows;
}

void fold_repeats(GraphView& view, std::size_t least) {
  constexpr std::size_t kDeepest = 50;
  for (std::size_t level = 0; level < kDeepest; ++level) {
    ItemGroups groups(view.items.size());
    bool any = false;
    for (const auto& [row, blocks] : blocks_at(view, chains_of(view), level)) {
      any = true;
      for (std::size_t begin = 0; begin < blocks.size();) {
        std::size_t end = begin + 1;
        while (end < blocks.size() && blocks[end].content == blocks[begin].content) ++end;
        if (end - begin >= least) {
          GraphItem item;
          item.label = fmt::format("{} … {}", blocks[begin].path->full(), blocks[end - 1].path->name);
          const ModulePath& block = *blocks[begin].path;
          item.attributes = block.kind.empty() ? block.name : block.kind;
          item.parameters = block.parameters;
          item.repeats = end - begin;
          item.module = blocks[begin].path->parent;
          const std::size_t group = groups.add(std::move(item));
          for (std::size_t b = begin; b < end; ++b)
            for (const std::size_t i : blocks[b].items) groups.of[i] = group;
        }
        begin = end;
      }
    }
    if (!any) return;
    if (!groups.made.empty()) merge_items(view, std::move(groups));
  }
}

// --- what is too much ---

// The largest depth at which one item for each module leaves few enough; the outermost modules otherwise.
void fold_deepest(GraphView& view, std::size_t limit) {
  const std::vector<Chain> chains = chains_of(view);
  std::size_t deepest = 0;
  for (const Chain& chain : chains) deepest = std::max(deepest, chain.size());
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
    merge_items(view, std::move(groups));
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
  merge_items(view, std::move(groups));
}

}  // namespace

void fold_chosen(GraphView& view, const GraphOptions& options) {
  if (options.depth >= 0 || !options.fold.empty()) fold_modules(view, options);
  if (options.fold_repeats >= 2) fold_repeats(view, options.fold_repeats);
}

void fold_view(GraphView& view, std::size_t limit) {
  if (view.items.size() > limit) fold_deepest(view, limit);
  if (view.items.size() > std::max<std::size_t>(limit, 5)) fold_middle(view, limit);
}

}  // namespace chainrule
