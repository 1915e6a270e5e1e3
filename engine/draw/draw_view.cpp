// Statements in the order in which Graphviz reads them: the graph, then cluster by cluster, then the edges.
#include "engine/draw/draw_view.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <span>

#include "engine/draw/labels.h"
#include "engine/draw/title.h"

namespace chainrule {
namespace {

// This many links of tensors, or operations on numbers one after another, still fit across a page.
constexpr std::size_t kMostAcross = 9, kDeepestAcross = 12;
// Routing more curves around everything takes too long.
constexpr std::size_t kMostCurves = 300;

bool all_numbers(const GraphView& view) {
  return std::all_of(view.items.begin(), view.items.end(),
                     [](const GraphItem& item) { return numel(item.shape) == 1; });
}

// Links on the longest way to a result.
std::size_t depth_of(const GraphView& view) {
  std::vector<std::size_t> depth(view.items.size());
  std::size_t deepest = 0;
  for (const GraphLink& link : view.links) {  // in the order of their ends
    depth[link.to] = std::max(depth[link.to], depth[link.from] + 1);
    deepest = std::max(deepest, depth[link.to]);
  }
  return deepest;
}

bool reads_better_down(const GraphView& view) {
  return all_numbers(view) ? depth_of(view) > kDeepestAcross : view.links.size() > kMostAcross;
}

// A module's box: what stands in it, and the boxes inside.
struct Cluster {
  const ModulePath* path = nullptr;
  std::vector<std::size_t> inside{};  // places in Drawing::clusters_
  std::vector<std::size_t> items{}, links{};
};

class Drawing {
 public:
  Drawing(const GraphView& view, const GraphOptions& options, const Caption* caption, std::string& out)
      : view_(view),
        options_(options),
        caption_(caption),
        text_(view, options),
        colors_(options.dark ? style::kDark : style::kLight),
        labelled_(view.walk == Walk::none ? view.links.size() <= kMostLabelledLinks && view.total == view.items.size()
                                          : view.links.size() <= kMostWalkedLinks),
        down_(options.direction.empty() ? labelled_ && view.walk == Walk::none && reads_better_down(view)
                                        : options.direction == "TB"),
        dot_(out) {}

  void draw() {
    sort_into_clusters();
    begin();
    draw_cluster(0);
    for (std::size_t k = 0; k < view_.links.size(); ++k) draw_link(k);
    dot_.end();
  }

 private:
  std::size_t cluster_of(const ModulePath* path) {
    std::size_t at = 0;
    for (const ModulePath* step : module_chain(path)) {
      const auto [known, fresh] = cluster_places_.try_emplace({at, step}, clusters_.size());
      if (fresh) {
        clusters_[at].inside.push_back(clusters_.size());
        clusters_.push_back({.path = step});
        parents_.push_back(at);
      }
      at = known->second;
    }
    return at;
  }

  void sort_into_clusters() {
    clusters_.emplace_back();
    parents_.push_back(0);
    for (std::size_t i = 0; i < view_.items.size(); ++i) {
      homes_.push_back(cluster_of(view_.items[i].module));
      clusters_[homes_[i]].items.push_back(i);
    }
    if (!labelled_) return;
    for (std::size_t k = 0; k < view_.links.size(); ++k) {
      // The innermost box that holds both ends; elsewhere the line would loop.
      std::size_t a = homes_[view_.links[k].from], b = homes_[view_.links[k].to];
      while (a != b) (a > b ? a : b) = parents_[a > b ? a : b];
      if (down_ && !text_.has_words(view_.links[k])) continue;
      clusters_[a].links.push_back(k);
      if (!down_) width_ = std::max(width_, text_.link_width(view_.links[k]));
    }
  }

