// Works on the view alone: what was recorded, and what the JSON of a graph holds, stays as it is.
#include "engine/draw/subscripts.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "engine/draw/names.h"
#include "engine/system/text.h"

namespace chainrule {
namespace {

constexpr OpInfo kSubscript{.name = "subscript",
                            .formula = "z = the picked elements of x",
                            .derivatives = {"1 (picked elements)"},
                            .inputs = "x",
                            .flops = "0"};

bool is(const GraphItem& item, std::string_view name) { return item.info && item.info->name == name; }

// What a slice picks along its axis; `indexed`: one element, whose axis a reshape takes away.
struct Range {
  std::int64_t axis = 0, start = 0, end = 0, step = 1;
  bool indexed = false;
};

// "dim=0, start=1, end=2, step=1", as the operation says it.
std::optional<Range> range_of(std::string_view attributes) {
  Range range;
  for (const auto& [name, value] :
       {std::pair{"dim=", &range.axis}, {"start=", &range.start}, {"end=", &range.end}, {"step=", &range.step}}) {
    const std::size_t at = attributes.find(name);
    if (at == std::string_view::npos) return {};
    const LeadingNumber number = leading_number(attributes.substr(at + std::string_view(name).size()));
    if (number.length == 0) return {};
    *value = static_cast<std::int64_t>(number.value);
  }
  return range;
}

// The text of slices of a value of that shape; nothing when an axis is sliced twice.
std::optional<std::string> text_of(const Shape& shape, const std::vector<Range>& ranges) {
  std::vector<std::string> parts(static_cast<std::size_t>(shape.rank()), ":");
  std::size_t last = 0;
  for (const Range& r : ranges) {
    const auto axis = static_cast<std::size_t>(r.axis);
    if (axis >= parts.size() || parts[axis] != ":") return {};
    const std::string start = r.start == 0 ? "" : std::to_string(r.start);
    const std::string end = r.end >= shape[axis] ? "" : std::to_string(r.end);
    parts[axis] = r.indexed     ? std::to_string(r.start)
                  : r.step != 1 ? fmt::format("{}:{}:{}", start, end, r.step)
                                : fmt::format("{}:{}", start, end);
    last = std::max(last, axis);
  }
  parts.resize(last + 1);
  return fmt::format("[{}]", fmt::join(parts, ", "));
}

// Marks the ranges whose axes the reshape from `sliced` to `reshaped` takes away; false when it does something else.
// x[1:, 0] and x[1, 0:1] of two rows are recorded alike: a range that ends where the axis ends is taken for a range.
bool mark_indexed(std::vector<Range>& ranges, const Shape& shape, const Shape& sliced, const Shape& reshaped) {
  int dropped = sliced.rank() - reshaped.rank();
  if (dropped <= 0) return false;
  for (const bool ends_inside : {true, false})
    for (Range& r : ranges) {
      const bool inside = r.end < shape[static_cast<std::size_t>(r.axis)];
      if (dropped == 0 || r.end != r.start + 1 || inside != ends_inside) continue;
      r.indexed = true;
      --dropped;
    }
  Shape rest;
  for (int i = 0; i < sliced.rank(); ++i) {
    const auto takes_it = [&](const Range& r) { return r.axis == i && r.indexed; };
    if (std::none_of(ranges.begin(), ranges.end(), takes_it)) rest.push_back(sliced[static_cast<std::size_t>(i)]);
  }
  if (dropped == 0 && rest == reshaped) return true;
  for (Range& r : ranges) r.indexed = false;
  return false;
}

class Joiner {
 public:
  explicit Joiner(GraphView& view) : view_(view), reader_(view.items.size(), kNone), gone_(view.items.size()) {
    std::vector<std::size_t> readers(view.items.size());
    for (const GraphLink& link : view.links) {
      ++readers[link.from];
      reader_[link.from] = link.to;
    }
    for (std::size_t i = 0; i < readers.size(); ++i)
      if (readers[i] != 1) reader_[i] = kNone;
  }

  void join() {
    for (std::size_t i = 0; i < view_.items.size(); ++i)
      if (is(view_.items[i], "slice") && !gone_[i]) join_from(i);
    remove();
  }

 private:
  static constexpr std::size_t kNone = ~std::size_t{0};

  // The only reader of an inner value that nothing else speaks of.
  std::size_t next(std::size_t i) const {
    const GraphItem& item = view_.items[i];
    const bool inner = item.label.empty() && !item.is_result && reader_[i] != kNone;
    return inner && view_.items[reader_[i]].kind == ItemKind::operation ? reader_[i] : kNone;
  }

  void join_from(std::size_t first) {
    const std::size_t origin = links_to(view_, first).begin()->from;
    if (!view_.items[origin].shape_known) return;
    const Shape& shape = view_.items[origin].shape;
    std::vector<Range> ranges;
    std::size_t last = first, at = first;
    for (; at != kNone && is(view_.items[at], "slice"); at = next(at)) {
      const auto range = range_of(view_.items[at].attributes);
      if (!range) return;
      ranges.push_back(*range);
      last = at;
    }
    const bool reshaped = at != kNone && is(view_.items[at], "reshape");
    const bool dropped = reshaped && mark_indexed(ranges, shape, view_.items[last].shape, view_.items[at].shape);
    const auto text = text_of(shape, ranges);
    if (!text) return;
    if (dropped) last = at;
    GraphItem& joined = view_.items[last];
    joined.info = &kSubscript;
    joined.attributes.clear();
    joined.subscript = *text;
    if (last == first) return;
    // The link into the first now ends at the last, and carries what it carried.
    const auto into = [&](std::size_t item) {
      return static_cast<std::size_t>(links_to(view_, item).data() - view_.links.data());
    };
    GraphLink& kept = view_.links[into(last)];
    const GraphLink& brought = view_.links[into(first)];
    kept.from = origin;
    kept.takes_grad = brought.takes_grad;
    kept.contribution = brought.contribution;
    kept.local = Tensor();
    for (std::size_t i = first; i != last; i = reader_[i]) gone_[i] = true;
  }

  void remove() {
    if (std::find(gone_.begin(), gone_.end(), true) == gone_.end()) return;
    std::vector<std::size_t> places(view_.items.size());
    std::vector<GraphItem> items;
    for (std::size_t i = 0; i < view_.items.size(); ++i) {
      places[i] = items.size();
      if (!gone_[i]) items.push_back(std::move(view_.items[i]));
    }
    std::vector<GraphLink> links;
    for (GraphLink& link : view_.links) {
      if (gone_[link.to]) continue;
      link.from = places[link.from];
      link.to = places[link.to];
      links.push_back(std::move(link));
    }
    view_.total -= view_.items.size() - items.size();
    view_.items = std::move(items);
    view_.links = std::move(links);
    for (GraphItem& item : view_.items) item.sent_back.clear();
    for (std::size_t k = 0; k < view_.links.size(); ++k)
      if (view_.links[k].takes_grad) view_.items[view_.links[k].from].sent_back.push_back(k);
  }

  GraphView& view_;
  std::vector<std::size_t> reader_;  // of each item, where it has only one
  std::vector<bool> gone_;
};

}  // namespace

void join_subscripts(GraphView& view) { Joiner(view).join(); }

}  // namespace chainrule
