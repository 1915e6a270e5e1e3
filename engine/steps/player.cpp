// Parts of the page, each as markup: colours, table rows, the list of steps, and the data of the script.
#include "engine/steps/player.h"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "engine/draw/draw_view.h"
#include "engine/draw/graphviz.h"
#include "engine/draw/labels.h"
#include "engine/draw/page.h"
#include "engine/system/embedded.h"
#include "engine/system/text.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;
using style::Palette;

std::string node_id(std::size_t i) { return fmt::format("n{}", i + 1); }
std::string link_id(std::size_t k) { return fmt::format("e{}", k + 1); }

struct NamedColor {
  const char* name;
  std::string_view Palette::*color;
};
constexpr NamedColor kColors[] = {{"background", &Palette::background},
                                  {"text", &Palette::text},
                                  {"muted", &Palette::muted},
                                  {"line", &Palette::line},
                                  {"value", &Palette::value},
                                  {"gradient", &Palette::gradient},
                                  {"warning", &Palette::warning},
                                  {"leaf-fill", &Palette::leaf_fill},
                                  {"leaf-line", &Palette::leaf_line},
                                  {"constant-fill", &Palette::constant_fill},
                                  {"constant-line", &Palette::constant_line},
                                  {"op-fill", &Palette::op_fill},
                                  {"op-line", &Palette::op_line},
                                  {"result-fill", &Palette::result_fill},
                                  {"result-line", &Palette::result_line},
                                  {"cluster-fill", &Palette::cluster_fill},
                                  {"cluster-line", &Palette::cluster_line}};

// The page's colours, and the picture's own turned into them: so it follows the reader's light or dark.
std::string colors() {
  const auto all = [](const Palette& palette) {
    std::string text;
    for (const NamedColor& c : kColors) text += fmt::format(" --{}: {};", c.name, palette.*c.color);
    return text;
  };
  std::string css =
      fmt::format("  :root {{{} }}\n  @media screen and (prefers-color-scheme: dark) {{ :root {{{} }} }}\n",
                  all(style::kLight), all(style::kDark));
  const auto follow = [&](std::string_view color, std::string_view name) {
    css += fmt::format("  svg [fill=\"{0}\"] {{ fill: var(--{1}); }} svg [stroke=\"{0}\"] {{ stroke: var(--{1}); }}\n",
                       color, name);
  };
  for (const NamedColor& c : kColors) follow(style::kLight.*c.color, c.name);
  for (const style::Layer* layer : {&style::kValueLayer, &style::kGradientLayer}) {
    follow(layer->muted, "muted");
    follow(layer->line, "line");
  }
  const auto hide = [&](const char* name, std::initializer_list<std::string_view> parts) {
    for (const std::string_view color : parts)
      css += fmt::format("  .{0} [fill=\"{1}\"], .{0} [stroke=\"{1}\"] {{ visibility: hidden; }}\n", name, color);
  };
  css += "  @media screen {\n";
  hide("no-value", {style::kLight.value, style::kValueLayer.muted, style::kValueLayer.line});
  hide("no-gradient",
       {style::kLight.gradient, style::kLight.warning, style::kGradientLayer.muted, style::kGradientLayer.line});
  return css + "  }\n";
}

// Rows as a table, so that their equals signs stand in line.
std::string rows_html(const Walkthrough& walk, std::size_t s) {
  const bool back = walk.steps[s].kind != StepKind::given && walk.steps[s].kind != StepKind::forward;
  std::string html = fmt::format("<table class=\"rows {}\">", back ? "of-gradients" : "of-values");
  for (const StepRow& row : walk.texts[s].rows) {
    const char* equals = row.adds ? "+=" : "=";
    html += fmt::format("<tr><th scope=\"row\">{}</th>", markup_text(row.left));
    for (const auto& [text, name] :
         {std::pair{&row.formula, "formula"}, {&row.numbers, "numbers"}, {&row.value, "value"}}) {
      if (text->empty()) {
        html += "<td></td>";
        continue;
      }
      html += fmt::format("<td class=\"{}\">{} {}</td>", name, equals, markup_text(*text));
      equals = "=";
    }
    html += fmt::format("<td class=\"note\">{}</td></tr>", markup_text(row.note));
  }
  return html + "</table>";
}

// "Forward": what the page shows, and what its script compares with.
std::string phase_title(StepKind kind) {
  std::string phase = phase_of(kind);
  phase[0] = static_cast<char>(phase[0] - 'a' + 'A');
  return phase;
}

