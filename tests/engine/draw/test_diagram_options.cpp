// What a reader can ask of a diagram: folding by depth, name and repeats, letters, colours that tell something, and the
// forms for terminals, pages and programs.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/draw/diagram.h"
#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/types/error.h"
#include "tests/engine/custom_rule.h"
#include "tests/engine/draw/dot_reader.h"

using namespace chainrule;
using namespace chainrule::testing;
using Json = nlohmann::json;

namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++n;
  return n;
}

/// Twelve blocks of two layers, then a head: net.block0.fc, net.block0.act, ... net.head.
Tensor blocks(const Tensor& x, int count = 12) {
  const ModuleScope net("net", "Sequential");
  Tensor z = x;
  for (int i = 0; i < count; ++i) {
    const ModuleScope block("block" + std::to_string(i), "Block", 6);
    {
      const ModuleScope layer("fc", "Linear", 6);
      z = z * ones({3}, {.requires_grad = true}) + 1;
    }
    const ModuleScope layer("act", "Tanh");
    z = tanh(z);
  }
  const ModuleScope head("head", "Linear", 3);
  return sum(z * 3);
}

DotGraph drawn(const Tensor& z, const GraphOptions& options) { return read_dot(graph_to_dot(z, options)); }

Tensor price() {
  const Tensor apple = variable(100, "apple"), count = variable(2, "count"), tax = variable(1.1, "tax");
  const Tensor z = (apple * count * tax).label("price");
  z.backward();
  return z;
}

}  // namespace

TEST_CASE("diagram: modules fold by depth") {
  const Tensor z = blocks(randn({3}));
  const auto nodes = [&](int depth) { return graph_to_json(z, {.fold_above = 0, .depth = depth}); };
  const std::size_t all = Json::parse(nodes(-1))["nodes"].size();
  CHECK(Json::parse(nodes(3))["nodes"].size() == all);
  const Json layers = Json::parse(nodes(2)), whole = Json::parse(nodes(1)), one = Json::parse(nodes(0));
  CHECK(layers["nodes"].size() < all);
  CHECK(whole["nodes"].size() < layers["nodes"].size());
  CHECK(one["nodes"].size() == 2);  // the net, with the data that it reads, and the result
  for (const Json& node : one["nodes"])
    if (node["kind"] == "folded") {
      CHECK(node["label"] == "net");
      CHECK(node["stands_for"].get<std::size_t>() == all - 1);
    }
}

TEST_CASE("diagram: modules fold and stay open by name") {
  const Tensor z = blocks(randn({3}));
  const auto labels = [&](const GraphOptions& options) {
    std::vector<std::string> names;
    const Json graph = Json::parse(graph_to_json(z, options));
    for (const Json& node : graph["nodes"])
      if (node["kind"] == "folded") names.push_back(node["label"]);
    return names;
  };
  using Names = std::vector<std::string>;
  CHECK(labels({.fold_above = 0, .fold = {"net.block3"}}) == Names{"net.block3"});
  CHECK(labels({.fold_above = 0, .fold = {"*.fc"}}).size() == 12);
  CHECK(labels({.fold_above = 0, .fold = {"net.block?"}}).size() == 10);
  CHECK(labels({.fold_above = 0, .depth = 1, .expand = {"net.block3"}}).size() ==
        14);  // eleven blocks, two layers, the head
  CHECK(labels({.fold_above = 0, .fold = {"*"}, .expand = {"net.block3.fc"}}).size() == 13);
  CHECK(labels({.fold_above = 0, .fold = {"nothing"}}).empty());
}

TEST_CASE("diagram: blocks that repeat become one node with their number") {
  const Tensor z = blocks(randn({3}));
  const GraphOptions options{.fold_above = 0, .fold_repeats = 3};
  const DotGraph graph = drawn(z, options);
  CHECK(graph.nodes.size() <= 11);
  const std::string dot = graph_to_dot(z, options);
  CHECK(contains(dot, "× 12"));
  CHECK(contains(dot, "net.block0 … block11"));
  const Json json = Json::parse(graph_to_json(z, options));
  std::size_t folded = 0;
  for (const Json& node : json["nodes"]) folded += node["kind"] == "folded";
  CHECK(folded == 1);
  // A block of another form ends the row; a short row stays open.
  CHECK(!contains(graph_to_dot(z, {.fold_above = 0, .fold_repeats = 13}), "×  12"));
  CHECK(count_of(graph_to_dot(blocks(randn({3}), 2), options), "× 2") == 0);
}

TEST_CASE("diagram: fifty folded layers fit a page") {
  const Tensor z = blocks(randn({3}), 50);
  CHECK(drawn(z, {.fold_above = 0, .fold_repeats = 2}).nodes.size() <= 11);
  CHECK(drawn(z, {.fold_above = 0, .depth = 0}).nodes.size() == 2);
}

