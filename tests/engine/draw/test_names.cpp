// What diagrams call values: the program's own names in every form, and never the name of another value.
#include <doctest/doctest.h>

#include <algorithm>
#include <cctype>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "engine/backward.h"
#include "engine/draw/diagram.h"
#include "engine/draw/labels.h"
#include "engine/draw/names.h"
#include "engine/draw/rule.h"
#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/steps/steps.h"
#include "engine/system/text.h"
#include "ops/language/bindings.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "tests/engine/draw/dot_reader.h"
#include "tests/text.h"

using namespace chainrule;
using chainrule::testing::contains;
using chainrule::testing::lines_of;
using chainrule::testing::read_dot;

namespace {

/// The result of a program, its values kept and its gradients computed.
Tensor run(const std::string& program, const std::string& values) {
  const TeachingMode keep_all;
  language::Names names = language::bind_text(values).names;
  const Tensor result = language::evaluate_tensor(language::parse(program), names);
  if (result.requires_grad())
    result.backward({.cotangent = ones(result.shape(), {.dtype = result.dtype()}), .retain_graph = true});
  return result;
}

/// What the picture says: every label, its lines one below the other.
std::string said(const std::string& dot) {
  const testing::DotGraph graph = read_dot(dot);
  std::string all = graph.attributes.at("label").text + "\n";
  for (const testing::DotNode& node : graph.nodes) all += testing::text_of(node) + "\n";
  return all;
}
std::string said(const std::string& program, const std::string& values, const GraphOptions& options = {}) {
  return said(graph_to_dot(run(program, values), options));
}

/// The words of a rule, each with the character behind it.
std::vector<std::pair<std::string, char>> words_of(const std::string& rule) {
  std::vector<std::pair<std::string, char>> words;
  std::string word;
  for (const char c : rule + " ") {
    if (std::isalnum(static_cast<unsigned char>(c)) || c == '_') {
      word += c;
    } else if (!word.empty()) {
      words.emplace_back(std::exchange(word, {}), c);
    }
  }
  return words;
}

bool is_number(const std::string& word) { return std::isdigit(static_cast<unsigned char>(word[0])) != 0; }

/// Columns without their blanks.
std::string squeezed(const std::string& text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' || out.empty() || out.back() != ' ') out += c;
  return out;
}

}  // namespace

TEST_CASE("names: edges speak of values by the program's names, as the steps do") {
  CHECK(contains(said("a = x*x; sum(a)", "x=[1,2]"), "∂x = g · x"));
  const std::string chain = said("z = tanh(x); y = z*z; r = sqrt(y); sum(r)", "x=[0.5,1]");
  for (const char* rule : {"∂x = g · (1 − z²)", "∂z = g · z", "∂y = g / (2 · r)", "g: the gradient that arrives",
                           "grey: local derivatives, element by element"})
    CHECK_MESSAGE(contains(chain, rule), rule);
  CHECK(contains(squeezed(steps_to_text(run("z = tanh(x); y = z*z; r = sqrt(y); sum(r)", "x=[0.5,1]"))),
                 "∂y = ∂r / (2 · r)"));
  const std::string symbols = said("z = w*x; sigmoid(z)", "x=2 w=3", {.symbols = true});
  CHECK(contains(symbols, "∂z = ∂result · result · (1 − result)"));
  CHECK(contains(symbols, "∂w = ∂z · x"));
  CHECK(contains(said("z = x*2; p = softmax(z, dim=0); sum(p*p)", "x=[1,2]"), "∂z = g · (diag(p) − p pᵀ)"));
}

TEST_CASE("names: each input of a list has its rule") {
  const std::string joined = said("sum(cat([a,b,c]))", "a=[1,2] b=[3] c=[4]");
  for (const char* rule : {"∂a = g (same element)", "∂b = g (same element)", "∂c = g (same element)"})
    CHECK_MESSAGE(contains(joined, rule), rule);
  const std::string steps = steps_to_text(run("sum(cat([a,b,c]))", "a=[1,2] b=[3] c=[4]"));
  CHECK_FALSE(contains(joined + steps, "argument"));
  CHECK_FALSE(contains(steps, "d/d c"));
}

TEST_CASE("names: a value without one gets a letter where a rule speaks of it, and shows it") {
  const std::string text = said("sum(exp(x) * x)", "x=[1,2]");
  CHECK(contains(text, "∂x = g · a"));
  CHECK(contains(text, "∂a = g · x"));
  CHECK(contains(text, "\na\n"));
  CHECK_FALSE(contains(said("exp(x) * x", "x=2"), "a = "));  // numbers that can be checked need none
  // A value that is called g.
  const std::string g = said("sum(g * x)", "g=[1,2] x=[3,4]");
  CHECK(contains(g, "∂g = ∂a · x"));
  CHECK_FALSE(contains(g, "g: the gradient"));
}

