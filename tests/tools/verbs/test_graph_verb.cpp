// graph as its users meet it: pictures, labels, what cannot be drawn, graphs that are read back.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/system/process.h"
#include "ops/families.h"
#include "tests/temporary_folder.h"
#include "tests/text.h"
#include "tests/tools/command.h"

using namespace chainrule;
using namespace chainrule::testing;
using Folder = TemporaryFolder;

TEST_CASE("graph: a picture of the program") {
  const Folder out;
  const ProcessResult r = command(
      {"graph", "价格 = リンゴ * count; 价格 * tax", "リンゴ=100", "count=2", "tax=1.1", "-o", out / "price.svg"});
  CHECK_MESSAGE(r.exit_code == 0, r.err);
  const std::string svg = content(out / "price.svg");
  CHECK(contains(svg, "リンゴ"));
  CHECK(contains(svg, "价格"));
  CHECK(contains(svg, "220"));
  command({"graph", "sum(x * 2)", "x=[1,2]", "-o", out / "a.dot"});
  command({"graph", "sum(x * 2)", "x=[1,2]", "-o", out / "b.dot"});
  CHECK(content(out / "a.dot") == content(out / "b.dot"));
  CHECK(contains(content(out / "a.dot"), "digraph"));
  command({"graph", "sum(x * 2)", "x=[1,2]", "--view", "shapes", "-o", out / "shapes.dot"});
  CHECK(!contains(content(out / "shapes.dot"), "∂"));
  CHECK(command({"graph", "x", "x=1", "-o", out / "a.bmp"}).exit_code == 2);
  CHECK(command({"graph", "x * 2", "x=1", "-o", out / "no/such/folder/a.dot"}).exit_code == 4);
}

TEST_CASE("graph: the edges of a picture speak of the program's own names") {
  const Folder out;
  const std::string file = out / "a.svg";
  const auto drawn = [&](std::vector<std::string> args) {
    args.insert(args.begin(), "graph");
    args.insert(args.end(), {"-o", file});
    const ProcessResult r = command(args);
    CHECK_MESSAGE(r.exit_code == 0, r.err);
    return content(file);
  };
  const std::string square = drawn({"a = x*x; sum(a)", "x=[1,2]"});
  CHECK(contains(square, "∂x = g · x"));
  CHECK_FALSE(contains(square, "· y"));
  CHECK(contains(drawn({"z = tanh(x); y = z*z; r = sqrt(y); sum(r)", "x=[0.5,1]"}), "∂y = g / (2 · r)"));
  CHECK(contains(drawn({"z = w*x; sigmoid(z)", "x=2", "w=3", "--symbols"}), "∂z = ∂result · result · (1 − result)"));
  CHECK(contains(drawn({"z = x*2; p = softmax(z, dim=0); sum(p*p)", "x=[1,2]"}), "∂z = g · (diag(p) − p pᵀ)"));
  const std::string joined = drawn({"sum(cat([a,b,c]))", "a=[1,2]", "b=[3]", "c=[4]"});
  CHECK(contains(joined, "∂c = g (same element)"));
  CHECK_FALSE(contains(joined, "argument"));
}

TEST_CASE("graph: what was asked for and cannot be drawn is said, and nothing else") {
  const Folder folder;
  const std::string out = folder / "g.dot";
  const auto many = command({"graph", "x * x", "x=[1,2]", "-o", out});
  CHECK(many.exit_code == 0);
  CHECK(contains(many.err, "a result of shape (2,) has no gradient by itself, so none is drawn; --cotangent ones"));
  CHECK(command({"graph", "x * x", "x=[1,2]", "-o", out, "--quiet"}).err == "");
  CHECK(command({"graph", "x * x", "x=[1,2]", "-o", out, "--view", "shapes"}).err == "");
  CHECK(command({"graph", "x * x", "x=[1,2]", "-o", out, "--cotangent", "ones"}).err == "");
  CHECK(command({"graph", "x * x", "x=2", "--hide", "grad", "--frames", folder / "d"}).err == "");
  CHECK(command({"graph", "x * x", "x=2", "--hide", "grad", "--steps"}).err == "");
  CHECK(json_of({"graph", "x * x", "x=2", "--json"}, 0)["format"] == "chainrule graph 1");
  const std::string letters = command({"graph", "z = w*x; sigmoid(z)", "x=2", "w=3", "--symbols"}).out;
  for (const char* part : {"∂z = ∂result · result · (1 − result)", "∂w = ∂z · x", "∂x = ∂z · w"})
    CHECK_MESSAGE(contains(letters, part), part);
  CHECK_FALSE(contains(letters, "0.9975"));
}

