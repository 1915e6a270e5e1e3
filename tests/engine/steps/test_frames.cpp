// Frames and page of the steps: one layout, nothing shown too early, hostile names, and the folder that holds them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "engine/draw/graphviz.h"
#include "engine/scopes.h"
#include "engine/steps/json.h"
#include "engine/steps/player.h"
#include "engine/steps/steps.h"
#include "engine/steps/text.h"
#include "engine/system/process.h"
#include "engine/system/text.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "tests/engine/draw/dot_reader.h"
#include "tests/engine/draw/search_path.h"
#include "tests/engine/steps/step_graphs.h"
#include "tests/temporary_folder.h"
#include "tests/text.h"

using namespace chainrule;
using chainrule::testing::contains;
using chainrule::testing::graphviz;
using chainrule::testing::SearchPath;
using namespace chainrule::testing;
using Folder = chainrule::testing::TemporaryFolder;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

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

TEST_CASE("frames: the same nodes and edges in each, what is not known blank, one operation marked") {
  for (const Tensor& y :
       {after_backward(price_graph()), after_backward(reused_graph()), after_backward(matrix_graph())}) {
    const Walkthrough walk = walk_through(y, {});
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
  // With a font that is wider than Helvetica too: where there is no Helvetica, Graphviz takes one.
  const std::vector<Tensor> graphs = {after_backward(reused_graph()), after_backward(matrix_graph()),
                                      after_backward(grids)};
  for (std::size_t i = 0; i < 2 * graphs.size(); ++i) {
    const GraphOptions options{.font = i % 2 ? "DejaVu Sans" : ""};
    std::vector<std::string> places;
    for (const std::string& frame : frames_of(walk_through(graphs[i / 2], options))) {
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
    const Walkthrough walk = walk_through(y, {.title = name});
    CHECK(Json::parse(json_of(walk))["nodes"][0]["label"] == printable(name));
    CHECK(contains(text_of(walk), printable(name)));
    for (const std::string& frame : frames_of(walk)) CHECK_NOTHROW((void)read_dot(frame));
    const Rendered svg = render_dot(player_dot(walk), "svg", {});
    if (!svg.failure.empty()) continue;
    const std::string page = player_page(walk, svg.picture);
    CHECK(count_of(page, "<script") == 2);
    CHECK(count_of(page, "</script") == 2);
    CHECK_FALSE(contains(page, "<img"));
    check_elements(page);
    const std::size_t begin = page.find("id=\"data\">") + 10;
    const Json data = Json::parse(page.substr(begin, page.find("</script>", begin) - begin));
    CHECK(data["steps"].size() == walk.steps.size());
    for (const auto& step : data["steps"]) {  // the word in the list is the one that the script looks for
      const std::string kind = step["kind"];
      CHECK(contains(page, "data-phase=\"" + kind + "\""));
      CHECK((kind == "Given" || contains(page, "=== '" + kind + "'")));
    }
    for (const auto& [id, node] : data["nodes"].items()) CHECK(contains(page, "<g id=\"" + id + "\" class=\"node\">"));
    for (const auto& [id, link] : data["links"].items()) {
      CHECK(contains(page, "<g id=\"" + id + "\" class=\"node\">"));
      CHECK(contains(page, "<g id=\"" + id + "a\" class=\"edge\">"));
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
  for (const auto& file : files) CHECK_MESSAGE(content(steps + "/" + file.first) == file.second, file.first);
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
  CHECK(contains(content(folder / "steps/steps.txt"), "\n404  ") == false);
  CHECK(contains(content(folder / "steps/steps.txt"), "\n 405  "));
  CHECK(Json::parse(content(folder / "steps/steps.json"))["steps"].size() == 405);
  CHECK_FALSE(fs::exists(folder / "steps/frame-001.dot"));
}
