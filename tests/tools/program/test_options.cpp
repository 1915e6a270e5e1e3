// Values of options that are none: one plain sentence with the option and what was given, exit code 2, nothing done.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <map>
#include <regex>
#include <sstream>

#include "engine/system/process.h"
#include "tests/text.h"
#include "tests/tools/command.h"

using namespace chainrule;
using chainrule::testing::command;
using chainrule::testing::contains;

namespace {

/// A verb with what it needs to run.
std::vector<std::string> verb(const std::string& name) {
  if (name == "demo" || name == "bench" || name == "selftest" || name == "version") return {name};
  if (name == "ops") return {name, "exp"};
  if (name == "completion") return {name, "bash"};
  return {name, "sum(x)", "x=1"};
}

ProcessResult with(const std::string& name, const std::vector<std::string>& more) {
  std::vector<std::string> all = verb(name);
  all.insert(all.end(), more.begin(), more.end());
  return command(all);
}

/// One line for people: no dump of a range, no text of a library.
void check_refused(const ProcessResult& r, const std::string& option, const std::string& value) {
  CAPTURE(option);
  CAPTURE(value);
  CAPTURE(r.err);
  CHECK(r.exit_code == 2);
  CHECK(r.out.empty());
  CHECK(r.err.starts_with("chainrule: " + option + ": "));
  CHECK(std::count(r.err.begin(), r.err.end(), '\n') == 1);
  CHECK(r.err.size() < 160);
  for (const char* foreign : {"Value", "Could not", "UINT", "required", "not in "}) CHECK(!contains(r.err, foreign));
}

struct Number {
  std::string option, type;
};

/// The options of a verb that take numbers, as its help lists them.
std::vector<Number> numbers_of(const std::string& name) {
  std::istringstream help(command({name, "--help"}).out);
  static const std::regex line_of(R"(^\s+(--[a-z-]+) (UINT|INT|FLOAT).*)");
  std::vector<Number> found;
  std::smatch match;
  for (std::string line; std::getline(help, line);)
    if (std::regex_match(line, match, line_of)) found.push_back({match[1], match[2]});
  return found;
}

}  // namespace

TEST_CASE("every option of every verb that takes a number refuses what is none") {
  std::size_t seen = 0;
  for (const char* name :
       {"eval", "grad", "jacobian", "hessian", "jvp", "check", "graph", "profile", "demo", "bench"}) {
    for (const Number& number : numbers_of(name)) {
      ++seen;
      std::vector<std::string> wrong = {"abc", "-1", "nan", "", "1,5", "0x10", " 1", "1 ", "1e400"};
      if (number.type != "FLOAT") wrong.insert(wrong.end(), {"1e30", "1.5.5", "99999999999999999999", "١"});
      // The same check serves every verb: a verb of each kind is enough for the whole list.
      if (std::string(name) != "eval" && std::string(name) != "check" && std::string(name) != "graph") wrong.resize(2);
      for (const std::string& value : wrong) check_refused(with(name, {number.option, value}), number.option, value);
    }
  }
  CHECK(seen > 40);
}

TEST_CASE("values outside the range of an option, and words that are none of its words") {
  struct Case {
    const char *verb, *option, *value, *sentence;
  };
  const Case cases[] = {
      {"check", "--step", "0", "'0' is not a number above 0"},
      {"check", "--step", "inf", "'inf' is not a number above 0"},
      {"check", "--tolerance", "-1e-6", "'-1e-6' is not a number above 0"},
      {"check", "--order", "3", "'3' is not a whole number from 1 to 2"},
      {"check", "--sample", "9223372036854775808", "is not a whole number, 0 or more"},
      {"eval", "--seed", "18446744073709551616", "is not a whole number, 0 or more"},
      {"eval", "--threads", "1025", "'1025' is not a whole number from 0 to 1024"},
      {"eval", "--timeout", "1e30", "'1e30' is not a number from 0 to 1000000000"},
      {"eval", "--timeout", "inf", "'inf' is not a number"},
      {"eval", "--max-memory", "-5", "'-5' is not a number of bytes such as"},
      {"eval", "--max-memory", "5XB", "'5XB' is not a number of bytes such as"},
      {"eval", "--max-memory", "MB", "'MB' is not a number of bytes such as"},
      {"eval", "--max-memory", "1.2.3", "'1.2.3' is not a number of bytes such as"},
      {"eval", "--max-memory", "99999EB", "'99999EB' is not a number of bytes that a machine can have"},
      {"eval", "--dtype", "float16", "'float16' is not one of float64, float32"},
      {"eval", "--inputs", "", "the name is empty"},
      {"eval", "--data-dir", "", "the name is empty"},
      {"eval", "--save", "", "the name is empty"},
      {"graph", "--max-label", "0", "'0' is not a whole number from 1 to 1000000"},
      {"graph", "--depth", "1001", "from 0 to 1000"},
      {"graph", "--fold-repeats", "1", "from 2 to 1000000"},
      {"graph", "--view", "all", "'all' is not one of learn, shapes, summary"},
      {"graph", "--color", "red\x1B[31m", "'red␛[31m' is not one of"},
      {"graph", "--rankdir", "UP", "'UP' is not one of LR, TB"},
      {"profile", "--repeat", "0", "from 1 to 1000000"},
      {"demo", "--epochs", "0", "from 1 to 10000"},
      {"demo", "--progress", "loud", "'loud' is not one of auto, bar, plain, none"},
  };
  for (const Case& c : cases) {
    const ProcessResult r = with(c.verb, {c.option, c.value});
    check_refused(r, c.option, c.value);
    CHECK_MESSAGE(contains(r.err, c.sentence), r.err);
    CHECK(!contains(r.err, "\x1B"));
  }
}

