// Diagrams of real graphs, read back by the tests' own DOT reader.
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>
#include <sstream>

#include "engine/draw/diagram.h"
#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/system/process.h"
#include "engine/system/text.h"
#include "engine/types/error.h"
#include "nn/layers.h"
#include "ops/ops.h"
#include "tests/engine/draw/dot_reader.h"
#include "tests/engine/draw/search_path.h"
#include "tests/engine/small_stack.h"
#include "tests/temporary_folder.h"
#include "tests/text.h"

using namespace chainrule;
using chainrule::testing::contains;
using chainrule::testing::content;
using chainrule::testing::DotGraph;
using chainrule::testing::DotNode;
using chainrule::testing::graphviz;
using chainrule::testing::on_small_stack;
using chainrule::testing::read_dot;
using chainrule::testing::SearchPath;
using chainrule::testing::text_of;
using Folder = chainrule::testing::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

Tensor price_graph() {
  const Tensor apple = variable(100, "apple"), apples = variable(2, "apples");
  const Tensor orange = variable(150, "orange"), oranges = variable(3, "oranges"), tax = variable(1.1, "tax");
  const Tensor fruit = apple * apples, more = orange * oranges;  // in one expression, compilers differ in their order
  return ((fruit + more) * tax).label("price");
}

// Every label in one string, so that a number can be looked for wherever it stands.
std::string all_text(const DotGraph& graph) {
  std::string text = graph.attributes.at("label").text + "\n";
  for (const DotNode& n : graph.nodes) text += text_of(n) + "\n";
  for (const auto& c : graph.clusters) text += c.attributes.at("label").text + "\n";
  for (const auto& e : graph.edges)
    if (e.attributes.contains("label")) text += e.attributes.at("label").text + "\n";
  return text;
}

std::size_t items(const DotGraph& graph) {  // without the labels on edges
  return static_cast<std::size_t>(
      std::count_if(graph.nodes.begin(), graph.nodes.end(), [](const DotNode& n) { return n.id[0] == 'n'; }));
}

void fake_dot(const Folder& folder, const std::string& script) {
  std::ofstream(folder / "dot") << "#!/bin/sh\n" << script << "\n";
  chmod((folder / "dot").c_str(), 0755);
}

}  // namespace

TEST_CASE("the price graph shows every value, local derivative, contribution and gradient") {
  const Tensor price = price_graph();
  price.backward();
  const DotGraph graph = read_dot(graph_to_dot(price));
  CHECK(items(graph) == 5 + 4 + 1);
  const std::string text = all_text(graph);
  CHECK(contains(text, "price = (apple × apples + orange × oranges) × tax"));
  for (const char* part :
       {"2.2 = 1.1 · 2", "110 = 1.1 · 100", "3.3 = 1.1 · 3", "165 = 1.1 · 150", "650 = 1 · 650", "1.1 = 1 · 1.1",
        "1.1 = 1.1 · 1", "715", "∂ 2.2", "∂ 110", "∂ 3.3", "∂ 165", "∂ 650", "200", "450"})
    CHECK_MESSAGE(contains(text, part), part);
  CHECK_FALSE(contains(text, "not computed"));
}

TEST_CASE("a gradient that was never computed reads so, and never 0") {
  const std::string text = all_text(read_dot(graph_to_dot(price_graph())));
  CHECK(contains(text, "∂ not computed"));
  CHECK_FALSE(contains(text, "∂ 0"));
}

TEST_CASE("a value used twice is one node with both edges and the sum") {
  const Tensor x = variable(3, "x");
  const Tensor squared = x * x, twice = 2 * x;
  const Tensor y = (squared + twice).label("y");
  y.backward();
  const DotGraph graph = read_dot(graph_to_dot(y));
  std::string x_id;
  for (const DotNode& n : graph.nodes)
    if (text_of(n).starts_with("x\n")) x_id = n.id;
  REQUIRE_FALSE(x_id.empty());
  CHECK(std::count_if(graph.edges.begin(), graph.edges.end(), [&](const auto& e) { return e.from == x_id; }) == 3);
  CHECK(contains(text_of(*graph.find(x_id)), "∂ 8 = 3 + 3 + 2"));
}