std::string steps_html(const Walkthrough& walk) {
  std::string html;
  for (std::size_t s = 0; s < walk.steps.size(); ++s) {
    const StepText& text = walk.texts[s];
    const bool says = text.title != "given" && text.title != "finished";
    html += fmt::format(
        "<li id=\"step-{0}\" data-phase=\"{1}\"><a class=\"go\" href=\"#{0}\"><span class=\"phase\">{1}</span>{2}</a>",
        s + 1, phase_title(walk.steps[s].kind), says ? " <b>" + markup_text(text.title) + "</b>" : "");
    if (!text.about.empty()) html += fmt::format(" <span class=\"about\">{}</span>", markup_text(text.about));
    html += rows_html(walk, s) + "</li>\n";
  }
  return html;
}

// What the box of an item says of its gradient on the way, in the order in which the picture has these texts.
Json words_on_the_way(const DiagramText& text, GraphItem item, std::size_t arrived) {
  item.shown.parts = static_cast<std::uint32_t>(arrived);
  const DiagramText::GradientWords words = text.gradient_words(item);
  Json all = Json::array({words.text});
  for (const std::string& cell : words.cells) all.push_back(cell);
  return all;
}

// Everything that the script needs: ids and numbers, no names.
std::string data(const Walkthrough& walk) {
  const GraphView after = view_after(walk.view, walk.steps, walk.steps.size());
  const DiagramText text(after, walk.options);
  Json nodes = Json::object(), links = Json::object(), steps = Json::array();
  for (std::size_t i = 0; i < after.items.size(); ++i)
    nodes[node_id(i)] = {{"given", is_given(after.items[i])},
                         {"result", after.items[i].kind == ItemKind::result},
                         {"gradient", after.items[i].takes_grad},
                         {"parts", after.items[i].sent_back.size()}};
  for (std::size_t k = 0; k < after.links.size(); ++k)
    links[link_id(k)] = {{"from", node_id(after.links[k].from)},
                         {"to", node_id(after.links[k].to)},
                         {"gradient", after.links[k].takes_grad}};
  for (const GraphStep& step : walk.steps) {
    Json one = {{"kind", phase_title(step.kind)}};
    one["node"] = step.item == GraphStep::kNone ? Json(nullptr) : Json(node_id(step.item));
    Json ids = Json::array(), words = Json::object();
    for (const GraphStep::Part& part : step.parts) {
      ids.push_back(link_id(part.link));
      const std::size_t origin = after.links[part.link].from;
      if (part.arrived > 0 && after.items[origin].sent_back.size() > 1)
        words[node_id(origin)] = words_on_the_way(text, after.items[origin], part.arrived);
    }
    one["links"] = std::move(ids);
    one["words"] = std::move(words);
    steps.push_back(std::move(one));
  }
  return Json{{"nodes", nodes}, {"links", links}, {"steps", steps}}.dump();
}

// The <svg> element with a name for those who hear the page, and without Graphviz's own titles, "n1".
std::string picture(std::string_view drawn, const std::string& title) {
  std::string_view rest = svg_element(drawn);
  std::string svg = fmt::format("<svg role=\"img\" aria-label=\"{}\"", title);
  rest.remove_prefix(std::min(rest.size(), std::string_view("<svg").size()));
  for (;;) {
    const std::size_t begin = rest.find("<title>"), end = rest.find("</title>\n");
    if (begin == std::string_view::npos || end == std::string_view::npos) break;
    svg.append(rest.substr(0, begin));
    rest.remove_prefix(end + std::string_view("</title>\n").size());
  }
  return svg.append(rest);
}

}  // namespace

std::string player_dot(const Walkthrough& walk) {
  GraphView view = view_after(walk.view, walk.steps, walk.steps.size());
  view.walk = Walk::page;
  for (GraphItem& item : view.items) item.shown = {};
  for (GraphLink& link : view.links) link.shown = {};
  GraphOptions options = walk.options;
  options.dark = false;  // the page knows both
  return draw_view(view, options);
}

std::string player_page(const Walkthrough& walk, std::string_view svg) {
  const std::string title = markup_text(walk.title);
  std::size_t rows = 1;
  for (const StepText& text : walk.texts) rows = std::max(rows, text.rows.size());
  return fill_page(embedded::player_html, {{"title", title},
                                           {"colors", colors()},
                                           {"rows", std::to_string(std::min<std::size_t>(rows, 4))},
                                           {"count", std::to_string(walk.steps.size())},
                                           {"picture", picture(svg, "The graph of " + title)},
                                           {"steps", steps_html(walk)},
                                           {"data", data(walk)}});
}

}  // namespace chainrule