TEST_CASE("diagram: letters in place of numbers") {
  const Tensor x = variable(2, "x"), y = variable(3, "y");
  const Tensor product = x * y;
  const std::string dot = graph_to_dot(product + sin(x), {.symbols = true});
  CHECK(contains(dot, "∂x = ∂a · y"));
  CHECK(contains(dot, "∂y = ∂a · x"));
  CHECK(contains(dot, "∂x = ∂b · cos(x)"));
  CHECK(contains(dot, "∂a = ∂result"));
  for (const char* number : {">2<", ">3<", ">6<", "0.9093", "not computed"})
    CHECK_MESSAGE(!contains(dot, number), number);
  // Names that are taken are not given again, and g stands for nothing else.
  const std::string taken = graph_to_dot(variable(1, "a") * variable(2, "b") * 7, {.symbols = true});
  CHECK(contains(taken, "∂a = ∂c · b"));
  CHECK(contains(taken, ">7<"));
}

TEST_CASE("diagram: colours say what words say too") {
  const Tensor w = randn({40, 50}, {.requires_grad = true}), x = randn({2, 40}, {.requires_grad = true});
  const std::string memory = graph_to_dot(sum(matmul(x, w)), {.color = GraphColor::memory});
  CHECK(contains(memory, "8.0 kB"));
  CHECK(contains(memory, "320 B"));
  CHECK(contains(memory, "the darker, the more memory"));

  const Tensor a = variable(2, "a"), b = variable(3, "b"), c = variable(4, "c");
  const Tensor z = exp(a) * 0 + b * 1e9 + c;
  const std::string before = graph_to_dot(z, {.color = GraphColor::health});
  CHECK(contains(before, "∂ not computed"));
  z.backward();
  const std::string after = graph_to_dot(z, {.color = GraphColor::health});
  CHECK(contains(after, "∂ zero"));
  CHECK(contains(after, "(huge)"));
  CHECK(!contains(after, "not computed"));
  const auto fill_of = [&](const std::string& part) {
    const std::size_t at = after.find(part), fill = after.rfind("fillcolor=\"", at);
    return after.substr(fill + 11, 7);
  };
  CHECK(fill_of("(huge)") == fill_of("∂ zero"));
  CHECK(fill_of(">c</B>") != fill_of("(huge)"));
}

