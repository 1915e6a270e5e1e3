// eval, grad, jacobian, hessian, jvp, check, graph and ops as their users meet them: text, JSON, exit codes.
#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <nlohmann/json.hpp>

#include "engine/system/process.h"
#include "tests/temporary_folder.h"
#include "tests/text.h"
#include "tests/tools/command.h"

using namespace chainrule;
using chainrule::testing::command;
using chainrule::testing::contains;
using chainrule::testing::content;
using chainrule::testing::json_of;
using Folder = chainrule::testing::TemporaryFolder;
using Json = nlohmann::json;

namespace {}  // namespace

TEST_CASE("eval: a value as text and as JSON") {
  CHECK(command({"eval", "2 + 3 * 4"}).out == "14\n");
  CHECK(command({"eval", "[[1, 2], [3, 10]]"}).out == "[[ 1,  2],\n [ 3, 10]]\n");
  const Json r = json_of({"eval", "x * [1, inf, nan]", "x=-2"});
  CHECK(r["result"]["dtype"] == "float64");
  CHECK(r["result"]["shape"] == Json({3}));
  CHECK(r["result"]["data"] == Json({-2.0, "-inf", "nan"}));
  CHECK(command({"eval", "[0, inf] * [inf, 0]"}).out == "[nan, nan]\n");
  CHECK(json_of({"eval", "x < 2", "x=[1,2]"})["result"]["data"] == Json({true, false}));
  CHECK(json_of({"eval", "0.1 + 0.2"})["result"]["data"][0].get<double>() == 0.1 + 0.2);
  CHECK(contains(command({"eval", "x * 0.1", "x=1", "--dtype", "float32", "--json"}).out, "\"data\":[0.1]"));
  CHECK(json_of({"eval", "sum(randn(3))", "--seed", "4"}) == json_of({"eval", "sum(randn(3))", "--seed", "4"}));
  CHECK(json_of({"eval", "sum(randn(3))", "--seed", "4"}) != json_of({"eval", "sum(randn(3))", "--seed", "5"}));
}

TEST_CASE("grad: the gradient under the value that it belongs to") {
  const ProcessResult r = command({"grad", "apple * count * tax", "apple=100", "count=2", "tax=1.1"});
  CHECK(r.exit_code == 0);
  CHECK(r.out ==
        "result  = 220\napple   = 100\n∂apple  = 2.2\ncount   = 2\n∂count  = 110\ntax     = 1.1\n∂tax    = 200\n");
  const Json j = json_of({"grad", "y = x * x; sum(y) * w", "x=[1,2]", "w=3", "unused=1"});
  CHECK(j["gradients"]["x"]["data"] == Json({6.0, 12.0}));
  CHECK(j["gradients"]["w"]["data"] == Json({5.0}));
  CHECK(j["gradients"]["unused"].is_null());
  CHECK(json_of({"grad", "y = x * x; sum(y) * w", "x=[1,2]", "w=3", "--wrt", "y"})["gradients"]["y"]["data"] ==
        Json({3.0, 3.0}));
  CHECK(json_of({"grad", "x * x", "x=[1,2]", "--cotangent", "[1, 10]"})["gradients"]["x"]["data"] == Json({2.0, 40.0}));
  CHECK(json_of({"grad", "x * x", "x=[1,2]", "--cotangent", "ones"})["gradients"]["x"]["data"] == Json({2.0, 4.0}));
  const ProcessResult vague = command({"grad", "x * x", "x=[1,2]"});
  CHECK(vague.exit_code == 2);
  CHECK(contains(vague.err, "(2,)"));
  CHECK(contains(vague.err, "sum(...)"));
  CHECK(contains(vague.err, "--cotangent"));
}

TEST_CASE("jacobian, hessian and jvp against formulas") {
  const Json j = json_of({"jacobian", "x ** 2 * [1, 2]", "x=[3,4]"});
  CHECK(j["jacobian"]["x"]["shape"] == Json({2, 2}));
  CHECK(j["jacobian"]["x"]["data"] == Json({6.0, 0.0, 0.0, 16.0}));
  const Json h = json_of({"hessian", "x ** 2 * y", "x=3", "y=5"});
  CHECK(h["hessian"]["x"]["x"]["data"] == Json({10.0}));
  CHECK(h["hessian"]["x"]["y"]["data"] == Json({6.0}));
  CHECK(h["hessian"]["y"]["x"]["data"] == Json({6.0}));
  CHECK(h["hessian"]["y"]["y"]["data"] == Json({0.0}));
  CHECK(json_of({"jvp", "x ** 2", "x=[1,2]", "--tangent", "x=[1,10]"})["jvp"]["data"] == Json({2.0, 40.0}));
  CHECK(json_of({"jvp", "[1, 2]", "x=1", "--tangent", "x=1"})["jvp"]["data"] == Json({0.0, 0.0}));
  CHECK(command({"hessian", "x", "x=[1,2]"}).exit_code == 2);
  CHECK(command({"jvp", "x", "x=[1,2]"}).exit_code == 2);
}

