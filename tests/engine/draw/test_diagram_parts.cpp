// The parts of a diagram: rules in letters, numbers, what a view knows of a graph, folding, clusters.
#include <doctest/doctest.h>

#include <limits>
#include <random>
#include <set>
#include <stdexcept>

#include "engine/draw/diagram.h"
#include "engine/draw/fold.h"
#include "engine/draw/numbers.h"
#include "engine/draw/page.h"
#include "engine/draw/rule.h"
#include "engine/draw/title.h"
#include "engine/draw/view.h"
#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/system/text.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "tests/engine/draw/dot_reader.h"
#include "tests/text.h"

using namespace chainrule;
using chainrule::testing::contains;
using chainrule::testing::text_of;
using testing::DotGraph;
using testing::DotNode;
using testing::read_dot;

namespace {

constexpr OpInfo op_with(const char* derivative) {
  return {.name = "op", .derivatives = {derivative}, .inputs = "x y"};
}

std::string rule(const char* derivative, std::vector<std::string> names = {"", ""}, bool broadcast = false) {
  const OpInfo info = op_with(derivative);
  return rule_text(info, 0, {.inputs = std::move(names), .result = "z"}, broadcast);
}

const DotNode* starting(const DotGraph& graph, const std::string& text) {
  for (const DotNode& n : graph.nodes)
    if (text_of(n).starts_with(text)) return &n;
  return nullptr;
}

GraphView view_of(const Tensor& result) { return view_graph(std::vector{result}, true); }

}  // namespace

TEST_CASE("diagram parts: the symbol of an operation is what its formula writes") {
  std::string symbols;
  for (const OpInfo* info : op_registry())
    if (const std::string symbol = symbol_of(*info); !symbol.empty()) symbols += std::string(info->name) + symbol + " ";
  CHECK(symbols == "add+ sub− mul× div÷ neg− pow^ matmul@ transposeᵀ ");
  CHECK(symbol_of({.name = "op", .formula = "z = x"}).empty());
  CHECK(symbol_of({.name = "op", .formula = "z = x * y + 1"}).empty());
  CHECK(symbol_of({.name = "op", .formula = "z = b / a", .inputs = "b a"}) == "÷");
}

TEST_CASE("a derivative becomes the gradient that it gives") {
  CHECK(rule("y") == "∂x = g · y");
  CHECK(rule("2 * x") == "∂x = g · 2 · x");
  CHECK(rule("1 / x") == "∂x = g / x");
  CHECK(rule("1 - z^2") == "∂x = g · (1 − z²)");
  CHECK(rule("z * (1 - z)") == "∂x = g · z · (1 − z)");
  CHECK(rule("-z / y") == "∂x = -g · z / y");
  CHECK(rule("-1") == "∂x = -g");
  CHECK(rule("0") == "∂x = 0");
  CHECK(rule("1 where x > 0, else 0") == "∂x = g where x > 0, else 0");
  CHECK(rule("0 where c, else 1") == "∂x = g · (0 where c, else 1)");
  CHECK(rule("1 (same element)") == "∂x = g (same element)");
  CHECK(rule("g @ y^T") == "∂x = g @ yᵀ");
  CHECK(rule("(softmax(x) - onehot(y)) / n") == "∂x = g · (softmax(x) − onehot(y)) / n");
  CHECK(rule("1").empty());
}

TEST_CASE("a broadcast gradient is summed") {
  CHECK(rule("1", {"b", ""}, true) == "∂b = Σ g");
  CHECK(rule("y", {"", ""}, true) == "∂x = Σ g · y");
}

TEST_CASE("names take the place of letters, whatever they are") {
  CHECK(rule("g @ y^T", {"v", "w"}) == "∂v = g @ wᵀ");
  CHECK(rule("g @ y^T", {"重み", "w"}) == "∂重み = g @ wᵀ");
  CHECK(rule("g @ y^T", {"y", "x"}) == "∂y = g @ xᵀ");
  CHECK(rule("g @ y^T", {"a b", "quite_a_long_name"}) == "∂a b = g @ quite_a_long_nameᵀ");
  CHECK(rule("y * x^(y - 1)", {"x", "-2"}) == "∂x = g · (-2) · x^((-2) − 1)");
  CHECK(rule("cofactors of x (z * x^-T)", {"a", ""}) == "∂a = g · cofactors of a (z · a^-T)");
  const OpInfo info = op_with("diag(z) - z z^T");
  CHECK(rule_text(info, 0, {.inputs = {"z"}, .result = "p"}, false) == "∂z = g · (diag(p) − p pᵀ)");
  CHECK(rule_text(info, 0, {.inputs = {"z"}, .result = "p", .incoming = "∂p"}, false) == "∂z = ∂p · (diag(p) − p pᵀ)");
  CHECK(uses_in_words(info, 0) == kOutput);
  CHECK(uses_in_words(op_with("y * z"), 0) == (kY | kOutput));
}