TEST_CASE("an option without its value, twice, or with a value that it does not take") {
  CHECK(contains(command({"eval", "1", "--seed"}).err, "--seed: its value is missing"));
  CHECK(contains(command({"eval", "1", "--dtype="}).err, "--dtype: its value is missing"));
  CHECK(contains(command({"eval", "1", "--seed", "1", "--seed", "2"}).err, "--seed: it is given more than once"));
  CHECK(contains(command({"eval", "1", "--json=5"}).err, "--json: it takes no value"));
  CHECK(contains(command({"eval", "1", "--loud"}).err, "not expected here: --loud"));
  CHECK(contains(command({}).err, "a verb is missing"));
  CHECK(contains(command({"completion", "fish"}).err, "'fish' is not one of bash, zsh"));
  const nlohmann::json error = nlohmann::json::parse(command({"eval", "1", "--seed", "x", "--json"}).out);
  CHECK(error["error"]["kind"] == "value");
  CHECK(contains(error["error"]["message"], "'x' is not a whole number"));
}

TEST_CASE("values at the ends of their ranges") {
  const std::string most = "18446744073709551615";
  CHECK(command({"eval", "1", "--seed", most}).out == "1\n");
  CHECK(command({"eval", "randn(2)", "--seed", "010"}).out == command({"eval", "randn(2)", "--seed", "10"}).out);
  CHECK(command({"eval", "1", "--timeout", "1000000000"}).out == "1\n");
  CHECK(command({"eval", "1", "--threads", "1024"}).exit_code == 0);
  CHECK(command({"graph", "x", "x=1", "--fold-above", most, "--wrap", "1", "--max-label", "1"}).exit_code == 0);
  CHECK(command({"eval", "sum(zeros(1000, 1000))", "--max-memory", "0"}).exit_code == 0);  // no limit
  for (const auto& row : std::map<std::string, std::string>{{"2000", "2000"},
                                                            {"2000b", "2000"},
                                                            {"2.5kb", "2500"},
                                                            {"3K", "3000"},
                                                            {"2KiB", "2048"},
                                                            {"1.5MB", "1500000"},
                                                            {"1mib", "1048576"},
                                                            {"2000.5", "2001"}}) {
    const ProcessResult r = command({"eval", "sum(zeros(1000, 1000))", "--max-memory", row.first});
    CHECK(r.exit_code == 4);
    CHECK_MESSAGE(contains(r.err, "; " + row.second + " are allowed"), r.err);
  }
}

TEST_CASE("a slip of the keys: the nearest verb, option, name or function is suggested") {
  const auto said = [](std::vector<std::string> arguments) {
    const ProcessResult r = command(std::move(arguments));
    CHECK(r.exit_code == 2);
    CHECK(r.out.empty());
    return r.err;
  };
  CHECK(said({"grpah", "x"}) == "chainrule: there is no verb 'grpah'; did you mean grad or graph?\n");
  CHECK(said({"draw-it", "x"}) == "chainrule: there is no verb 'draw-it'; see chainrule --help\n");
  CHECK(said({"check", "x", "x=1", "--verbos"}) == "chainrule: not expected here: --verbos; did you mean --verbose?\n");
  CHECK(contains(said({"check", "x", "x=1", "--colour"}), "see chainrule check --help"));
  CHECK(contains(said({"eval", "-x", "x=1"}), "chainrule eval -- '-x' x=2"));
  CHECK(contains(said({"eval", "-(2)"}), "chainrule eval -- '-x' x=2"));
  CHECK(contains(said({"eval", "appel * 2", "apple=1"}), "appel has no value; did you mean apple?"));
  CHECK(contains(said({"eval", "y * 2", "apple=1"}), "y has no value; give it one, as in y=2"));
  CHECK(contains(said({"eval", "sofmax(x)", "x=1"}), "there is no function sofmax; did you mean softmax?"));
  CHECK(contains(said({"ops", "sofmax"}), "there is no operation sofmax; did you mean softmax?"));
}
