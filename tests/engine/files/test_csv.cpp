// Tables as people and programs write them; what is no table of numbers is refused with line and column.
#include <doctest/doctest.h>

#include <clocale>
#include <cmath>

#include "engine/files/array_files.h"
#include "tests/engine/files/array_bytes.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

using Doubles = std::vector<double>;
using Names = std::vector<std::string>;

std::string why_csv(const std::string& text, const CsvOptions& options = {}) {
  const std::string message = fault([&] { parse_csv(text, "t.csv", options); });
  CHECK((message == "no error" || contains(message, "csv file 't.csv'")));
  return message;
}
Doubles values(const std::string& text, const CsvOptions& options = {}) {
  return parse_csv(text, "t.csv", options).values.values<double>();
}

}  // namespace

TEST_CASE("csv: line ends, quotes, spaces, byte-order mark, separators") {
  const Doubles four = {1, 2, 3, 4};
  for (const char* text : {"1,2\n3,4", "1,2\n3,4\n", "1,2\r\n3,4\r\n", "1,2\r3,4\r", "1,2\n3,4\n\n \r\n", "1;2\n3;4\n",
                           "1\t2\n3\t4\n", " 1 , 2\n\t3 ,4 \n", "1,2\n\"3\",\"4\"\n",
                           "\xEF\xBB\xBF"
                           "1,2\n3,4\n",
                           "a,b\n1,2\n3,4\n", "\"a\r\nb\",\"c,d\"\n1,2\n3,4\n", "\"say \"\"a\"\"\";b\n1;2\n3;4\n"}) {
    CAPTURE(text);
    const Table table = parse_csv(text, "t.csv");
    CHECK(table.values.shape() == Shape{2, 2});
    CHECK(table.values.values<double>() == four);
  }
  CHECK(parse_csv("\"say \"\"a\"\"\";b\n1;2\n", "t").columns == Names{"say \"a\"", "b"});
  CHECK(parse_csv("\"a\r\nb\",\"c,d\"\n1,2\n", "t").columns == Names{"a\r\nb", "c,d"});
  CHECK(parse_csv(",a\n1,2\n", "t").columns == Names{"", "a"});
  CHECK(parse_csv("\"2020\",\"2021\"\n1,2\n", "t").columns == Names{"2020", "2021"});
  CHECK(parse_csv("2020,2021\n1,2\n", "t").columns.empty());
  CHECK(parse_csv("2020,2021\n1,2\n", "t", {.header = CsvOptions::Header::present}).columns == Names{"2020", "2021"});
  CHECK(values("1|2\n3|4", {.separator = '|'}) == four);
  CHECK(parse_csv("5", "t").values.shape() == Shape{1, 1});
}

TEST_CASE("csv: numbers, in every locale") {
  const Doubles wanted = {1e-3, -0.5, INFINITY, -INFINITY, 12345678901234567168.0, 5e-324};
  const std::string text = "1e-3,-.5,inf,-Infinity,12345678901234567168,5e-324\n";
  CHECK(values(text) == wanted);
  CHECK(std::isnan(values("nan\n")[0]));
  CHECK(values("+4,+inf,+1e-3\n") == Doubles{4, INFINITY, 1e-3});  // as NumPy and pandas read them
  CHECK(values(std::string(10000, '9') + "e-9990")[0] == 1e10);
  const std::string before = std::setlocale(LC_ALL, nullptr);
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "C.UTF-8"})
    if (std::setlocale(LC_ALL, name)) CHECK(values(text) == wanted);
  std::setlocale(LC_ALL, before.c_str());
  CHECK(contains(why_csv("a;b\n1;1,5\n"), "line 2, column 2 ('b'): '1,5' is not a number; decimals need a point"));
  for (const char* bad : {"0x10", "+-1", "++1", "+", "1_000", "1e", "--1", "1 2", "one", "1.5.2"})
    CHECK(contains(why_csv("a\n" + std::string(bad)), "'" + std::string(bad) + "' is not a number"));
  for (const char* far : {"1e999", "-1e999", "1e-999"})
    CHECK(contains(why_csv("a\n" + std::string(far)), std::string(far) + " is outside the range"));
}