TEST_CASE("weights that two branches share are drawn once") {
  const TeachingMode teach;
  auto shared = std::make_shared<Linear>(2, 2);
  const Tensor a = (*shared)(ones({1, 2})), b = (*shared)(zeros({1, 2}));
  const Tensor distance = sum(square(a - b));
  distance.backward();
  const std::string text = all_text(read_dot(graph_to_dot(distance)));
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find("weight\n", at)) != std::string::npos; ++at) ++count;
  CHECK(count == 1);
}

TEST_CASE("small matrices are grids, rules are letters, large values are shape, mean, spread and norm") {
  const Tensor x = variable({{0.5, -1}, {2, 0.25}}, "x"), w = variable({{1, 2, 3}, {-1, 0.5, 0.25}}, "w");
  const Tensor loss = sum(matmul(x, w) * full({2, 3}, 2)).label("loss");
  loss.backward();
  const std::string text = all_text(read_dot(graph_to_dot(loss)));
  CHECK(contains(text, "1.5"));  // x @ w, first element
  CHECK(contains(text, "∂w = xᵀ @ g"));
  CHECK(contains(text, "(2, 3)"));
  const TeachingMode teach;
  Tensor big = randn({20, 30}).set_requires_grad().label("big");
  const Tensor total = sum(big * big);
  total.backward();
  const std::string large = all_text(read_dot(graph_to_dot(total)));
  CHECK(contains(large, "(20, 30)"));
  CHECK(contains(large, "‖∂‖ "));
  CHECK(contains(large, " ± "));
}

TEST_CASE("zero, huge and non-finite gradients are marked") {
  const Tensor a = variable(0, "a"), b = variable(1, "b"), c = variable(0, "c");
  const Tensor y = a * 1e9 * b + sqrt(c) + b * 0;
  y.backward();
  const std::string text = all_text(read_dot(graph_to_dot(y)));
  CHECK(contains(text, "(huge)"));
  CHECK(contains(text, "(zero)"));
  CHECK(contains(text, "∂ inf (not finite)"));
}

TEST_CASE("kinds of values differ without colour") {
  Tensor trained = ones({2}).set_requires_grad().label("trained"),
         frozen = ones({2}).set_requires_grad().label("frozen one");
  frozen.set_requires_grad(false);
  const Tensor cut = (trained * 2).detach().label("cut"), fixed = ones({2}).label("fixed");
  const TeachingMode teach;
  Tensor parameter = ones({2}).set_requires_grad().label("parameter one");
  Tensor y;
  {
    const ModuleScope scope("block", "Block", 2);
    y = trained * frozen * cut * fixed * parameter;
  }
  y = y * trained;
  std::map<std::string, std::string> look;
  for (const DotNode& n : read_dot(graph_to_dot(sum(y))).nodes) {
    const auto& a = n.attributes;
    const std::string name = text_of(n).substr(0, text_of(n).find('\n'));
    look[name] = (a.contains("style") ? a.at("style").text : "") + "/" +
                 (a.contains("penwidth") ? a.at("penwidth").text : "") + "/" +
                 (a.contains("peripheries") ? a.at("peripheries").text : "");
  }
  std::set<std::string> different;
  for (const char* name : {"frozen one", "cut", "fixed", "parameter one", "result"}) {
    CHECK_MESSAGE(look.contains(name), name);
    different.insert(look[name]);
  }
  CHECK(different.size() == 5);
}

TEST_CASE("modules are boxes with name, kind and parameter count") {
  Sequential net(Conv2d(1, 4, {.padding = 1}), ReLU(), Flatten(), Linear(64, 10));
  const Tensor loss = cross_entropy(net(ones({2, 1, 4, 4})), from_vector(std::vector<std::int64_t>{1, 0}, {2}));
  const DotGraph graph = read_dot(graph_to_dot(loss));
  REQUIRE(graph.clusters.size() == 4);
  CHECK(graph.clusters[0].attributes.at("label").text == "0  ·  Conv2d  ·  40 parameters");
  CHECK(graph.clusters[3].attributes.at("label").text == "3  ·  Linear  ·  650 parameters");
  for (const DotNode& n : graph.nodes)
    if (text_of(n).starts_with("weight")) CHECK(n.cluster >= 0);
}

TEST_CASE("two runs give the same bytes, and drawing changes nothing") {
  auto build = [] {
    const Tensor price = price_graph();
    price.backward();
    return price;
  };
  const Tensor first = build(), second = build();
  const std::string dot = graph_to_dot(first);
  CHECK(dot == graph_to_dot(first));
  CHECK(dot == graph_to_dot(second));
  second.backward();  // drawing freed nothing
}