TEST_CASE("check: yes is 0, no is 1, and the facts are there") {
  const ProcessResult good = command({"check", "sum(tanh(x @ w))", "x=randn(2,3)", "w=randn(3,2)"});
  CHECK(good.exit_code == 0);
  const Json j = json_of({"check", "sum(relu(x))", "x=[0,1]", "--order", "2"});
  CHECK(j["ok"] == true);
  CHECK(j["inputs"][0]["verdict"] == "kink");
  CHECK(j["inputs"].size() >= 2);
  for (const char* key :
       {"name", "worst", "analytic", "numeric", "absolute_error", "relative_error", "step", "tolerance", "cause"})
    CHECK(j["inputs"][0].contains(key));
  CHECK(json_of({"check", "sum(relu(x))", "x=[0,1]", "--strict"}, 1)["ok"] == false);
  CHECK(command({"check", "1 + 1"}).exit_code == 2);
}

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

TEST_CASE("ops: the table, and one operation whose example is run and checked") {
  const ProcessResult all = command({"ops"});
  CHECK(all.exit_code == 0);
  CHECK(contains(all.out, "softmax"));
  const ProcessResult one = command({"ops", "softmax"});
  CHECK(one.exit_code == 0);
  for (const char* part : {"formula", "derivatives", "LaTeX", "example", "ok"}) CHECK(contains(one.out, part));
  CHECK(json_of({"ops", "exp"})["check"] == "ok");
  CHECK(json_of({"ops"}).size() > 180);
  const ProcessResult wrong = command({"ops", "sotmax"});
  CHECK(wrong.exit_code == 2);
  CHECK(contains(wrong.err, "did you mean softmax"));
}

TEST_CASE("profile: every operation of a step, with calls, bytes and FLOPs") {
  const std::vector<std::string> program = {"profile",      "sum(tanh(x @ w))", "x=randn(4,8)",
                                            "w=randn(8,2)", "--repeat",         "3"};
  const ProcessResult r = command(program);
  CHECK(r.exit_code == 0);
  for (const char* part : {"operation", "matmul", "tanh", "sum", "forward", "backward", "3 steps"})
    CHECK(contains(r.out, part));
  const Json j = json_of(program);
  CHECK(j["steps"] == 3);
  int products = 0;
  for (const Json& row : j["rows"]) {
    if (row["operation"] != "matmul" || row["phase"] != "forward") continue;
    ++products;
    CHECK(row["calls"] == 3);
    CHECK(row["flops"] == 3 * 2 * 4 * 8 * 2);
    CHECK(row["bytes"] == 3 * 8 * (4 * 8 + 8 * 2 + 4 * 2));
    CHECK(row["seconds"].get<double>() > 0);
  }
  CHECK(products == 1);
}

TEST_CASE("errors: underlined for people, with kind and place for programs") {
  const ProcessResult r = command({"eval", "1 + sotmax(x)", "x=1"});
  CHECK(r.exit_code == 2);
  CHECK(r.out.empty());
  CHECK(r.err ==
        "chainrule: line 1, column 5: there is no function sotmax; did you mean softmax?\n  1 + sotmax(x)\n      "
        "^^^^^^\n");
  const Json j = json_of({"eval", "1 +"}, 2);
  CHECK(j["error"]["kind"] == "syntax");
  CHECK(j["error"]["line"] == 1);
  CHECK(j["error"]["column"] == 4);
  CHECK(json_of({"eval", "inverse([[1, 2], [2, 4]])"}, 3)["error"]["kind"] == "numeric");
  CHECK(json_of({"eval", "x", "x=y"}, 2)["error"]["kind"] == "name");
  CHECK(json_of({"eval", "x", "x=1", "x=2"}, 2)["error"]["kind"] == "value");
  CHECK(json_of({"eval", "x", "5=2"}, 2)["error"]["kind"] == "value");
  CHECK(json_of({"eval"}, 2)["error"]["kind"] == "value");
  CHECK(json_of({"grad", "1 + 1"}, 2)["error"]["kind"] == "value");
  CHECK(json_of({"eval", "zeros(1000000, 1000000)"}, 4)["error"]["kind"] == "environment");
  CHECK(json_of({"eval", "x = 1" + std::string(100000, ';') + "2"}, 0)["result"]["data"][0] == 2);
  CHECK(json_of({"eval", "sum(arange(100000000.0))", "--timeout", "0.000001"}, 2)["error"]["kind"] == "limit");
}

