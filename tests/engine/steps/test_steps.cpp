// The walk through a graph: its order and its numbers against values found by hand and by grad(); text, JSON and frames
// against each other.
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <sstream>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/steps/steps.h"
#include "engine/steps/text.h"
#include "engine/types/error.h"
#include "nn/layers.h"
#include "ops/ops.h"
#include "tests/engine/draw/dot_reader.h"
#include "tests/engine/steps/step_graphs.h"
#include "tests/text.h"

using namespace chainrule;
using chainrule::testing::contains;
using namespace chainrule::testing;
using Json = nlohmann::json;

namespace {

std::string row(const Walkthrough& walk, std::size_t step, std::size_t row) {
  return row_text(walk.texts.at(step - 1).rows.at(row));
}

// A deep program of numbers in which most values are used again.
Tensor random_program(std::mt19937& random, std::vector<Tensor>& leaves) {
  std::vector<Tensor> values;
  for (int i = 0; i < 3; ++i) {
    leaves.push_back(variable(0.3 + 0.1 * static_cast<double>(random() % 10), std::string(1, "pqr"[i])));
    values.push_back(leaves.back());
  }
  for (int i = 0; i < 12; ++i) {
    const Tensor a = values[random() % values.size()], b = values[random() % values.size()];
    switch (random() % 6) {
      case 0:
        values.push_back(a + b);
        break;
      case 1:
        values.push_back(a * b);
        break;
      case 2:
        values.push_back(a - b);
        break;
      case 3:
        values.push_back(tanh(a));
        break;
      case 4:
        values.push_back(sin(a));
        break;
      default:
        values.push_back(a / (b * b + 1));
    }
  }
  Tensor all = values[0];
  for (std::size_t i = 1; i < values.size(); ++i) all = all + values[i];
  return all;
}

}  // namespace

TEST_CASE("the price graph, step by step, as by hand") {
  const Walkthrough walk = walk_through(after_backward(price_graph()), {});
  std::vector<StepKind> kinds;
  for (const GraphStep& step : walk.steps) kinds.push_back(step.kind);
  CHECK(kinds == std::vector{StepKind::given, StepKind::forward, StepKind::forward, StepKind::seed, StepKind::backward,
                             StepKind::backward, StepKind::finished});
  CHECK(row(walk, 1, 0) == "apple = 100");
  CHECK(row(walk, 2, 0) == "buy = apple × count = 100 × 2 = 200");
  CHECK(row(walk, 3, 0) == "price = buy × tax = 200 × 1.1 = 220");
  CHECK(row(walk, 4, 0) == "∂price = d price/d price = 1");
  CHECK(row(walk, 5, 0) == "∂buy = ∂price · tax = 1 · 1.1 = 1.1");
  CHECK(row(walk, 5, 1) == "∂tax = ∂price · buy = 1 · 200 = 200");
  CHECK(row(walk, 6, 0) == "∂apple = ∂buy · count = 1.1 · 2 = 2.2");
  CHECK(row(walk, 6, 1) == "∂count = ∂buy · apple = 1.1 · 100 = 110");
  CHECK(row(walk, 7, 2) == "∂tax = 200");
  CHECK(walk.steps[5].incoming.item() == 1.1);
  CHECK(walk.steps[5].parts[0].local.item() == 2);
}

TEST_CASE("a value that is used three times: its gradient grows by each contribution") {
  const Walkthrough walk = walk_through(after_backward(reused_graph()), {});
  CHECK(row(walk, 5, 1) == "∂x = ∂y = 1 · 1 = 1");
  CHECK(walk.texts[4].rows[1].note == "the first of 3 parts of ∂x");
  CHECK(row(walk, 6, 0) == "∂x += ∂a · x = 1 · 1.5 = 1.5");
  CHECK(walk.texts[5].rows[0].note == "∂x so far: 1 + 1.5 = 2.5");
  CHECK(walk.texts[5].rows[1].note == "∂x = 1 + 1.5 + 1.5 = 4");
  CHECK(walk.steps[5].parts[0].sum.item() == 2.5);
  CHECK(walk.steps[5].parts[1].sum.item() == 4);
  CHECK(row(walk, 7, 0) == "∂x = 4");
}

