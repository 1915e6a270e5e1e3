// Folding what the reader asked for: modules below a depth, modules by name, and rows of modules that are alike. What
// is folded because there is too much of it is in graph_fold.cpp.
#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <map>
#include <set>

#include "engine/draw/view.h"

namespace chainrule {
namespace {

using internal::ItemGroups;
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
  if (!groups.made.empty()) internal::merge_items(view, std::move(groups));
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
    if (!groups.made.empty()) internal::merge_items(view, std::move(groups));
  }
}

}  // namespace

void fold_chosen(GraphView& view, const GraphOptions& options) {
  if (options.depth >= 0 || !options.fold.empty()) fold_modules(view, options);
  if (options.fold_repeats >= 2) fold_repeats(view, options.fold_repeats);
}

}  // namespace chainrule