TEST_CASE("the DOT text of small graphs is the one on file") {
  // To renew: CHAINRULE_RENEW_GOLDEN=1 ctest -R engine.diagram, then read the difference.
  const Tensor price = price_graph();
  price.backward();
  const Tensor x = variable(3, "x"), square = x * x;
  const Tensor reused = (square + x).label("y");  // drawn before backward
  const Tensor w = variable({{1, 2, 3}, {-1, 0.5, 0.25}}, "w"), v = variable({{0.5, -1}, {2, 0.25}}, "v");
  Tensor matrix;
  {
    const ModuleScope scope("layer", "Linear", 6);
    const Tensor product = matmul(v, w);
    matrix = sum(relu(product)).label("loss");
  }
  matrix.backward();
  const std::pair<const char*, Tensor> graphs[] = {{"price", price}, {"reused", reused}, {"matrix", matrix}};
  for (const auto& [name, result] : graphs) {
    const std::string path = std::string(CHAINRULE_SOURCE_DIR "/tests/engine/draw/golden/") + name + ".dot";
    // Source lines are this file's; they stand in tooltips only.
    std::string dot = graph_to_dot(result);
    for (std::size_t at; (at = dot.find("test_diagram.cpp:")) != std::string::npos;) {
      std::size_t end = at + 17;
      while (end < dot.size() && std::isdigit(static_cast<unsigned char>(dot[end]))) ++end;
      dot.replace(at, end - at, "here");
    }
    if (std::getenv("CHAINRULE_RENEW_GOLDEN")) std::ofstream(path) << dot;
    std::ostringstream golden;
    golden << std::ifstream(path).rdbuf();
    CHECK_MESSAGE(dot == golden.str(), path);
  }
}

TEST_CASE("any label is read back as it was, 10,000 random ones") {
  std::mt19937 random(5);
  const std::string pieces[] = {
      "\"", "\\", "\\N",   "\\l",  "<b>",    "]",    "->",       "{|}", ";", "//",
      "*/", "\n", "&amp;", "价格", "リンゴ", "\xff", "\xe4\xb8", "a",   " ", std::string(1, '\0')};
  for (int round = 0; round < 500; ++round) {
    Tensor sum = variable(0, "start");
    std::vector<std::string> labels;
    for (int i = 0; i < 20; ++i) {
      std::string label;
      for (auto n = random() % 12 + 1; n > 0; --n)
        label +=
            random() % 3 ? pieces[random() % std::size(pieces)] : std::string(1, static_cast<char>(random() % 256));
      labels.push_back(label);
      sum = sum + variable(i, label);
    }
    const DotGraph graph = read_dot(graph_to_dot(sum, {.max_label = 1000}));
    CHECK(items(graph) == 21 + 20 + 1);
    std::multiset<std::string> found;
    for (const DotNode& n : graph.nodes) found.insert(text_of(n).substr(0, text_of(n).find('\n')));
    for (const std::string& label : labels) REQUIRE_MESSAGE(found.contains(printable(label)), printable(label));
  }
}

TEST_CASE("a long label is cut, and the tooltip has it whole") {
  const std::string name(1 << 20, 'x');
  const Tensor y = variable(1, name) * 2;
  bool whole = false;
  for (const DotNode& n : read_dot(graph_to_dot(y)).nodes) {
    CHECK(text_of(n).size() < 200);
    whole |= contains(n.attributes.at("tooltip").text, name);
  }
  CHECK(whole);
}