TEST_CASE("in random programs every contribution is local times incoming, and they add up to what grad gives") {
  std::mt19937 random(3);
  for (int round = 0; round < 30; ++round) {
    std::vector<Tensor> leaves;
    const Tensor y = random_program(random, leaves);
    const std::vector<Tensor> expected = grad({y}, leaves, {.retain_graph = true, .allow_unused = true});
    y.backward();
    const Walkthrough walk = walk_through(y, {});
    const std::size_t operations = 12;
    CHECK(walk.steps.size() >= operations + 3);
    std::map<std::size_t, std::pair<double, double>> last;  // of each item: sum of the walk, sum of the test
    std::size_t before = walk.view.items.size();
    for (const GraphStep& step : walk.steps) {
      if (step.kind != StepKind::backward) continue;
      CHECK(step.item < before);  // by falling number
      before = step.item;
      for (const GraphStep::Part& part : step.parts) {
        const std::size_t origin = walk.view.links[part.link].from;
        CHECK(part.contribution.item() == doctest::Approx(part.local.item() * step.incoming.item()).epsilon(1e-12));
        double& own = last[origin].second;
        own += part.contribution.item();
        last[origin].first = part.sum.item();
        CHECK(part.sum.item() == doctest::Approx(own).epsilon(1e-12));
      }
    }
    for (std::size_t i = 0; i < walk.view.items.size(); ++i) {
      const auto leaf = std::find_if(leaves.begin(), leaves.end(),
                                     [&](const Tensor& t) { return t.label() == walk.view.items[i].label; });
      if (leaf == leaves.end()) continue;
      const Tensor& g = expected[static_cast<std::size_t>(leaf - leaves.begin())];
      CHECK(last[i].first == doctest::Approx(g.item()).epsilon(1e-12));
    }
  }
}

TEST_CASE("text, JSON and frames say the same") {
  for (const Tensor& y :
       {after_backward(price_graph()), after_backward(reused_graph()), after_backward(matrix_graph())}) {
    const Walkthrough walk = walk_through(y, {});
    const std::string text = steps_to_text(y);
    const Json json = Json::parse(steps_to_json(y));
    REQUIRE(json["steps"].size() == walk.steps.size());
    std::istringstream lines(text);
    std::vector<std::string> numbered;
    for (std::string line; std::getline(lines, line);)
      if (contains(line, " = ")) numbered.push_back(line);
    std::size_t line =
        contains(numbered.at(0), "=") && !std::isspace(static_cast<unsigned char>(numbered[0][0])) ? 1 : 0;
    for (std::size_t s = 0; s < walk.steps.size(); ++s) {
      const DotGraph frame = read_dot(Frames(walk).dot(s + 1));
      const std::string caption = frame.attributes.at("label").text;
      const Json& step = json["steps"][s];
      CHECK(step["step"] == s + 1);
      for (const Json& r : step["rows"]) {
        REQUIRE(line < numbered.size());
        CHECK(contains(numbered[line], r["left"].get<std::string>()));
        CHECK(contains(numbered[line++], r["value"].get<std::string>()));
        CHECK(contains(caption, r["value"].get<std::string>()));
      }
      if (step["kind"] != "backward") continue;
      for (const Json& edge : step["edges"]) {
        const Json& same = json["edges"][edge["edge"].get<std::size_t>()];
        CHECK(edge["contribution"] == same["contribution"]);
        CHECK(edge["local_derivative"] == same["local_derivative"]);
        CHECK(same["to"] == step["node"]);
        if (edge["arrived"] == edge["expected"])
          CHECK(edge["running_sum"] == json["nodes"][same["from"].get<std::size_t>()]["gradient"]);
      }
    }
    CHECK(line == numbered.size());
  }
}

