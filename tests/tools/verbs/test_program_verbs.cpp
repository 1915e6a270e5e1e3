// eval, grad, jacobian, hessian, jvp, check and ops as their users meet them: text, JSON, exit codes.
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

TEST_CASE("a value that is given and not used, and a gradient that is NaN, are told") {
  ProcessResult r = command({"eval", "x = 3", "x=4"});
  CHECK(r.exit_code == 0);
  CHECK(r.out == "3\n");
  CHECK(contains(r.err, "x=4 is not used: the program gives x a value of its own"));
  r = command({"eval", "x", "x=3", "y=2"});
  CHECK(contains(r.err, "y=2 is not used: the program does not read y"));
  CHECK(command({"eval", "x", "x=3", "y=2", "--quiet"}).err.empty());
  CHECK(command({"eval", "pi * x", "x=3", "pi=2"}).err.empty());
  CHECK(command({"eval", "x = x + 1; x", "x=3"}).err.empty());
  r = command({"grad", "log(x)", "x=nan"});
  CHECK(contains(r.err, "the gradient by x is nan"));
  r = command({"grad", "sqrt(x) * y", "x=-1", "y=2"});
  CHECK(r.exit_code == 0);
  CHECK(contains(r.err, "the gradient by x is nan: "));
  CHECK(contains(r.err, "sqrt"));
  CHECK(command({"grad", "log(x)", "x=2"}).err.empty());
}

TEST_CASE("every verb that shows a NaN says which it is and where that begins") {
  const auto says = [](const std::vector<std::string>& arguments, const std::string& what, const std::string& where) {
    const ProcessResult r = command(arguments);
    CHECK(r.exit_code == 0);
    CHECK_MESSAGE(contains(r.err, "chainrule: " + what + " is nan: "), r.err);
    CHECK_MESSAGE(contains(r.err, where), r.err);
    std::vector<std::string> quiet = arguments, json = arguments;
    quiet.emplace_back("--quiet");
    json.emplace_back("--json");
    CHECK(command(quiet).err.empty());
    CHECK(command(json).err.empty());
  };
  says({"eval", "y = log(x); sum(y * 2)", "x=[1,-1]"}, "the result", "forward of log");
  says({"eval", "x", "x=nan"}, "the result", "x is given so");
  says({"grad", "sum(sqrt(x))", "x=[4,-4]"}, "the gradient by x", "forward of sqrt");
  says({"grad", "sum(where(x > 0, sqrt(x), 0))", "x=[4,-4]"}, "the gradient by x", "program:1:18");
  says({"jacobian", "sqrt(x)", "x=[4,-4]"}, "the result", "forward of sqrt");
  says({"hessian", "sum(sqrt(x) ** 3)", "x=[4,-4]"}, "the result", "sqrt");
  says({"jvp", "asin(x)", "x=[0.5,2]", "--tangent", "x=[1,1]"}, "the result", "asin");
  says({"graph", "y = log(x); sum(y * 2)", "x=[1,-1]"}, "a value of log", "forward of log");
  says({"graph", "y = log(x); sum(y * 2)", "x=[1,-1]", "--steps"}, "a value of log", "forward of log");
  says({"graph", "sum(where(x > 0, log(x), 0))", "x=[1,-1]", "--steps"}, "a value of log", "program:1:18");
  for (const char* verb : {"eval", "graph"}) CHECK(command({verb, "log(x)", "x=2"}).err.empty());
  CHECK(command({"graph", "log(x)", "x=-1", "--view", "shapes"}).err.empty());  // no number is shown
}

TEST_CASE("a value bound to the name of a constant wins, wherever it comes from") {
  CHECK(command({"grad", "pi * x", "x=2", "pi=3"}).out ==
        "result = 6\nx      = 2\n∂x     = 3\npi     = 3\n∂pi    = 2\n");
  CHECK(command({"eval", "inf + nan", "inf=3", "nan=4"}).out == "7\n");
  CHECK(command({"eval", "pi = 3; pi * 2"}).out == "6\n");
  CHECK(command({"jvp", "pi * x", "x=2", "pi=3", "--tangent", "pi=1"}).out == "result = 6\njvp    = 2\n");
  for (const char* word : {"true", "False", "None", "not"}) {
    const ProcessResult r = command({"eval", "1", std::string(word) + "=3"});
    CHECK(r.exit_code == 2);
    CHECK(contains(r.err, "cannot be a name"));
    CHECK(command({"eval", std::string(word) + " = 3"}).exit_code == 2);
  }
  const Folder folder;
  std::ofstream(folder / "t.csv") << "pi,None\n3,4\n5,6\n";
  const ProcessResult r = command({"eval", "pi * 2", "--inputs", folder / "t.csv"});
  CHECK(r.out == "[ 6, 10]\n");
  CHECK(contains(r.err, "'None' cannot be a name in a program"));
}

TEST_CASE("whole numbers are printed in full, and are exact in JSON") {
  CHECK(command({"eval", "9007199254740993"}).out == "9007199254740993\n");
  CHECK(command({"eval", "[123456789, 1]"}).out == "[123456789,         1]\n");
  CHECK(command({"eval", "0.1 * 3"}).out == "0.3\n");
  CHECK(contains(command({"eval", "x - 1", "x=9007199254740994", "--json"}).out, "9007199254740993"));
  const Folder folder;
  std::ofstream(folder / "t.csv") << "a\n9007199254740993\n";
  const ProcessResult r = command({"eval", "a", "--inputs", folder / "t.csv"});
  CHECK(r.exit_code == 2);
  CHECK(contains(r.err, "9007199254740993 is a whole number that float64 does not hold"));
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
  // A result of one number is weighed by 1: what check shows is what grad shows.
  const Json plain = json_of({"check", "tanh(w*x+b)", "x=0.5", "w=2", "b=-1", "--verbose"});
  CHECK(plain["inputs"][0]["analytic"].get<double>() == doctest::Approx(2));
  CHECK(plain["inputs"][1]["analytic"].get<double>() == doctest::Approx(0.5));
  CHECK(json_of({"check", "relu(x)", "x=0"})["inputs"][0]["numeric"].get<double>() == doctest::Approx(0.5));
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

TEST_CASE("ops: by topic, and a search in what is known of them") {
  const std::string losses = command({"ops", "loss"}).out;
  for (const char* part : {"mse_loss", "cross_entropy", "chainrule ops TOPIC"})
    CHECK_MESSAGE(contains(losses, part), part);
  CHECK_FALSE(contains(losses, "conv2d"));
  CHECK(contains(command({"ops", "image"}).out, "conv2d"));
  const std::string pools = command({"ops", "pool"}).out;
  for (const char* part : {"max_pool2d", "avg_pool2d"}) CHECK_MESSAGE(contains(pools, part), part);
  CHECK(json_of({"ops", "loss", "--json"}, 0).size() >= 10);
  CHECK(command({"ops", "softmacks"}).exit_code == 2);
  std::size_t in_topics = 0;
  for (const Topic& topic : topics()) {
    CHECK_MESSAGE(find_function(topic.name) == nullptr, topic.name);  // ops NAME would hide it
    for (const Family& family : topic.families) in_topics += family.functions.size();
  }
  CHECK(in_topics == functions().size());
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