TEST_CASE("--wrt: graph, check and profile hold the other inputs fixed") {
  const std::string tree = command({"graph", "w * x", "x=2", "w=3", "--wrt", "w"}).out;
  CHECK(contains(tree, "∂ 2"));
  CHECK_FALSE(contains(tree, "∂ 3"));
  CHECK(contains(tree, "x (frozen)"));
  const auto checked = json_of({"check", "w * x", "x=2", "w=3", "--wrt", "w", "--json"}, 0);
  REQUIRE(checked["inputs"].size() == 1);
  CHECK(checked["inputs"][0]["name"] == "w");
  CHECK(command({"profile", "w * x", "x=2", "w=3", "--wrt", "w", "--repeat", "1"}).exit_code == 0);
  for (const char* verb : {"graph", "check", "profile"}) {
    const auto wrong = command({verb, "w * x", "x=2", "w=3", "--wrt", "y"});
    CHECK(wrong.exit_code == 2);
    CHECK(contains(wrong.err, "--wrt: y is no input with a gradient"));
  }
}

TEST_CASE("graph: digits, and how many elements are shown") {
  CHECK(contains(command({"graph", "x * 1", "x=1.23456789"}).out, "1.235"));
  CHECK(contains(command({"graph", "x * 1", "x=1.23456789", "--digits", "7"}).out, "1.234568"));
  CHECK(contains(command({"graph", "sum(x)", "x=arange(5.0)"}).out, "[0, 1, 2, 3, 4]"));
  CHECK(contains(command({"graph", "sum(x)", "x=arange(5.0)", "--max-elements", "4"}).out, "mean 2"));
  CHECK(contains(command({"graph", "sum(x)", "x=arange(20.0)", "--max-elements", "20", "--steps"}).out, "18, 19]"));
  CHECK(command({"graph", "x * 1", "x=1", "--digits", "0"}).exit_code == 2);
}

TEST_CASE("graph: what a teacher asks for") {
  const Folder folder;
  const std::string out = folder / "g.dot";
  CHECK(contains(command({"graph", "x * y", "x=2", "y=3"}).out, "└─ ×"));
  CHECK(command({"graph", "x * y", "x=2", "y=3", "--symbols", "-o", out}).exit_code == 0);
  CHECK(contains(content(out), "∂x = ∂result · y"));
  CHECK(command({"graph", "x ** 3", "x=2", "--gradient-of", "x", "-o", out}).exit_code == 0);
  CHECK(contains(content(out), "∂x"));
  CHECK(contains(content(out), ">12<"));
  CHECK(contains(command({"graph", "2 * x", "x=2", "--gradient-of", "x"}).err, "is a constant"));
  CHECK(contains(command({"graph", "2 * x", "x=2", "--gradient-of", "y"}).err, "y has no value"));
  CHECK(command({"graph", "sum(x)", "x=ones(20, 30)", "--color", "memory", "--rankdir", "TB", "-o", out}).exit_code ==
        0);
  CHECK(contains(content(out), "4.8 kB"));
  CHECK(contains(content(out), "rankdir=\"TB\""));
  CHECK(command({"graph", "x", "x=1", "--rankdir", "UP"}).exit_code == 2);
  CHECK(command({"graph", "x", "x=1", "--color", "red"}).exit_code == 2);
  CHECK(command({"graph", "x", "x=1", "--depth", "-1"}).exit_code == 2);
}

TEST_CASE("graph: parts of the labels come and go by name") {
  const auto drawn = [](std::vector<std::string> options) {
    options.insert(options.begin(), {"graph", "tanh(w * x)", "x=[1,2]", "w=3", "--cotangent", "ones"});
    const ProcessResult r = command(options);
    CHECK_MESSAGE(r.exit_code == 0, r.err);
    return r.out;
  };
  CHECK(contains(drawn({}), "∂"));
  CHECK(!contains(drawn({"--hide", "grad,local"}), "∂"));
  CHECK(!contains(drawn({}), "float64"));
  CHECK(contains(drawn({"--show", "dtype"}), "float64"));
  CHECK(!contains(drawn({"--view", "shapes"}), "∂"));
  CHECK(contains(drawn({"--view", "shapes", "--show", "grad"}), "∂"));
  const ProcessResult unknown = command({"graph", "x * 2", "x=1", "--hide", "colour"});
  CHECK(unknown.exit_code == 2);
  CHECK(contains(unknown.err, "parameters"));
}