TEST_CASE("csv: what is missing or too much, with its place") {
  CHECK(contains(why_csv(""), "empty"));
  CHECK(contains(why_csv("\xEF\xBB\xBF\r\n"), "empty"));
  CHECK(contains(why_csv("a,b\n"), "no rows"));
  CHECK(contains(why_csv("price,count\n1,2\n,3\n"), "line 3, column 1 ('price'): the cell is empty"));
  CHECK(contains(why_csv("1,2\n3,\n"), "line 2, column 2: the cell is empty"));
  CHECK(contains(why_csv(",\n"), "line 1, column 1: the cell is empty"));
  CHECK(contains(why_csv("1,2\n3\n"), "line 2 has 1 cells, line 1 has 2"));
  CHECK(contains(why_csv("1,2\n3,4,5\n"), "line 2 has more cells than the 2"));
  CHECK(contains(why_csv("1,2\n\n3,4\n"), "line 2 is empty"));
  CHECK(contains(why_csv("a,2\n3,4\n"), "line 1, column 1: 'a' is not a number; to make the line a header"));
  CHECK(contains(why_csv("a,a\n3,4\n"), "two columns are called 'a'"));
  CHECK(contains(why_csv("\"a\nb\",c\n1,2\nx,4\n"), "line 4, column 1"));
  CHECK(contains(why_csv("a\n\"1\n"), "line 2: a quote is not closed"));
  CHECK(contains(why_csv("a\n\"1\"2\n"), "line 2: text follows a closing quote"));
  CHECK(contains(why_csv("\xFF\xFE"
                         "1\0"),
                 "UTF-16"));
  CHECK(contains(why_csv(std::string("a\n1\0\n", 5)), "'1␀' is not a number"));
  CHECK(contains(why_csv("1|2\n3|4\n"), "no rows") == false);
  CHECK(contains(why_csv("1|2\n3|4\n"), "line 2, column 1"));
  CHECK(contains(why_csv("\"x\x1B[2J\",1\n"), "'x␛[2J' is not a number"));
}

TEST_CASE("csv: long lines cost their length once") {
  CHECK(contains(why_csv(std::string(8'000'000, '1')), "line 1"));
  CHECK(contains(why_csv(std::string(8'000'000, ',')), "more than 1048576 cells"));
  CHECK(contains(why_csv(std::string(8'000'000, '"')), "line 1"));
  CHECK(contains(why_csv("1" + std::string(8'000'000, '\n') + "x"), "line 2, column 1: the cell is empty"));
  std::string wide = "1";
  for (int i = 1; i < 100'000; ++i) wide += ",1";
  CHECK(parse_csv(wide, "t").values.shape() == Shape{1, 100'000});
}

TEST_CASE("csv: one column of numbers beside others that are none") {
  const std::string text = "name,2020,price,note\nFuji,,1.5,\"a, b\"\nGala,x,2.5,\n";
  const auto only = [&](const std::string& name) { return parse_csv(text, "t.csv", {.only = name}); };
  CHECK(only("price").values.values<double>() == Doubles{1.5, 2.5});
  CHECK(only("price").values.shape() == Shape{2, 1});
  CHECK(only("price").columns == Names{"price"});
  // What is wanted must be sound, and rows as long as the first.
  CHECK(contains(why_csv(text, {.only = "2020"}), "line 2, column 2 ('2020'): the cell is empty"));
  CHECK(contains(why_csv(text, {.only = "note"}), "'a, b' is not a number"));
  CHECK(contains(why_csv("a,b\n1,x\n2\n", {.only = "a"}), "line 3 has 1 cells"));
  CHECK(contains(why_csv("a,b,a\n1,x,2\n", {.only = "a"}), "two columns are called 'a'"));
  CHECK(contains(why_csv("a,b\n1,x\n", {.only = "c"}), "a, b"));
  CHECK(contains(why_csv("1,2\n3,4\n", {.only = "c"}), "'c'"));
  CHECK(contains(why_csv("a,b\n1,x\n"), "a column of numbers beside it is read by its name"));
}