TEST_CASE("a rule whose words are the names of other values is not shown") {
  const OpInfo info = op_with("(softmax(x) - onehot(y)) / n");
  CHECK(rule_text(info, 0, {.inputs = {"a", "b"}, .result = "c"}, false, {"a", "b", "c", "m"}) ==
        "∂a = g · (softmax(a) − onehot(b)) / n");
  CHECK(rule_text(info, 0, {.inputs = {"a", "b"}, .result = "c"}, false, {"a", "b", "c", "n"}).empty());
}

TEST_CASE("numbers of tensors") {
  CHECK(grid_columns(zeros({3, 4})) == 4);
  CHECK(grid_columns(zeros({4, 3})) == 3);
  CHECK(grid_columns(zeros({4})) == 4);
  CHECK(grid_columns(zeros({4, 4})) == 4);  // one limit, whatever the shape
  CHECK(grid_columns(zeros({8})) == 8);
  CHECK(grid_columns(zeros({2, 8})) == 8);
  for (const Shape& shape : {Shape{}, Shape{4, 5}, Shape{9}, Shape{1, 9}, Shape{17, 1}, Shape{2, 2, 2}, Shape{0}})
    CHECK_MESSAGE(grid_columns(zeros(shape)) == 0, to_string(shape));
  {
    const NumberStyle more({.max_elements = 20});
    CHECK(grid_columns(zeros({20})) == 20);
    const NumberStyle style({.digits = 6, .max_elements = 3});
    CHECK(grid_columns(zeros({4})) == 0);
    CHECK(number_text(1.0 / 3) == "0.333333");
    CHECK(number_text(715) == "715");
  }
  CHECK(number_text(1.0 / 3) == "0.3333");
  const Tensor t = tensor({1., 2, 3, 4, 5});
  CHECK(spread_text(t) == "mean 3 ± 1.414");
  CHECK(norm_text(t) == "7.416");  // sqrt(55)
  CHECK(norm_text(tensor({3e200, 4e200}, {.dtype = DType::float64})) == "5e+200");
  CHECK(spread_text(from_vector(std::vector<std::int64_t>{1, 2}, {2})).empty());
  CHECK(spread_text(zeros({0})).empty());
  CHECK(exact_text(tensor(0.1)) == "0.1");
  CHECK(exact_text(tensor(0.1, {.dtype = DType::float64})) == "0.1");
  CHECK(exact_text(tensor({1.0 / 3, 2}, {.dtype = DType::float64})) == "0.3333333333333333, 2");
  CHECK(trouble_of(zeros({3})) == "zero");
  CHECK(trouble_of(tensor({0., 2e6})) == "huge");
  CHECK(trouble_of(tensor({0., -INFINITY})) == "not finite");
  CHECK(trouble_of(tensor({NAN, 1})) == "not finite");
  CHECK(trouble_of(tensor({0., 1})).empty());
  for (const auto& [n, text] :
       {std::pair<std::size_t, const char*>{0, "0"}, {999, "999"}, {1000, "1,000"}, {1234567, "1,234,567"}})
    CHECK(count_text(n) == text);
}

TEST_CASE("contributions of the edges into a value add up to its gradient") {
  const Tensor x = variable({{1, -2}, {3, 0.5}}, "x"), b = variable({0.25, -1}, "b");
  const Tensor y = sum(tanh(x * b + x) * exp(b) - square(x) / 3);
  y.backward();
  const GraphView view = view_of(y);
  int checked = 0;
  for (const GraphItem& item : view.items) {
    if (!item.takes_grad || item.kind == ItemKind::result || item.sent_back.empty()) continue;
    const auto expected = item.grad.to_vector();
    std::vector<double> total(expected.size(), 0);
    for (const std::size_t k : item.sent_back) {
      const auto part = view.links[k].contribution.to_vector();
      REQUIRE(part.size() == total.size());
      for (std::size_t i = 0; i < part.size(); ++i) total[i] += part[i];
    }
    for (std::size_t i = 0; i < total.size(); ++i) CHECK(total[i] == doctest::Approx(expected[i]));
    ++checked;
  }
  CHECK(checked == 11);  // x, b and nine operations
}

