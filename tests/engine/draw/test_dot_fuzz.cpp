// 10,000 hostile byte strings as labels, tooltips, ids and cluster names: our reader gets back the printable text,
// and Graphviz itself reads and shows it.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "engine/draw/dot_writer.h"
#include "engine/system/process.h"
#include "engine/system/text.h"
#include "tests/engine/draw/dot_reader.h"

using namespace chainrule;
using namespace std::string_literals;
using testing::read_dot;

namespace {

class HostileText {
 public:
  explicit HostileText(unsigned seed) : random_(seed) {}

  std::string next(std::size_t longest) {
    static const std::vector<std::string> kPieces = {"\"",
                                                     "\\",
                                                     "\\\\",
                                                     "\n",
                                                     "\r\n",
                                                     "\t",
                                                     "\0"s,
                                                     "\\N",
                                                     "\\G",
                                                     "\\E",
                                                     "\\T",
                                                     "\\H",
                                                     "\\L",
                                                     "\\l",
                                                     "\\r",
                                                     "\\n",
                                                     "<b>",
                                                     "</b>",
                                                     "<",
                                                     ">",
                                                     "]",
                                                     "];",
                                                     "->",
                                                     "{",
                                                     "}",
                                                     "{|}",
                                                     ";",
                                                     "//",
                                                     "/*",
                                                     "*/",
                                                     "#",
                                                     "&",
                                                     "&amp;",
                                                     "&lt;",
                                                     "&#92;N",
                                                     "&#0;",
                                                     "&nbsp;",
                                                     "<!--",
                                                     "-->",
                                                     "]]>",
                                                     "<![CDATA[",
                                                     "<TABLE>",
                                                     "</TD>",
                                                     "<BR/>",
                                                     "\"+\"",
                                                     "\" + \"",
                                                     "\xFF",
                                                     "\xC0\xAF",
                                                     "\xED\xA0\x80",
                                                     "\xE3\x81",
                                                     "\xF4\x90\x80\x80",
                                                     "\xEF\xBF\xBE",
                                                     "\xEF\xBF\xBF",
                                                     "\u202E",
                                                     "\uFEFF",
                                                     "\x1b[31m",
                                                     "\x7F",
                                                     "重み",
                                                     "日本語",
                                                     "ñ",
                                                     "😀",
                                                     " ",
                                                     "   ",
                                                     "graph",
                                                     "node",
                                                     "subgraph",
                                                     "cluster",
                                                     "'",
                                                     "=",
                                                     ",",
                                                     "<script>alert(1)</script>",
                                                     "javascript:",
                                                     "%s%n",
                                                     "$(id)"};
    std::string text;
    const std::size_t size = random_() % 100 == 0 ? longest : random_() % 60;
    while (text.size() < size) {
      switch (random_() % 3) {
        case 0:
          text += kPieces[random_() % kPieces.size()];
          break;
        case 1:
          text += static_cast<char>(random_());
          break;
        default:
          text += static_cast<char>(' ' + random_() % 95);
          break;
      }
    }
    if (random_() % 8 == 0) text += '\\';
    return text;
  }

 private:
  std::mt19937 random_;
};

std::string unwrapped(const HtmlLabel& label) {
  std::string dot;
  DotWriter writer(dot);
  writer.begin_graph("g");
  writer.node("1").set("label", label);
  writer.end();
  return read_dot(dot).nodes[0].attributes.at("label").text;
}

// What an SVG viewer shows: the inverse of the few ways in which Graphviz writes a character.
std::string from_svg(std::string text) {
  static const std::vector<std::pair<std::string, std::string>> kForms = {
      {"&#45;", "-"}, {"&#160;", " "}, {"&#39;", "'"}, {"&quot;", "\""}, {"&lt;", "<"}, {"&gt;", ">"}, {"&amp;", "&"}};
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto form = std::find_if(kForms.begin(), kForms.end(),
                                   [&](const auto& f) { return text.compare(i, f.first.size(), f.first) == 0; });
    out += form == kForms.end() ? text.substr(i, 1) : form->second;
    i += form == kForms.end() ? 1 : form->first.size();
  }
  return out;
}

}  // namespace