TEST_CASE("graph: what a teacher asks for") {
  const Folder folder;
  const std::string out = folder / "g.dot";
  CHECK(contains(command({"graph", "x * y", "x=2", "y=3"}).out, "└─ ×"));
  CHECK(command({"graph", "x * y", "x=2", "y=3", "--symbols", "-o", out}).exit_code == 0);
  CHECK(contains(content(out), "∂x = ∂a · y"));
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

TEST_CASE("check: a table, a step, and what is to blame") {
  const ProcessResult table = command({"check", "sum(tanh(x))", "x=[1,2]", "--verbose"});
  CHECK(table.exit_code == 0);
  CHECK(contains(table.out, "verdict  cause"));
  CHECK(command({"check", "sum(tanh(x))", "x=[1,2]", "--step", "0.01"}).exit_code == 0);
  CHECK(command({"check", "sum(tanh(x))", "x=[1,2]", "--step", "0"}).exit_code == 2);
  const Json cut = json_of({"check", "sum(x * detach(x))", "x=[1,2]"}, 1)["inputs"][0];
  CHECK(cut["cause"] == "detached path");
  CHECK(cut["blamed"]["op"] == "mul");
  CHECK(cut["blamed"]["place"] == "program:1:5");
  CHECK(cut["blamed"]["input"] == "y");
  const Json lost = json_of({"check", "sum(log(softmax(x)))", "x=[0,900]"}, 1)["inputs"][0];
  CHECK(lost["cause"] == "precision");
  CHECK(lost["blamed"]["op"] == "log");
  CHECK(contains(lost["reason"], "log_softmax"));
  const Json kink = json_of({"check", "sum(relu(x))", "x=[0,1]"})["inputs"][0];
  CHECK(kink["cause"] == "kink");
  CHECK(kink["blamed"]["element"] == Json::parse("[0]"));
}

TEST_CASE("--max-memory bounds what a program may take") {
  const ProcessResult r = command({"eval", "sum(zeros(1000, 1000) + 1)", "--max-memory", "10MB"});
  CHECK(r.exit_code == 4);
  CHECK(contains(r.err, "10000000 are allowed"));
  CHECK(command({"eval", "sum(zeros(1000, 1000) + 1)", "--max-memory", "100MB"}).exit_code == 0);
  CHECK(command({"eval", "1", "--max-memory", "lots"}).exit_code == 2);
}

TEST_CASE("messages name what was given, and what to write instead") {
  const auto why = [](const std::vector<std::string>& arguments) {
    const Json j = json_of(arguments, 2);
    return j["error"]["message"].get<std::string>();
  };
  const auto has = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  CHECK(has(why({"jvp", "x", "x=[1,2]", "--tangent", "z=[1,2]"}), "--tangent: z has no value"));
  CHECK(has(why({"jvp", "x*y", "x=2", "y=3", "--tangent", "x=1", "y=10"}), "each direction needs --tangent before it"));
  CHECK(has(why({"eval", "min(2,1)"}), "the smaller of two numbers is minimum(a, b)"));
  CHECK(has(why({"eval", "max(2,1)"}), "the larger of two numbers is maximum(a, b)"));
  CHECK(has(why({"eval", "max(zeros(0))"}), "max: axis 0"));
  CHECK(has(why({"eval", "1\u00a0+ x", "x=1"}), "U+00A0 is not a plain space"));
  CHECK(has(why({"eval", "1_000 + 1"}), "are not grouped here; write 1000"));
  CHECK(has(why({"eval", "ln(2)"}), "did you mean log?"));
  CHECK(has(why({"eval", "einsum('i,i->', [[1,2,3]])"}), "2 operands are named, 1 is given"));
  CHECK(json_of({"eval", "einsum('i->', [1,2,3])"}, 0)["result"]["data"][0] == 6);
}

TEST_CASE("a name is the same composed and decomposed, wherever it comes from") {
  const std::string whole = "\u30ac", apart = "\u30ab\u3099";  // GA, and KA with the voiced mark
  for (const std::string& in_program : {whole, apart})
    for (const std::string& given : {whole, apart}) {
      const Json j = json_of({"grad", in_program + " ** 2", given + "=3", "--wrt", given});
      CHECK(j["gradients"][whole]["data"][0] == 6);
    }
  CHECK(json_of({"jvp", whole + " ** 2", apart + "=3", "--tangent", apart + "=1"})["jvp"]["data"][0] == 6);
  const std::string twice = json_of({"eval", whole, whole + "=1", apart + "=2"}, 2)["error"]["message"];
  CHECK(twice.find("is given twice") != std::string::npos);
}
