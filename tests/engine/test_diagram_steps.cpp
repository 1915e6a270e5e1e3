// The walk through a graph: its order and its numbers against values found by hand and by grad(); its forms (text,
// JSON, frames, page) against each other; what hostile names and missing things do.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "dot_reader.h"
#include "engine/backward.h"
#include "engine/diagram_steps.h"
#include "engine/error.h"
#include "engine/factory.h"
#include "engine/process.h"
#include "engine/render.h"
#include "engine/scopes.h"
#include "engine/step_walk.h"
#include "engine/text.h"
#include "nn/layers.h"
#include "ops/ops.h"
#include "tests/temporary_folder.h"

using namespace chainrule;
using chainrule::testing::content;
using chainrule::testing::DotGraph;
using chainrule::testing::read_dot;
using Folder = chainrule::testing::TemporaryFolder;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

Tensor price_graph() {
  const Tensor apple = variable(100, "apple"), count = variable(2, "count"), tax = variable(1.1, "tax");
  const Tensor buy = (apple * count).label("buy");
  return (buy * tax).label("price");
}

Tensor reused_graph() {
  const Tensor x = variable(1.5, "x"), square = x * x;
  return (square + x).label("y");
}

Tensor matrix_graph() {
  const Tensor x = variable({{1, 2}, {3, 4}}, "x"), w = variable({{1, -2, 0.5}, {0.25, 1, 2}}, "w");
  return sum(tanh(matmul(x, w)) + reshape(sum(x, {0}, true), {2, 1}) * 0.1).label("loss");
}

Tensor after_backward(Tensor y) {
  y.backward();
  return y;
}

std::string row(const GraphWalk& walk, std::size_t step, std::size_t row) {
  return row_text(walk.texts.at(step - 1).rows.at(row));
}

std::vector<std::string> frames_of(const GraphWalk& walk) {
  std::vector<std::string> frames;
  frames.reserve(walk.steps.size());
  for (std::size_t count = 1; count <= walk.steps.size(); ++count) frames.push_back(frame_of(walk, count));
  return frames;
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

// The program search path, for as long as it lives.
struct SearchPath {
  explicit SearchPath(const std::string& path) : before(std::getenv("PATH")) { setenv("PATH", path.c_str(), 1); }
  ~SearchPath() { setenv("PATH", before.c_str(), 1); }
  std::string before;
};

bool graphviz() { return run_process({"dot", "-V"}).exit_code == 0; }

// Every element of a page that is opened is closed again, in order. Throws where it is not.
void check_elements(const std::string& html) {
  static const std::set<std::string> kVoid{"!doctype", "meta", "input"};
  std::vector<std::string> open;
  for (std::size_t at = 0; (at = html.find('<', at)) != std::string::npos;) {
    if (html.compare(at, 4, "<!--") == 0) {
      at = html.find("-->", at);
      continue;
    }
    std::size_t end = at + 1;
    char quote = 0;
    for (; end < html.size() && (quote || html[end] != '>'); ++end) {
      if (html[end] == '"') quote = quote ? '\0' : '"';
      REQUIRE(html[end] != '<');
    }
    const std::string tag = html.substr(at + 1, end - at - 1);
    const std::string name = tag.substr(tag[0] == '/', tag.find_first_of(" \n/", 1) - (tag[0] == '/'));
    if (tag[0] == '/') {
      REQUIRE_FALSE(open.empty());
      REQUIRE(open.back() == name);
      open.pop_back();
    } else if (tag.back() != '/' && !kVoid.contains(name)) {
      open.push_back(name);
    }
    at = end;
    // Their content is no markup.
    if (tag[0] != '/' && (name == "script" || name == "style")) at = html.find("</" + name + ">", end);
  }
  CHECK(open.empty());
}

}  // namespace