  void begin() {
    HtmlLabel title;
    title.run(title_of(view_, options_), {.color = colors_.text, .size = style::kTitleSize, .bold = true}).end_line();
    title.run(legend_of(view_, options_, text_.legend_marks()), {.color = colors_.muted, .size = style::kSubtitleSize})
        .end_line();
    title.run(" ", {.size = style::kTitleGap});
    if (caption_) {
      title = HtmlLabel({.min_width = caption_->width});
      title.run(title_of(view_, options_), {.color = colors_.text, .size = style::kTitleSize, .bold = true}).end_line();
      for (std::size_t i = 0; i < caption_->rows; ++i)
        title
            .run(i < caption_->lines.size() ? caption_->lines[i] : " ",
                 {.color = i == 0 ? colors_.muted : colors_.text, .size = style::kTextSize})
            .end_line();
      title.run(" ", {.size = style::kTitleGap});
    }
    {
      DotStatement graph = dot_.begin_graph("chainrule");
      std::vector<DotSetting> special;
      if (down_) special.assign(style::kDownward.begin(), style::kDownward.end());
      if (!labelled_ && options_.direction == "LR")
        special = {{"ranksep", "0.6"}};
      else if (!labelled_)
        special.assign(style::kBigGraph.begin(), style::kBigGraph.end());
      if (!options_.font.empty()) special.push_back({"fontname", options_.font});
      if (view_.links.size() > kMostCurves)
        special.insert(special.end(), style::kStraight.begin(), style::kStraight.end());
      for (const DotSetting& usual : style::kGraph) {
        const bool replaced =
            std::any_of(special.begin(), special.end(), [&](const DotSetting& s) { return s.name == usual.name; });
        if (!replaced) graph.set(usual.name, usual.value);
      }
      graph.set(special);
      graph.set("bgcolor", colors_.background);
      if (view_.walk != Walk::page) graph.set("label", title);
    }
    const auto usual = [this](DotStatement& statement, std::span<const DotSetting> settings) -> DotStatement& {
      for (const DotSetting& s : settings)
        statement.set(s.name, s.name == "fontname" && !options_.font.empty() ? options_.font : s.value);
      return statement;
    };
    {
      DotStatement nodes = dot_.node_defaults();
      usual(nodes, style::kNodes).set("fontcolor", colors_.text);
    }
    DotStatement edges = dot_.edge_defaults();
    usual(edges, style::kEdges).set("color", colors_.line).set("fontcolor", colors_.muted);
  }

  // Recursion over modules, whose nesting module_chain limits.
  void draw_cluster(std::size_t at) {
    const Cluster& cluster = clusters_[at];
    if (cluster.path) {
      dot_.begin_cluster(fmt::format("m{}", at))
          .set(style::kCluster)
          .set("color", colors_.cluster_line)
          .set("fillcolor", colors_.cluster_fill)
          .set("label", text_.module(*cluster.path));
    }
    for (const std::size_t i : cluster.items) draw_item(i);
    for (const std::size_t k : cluster.links) {
      DotStatement label = dot_.node(label_id(k));
      const std::string_view ground = cluster.path ? colors_.cluster_fill : colors_.background;
      label.set(style::kOnEdge)
          .set("label", text_.link(view_.links[k], width_, ground))
          .set_lines("tooltip", text_.link_tooltip(view_.links[k]));
      if (view_.walk != Walk::none) label.set("id", label_id(k));
    }
    for (const std::size_t inner : cluster.inside) draw_cluster(inner);
    if (cluster.path) dot_.end();
  }