TEST_CASE("names: a name that is given again is told apart") {
  const Tensor again = run("x = x*2; x = x+1; sum(x*x)", "x=[1,2]");
  const std::string text = said(graph_to_dot(again)), steps = squeezed(steps_to_text(again));
  CHECK(contains(text, "∂x₃ = g · x₃"));
  CHECK(contains(text, "∂x = g · 2"));
  CHECK(contains(steps, "∂x₂ = ∂x₃"));
  CHECK_FALSE(contains(steps, "∂x = ∂x\n"));
  // The weights of two modules: in a module's own box, by their own name.
  Tensor z = variable({1, 2}, "x");
  for (const char* name : {"first", "second"}) {
    const ModuleScope scope(name, "Scale", 2);
    z = z * variable({3, 4}, "weight");
  }
  z.backward({.cotangent = ones({2}, {.dtype = DType::float64}), .retain_graph = true});
  CHECK(contains(said(graph_to_dot(z)), "∂x = g · weight"));
  CHECK(contains(squeezed(steps_to_text(z)), "∂x = ∂a · first.weight"));
}

TEST_CASE("names: the program is shown as it was written") {
  const Tensor picked = run("y = x[1] * 2; y", "x=[1,2,3]");
  const std::string steps = steps_to_text(picked);
  CHECK(contains(steps, "a = x[1]"));
  CHECK(contains(steps, "∂x = ∂a (picked elements) = [0, 2, 0]"));
  for (const std::string& text : {steps, said(graph_to_dot(picked)), graph_to_text(picked)}) {
    CHECK(contains(text, "[1]"));
    CHECK_FALSE(contains(text, "slice"));
    CHECK_FALSE(contains(text, "reshape"));
  }
  const std::string more = graph_to_text(run("sum(x[1:, 0]) + sum(x[:, ::2]) + x[-1, 2]", "x=[[1,2,3],[4,5,6]]"));
  for (const char* part : {"[1:, 0]", "[:, ::2]", "[1, 2]"}) CHECK_MESSAGE(contains(more, part), part);
  CHECK_FALSE(contains(more, "slice"));
  // A part that has a name, or is read twice, stays.
  CHECK(contains(graph_to_text(run("y = x[0:2]; sum(y[0] * y[1])", "x=[1,2,3]")), "y = [:2]"));
  // Masks and constants keep their words.
  const std::string where = squeezed(steps_to_text(run("where(a>0,a,b)", "a=1 b=2")));
  CHECK(contains(where, "where(a>0, a, b) = where(true, 1, 2)"));
  CHECK(contains(where, "∂result where a>0, else 0"));
  CHECK(contains(steps_to_text(run("m = a>0; where(m,a,b)", "a=1 b=2")), "where(m, a, b)"));
  const Tensor hidden = run("h0 = zeros(3); sum(tanh(h0 + x))", "x=[1,2,3]");
  CHECK(contains(graph_to_text(hidden), "h0"));
  CHECK_FALSE(contains(graph_to_text(hidden), "constant"));
}

TEST_CASE("names: over the examples of all operations, an edge names only what flows at its operation, and g") {
  int rules = 0, operations = 0;
  for (const Function* f : functions()) {
    INFO(f->name);
    const Tensor result = run(f->example, f->with);
    if (!result.requires_grad()) continue;
    ++operations;
    for (const bool symbols : {false, true}) {
      GraphView view = view_graph(std::vector{result}, true);
      give_letters(view);
      const GraphOptions options{.symbols = symbols};
      const DiagramText text(view, options);
      const auto names = all_names(view);
      CHECK(names.size() >= view.items.size() / 2);
      for (const GraphLink& link : view.links) {
        const GraphItem& to = view.items[link.to];
        std::set<std::string> allowed = {"g", to.letter};
        for (const GraphLink& other : links_to(view, link.to)) allowed.insert(view.items[other.from].letter);
        for (const std::string& line : lines_of(text.link_tooltip(link))) {
          if (!line.starts_with("∂") || !contains(line, ", g of shape")) continue;
          const std::string rule = line.substr(0, line.rfind(", g of shape"));
          ++rules;
          INFO(rule);
          CHECK(rule.starts_with("∂" + view.items[link.from].letter + " = "));
          CHECK_FALSE(contains(rule, "argument"));
          const std::vector<std::string> own = words_of_rules(*to.info);
          for (const auto& said_word : words_of(rule)) {
            const auto& word = said_word.first;  // a structured binding cannot be captured in C++20 as clang 14 has it
            const auto after = said_word.second;
            if (is_number(word) || allowed.contains(word)) continue;
            // A word of the rule itself, which is the name of nothing in this picture.
            CHECK_MESSAGE(!names.contains(word), word);
            CHECK_MESSAGE((after == '(' || std::find(own.begin(), own.end(), word) != own.end()), word);
          }
        }
      }
    }
    // What a visible rule names can be found in the picture.
    const std::vector<std::string> lines = lines_of(said(graph_to_dot(result)));
    GraphView view = view_graph(std::vector{result}, true);
    give_letters(view);
    const auto names = all_names(view);
    for (const std::string& line : lines) {
      if (!line.starts_with("∂") || !contains(line, " = ") || is_number(line.substr(4))) continue;
      for (const auto& said_word : words_of(line)) {
        const auto& word = said_word.first;
        if (!names.contains(word) || is_number(word)) continue;
        const auto shows = [&](const std::string& l) { return l == word || l.starts_with(word + " = "); };
        CHECK_MESSAGE(std::any_of(lines.begin(), lines.end(), shows), word, " of ", line);
      }
    }
  }
  CHECK(operations >= 140);
  CHECK(rules >= 300);
}
