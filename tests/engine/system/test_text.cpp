// Text made printable, cut and wrapped, and numbers for diagrams, against tables written by hand.
#include <doctest/doctest.h>

#include <clocale>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "engine/system/text.h"

using namespace chainrule;
using namespace std::string_literals;

TEST_CASE("printable: what is fine stays as it is") {
  for (const std::string text : {"", "apple", "重み 図 ñ 😀", "a \\ \" < & > b", "e\u0301", "👩\u200D🔬"}) {
    CHECK(printable(text) == text);
  }
}

TEST_CASE("printable: everything invisible or broken becomes visible") {
  CHECK(printable("a\nb\tc"s) == "a␊b␉c");
  CHECK(printable("\0\x1b[31m\x7f"s) == "␀␛[31m␡");
  CHECK(printable("\u202Eabc\u200F\uFEFF\u0085\u2028") == "\\u{202e}abc\\u{200f}\\u{feff}\\u{0085}\\u{2028}");
  CHECK(printable("\xFF") == "\uFFFD");
  CHECK(printable("\xC0\xAF") == "\uFFFD\uFFFD");            // an overlong slash: neither byte can begin or follow
  CHECK(printable("\xED\xA0\x80") == "\uFFFD\uFFFD\uFFFD");  // a surrogate
  CHECK(printable("\xF4\x90\x80\x80") == "\uFFFD\uFFFD\uFFFD\uFFFD");  // above U+10FFFF
  CHECK(printable("\xE3\x81") == "\uFFFD");                            // cut short at the end: one character was meant
  CHECK(printable("\xE3\x81x") == "\uFFFDx");
  CHECK(printable("\xF0\x9F\x98x\x80") == "\uFFFDx\uFFFD");
  CHECK(printable("\xEF\xBF\xBE") == "\uFFFD");  // U+FFFE, which XML forbids
}

TEST_CASE("printable: twice is once") {
  std::mt19937 random(7);
  for (int i = 0; i < 2000; ++i) {
    std::string bytes(random() % 40, '\0');
    for (char& c : bytes) c = static_cast<char>(random());
    const std::string once = printable(bytes);
    REQUIRE(printable(once) == once);
  }
}

TEST_CASE("shorten counts characters, not bytes") {
  CHECK(shorten("apple", 5) == "apple");
  CHECK(shorten("apples", 5) == "appl…");
  CHECK(shorten("重みの行列", 3) == "重み…");
  CHECK(shorten("重みの", 3) == "重みの");
  CHECK(shorten("abc", 1) == "…");
  CHECK(shorten("abc", 0).empty());
  CHECK(shorten("", 0).empty());
}

TEST_CASE("wrap breaks at spaces, else anywhere, and loses nothing but the spaces") {
  using Lines = std::vector<std::string>;
  CHECK(wrap("", 10) == Lines{""});
  CHECK(wrap("one two three", 7) == Lines{"one two", "three"});
  CHECK(wrap("one two three", 6) == Lines{"one", "two", "three"});
  CHECK(wrap("abcdefgh", 3) == Lines{"abc", "def", "gh"});
  CHECK(wrap("重みの行列", 4) == Lines{"重み", "の行", "列"});
  CHECK(wrap("重み", 1) == Lines{"重", "み"});
  CHECK(wrap("e\u0301e\u0301e\u0301", 2) == Lines{"e\u0301e\u0301", "e\u0301"});
  CHECK(wrap("ab", 0) == Lines{"a", "b"});
  CHECK(text_width("a重e\u0301") == 4);
}

TEST_CASE("format_number: four digits, whole numbers whole") {
  const double inf = std::numeric_limits<double>::infinity();
  const std::vector<std::pair<double, std::string>> table = {{715, "715"},
                                                             {2.2, "2.2"},
                                                             {110.00000000000001, "110"},
                                                             {1.1, "1.1"},
                                                             {1.0 / 3, "0.3333"},
                                                             {1e-7, "1e-07"},
                                                             {1234567, "1.235e+06"},
                                                             {999999, "999999"},
                                                             {-999999, "-999999"},
                                                             {1e6, "1e+06"},
                                                             {12345, "12345"},
                                                             {12345.6, "1.235e+04"},
                                                             {0.0, "0"},
                                                             {-0.0, "0"},
                                                             {-2.5, "-2.5"},
                                                             {inf, "inf"},
                                                             {-inf, "-inf"},
                                                             {std::nan(""), "nan"},
                                                             {-std::nan(""), "nan"},
                                                             {5e-324, "4.941e-324"}};
  for (const auto& [value, text] : table) CHECK(format_number(value) == text);
}

TEST_CASE("format_exact reads back as the same number") {
  CHECK(format_exact(0.1) == "0.1");
  CHECK(format_exact(0.1f) == "0.1");
  CHECK(format_exact(0.1 + 0.2) == "0.30000000000000004");
  CHECK(format_exact(-std::nan("")) == "nan");
  std::mt19937_64 random(11);
  for (int i = 0; i < 5000; ++i) {
    const double value = std::ldexp(static_cast<double>(random()) - 9e18, static_cast<int>(random() % 600) - 400);
    REQUIRE(std::strtod(format_exact(value).c_str(), nullptr) == value);
    const auto single = static_cast<float>(value);
    REQUIRE(std::strtof(format_exact(single).c_str(), nullptr) == single);
  }
}

TEST_CASE("numbers do not follow a decimal-comma locale") {
  const std::string before = std::setlocale(LC_ALL, nullptr);
  const char* set = nullptr;
  for (const char* name : {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE"}) set = set ? set : std::setlocale(LC_ALL, name);
  if (!set) MESSAGE("skipped: no decimal-comma locale is installed");
  CHECK((set || !std::getenv("LOCPATH")));  // where the build made one, it is used
  CHECK(format_number(2.5) == "2.5");
  CHECK(format_exact(2.5) == "2.5");
  std::setlocale(LC_ALL, before.c_str());
}
