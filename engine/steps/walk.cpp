// The walk over a view. The numbers are those that the view holds.
#include "engine/steps/walk.h"

#include <algorithm>
#include <set>

#include "engine/backward.h"
#include "engine/scopes.h"

namespace chainrule {
namespace {

using Places = std::vector<std::vector<std::size_t>>;

bool computes(const GraphItem& item) { return item.kind == ItemKind::operation || item.kind == ItemKind::folded; }

Places links_to(const GraphView& view) {
  Places links(view.items.size());
  for (std::size_t k = 0; k < view.links.size(); ++k) links[view.links[k].to].push_back(k);
  return links;
}

// Operations so that each comes after what it reads. Creation order is that already; a folded item stands for a
// stretch of it and may have to wait. Where folding made a cycle, the oldest goes first.
std::vector<std::size_t> forward_order(const GraphView& view, const Places& links) {
  std::vector<std::size_t> order, waits_for(view.items.size());
  for (std::size_t i = 0; i < view.items.size(); ++i)
    if (computes(view.items[i])) order.push_back(i);
  if (view.total == view.items.size()) return order;
  Places readers(view.items.size());
  std::set<std::size_t> waiting(order.begin(), order.end()), ready;
  for (const std::size_t i : order) {
    for (const std::size_t k : links[i]) {
      if (!computes(view.items[view.links[k].from])) continue;
      ++waits_for[i];
      readers[view.links[k].from].push_back(i);
    }
    if (waits_for[i] == 0) ready.insert(i);
  }
  order.clear();
  while (!waiting.empty()) {
    const std::size_t next = ready.empty() ? *waiting.begin() : *ready.begin();
    ready.erase(next);
    waiting.erase(next);
    order.push_back(next);
    for (const std::size_t reader : readers[next])
      if (--waits_for[reader] == 0 && waiting.contains(reader)) ready.insert(reader);
  }
  return order;
}

// What has arrived at each item so far.
class Sums {
 public:
  explicit Sums(std::size_t items) : sums_(items), counts_(items), known_(items, true) {}

  void add(const GraphView& view, GraphStep::Part& part) {
    const std::size_t at = view.links[part.link].from;
    part.arrived = ++counts_[at];
    if (!part.contribution.defined()) known_[at] = false;
    if (!known_[at]) return;
    sums_[at] = part.arrived == 1 ? part.contribution : accumulate(sums_[at], part.contribution);
    part.sum = sums_[at];
  }

 private:
  std::vector<Tensor> sums_;
  std::vector<std::size_t> counts_;
  std::vector<bool> known_;
};

}  // namespace

bool is_given(const GraphItem& item) { return !computes(item) && item.kind != ItemKind::result; }

std::vector<GraphStep> graph_steps(const GraphView& view) {
  const NoGrad only_values;
  const TeachingMode keep_nothing(false);
  const Places links = links_to(view);
  const std::vector<std::size_t> order = forward_order(view, links);
  std::vector<GraphStep> steps;
  steps.reserve(2 * order.size() + 3);
  steps.push_back({.kind = StepKind::given});
  for (const std::size_t i : order) {
    GraphStep step{.kind = StepKind::forward, .item = i, .value = view.items[i].value};
    for (const std::size_t k : links[i]) step.parts.push_back({.link = k});
    steps.push_back(std::move(step));
  }
  Sums sums(view.items.size());
  const auto back = [&](std::size_t i, StepKind kind) {
    GraphStep step{.kind = kind, .item = i, .incoming = view.items[i].grad};
    for (const std::size_t k : links[i]) {
      if (!view.links[k].takes_grad) continue;
      step.parts.push_back({.link = k, .local = view.links[k].local, .contribution = view.links[k].contribution});
      sums.add(view, step.parts.back());
    }
    if (!step.parts.empty()) steps.push_back(std::move(step));
  };
  bool any = false;
  for (std::size_t i = 0; i < view.items.size(); ++i) {
    if (view.items[i].kind != ItemKind::result || !view.items[i].grad.defined()) continue;
    any = true;
    back(i, StepKind::seed);
  }
  if (!any) return steps;
  for (std::size_t at = order.size(); at-- > 0;) back(order[at], StepKind::backward);
  steps.push_back({.kind = StepKind::finished});
  return steps;
}

GraphView view_after(const GraphView& view, const std::vector<GraphStep>& steps, std::size_t count) {
  GraphView after = view;
  const auto goes_back = [](StepKind kind) { return kind != StepKind::given && kind != StepKind::forward; };
  const GraphStep& now = steps[count - 1];
  after.walk = goes_back(now.kind) ? Walk::backward : Walk::forward;
  for (GraphItem& item : after.items) {
    item.shown = {.value = is_given(item),
                  .gradient = item.kind != ItemKind::result,
                  .parts = item.kind == ItemKind::result ? ~0u : 0u};
    item.sent_back.clear();
  }
  for (GraphLink& link : after.links) link.shown = {.value = is_given(after.items[link.from]), .gradient = false};
  const auto show_value = [&](std::size_t i) {
    after.items[i].shown.value = true;
    for (GraphLink& link : after.links) {
      if (link.from != i) continue;
      link.shown.value = true;
      if (after.items[link.to].kind == ItemKind::result) after.items[link.to].shown.value = true;
    }
  };
  for (const GraphLink& link : after.links)
    if (is_given(after.items[link.from]) && after.items[link.to].kind == ItemKind::result)
      after.items[link.to].shown.value = true;
  for (std::size_t s = 0; s < steps.size(); ++s) {
    const GraphStep& step = steps[s];
    const bool done = s < count, current = s + 1 == count;
    if (step.kind == StepKind::forward && done) show_value(step.item);
    if (step.item != GraphStep::kNone && current) after.items[step.item].shown.current = true;
    if (step.kind == StepKind::seed && done) after.items[step.item].shown.gradient = true;
    for (const GraphStep::Part& part : step.parts) {
      GraphLink& link = after.links[part.link];
      if (current) link.shown.current = true;
      if (!goes_back(step.kind)) continue;
      GraphItem& origin = after.items[link.from];
      origin.sent_back.push_back(part.link);
      origin.sums.push_back(part.sum);
      if (!done) continue;
      link.shown.gradient = true;
      ++origin.shown.parts;
    }
  }
  // Links that no gradient flows along have none to hide.
  for (GraphLink& link : after.links)
    if (!link.takes_grad) link.shown.gradient = true;
  return after;
}

}  // namespace chainrule