TEST_CASE("local derivatives are known before backward, and of every result that is one number") {
  const Tensor x = variable(2, "x"), v = variable({1, 2, 3}, "v");
  const Tensor y = mean(v) * x * x;
  const GraphView view = view_of(y);
  bool mean_found = false;
  for (const GraphLink& link : view.links) {
    CHECK_FALSE(link.contribution.defined());
    if (view.items[link.to].kind == ItemKind::result) continue;
    REQUIRE(link.local.defined());
    if (std::string_view(view.items[link.to].info->name) != "mean") continue;
    mean_found = true;
    for (const double d : link.local.to_vector()) CHECK(d == doctest::Approx(1.0 / 3));
  }
  CHECK(mean_found);
  const DotGraph graph = read_dot(graph_to_dot(y));
  CHECK(starting(graph, "2\nlocal 4"));  // d(mean x x)/dx by the second factor: mean times x
}

TEST_CASE("a graph that keeps no values shows those that its rules saved") {
  const Tensor x = tensor({1., 2}, {.requires_grad = true});
  const Tensor y = sum(square(x * 3));
  const GraphView view = view_of(y);
  bool found = false;
  for (const GraphItem& item : view.items) {
    if (item.kind != ItemKind::operation || std::string_view(item.info->name) != "mul") continue;
    found = true;
    REQUIRE(item.value.defined());  // square saved it
    CHECK(item.value.to_vector() == std::vector<double>{3, 6});
  }
  CHECK(found);
}

TEST_CASE("what a switch turns off is not there") {
  const Tensor x = variable({1.25, 2}, "x"), y = sum(x * x * 3);
  y.backward();
  auto text = [&](const GraphOptions& options) {
    std::string all;
    for (const DotNode& n : read_dot(graph_to_dot(y, options)).nodes)
      all += text_of(n) + "\n" + n.attributes.at("tooltip").text + "\n";
    return all;
  };
  CHECK(contains(text({}), "1.25"));
  CHECK_FALSE(contains(text({.values = false, .local_derivatives = false}), "1.25"));
  CHECK(contains(text({}), "7.5"));  // dy/dx[0] = 6 x
  CHECK_FALSE(contains(text({.gradients = false}), "7.5"));
  CHECK(contains(text({}), "∂x = g · "));
  CHECK_FALSE(contains(text({.local_derivatives = false}), "∂x = "));
}

TEST_CASE("drawing under anomaly mode, with values that are not finite, throws nothing and records nothing") {
  const Tensor x = variable(0, "x");
  const Tensor y = x / x;
  y.backward();
  const std::string before = graph_to_dot(y);
  const AnomalyMode watch;
  const std::int64_t nodes = live_nodes();
  CHECK(graph_to_dot(y) == before);
  CHECK(live_nodes() == nodes);
  CHECK(contains(before, "not finite"));
}

TEST_CASE("several results, leaves as results, and nothing") {
  const Tensor a = variable(2, "a"), inner = (a * 3).label("inner"), outer = (inner + a).label("outer");
  const DotGraph graph = read_dot(graph_to_dot(std::vector{inner, outer}));
  CHECK(starting(graph, "inner\n6"));
  CHECK(starting(graph, "outer\n8"));
  CHECK(read_dot(graph_to_dot(a)).nodes.size() == 3);  // the leaf, the result, the edge's label
  CHECK(read_dot(graph_to_dot(ones({2}))).edges.size() == 2);
  CHECK_THROWS_AS((void)graph_to_dot(std::vector<Tensor>()), ValueError);
  CHECK_THROWS_AS((void)graph_to_dot(Tensor()), ValueError);
}