TEST_CASE("DOT fuzz: 10,000 hostile texts are read back as they were shown") {
  HostileText hostile(20);
  constexpr int kNodes = 2000;  // five texts each
  std::string dot;
  DotWriter writer(dot);
  struct Texts {
    std::string id, label, html, tooltip, cluster;
  };
  std::vector<Texts> texts;
  writer.begin_graph("a\"\\");
  for (int i = 0; i < kNodes; ++i) {
    const std::string number = std::to_string(i) + ':';
    Texts t{number + hostile.next(65536), hostile.next(65536), hostile.next(65536), hostile.next(65536),
            number + hostile.next(65536)};
    writer.begin_cluster(t.cluster).set("label", t.cluster);
    writer.node(t.id)
        .set("label", HtmlLabel().run(t.html, {.color = "#1d4ea8", .bold = i % 2 == 0}))
        .set("xlabel", t.label)
        .set("tooltip", t.tooltip);
    writer.end();
    if (i > 0) writer.edge(texts.back().id, t.id).set("label", t.label).set("edgetooltip", t.tooltip);
    texts.push_back(std::move(t));
  }
  writer.end();

  const auto graph = read_dot(dot);
  CHECK(graph.id == "a\"\\");
  REQUIRE(graph.nodes.size() == kNodes);
  REQUIRE(graph.clusters.size() == kNodes);
  REQUIRE(graph.edges.size() == kNodes - 1);
  for (std::size_t i = 0; i < kNodes; ++i) {
    const Texts& t = texts[i];
    const auto& node = graph.nodes[i];
    REQUIRE(node.id == printable(t.id));
    REQUIRE(node.cluster == static_cast<int>(i));
    REQUIRE(node.attributes.at("xlabel").text == printable(t.label));
    REQUIRE(node.attributes.at("label").text == printable(t.html));
    REQUIRE(node.attributes.at("tooltip").text == printable(t.tooltip));
    REQUIRE(graph.clusters[i].id == fmt::format("cluster_{}", printable(t.cluster)));
    REQUIRE(graph.clusters[i].attributes.at("label").text == printable(t.cluster));
    if (i == 0) continue;
    REQUIRE(graph.edges[i - 1].from == printable(texts[i - 1].id));
    REQUIRE(graph.edges[i - 1].to == printable(t.id));
    REQUIRE(graph.edges[i - 1].attributes.at("label").text == printable(t.label));
    REQUIRE(graph.edges[i - 1].attributes.at("edgetooltip").text == printable(t.tooltip));
  }
}

TEST_CASE("DOT fuzz: grids and many lines keep each text in its cell") {
  HostileText hostile(21);
  for (int i = 0; i < 300; ++i) {
    std::vector<std::string> cells;
    std::vector<std::string> expected;
    for (int k = 0; k < 4; ++k) {
      cells.push_back(fmt::format("c{}", hostile.next(500)));
      expected.push_back(printable(cells.back()));
    }
    REQUIRE(testing::filled_cells(unwrapped(HtmlLabel().grid(cells, 2, {.size = 9}, "#000000"))) == expected);
    const std::string lines = fmt::format("{}\n{}", printable(cells[0]), printable(cells[1]));
    std::string dot;
    DotWriter writer(dot);
    writer.begin_graph("g");
    writer.node("1").set_lines("tooltip", lines);
    writer.end();
    REQUIRE(read_dot(dot).nodes[0].attributes.at("tooltip").text == lines);
  }
}

TEST_CASE("DOT fuzz: Graphviz reads and shows the same texts") {
  HostileText hostile(22);
  constexpr std::size_t kNodes = 400;
  std::string dot;
  std::vector<std::string> labels, tooltips;
  DotWriter writer(dot);
  writer.begin_graph("g").set("splines", "line");
  for (std::size_t i = 0; i < kNodes; ++i) {
    labels.push_back(fmt::format("L{}.", hostile.next(300)));
    tooltips.push_back(fmt::format("T{}.", hostile.next(65536)));
    writer.begin_cluster(std::to_string(i) + hostile.next(20000)).set("label", hostile.next(60));
    // HTML-like labels may be drawn in several pieces, of which none is missing or out of order.
    if (i % 2 == 0) {
      writer.node(fmt::format("n{}", i)).set("label", labels[i]).set("tooltip", tooltips[i]);
    } else {
      writer.node(fmt::format("n{}", i)).set("label", HtmlLabel().run(labels[i])).set("tooltip", tooltips[i]);
    }
    writer.end();
  }
  writer.end();
  const auto result = run_process({"dot", "-Tsvg"}, {.input = dot});
  if (result.not_found) {
    MESSAGE("skipped: the program dot (package graphviz) is not installed");
    return;
  }
  CAPTURE(result.err);
  REQUIRE(result.ok());
  CHECK(result.err.find("rror") == std::string::npos);

  std::size_t found = 0;
  for (std::size_t i = 0; i < kNodes; ++i) {
    const std::size_t start = result.out.find(fmt::format("<title>n{}</title>", i));
    REQUIRE(start != std::string::npos);
    const std::size_t end = result.out.find("<!-- ", start);
    const std::string part = result.out.substr(start, end - start);
    const std::size_t tooltip = part.find("xlink:title=\"") + 13;
    std::string shown;
    for (std::size_t at = part.find("<text"); at != std::string::npos; at = part.find("<text", at + 1)) {
      const std::size_t from = part.find('>', at) + 1;
      shown += from_svg(part.substr(from, part.find("</text>", from) - from));
    }
    CAPTURE(i);
    CHECK(shown == printable(labels[i]));
    CHECK(from_svg(part.substr(tooltip, part.find('"', tooltip) - tooltip)) == printable(tooltips[i]));
    ++found;
  }
  CHECK(found == kNodes);
}

TEST_CASE("DOT writer: 100,000 nodes, each as if it were the only one") {
  std::string dot;
  DotWriter writer(dot);
  writer.begin_graph("g");
  const auto node = [](DotWriter& to, int i) {
    to.node(std::to_string(i)).set("label", "multiply").set("shape", "box").set("tooltip", "mul (32, 10) & \"conv\"");
  };
  for (int i = 0; i < 100'000; ++i) node(writer, i);
  writer.end();
  std::string last;
  DotWriter alone(last);
  alone.begin_graph("g");
  const std::size_t begin = last.size();
  node(alone, 99'999);
  alone.end();
  CHECK(std::count(dot.begin(), dot.end(), '\n') == 100'004);
  CHECK(dot.ends_with(last.substr(begin)));
}