  void draw_item(std::size_t i) {
    const GraphItem& item = view_.items[i];
    DotStatement node = dot_.node(item_id(i));
    auto set = [&](std::span<const DotSetting> settings, std::string_view line) {
      for (const DotSetting& s : settings)
        if (!item.shown.current || s.name != "penwidth") node.set(s.name, s.value);
      node.set("fillcolor", text_.fill(item)).set("color", item.shown.current ? marked() : line);
      if (item.shown.current) node.set("penwidth", style::kCurrentNode);
    };
    switch (item.kind) {
      case ItemKind::input:
        set(style::kInput, colors_.leaf_line);
        break;
      case ItemKind::parameter:
        set(style::kParameter, colors_.leaf_line);
        break;
      case ItemKind::constant:
        set(style::kConstant, colors_.constant_line);
        break;
      case ItemKind::frozen:
        set(style::kFrozen, colors_.constant_line);
        break;
      case ItemKind::detached:
        set(style::kDetached, colors_.constant_line);
        break;
      case ItemKind::result:
        set(style::kResult, colors_.result_line);
        break;
      case ItemKind::folded:
        set(style::kFolded, colors_.op_line);
        break;
      case ItemKind::operation:
        if (text_.is_circle(item))
          set(style::kSymbol, colors_.op_line);
        else
          set(style::kNamedOp, colors_.op_line);
        break;
    }
    if (text_.is_circle(item))
      node.set("label", text_.circle(item));
    else
      node.set("label", text_.item(item));
    node.set_lines("tooltip", text_.item_tooltip(item));
    if (view_.walk != Walk::none) node.set("id", item_id(i));
  }

  std::string_view marked() const { return view_.walk == Walk::backward ? colors_.gradient : colors_.value; }

  void draw_link(std::size_t k) {
    const GraphLink& link = view_.links[k];
    const bool current = link.shown.current, back = current && view_.walk == Walk::backward;
    if (labelled_ && (!down_ || text_.has_words(link))) {
      const std::span<const DotSetting> to_label =
          down_ ? std::span<const DotSetting>(style::kDownToLabel) : style::kToLabel;
      const std::span<const DotSetting> from_label =
          down_ ? std::span<const DotSetting>(style::kDownFromLabel) : style::kFromLabel;
      // Where a gradient flows, the arrow points back.
      const auto draw = [&](DotStatement edge, std::span<const DotSetting> settings, bool begins) {
        for (const DotSetting& s : settings)
          if (!back || s.name != "arrowhead") edge.set(s.name, s.value);
        if (back && begins)
          edge.set("dir", "back");
        else if (back)
          edge.set("arrowhead", "none");
        if (current) edge.set("color", marked()).set("penwidth", style::kCurrentEdge);
        if (view_.walk != Walk::none) edge.set("id", fmt::format("{}{}", label_id(k), begins ? "a" : "b"));
      };
      draw(dot_.edge(item_id(link.from), label_id(k)), to_label, true);
      draw(dot_.edge(label_id(k), item_id(link.to)), from_label, false);
      return;
    }
    DotStatement edge = dot_.edge(item_id(link.from), item_id(link.to));
    if (back) edge.set("dir", "back");
    if (current) edge.set("color", marked()).set("penwidth", style::kCurrentEdge);
    if (view_.walk != Walk::none) edge.set("id", label_id(k) + "a");
    const GraphItem& from = view_.items[link.from];
    if (from.kind != ItemKind::operation) return;
    if (const std::string type = text_.type_text(from, false); !type.empty()) edge.set("label", type);
  }

  static std::string item_id(std::size_t i) { return fmt::format("n{}", i + 1); }
  static std::string label_id(std::size_t k) { return fmt::format("e{}", k + 1); }

  const GraphView& view_;
  const GraphOptions& options_;
  const Caption* caption_;
  DiagramText text_;
  const style::Palette& colors_;
  bool labelled_;  // links show what they carry
  bool down_;      // from top to bottom; a walk goes forward and back like its arrows and keys
  DotWriter dot_;
  std::vector<Cluster> clusters_;
  std::vector<std::size_t> parents_, homes_;
  std::map<std::pair<std::size_t, const ModulePath*>, std::size_t> cluster_places_;
  int width_ = 0;
};

}  // namespace

std::string draw_view(const GraphView& view, const GraphOptions& options, const Caption* caption) {
  std::string out;
  Drawing(view, options, caption, out).draw();
  return out;
}

}  // namespace chainrule