TEST_CASE("what is not known is not made up") {
  // Before backward there are only the steps forward.
  const std::string before = steps_to_text(price_graph());
  CHECK(contains(before, "= 220"));
  CHECK_FALSE(contains(before, "∂"));
  CHECK_FALSE(contains(before, "Backward"));
  // A result that nothing trainable leads to, and one that is a leaf.
  CHECK(contains(steps_to_text(ones({2})), "[1, 1]"));
  CHECK(contains(steps_to_text(tensor(3.0)), " 1  result = 3\n"));
  CHECK(contains(steps_to_text(after_backward(variable(2, "x"))), "∂x = 1"));
  // A graph that does not keep its values.
  const Tensor w = tensor(2.0, {.dtype = DType::float64, .requires_grad = true}).label("w");
  const Tensor z = exp(w) + w;
  z.backward({.retain_graph = true});
  const std::string spare = steps_to_text(z);
  CHECK(contains(spare, "= exp(w) "));
  CHECK(contains(spare, "not kept"));
  // A leaf that held a gradient already.
  const Tensor twice = reused_graph();
  twice.backward();
  twice.backward();
  CHECK(contains(steps_to_text(twice), "= 4   (with what earlier calls left it holds 8)"));
  CHECK_THROWS_AS((void)steps_to_text(Tensor()), ValueError);
}

TEST_CASE("rules speak of inputs and results by their names, whatever these are") {
  const Tensor logits = variable({{1, 2, 3}}, "log its"), target = from_vector(std::vector<std::int64_t>{1}, {1});
  const Walkthrough walk = walk_through(after_backward(cross_entropy(logits, target).label("\xEE\x80\x80")), {});
  CHECK(walk.texts.at(3).rows.at(0).formula == "∂\xEE\x80\x80 · (softmax(log its) − onehot(1)) / n");
  const Walkthrough curve = walk_through(after_backward(tanh(variable(0.5, "x")).label("a long name")), {});
  CHECK(curve.texts.at(3).rows.at(0).formula == "∂a long name · (1 − a long name²)");
}

TEST_CASE("negative numbers stand in parentheses where they need them") {
  const Tensor x = variable(-2, "x"), y = variable(-3, "y");
  const auto says = [](const Tensor& z, const std::string& numbers) {
    const Walkthrough walk = walk_through(z, {});
    CHECK(walk.texts.at(1).rows.at(0).numbers == numbers);
  };
  says(x + y, "-2 + (-3)");
  says(x * y, "-2 × (-3)");
  says(pow(x, 2), "(-2)^2");
  says(-x, "−(-2)");
  says(exp(x), "exp(-2)");
}

TEST_CASE("a folded module is one step, with what is known of it") {
  const TeachingMode teach;
  Sequential net(Sequential(Linear(2, 3), ReLU()), Linear(3, 1));
  const Tensor x = variable({{0.5, -1}}, "x");
  const Tensor loss = after_backward(sum(net(to(x * 3, DType::float32)) * 2).label("loss"));
  const Walkthrough whole = walk_through(loss, {}), folded = walk_through(loss, {.fold = {"0"}});
  CHECK(folded.steps.size() < whole.steps.size());
  const auto step = std::find_if(folded.texts.begin(), folded.texts.end(),
                                 [](const StepText& text) { return text.title == "folded"; });
  REQUIRE(step != folded.texts.end());
  CHECK(step->rows[0].left == "«0»");
  CHECK(contains(step->rows[0].formula, "Sequential"));
  CHECK(contains(step->rows[0].note, "folded"));
  CHECK(contains(step->rows[0].value, "[["));
  // The gradient of the input still arrives whole.
  CHECK(contains(text_of(folded), "∂x "));
  CHECK(text_of(folded).substr(text_of(folded).find("Gradients")).find(value_text(x.grad())) != std::string::npos);
  for (const std::string& frame : frames_of(folded)) CHECK_NOTHROW((void)read_dot(frame));
  CHECK(frames_of(walk_through(loss, {.depth = 0})).size() >= 3);
}