TEST_CASE("titles are expressions with the parentheses they need") {
  const Tensor a = variable(2, "a"), b = variable(3, "b"), c = variable(4, "c");
  auto title = [](const Tensor& y) {
    const std::string text = read_dot(graph_to_dot(y)).attributes.at("label").text;
    return text.substr(0, text.find('\n'));
  };
  CHECK(title((a - (b - c)).label("y")) == "y = a − (b − c)");
  CHECK(title((a - b - c).label("y")) == "y = a − b − c");
  CHECK(title(a / (b * c)) == "a ÷ (b × c)");
  CHECK(title(-(a + b) * c) == "−(a + b) × c");
  CHECK(title(pow(a + b, 2)) == "(a + b)^2");
  CHECK(title(pow(pow(a, 2), b)) == "(a^2)^b");
  CHECK(title(exp(a + 1) * -2) == "exp(a + 1) × -2");
  CHECK(title(matmul(variable({{1, 2}, {3, 4}}, "w"), tensor({1, 2}, {.dtype = DType::float64}))) == "w @ [1, 2]");
  Tensor sum = a;
  for (int i = 0; i < 30; ++i) sum = sum + b;
  CHECK(title(sum) == "result: 30 operations");
  const std::string given = "any <b>title</b> & \\N";
  const std::string text = read_dot(graph_to_dot(sum, {.title = given})).attributes.at("label").text;
  CHECK(text.starts_with(given));
}

TEST_CASE("folding keeps counts, order and the limit") {
  Tensor x = tensor(1.0, {.requires_grad = true}), y = x;
  for (int i = 0; i < 300; ++i) {
    const ModuleScope outer("block" + std::to_string(i / 30), "Block", 10);
    const ModuleScope inner("step" + std::to_string(i / 10 % 3), "Step");
    y = exp(y);
  }
  const std::size_t all = 302;  // the leaf, the operations, the result
  for (const std::size_t limit : {5u, 6u, 20u, 40u, 301u, 1000u}) {
    GraphView view = view_of(y);
    REQUIRE(view.items.size() == all);
    fold_view(view, limit);
    CHECK(view.items.size() <= limit);
    std::size_t counted = 0;
    for (const GraphItem& item : view.items) counted += item.kind == ItemKind::folded ? item.hidden : 1;
    CHECK(counted == all);
    for (const GraphLink& link : view.links) CHECK(link.from < link.to);
    CHECK(view.items.back().kind == ItemKind::result);
    if (limit == 40) CHECK(view.items.size() == 30 + 1);  // thirty steps, the leaf inside the first, the result
    if (limit == 20) CHECK(view.items.size() == 10 + 1);  // ten blocks
    if (limit == 6) CHECK(view.items.size() == 6);        // and of these the middle
  }
}

TEST_CASE("modules of one name stay apart, and any name is read back, 1,000 random ones") {
  std::mt19937 random(11);
  const std::string pieces[] = {"\"",    "\\", "\\N",  "<b>", "]", "->",
                                "&amp;", "层", "\xff", "a",   " ", std::string(1, '\0')};
  for (int round = 0; round < 50; ++round) {
    Tensor y = variable(1, "x");
    std::vector<std::string> names;
    for (int i = 0; i < 20; ++i) {
      std::string name;
      for (auto n = random() % 6 + 1; n > 0; --n) name += pieces[random() % std::size(pieces)];
      const ModuleScope scope(name, "", 0), same_kind("same", "Kind", i + 1);
      y = exp(y);
      names.push_back(name);
    }
    const DotGraph graph = read_dot(graph_to_dot(y));
    std::multiset<std::string> found;
    std::set<std::string> ids;
    for (const auto& cluster : graph.clusters) {
      found.insert(cluster.attributes.at("label").text);
      CHECK(ids.insert(cluster.id).second);
    }
    for (const std::string& name : names) REQUIRE(found.contains(printable(name)));
    CHECK(found.count("same  ·  Kind  ·  2 parameters") == 1);
  }
}

TEST_CASE("a page is filled once and wholly: parts are not searched for marks, and page and parts must fit") {
  CHECK(fill_page("<b>{{title}}</b>{{data}}{{title}}", {{"title", "{{data}}"}, {"data", "}}"}}) ==
        "<b>{{data}}</b>}}{{data}}");
  CHECK(fill_page("no marks { } }}", {}) == "no marks { } }}");
  CHECK_THROWS_AS((void)fill_page("{{title}} {{left}}", {{"title", "t"}}), std::logic_error);
  CHECK_THROWS_AS((void)fill_page("{{title}}", {{"title", "t"}, {"unused", "u"}}), std::logic_error);
  CHECK_THROWS_AS((void)fill_page("{{title", {}), std::logic_error);
}