TEST_CASE("diagram: each part of a label has a switch") {
  Tensor z;
  {
    const ModuleScope net("net", "Scaled", 1'234);
    const Tensor x = variable(3, "x"), w = variable({0.5, 0.25}, "weights");
    z = pow(x * w, 2);
  }
  z.backward({.cotangent = ones({2}, {.dtype = DType::float64}), .retain_graph = true});
  struct Case {
    bool GraphOptions::*part;
    const char* seen;  // where it is on, and nowhere when it is off
  };
  const Case cases[] = {{&GraphOptions::names, "weights"},
                        {&GraphOptions::operations, "×"},
                        {&GraphOptions::shapes, "(2,)"},
                        {&GraphOptions::dtypes, "float64"},
                        {&GraphOptions::values, "0.25"},
                        {&GraphOptions::gradients, "4.5"},
                        {&GraphOptions::local_derivatives, "∂x = "},
                        {&GraphOptions::parameter_counts, "1,234 parameters"}};
  // The labels without the title; tooltips always say everything.
  const auto labels = [&](const GraphOptions& options) {
    const DotGraph graph = drawn(z, options);
    std::string text;
    for (const auto& node : graph.nodes) text += node.attributes.at("label").text + "\n";
    for (const auto& cluster : graph.clusters) text += cluster.attributes.at("label").text + "\n";
    return text;
  };
  for (const Case& c : cases) {
    GraphOptions all{.title = "t", .dtypes = true};
    const std::string with = labels(all);
    all.*c.part = false;
    const std::string without = labels(all);
    CAPTURE(std::string(c.seen));
    CHECK(count_of(with, c.seen) > 0);
    CHECK(count_of(without, c.seen) == 0);
  }
  GraphOptions bare{.title = "t"};
  for (const Case& c : cases) bare.*c.part = false;
  CHECK(drawn(z, bare).nodes.size() == drawn(z, {}).nodes.size());
  CHECK(count_of(graph_to_text(z, {.title = "t", .dtypes = true}), "float64") == 6);
  CHECK(count_of(graph_to_text(z, {.title = "t", .names = false}), "weights") == 0);
  CHECK(count_of(graph_to_text(z, {.title = "t", .operations = false}), "×") == 0);
}

TEST_CASE("diagram: direction, font, and names in several lines") {
  const Tensor z = price();
  CHECK(contains(graph_to_dot(z, {.direction = "TB"}), "rankdir=\"TB\""));
  CHECK(contains(graph_to_dot(z, {.direction = "LR"}), "rankdir=\"LR\""));
  CHECK(contains(message_of<ValueError>([&] { (void)graph_to_dot(z, {.direction = "up"}); }), "LR or TB, not up"));
  const std::string dot = graph_to_dot(z, {.font = "Noto Sans CJK JP"});
  CHECK(count_of(dot, "fontname=\"Noto Sans CJK JP\"") == 3);
  CHECK(!contains(dot, "Helvetica"));
  const Tensor named = variable(1, "a rather long name");
  CHECK(contains(graph_to_dot(named * 2), "a rather long name</B>"));
  CHECK(!contains(graph_to_dot(named * 2, {.wrap = 8}), "a rather long name</B>"));
}

TEST_CASE("diagram: what is too deep for the width of a page runs down it") {
  Tensor z = variable(0.5, "x");
  for (int i = 0; i < 8; ++i) z = tanh(z);
  CHECK(contains(graph_to_dot(z), "rankdir=\"LR\""));
  for (int i = 0; i < 8; ++i) z = tanh(z);
  CHECK(contains(graph_to_dot(z), "rankdir=\"TB\""));
  CHECK(contains(graph_to_dot(z, {.direction = "LR"}), "rankdir=\"LR\""));
}

TEST_CASE("diagram: a rule does not call a value by the name of another") {
  const Tensor x = variable({1, -2}, "x"), b = variable({1, 1}, "b");
  const Tensor z = relu(x + b);  // the rule of relu says x, which is something else here
  z.backward({.cotangent = ones({2}, {.dtype = DType::float64}), .retain_graph = true});
  const std::string dot = graph_to_dot(z);
  CHECK(contains(dot, "∂a = g where a &gt; 0, else 0"));
  CHECK(!contains(dot, "∂x = g where"));
  CHECK(contains(graph_to_dot(relu((x + b).label("x"))), "∂x₂ = g where x₂ &gt; 0, else 0"));
}

TEST_CASE("diagram: a tree for terminals") {
  CHECK(graph_to_text(price()) == R"(price = apple × count × tax

price           220
└─ ×            220  ∂ 1
   ├─ ×         200  ∂ 1.1
   │  ├─ apple  100  ∂ 2.2
   │  └─ count  2    ∂ 110
   └─ tax       1.1  ∂ 200
)");
  const Tensor x = variable(3, "x");
  const std::string twice = graph_to_text(x * x + x);
  CHECK(count_of(twice, "x  ") >= 1);
  CHECK(count_of(twice, "↑") == 2);
  CHECK(contains(twice, "∂ not computed"));
  Tensor z = x;
  for (int i = 0; i < 1000; ++i) z = sin(z);
  const std::string deep = graph_to_text(z);
  CHECK(std::count(deep.begin(), deep.end(), '\n') <= 45);
  CHECK(contains(deep, "nodes"));
  CHECK(contains(graph_to_text(variable(2, "价格") * variable(3, "リンゴ")), "│  ") == false);
  CHECK(message_of<ValueError>([] { (void)graph_to_text(std::vector<Tensor>{}); }) ==
        "graph_to_text: no result was given");
}

TEST_CASE("diagram: JSON holds what the picture shows") {
  const Json graph = Json::parse(graph_to_json(price()));
  CHECK(graph["format"] == "chainrule graph 1");
  REQUIRE(graph["nodes"].size() == 6);
  CHECK(graph["edges"].size() == 5);
  for (const Json& node : graph["nodes"]) {
    if (node["label"] != "apple") continue;
    CHECK(node["value"]["data"][0] == 100);
    CHECK(node["gradient"]["data"][0].get<double>() == doctest::Approx(2.2));
    CHECK(node["kind"] == "input");
  }
  for (const Json& edge : graph["edges"])
    if (edge["from"] == 0) {
      CHECK(edge["local_derivative"]["data"][0] == 2);
      CHECK(edge["contribution"]["data"][0].get<double>() == doctest::Approx(2.2));
    }
  // Numbers that JSON has no form for, and labels that are no UTF-8.
  const Tensor odd = variable(0, "\xff\"\\") / variable(0, "y");
  const std::string text = graph_to_json(odd);
  CHECK(contains(text, "\"nan\""));
  CHECK(Json::parse(text)["nodes"].size() == 4);
}

TEST_CASE("diagram: files of every ending") {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "chainrule-diagram-options";
  std::filesystem::create_directories(folder);
  const auto written = [&](const char* name) {
    const std::string path = (folder / name).string();
    write_graph(path, price(), {.title = "a < b"});
    std::ifstream in(path);
    return (std::stringstream() << in.rdbuf()).str();
  };
  CHECK(contains(written("g.txt"), "└─"));
  CHECK(Json::parse(written("g.json"))["nodes"].size() == 6);
  const std::string page = written("g.html");
  CHECK(contains(page, "<title>a &lt; b</title>"));
  CHECK(count_of(page, "<svg") == 2);
  CHECK(count_of(page, "</svg>") == 2);
  CHECK(!contains(page, "<?xml"));
  CHECK(!contains(page, "http://www.graphviz.org/"));
  CHECK(contains(message_of<ValueError>([&] { written("g.bmp"); }), ".html"));
  std::filesystem::remove_all(folder);
}