TEST_CASE("large graphs are folded with a message, or drawn whole when asked") {
  Tensor x = tensor(1.0, {.requires_grad = true}), y = x;
  for (int i = 0; i < 50'000; ++i) y = y * 1.00001 + x;
  std::string message;
  const DotGraph folded = read_dot(graph_to_dot(y, {.message = [&](std::string_view m) { message = m; }}));
  CHECK(folded.nodes.size() == 500);
  CHECK(contains(all_text(folded), "149,503 nodes"));
  CHECK(contains(message, "150,002 nodes"));
  CHECK(contains(message, "fold_above"));
  const std::string whole = graph_to_dot(y, {.fold_above = 0});
  CHECK(std::count(whole.begin(), whole.end(), '\n') > 300'000);
}

TEST_CASE("modules are folded first, deepest first, and say what they hide") {
  Sequential net;
  for (int block = 0; block < 20; ++block)
    net.append(std::make_shared<Sequential>(Linear(4, 4), ReLU(), Linear(4, 4), ReLU()));
  const Tensor y = sum(net(ones({1, 4})));
  const DotGraph graph = read_dot(graph_to_dot(y, {.fold_above = 50, .message = [](std::string_view) {}}));
  CHECK(graph.nodes.size() <= 50);
  const std::string text = all_text(graph);
  for (const char* name : {"1\nSequential  ·  40 parameters\n8 nodes", "18\nSequential  ·  40 parameters\n8 nodes"})
    CHECK_MESSAGE(contains(text, name), text);
}

TEST_CASE("a chain of a million nodes is drawn on a 256 KiB stack") {
  if (std::getenv("CHAINRULE_SANITIZED")) return;  // the sanitizers' own frames do not fit
  on_small_stack([] {
    Tensor x = tensor(1.0, {.requires_grad = true}), y = x;
    for (int i = 0; i < 1'000'000; ++i) y = y + x;
    CHECK(graph_to_dot(y, {.message = [](std::string_view) {}}).size() < 1'000'000);
    const std::string whole = graph_to_dot(y, {.fold_above = 0});
    CHECK(std::count(whole.begin(), whole.end(), '\n') > 3'000'000);  // a line for each node and edge
  });
}

TEST_CASE("a rule that throws leaves a gap in the picture, not an error") {
  Tensor x = tensor(2.0, {.dtype = DType::float64, .requires_grad = true}).label("x");
  const TeachingMode teach;
  const Tensor y = exp(x) * x;
  y.backward();
  {
    const NoGrad change;
    x.fill_(5);
  }
  CHECK(contains(all_text(read_dot(graph_to_dot(y))), "not computed"));
}

TEST_CASE("pictures are written by their ending") {
  if (!graphviz()) {
    MESSAGE("skipped: dot is not installed");
    return;
  }
  const Folder folder;
  const Tensor price = price_graph();
  price.backward();
  auto content = [&](const std::string& name) {
    write_graph(folder / name, price);
    std::ostringstream text;
    text << std::ifstream(folder / name, std::ios::binary).rdbuf();
    return text.str();
  };
  CHECK(contains(content("price.svg"), "</svg>"));
  CHECK(content("price.png").starts_with("\x89PNG"));
  CHECK(content("price.pdf").starts_with("%PDF"));
  CHECK(content("price.dot") == graph_to_dot(price));
  CHECK(contains(content("an odd $(name); \"quoted\".svg"), "</svg>"));
  CHECK_THROWS_WITH_AS(write_graph(folder / "price.gif", price),
                       doctest::Contains("does not end in .dot, .txt, .json, .svg, .html, .png or .pdf"), ValueError);
  CHECK_THROWS_AS(write_graph("/nonexistent/price.dot", price), EnvironmentError);
}

TEST_CASE("Graphviz that is missing, hangs, fails or never ends: one clear line, and the DOT is kept") {
  const Tensor price = price_graph();
  const std::string old_path = std::getenv("PATH");
  struct Row {
    const char* script;
    const char* says;
  };
  for (const Row& row :
       {Row{nullptr, "not installed"}, Row{"sleep 60", "longer than 0.5 seconds"},
        Row{"echo 'no such layout' >&2; exit 1", "dot failed: no such layout"}, Row{"exec yes", "dot"}}) {
    const Folder folder, programs;
    if (row.script) fake_dot(programs, row.script);
    const SearchPath path(row.script ? programs.path.string() + ":" + old_path : programs.path.string());
    std::string message;
    int code = 0;
    try {
      write_graph(folder / "price.svg", price, {.time_limit = std::chrono::milliseconds(500)});
    } catch (const EnvironmentError& e) {
      message = e.what();
      code = e.exit_code();
    }
    CAPTURE(message);
    CHECK(code == 4);
    CHECK(contains(message, row.says));
    CHECK(contains(message, "price.dot"));
    CHECK(message.find('\n') == std::string::npos);
    CHECK(fs::exists(folder / "price.dot"));
    CHECK_FALSE(fs::exists(folder / "price.svg"));
  }
}