TEST_CASE("the price graph, step by step, as by hand") {
  const GraphWalk walk = walk_graph(after_backward(price_graph()), {});
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
  const GraphWalk walk = walk_graph(after_backward(reused_graph()), {});
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
    const GraphWalk walk = walk_graph(y, {});
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
    const GraphWalk walk = walk_graph(y, {});
    const std::string text = steps_to_text(y);
    const Json json = Json::parse(steps_to_json(y));
    REQUIRE(json["steps"].size() == walk.steps.size());
    std::istringstream lines(text);
    std::vector<std::string> numbered;
    for (std::string line; std::getline(lines, line);)
      if (has(line, " = ")) numbered.push_back(line);
    std::size_t line = has(numbered.at(0), "=") && !std::isspace(static_cast<unsigned char>(numbered[0][0])) ? 1 : 0;
    for (std::size_t s = 0; s < walk.steps.size(); ++s) {
      const DotGraph frame = read_dot(frame_of(walk, s + 1));
      const std::string caption = frame.attributes.at("label").text;
      const Json& step = json["steps"][s];
      CHECK(step["step"] == s + 1);
      for (const Json& r : step["rows"]) {
        REQUIRE(line < numbered.size());
        CHECK(has(numbered[line], r["left"].get<std::string>()));
        CHECK(has(numbered[line++], r["value"].get<std::string>()));
        CHECK(has(caption, r["value"].get<std::string>()));
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

TEST_CASE("frames: the same nodes and edges in each, what is not known blank, one operation marked") {
  for (const Tensor& y :
       {after_backward(price_graph()), after_backward(reused_graph()), after_backward(matrix_graph())}) {
    const GraphWalk walk = walk_graph(y, {});
    const std::vector<std::string> frames = frames_of(walk);
    const DotGraph first = read_dot(frames[0]);
    std::size_t blue = 0, red = 0;
    for (std::size_t s = 0; s < frames.size(); ++s) {
      const DotGraph frame = read_dot(frames[s]);
      REQUIRE(frame.nodes.size() == first.nodes.size());
      REQUIRE(frame.edges.size() == first.edges.size());
      std::size_t marked = 0;
      for (std::size_t i = 0; i < frame.nodes.size(); ++i) {
        CHECK(frame.nodes[i].id == first.nodes[i].id);
        const auto pen = frame.nodes[i].attributes.find("penwidth");
        if (pen != frame.nodes[i].attributes.end() && pen->second.text == "4") {
          ++marked;
          CHECK(frame.nodes[i].id == "n" + std::to_string(walk.steps[s].item + 1));
        }
      }
      CHECK(marked == (walk.steps[s].item == GraphStep::kNone ? 0 : 1));
      for (std::size_t i = 0; i < frame.edges.size(); ++i) CHECK(frame.edges[i].from == first.edges[i].from);
      // Ink only grows, and there is none of gradients on the way forward.
      const std::size_t now_blue = count_of(frames[s], "<FONT COLOR=\"#1d4ea8\"");
      const std::size_t now_red = count_of(frames[s], "<FONT COLOR=\"#b3201c\"");
      CHECK(now_blue >= blue);
      CHECK(now_red >= red);
      if (walk.steps[s].kind == StepKind::forward) CHECK(now_red == 0);
      if (walk.steps[s].kind == StepKind::backward) CHECK(now_red > red);
      if (walk.steps[s].kind == StepKind::forward) CHECK(now_blue > blue);
      blue = now_blue;
      red = now_red;
    }
  }
}

TEST_CASE("frames: nothing moves from one to the next") {
  if (!graphviz()) {
    MESSAGE("skipped: dot is not installed");
    return;
  }
  const Tensor v = variable({{1.0 / 3, 20, 0.1}, {-1e-7, 5, 6}}, "v");
  const Tensor grids = sum(v * v * 3 + v).label("grids");
  for (const Tensor& y : {after_backward(reused_graph()), after_backward(matrix_graph()), after_backward(grids)}) {
    std::vector<std::string> places;
    for (const std::string& frame : frames_of(walk_graph(y, {}))) {
      std::istringstream plain(run_process({"dot", "-Tplain"}, {.input = frame}).out);
      std::string all;
      for (std::string line; std::getline(plain, line);) {
        std::istringstream words(line);
        std::string kind, id, x, at, width, height;
        words >> kind >> id >> x >> at >> width >> height;
        if (kind == "node") all += id + " " + x + " " + at + " " + width + " " + height + "\n";
      }
      places.push_back(all);
    }
    CHECK_FALSE(places[0].empty());
    for (const std::string& other : places) CHECK(other == places[0]);
  }
}

TEST_CASE("names of any kind stay text in every form") {
  const std::string hostile[] = {"</script><script>alert(1)</script>",
                                 "\"><img src=x onerror=alert(1)>",
                                 "<!-- --> ]]> </svg>",
                                 "{{data}} {{title}}",
                                 "\xff\xfe & &lt; \\N \\",
                                 "价格 リンゴ\n'`${x}`"};
  for (const std::string& name : hostile) {
    const Tensor x = variable(2, name), z = variable(3, name + "2");
    Tensor y;
    {
      const ModuleScope scope(name, name, 2);
      y = x * z;
    }
    y = after_backward((y + x).label(name + "3"));
    const GraphWalk walk = walk_graph(y, {.title = name});
    CHECK(Json::parse(json_of(walk))["nodes"][0]["label"] == printable(name));
    CHECK(has(text_of(walk), printable(name)));
    for (const std::string& frame : frames_of(walk)) CHECK_NOTHROW((void)read_dot(frame));
    const Rendered svg = render_dot(picture_of(walk), "svg", {});
    if (!svg.failure.empty()) continue;
    const std::string page = page_of(walk, svg.picture);
    CHECK(count_of(page, "<script") == 2);
    CHECK(count_of(page, "</script") == 2);
    CHECK_FALSE(has(page, "<img"));
    check_elements(page);
    const std::size_t begin = page.find("id=\"data\">") + 10;
    const Json data = Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
    CHECK(data["steps"].size() == walk.steps.size());
    for (const auto& [id, node] : data["nodes"].items()) CHECK(has(page, "<g id=\"" + id + "\" class=\"node\">"));
    for (const auto& [id, link] : data["links"].items()) {
      CHECK(has(page, "<g id=\"" + id + "\" class=\"node\">"));
      CHECK(has(page, "<g id=\"" + id + "a\" class=\"edge\">"));
    }
  }
}

TEST_CASE("the folder: every form, the same bytes again, and no file of another call or of anybody else is mixed in") {
  const Folder folder;
  const std::string steps = folder / "new/steps";
  std::ofstream(folder / "kept") << "mine";
  const std::size_t count = write_steps(steps, after_backward(matrix_graph()));
  std::map<std::string, std::string> files;
  for (const auto& file : fs::directory_iterator(steps)) files[file.path().filename()] = content(file.path().string());
  CHECK(files.size() == count + 2 + (graphviz() ? 1 : 0));
  CHECK(files["steps.txt"] == steps_to_text(after_backward(matrix_graph())));
  CHECK(files["steps.json"].starts_with("{"));
  write_steps(steps, after_backward(matrix_graph()));
  for (const auto& [name, bytes] : files) CHECK_MESSAGE(content(steps + "/" + name) == bytes, name);
  std::ofstream(steps + "/frame-020.dot") << "digraph \"mine\" {}";
  const std::size_t fewer = write_steps(steps, after_backward(price_graph()));
  REQUIRE(fewer < count);
  CHECK(fs::exists(steps + "/frame-007.dot"));
  CHECK_FALSE(fs::exists(steps + "/frame-008.dot"));
  CHECK(content(steps + "/frame-020.dot") == "digraph \"mine\" {}");
  CHECK_THROWS_AS(write_steps(folder / "kept", price_graph()), EnvironmentError);
  CHECK_THROWS_AS(write_steps("/dev/null/steps", price_graph()), EnvironmentError);
  CHECK(content(folder / "kept") == "mine");
}

TEST_CASE("without Graphviz there is all but the page") {
  const Folder folder, empty;
  const SearchPath path(empty.path.string());
  CHECK_THROWS_WITH_AS(write_steps(folder / "steps", after_backward(price_graph())),
                       doctest::Contains("the program dot is not installed"), EnvironmentError);
  CHECK(fs::exists(folder / "steps/frame-007.dot"));
  CHECK(fs::exists(folder / "steps/steps.txt"));
  CHECK(fs::exists(folder / "steps/steps.json"));
  CHECK_FALSE(fs::exists(folder / "steps/player.html"));
}

TEST_CASE("too many operations for frames are counted; text and JSON have them") {
  Tensor y = variable(1, "x");
  for (int i = 0; i < 201; ++i) y = sin(y);
  y.backward();
  const Folder folder;
  CHECK_THROWS_WITH_AS(write_steps(folder / "steps", y), doctest::Contains("201 operations are too many"), ValueError);
  CHECK(has(content(folder / "steps/steps.txt"), "\n404  ") == false);
  CHECK(has(content(folder / "steps/steps.txt"), "\n 405  "));
  CHECK(Json::parse(content(folder / "steps/steps.json"))["steps"].size() == 405);
  CHECK_FALSE(fs::exists(folder / "steps/frame-001.dot"));
}

TEST_CASE("what is not known is not made up") {
  // Before backward there are only the steps forward.
  const std::string before = steps_to_text(price_graph());
  CHECK(has(before, "= 220"));
  CHECK_FALSE(has(before, "∂"));
  CHECK_FALSE(has(before, "Backward"));
  // A result that nothing trainable leads to, and one that is a leaf.
  CHECK(has(steps_to_text(ones({2})), "[1, 1]"));
  CHECK(has(steps_to_text(after_backward(variable(2, "x"))), "∂x = 1"));
  // A graph that does not keep its values.
  const Tensor w = tensor(2.0, {.dtype = DType::float64, .requires_grad = true}).label("w");
  const Tensor z = exp(w) + w;
  z.backward({.retain_graph = true});
  const std::string spare = steps_to_text(z);
  CHECK(has(spare, "= exp(w) "));
  CHECK(has(spare, "not kept"));
  // A leaf that held a gradient already.
  const Tensor twice = reused_graph();
  twice.backward();
  twice.backward();
  CHECK(has(steps_to_text(twice), "= 4   (with what earlier calls left it holds 8)"));
  CHECK_THROWS_AS((void)steps_to_text(Tensor()), ValueError);
}

TEST_CASE("a folded module is one step, with what is known of it") {
  const TeachingMode teach;
  Sequential net(Linear(2, 3), ReLU(), Linear(3, 1));
  const Tensor x = variable({{0.5, -1}}, "x");
  const Tensor loss = after_backward(sum(net(x * 3) * 2).label("loss"));
  const GraphWalk whole = walk_graph(loss, {}), folded = walk_graph(loss, {.fold = {"0"}});
  CHECK(folded.steps.size() < whole.steps.size());
  const auto step = std::find_if(folded.texts.begin(), folded.texts.end(),
                                 [](const StepText& text) { return text.title == "folded"; });
  REQUIRE(step != folded.texts.end());
  CHECK(step->rows[0].left == "[0]");
  CHECK(has(step->rows[0].formula, "Linear"));
  CHECK(has(step->rows[0].note, "folded"));
  CHECK(has(step->rows[0].value, "[["));
  // The gradient of the input still arrives whole.
  CHECK(has(text_of(folded), "∂x "));
  CHECK(text_of(folded).substr(text_of(folded).find("Gradients")).find(value_text(x.grad())) != std::string::npos);
  for (const std::string& frame : frames_of(folded)) CHECK_NOTHROW((void)read_dot(frame));
  CHECK(frames_of(walk_graph(loss, {.depth = 0})).size() >= 3);
}