TEST_CASE("graph: a graph as JSON evaluates and draws the same when it is read back") {
  const Folder folder;
  const std::vector<std::vector<std::string>> programs = {
      {"price = apple * count * tax", "apple=100", "count=2", "tax=1.1"},
      {"h = tanh(x @ w + b); sum(h * h)", "x=randn(2,3)", "w=randn(3,2)", "b=[0.1,-0.2]"},
      {"cross_entropy(x, y)", "x=[[1,2],[3,-1]]", "y=arange(2)", "--dtype", "float32"},
      {"sum(x * randn(3))", "x=[1, 2, 3]", "--seed", "7"},
      {"价格 = リンゴ * 2\nx = 价格 - 1; sum(where(x > 0, x, 0.5))", "リンゴ=[1, -1]"}};
  for (const std::vector<std::string>& program : programs) {
    INFO(program[0]);
    const auto run = [&](const std::string& verb, std::vector<std::string> more) {
      std::vector<std::string> all{verb};
      all.insert(all.end(), more.begin(), more.end());
      return command(all);
    };
    const std::string json = folder / "g.json", before = folder / "before.dot", after = folder / "after.dot";
    auto with = [](std::vector<std::string> some, std::vector<std::string> more) {
      some.insert(some.end(), more.begin(), more.end());
      return some;
    };
    REQUIRE(run("graph", with(program, {"-o", json})).exit_code == 0);
    REQUIRE(run("graph", with(program, {"-o", before})).exit_code == 0);
    const ProcessResult drawn = run("graph", {"@" + json, "-o", after});
    REQUIRE_MESSAGE(drawn.exit_code == 0, drawn.err);
    CHECK(content(before) == content(after));
    CHECK(run("grad", with(program, {"--json"})).out == run("grad", {"@" + json, "--json"}).out);
    const Json graph = Json::parse(content(json));
    CHECK(graph["program"] == program[0]);
    CHECK(graph["nodes"].size() > 2);
  }
  const std::string json = folder / "g.json";
  REQUIRE(command({"graph", "x * y", "x=2", "y=3", "-o", json}).exit_code == 0);
  CHECK(command({"eval", "@" + json}).out == "6\n");
  CHECK(command({"eval", "@" + json, "x=10"}).out == "30\n");
  // Whatever is wrong with the file is said in one sentence.
  const std::string text = content(json);
  for (const std::pair<std::string, std::string>& change :
       std::initializer_list<std::pair<std::string, std::string>>{{"chainrule graph 1", "chainrule graph 9"},
                                                                  {"\"shape\": []", "\"shape\": [99999999999999]"},
                                                                  {"\"shape\": []", "\"shape\": [-1]"},
                                                                  {"\"shape\": []", "\"shape\": \"\""},
                                                                  {"float64\",\n   \"shape", "float16\",\n   \"shape"},
                                                                  {"x * y", "x * * y"},
                                                                  {"{", "[[[[[[[[[[[[[[[[[[[[[[[[[["},
                                                                  {"{", ""}}) {
    const std::string &from = change.first, &to = change.second;
    std::string broken = text;
    const std::size_t at = broken.find(from);
    REQUIRE_MESSAGE(at != std::string::npos, from);
    broken.replace(at, from.size(), to);
    const std::string path = folder / "broken.json";
    std::ofstream(path) << broken;
    const ProcessResult r = command({"eval", "@" + path});
    CHECK_MESSAGE(r.exit_code == 2, from, r.err);
    CHECK_MESSAGE(!r.err.empty(), from);
  }
  for (std::size_t end = 0; end < text.size(); end += text.size() / 40) {
    const std::string path = folder / "cut.json";
    std::ofstream(path) << text.substr(0, end);
    CHECK(command({"eval", "@" + path}).exit_code == 2);
  }
}
