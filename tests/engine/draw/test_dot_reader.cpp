// The reader of DOT against texts written by hand, so that the fuzz test may trust it; and one text of the writer.
#include <doctest/doctest.h>

#include <array>
#include <string>
#include <vector>

#include "engine/draw/dot_writer.h"
#include "engine/system/process.h"
#include "tests/engine/draw/dot_reader.h"

using namespace chainrule;
using testing::read_dot;

TEST_CASE("DOT reader: statements, nesting, defaults") {
  const auto graph = read_dot(R"(digraph "g\\1" {
  charset="UTF-8";
  graph [rankdir="LR"];
  node [shape="box"];
  "a" [label="one"];
  subgraph "cluster_x" {
    graph [label="outer"];
    subgraph "cluster_y" { graph [label="inner"]; "b" []; }
    "c" [];
  }
  "a" -> "b" [color="red"];
  "a" -> "b" [];
})");
  CHECK(graph.id == "g\\1");
  CHECK(graph.attributes.at("rankdir").text == "LR");
  CHECK(graph.node_defaults.at("shape").text == "box");
  REQUIRE(graph.nodes.size() == 3);
  REQUIRE(graph.clusters.size() == 2);
  CHECK(graph.clusters[1].parent == 0);
  CHECK(graph.clusters[1].attributes.at("label").text == "inner");
  CHECK(graph.find("a")->cluster == -1);
  CHECK(graph.find("b")->cluster == 1);
  CHECK(graph.find("c")->cluster == 0);
  CHECK(graph.find("d") == nullptr);
  CHECK(graph.edges.size() == 2);
}

TEST_CASE("DOT reader: escapes, entities, joined pieces, markup") {
  const auto graph = read_dot(R"(digraph "g" {
  "1" [label="a\\N \"q\" &amp;lt; x\ny" + "z", tooltip="\\\\N\ntwo \\\\\"", name="l"];
  "2" [label=<<TABLE BORDER="0"><TR><TD>a &lt;b&gt; &amp;amp;</TD><TD>2</TD></TR><HR/><TR><TD><B>c</B></TD></TR></TABLE>>];
})");
  CHECK(graph.nodes[0].attributes.at("label").text == "a\\N \"q\" &lt; x\nyz");
  CHECK(graph.nodes[0].attributes.at("tooltip").text == "\\N\ntwo \\\"");
  CHECK(graph.nodes[1].attributes.at("label").text == "a <b> &amp;\t2\nc");
  CHECK(graph.nodes[1].attributes.at("label").html);
}

TEST_CASE("DOT reader: refuses what the library must not write") {
  const auto refuses = [](const std::string& body) {
    CAPTURE(body);
    CHECK_THROWS_AS(read_dot("digraph \"g\" {" + body + "}"), std::runtime_error);
  };
  refuses(R"("a" [label="\N"];)");
  refuses(R"("a" [label="\l"];)");
  refuses(R"("a" [tooltip="\\N"];)");
  refuses(R"("a" [label="x\"];)");
  refuses(R"("a" [label="a & b"];)");
  refuses(R"("a" [label="&#92;"];)");
  refuses(R"("a" [label="1", label="2"];)");
  refuses(R"("a" []; "a" [];)");
  refuses(R"("a" []; "a" -> "b" [];)");
  refuses(R"("a" [label=<<B>x>];)");
  refuses(R"("a" [label=<<B>x</FONT>>];)");
  refuses(R"("a" [label=<<IMG/>>];)");
  refuses(R"("a" [label=<x \N>];)");
  refuses(R"("a" [label="x")");
  refuses("\"a\" [label=\"\x01\"];");
  refuses("\"a\" [label=\"\xC0\xAF\"];");
  refuses("\"a\" [label=\"\xED\xA0\x80\"];");
  refuses("\"a\" [label=\"\xE3\x81\"];");
  refuses("\"a\" [label=\"" + std::string(17000, 'x') + "\"];");
  CHECK_THROWS_AS(read_dot("digraph \"g\" {} \"x\" [];"), std::runtime_error);
}

TEST_CASE("DOT writer: the text itself") {
  std::string dot;
  DotWriter writer(dot);
  writer.begin_graph("g").set("rankdir", "LR");
  constexpr std::array<DotSetting, 2> kStyle = {{{"shape", "box"}, {"style", "rounded"}}};
  writer.node_defaults().set(kStyle);
  writer.begin_cluster("1").set("label", "conv");
  writer.node("1").set("label", HtmlLabel().run("x", {.color = "#000000", .bold = true}).end_line().run("<2>"));
  writer.end();
  writer.node("2").set("label", "a\\N & \"b\"\n").set_lines("tooltip", "one\ntwo\\");
  writer.edge("1", "2");
  writer.end();
  CHECK(dot == R"(digraph "g" {
  charset="UTF-8";
  graph [rankdir="LR"];
  node [shape="box", style="rounded"];
  subgraph "cluster_1" {
    graph [label="conv"];
    "1" [label=<<TABLE BORDER="0" CELLBORDER="0" CELLSPACING="0" CELLPADDING="0"><TR><TD><FONT COLOR="#000000"><B>x</B></FONT></TD></TR><TR><TD>&lt;2&gt;</TD></TR></TABLE>>];
  }
  "2" [label="a\\N &amp; \"b\"␊", tooltip="one\n"+"two\\\\"];
  "1" -> "2" [];
}
)");
  CHECK(read_dot(dot).find("1")->attributes.at("label").text == "x\n<2>");
}

TEST_CASE("HTML label: lines, rules and grids") {
  const std::vector<std::string> cells = {"1", "-2.5", "3", "", "5", "6"};
  HtmlLabel label({.padding = 2, .min_width = 40, .rule_color = "#888888"});
  label.rule().run("W").run(" (2, 3)", {.size = 9}).end_line().rule();
  label.grid(cells, 3, {.color = "blue"}, "blue").run("after").rule();
  std::string dot;
  DotWriter writer(dot);
  writer.begin_graph("g");
  writer.node("1").set("label", label);
  writer.node("2").set("label", HtmlLabel());
  writer.end();
  const auto graph = read_dot(dot);
  CHECK(testing::filled_cells(graph.nodes[0].attributes.at("label").text) ==
        std::vector<std::string>{"W (2, 3)", "1", "-2.5", "3", "5", "6", "after"});
  CHECK(graph.nodes[1].attributes.at("label").text.empty());
  CHECK(dot.find("<HR/>") == dot.rfind("<HR/>"));  // one between rows; none before the first or after the last
}

TEST_CASE("DOT writer: long texts come in pieces that Graphviz's scanner takes") {
  std::string kanji;
  for (int i = 0; i < 30'000; ++i) kanji += "重";
  for (const std::string& text : {std::string(100'000, 'x'), kanji, std::string(50'000, '<')}) {
    std::string dot;
    DotWriter writer(dot);
    writer.begin_graph("g");
    writer.node(text).set("label", HtmlLabel().run(text, {.bold = true})).set_lines("tooltip", text);
    writer.end();
    const auto graph = read_dot(dot);
    CHECK(graph.nodes[0].id == text);
    CHECK(graph.nodes[0].attributes.at("label").text == text);
    CHECK(graph.nodes[0].attributes.at("tooltip").text == text);
    const auto parsed = run_process({"dot", "-Tcanon"}, {.input = dot});  // reads it, lays out nothing
    CHECK((parsed.not_found || (parsed.ok() && parsed.err.empty())));
  }
}
