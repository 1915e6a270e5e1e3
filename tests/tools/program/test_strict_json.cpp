// What is said of JSON that is none: the place, counted by hand, and one plain sentence.
#include "tools/program/strict_json.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "engine/types/error.h"

using namespace chainrule;

namespace {

std::string fault(const std::string& text) {
  try {
    parse_strict_json(text, "x.json", 4);
  } catch (const ValueError& e) {
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("strict JSON: what is right is read") {
  CHECK(parse_strict_json(R"({"b": [1, -2.5e3, "é\n"], "a": {"b": null, "c": [true]}})", "x", 4)["b"][1] == -2500);
  CHECK(parse_strict_json("\xEF\xBB\xBF[]", "x", 1).empty());
  CHECK(parse_strict_json(R"([{"a": 1}, {"a": 2}])", "x", 4).size() == 2);
  CHECK(fault("[[[[1]]]]").empty());
}

TEST_CASE("strict JSON: line, column and what is wrong") {
  struct Case {
    const char *text, *sentence;
  };
  const Case cases[] = {
      {"", "line 1, column 1: there is no JSON in it"},
      {" \n ", "line 2, column 2: there is no JSON in it"},
      {"{\"a\": 1,\n \"b\": 2", "line 2, column 8: it ends too early"},
      {"[1, 2", "line 1, column 6: it ends too early"},
      {"{\"a\": \"x\"\n \"b\": 2}", "line 2, column 2: '\"b\"' is not expected here; is a comma missing before it?"},
      {"{\"a\": 1,}", "line 1, column 9: '}' stands behind a comma, which the last one has not"},
      {"[1,\n]", "line 2, column 1: ']' stands behind a comma, which the last one has not"},
      {"{'a': 1}", "line 1, column 2: names and texts stand in double quotes"},
      {"{name: 1}", "line 1, column 2: 'name' is not expected here"},
      {"{名: 1}", "line 1, column 2: '名' is not expected here"},
      {"{\"a\" 1}", "line 1, column 6: '1' is not expected here"},
      {"{\"a\": tru}", "line 1, column 7: 'tru' is not expected here"},
      {"{\"a\": NaN}", "line 1, column 7: 'NaN' is not expected here"},
      {"[1 2]", "line 1, column 4: '2' is not expected here"},
      {"[1,, 2]", "line 1, column 4: ',' is not expected here"},
      {"[01]", "line 1, column 2: '01' is not expected here"},
      {"[1.]", "line 1, column 2: '1.' is not expected here"},
      {"[.5]", "line 1, column 2: '.5' is not expected here"},
      {"[+1]", "line 1, column 2: '+1' is not expected here"},
      {"[1e999]", "line 1, column 2: the number 1e999 is too large"},
      {"{} x", "line 1, column 4: 'x' is not expected here"},
      {"hello", "line 1, column 1: 'hello' is not expected here"},
      {"[\x1B[31m]", "line 1, column 2: '␛' is not expected here"},
      {"[\"a\nb\"]", "line 1, column 4: a text is wrong: control character U+000A"},
      {"[\"abc", "a text is wrong: missing closing quote"},
      {"[\"\\q\"]", "a text is wrong: forbidden character after backslash"},
      {"[\"\xFF\"]", "line 1, column 3: a text is wrong: ill-formed UTF-8 byte"},
      {"[[[[[1]]]]]", "it nests deeper than 4"},
      {"[{\"a\": 1, \"b\": {\"a\": 2}, \"a\": 3}]", "an object in it names 'a' twice"},
  };
  for (const Case& c : cases) {
    const std::string said = fault(c.text);
    CAPTURE(c.text);
    CHECK_MESSAGE(said.starts_with("'x.json'"), said);
    CHECK_MESSAGE(said.find(c.sentence) != std::string::npos, said);
    for (const char* foreign : {"json.exception", "syntax error", "last read", "\n", "\x1B"})
      CHECK_MESSAGE(said.find(foreign) == std::string::npos, said);
  }
}

TEST_CASE("strict JSON: every end and every changed byte of a text is answered") {
  const std::string text = R"({"format": "chainrule graph 1", "inputs": {"x": {"shape": [2], "data": [1.5e3, -2]}}})";
  for (std::size_t i = 0; i < text.size(); ++i) {
    CHECK(fault(text.substr(0, i)).find("line 1, column ") != std::string::npos);
    for (const char c : {'\0', '"', '}', ',', '\\', '\x80', '-', 'e'}) {
      std::string changed = text;
      changed[i] = c;
      const std::string said = fault(changed);
      CHECK(said.find("json.exception") == std::string::npos);
    }
  }
}
