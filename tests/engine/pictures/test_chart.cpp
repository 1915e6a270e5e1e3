// Charts: the ticks against their definition, the places of points against linear interpolation, the text against a
// small XML reader, and the bytes against another locale. How a chart looks is for eyes.
#include "engine/pictures/chart.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <locale>
#include <random>
#include <string>
#include <vector>

#include "engine/pictures/chart_axis.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace {

using chainrule::Axis;
using chainrule::Chart;
using chainrule::make_axis;
using chainrule::Series;

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

double number(const std::string& text) {
  double value = kNan;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  return result.ptr == text.data() + text.size() ? value : kNan;
}

std::vector<std::string> texts(const Axis& axis) {
  std::vector<std::string> list;
  for (const auto& tick : axis.ticks) list.push_back(tick.text);
  return list;
}

int count(const std::string& text, const std::string& part) {
  int found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++found;
  return found;
}

/// Everything between `before` and `after`, for each place where both stand.
std::vector<std::string> between(const std::string& text, const std::string& before, const std::string& after) {
  std::vector<std::string> found;
  for (std::size_t at = text.find(before); at != std::string::npos; at = text.find(before, at)) {
    at += before.size();
    found.push_back(text.substr(at, text.find(after, at) - at));
  }
  return found;
}

/// Reads the part of XML that a chart may use; returns what is wrong, or nothing.
std::string xml_fault(const std::string& xml) {
  std::vector<std::string> open;
  for (std::size_t at = 0; at < xml.size();) {
    const auto byte = static_cast<unsigned char>(xml[at]);
    if (byte < 0x20 && byte != '\n') return "a control character";
    if (xml[at] == '>') return "a lone >";
    if (xml[at] == '&') {
      const std::string name = xml.substr(at, xml.find(';', at) - at + 1);
      const std::array<std::string, 4> known = {"&amp;", "&lt;", "&gt;", "&quot;"};
      if (std::find(known.begin(), known.end(), name) == known.end()) return "an unknown entity " + name;
    }
    if (xml[at] != '<') {
      ++at;
      continue;
    }
    const std::size_t end = xml.find('>', at);
    if (end == std::string::npos) return "a tag without an end";
    const std::string tag = xml.substr(at + 1, end - at - 1);
    at = end + 1;
    if (tag.find('<') != std::string::npos) return "a tag inside a tag";
    if (count(tag, "\"") % 2 != 0) return "an open quotation in " + tag;
    if (tag.front() == '/') {
      if (open.empty() || open.back() != tag.substr(1)) return "an unexpected end of " + tag.substr(1);
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(tag.substr(0, tag.find(' ')));
    }
  }
  return open.empty() ? "" : "an open " + open.back();
}

Chart training_chart() {
  return {"Digits",
          "epoch",
          {{"loss", "", {{"train", {1, 2, 3}, {2, 0.5, 0.25}}, {"test", {1, 2, 3}, {1.75, 0.75, 0.5}}}},
           {"accuracy", "%", {{"test", {1, 2, 3}, {91, 95, 97.5}}}}}};
}

struct CommaPunctuation : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

}  // namespace

TEST_CASE("ticks are the round numbers a person would choose") {
  using Texts = std::vector<std::string>;
  CHECK(texts(make_axis(0, 1, 5, true, false)) == Texts{"0", "0.2", "0.4", "0.6", "0.8", "1.0"});
  CHECK(texts(make_axis(0, 2.3, 5, true, false)) == Texts{"0", "0.5", "1.0", "1.5", "2.0", "2.5"});
  CHECK(texts(make_axis(91, 97.5, 5, true, false)) == Texts{"91", "92", "93", "94", "95", "96", "97", "98"});
  CHECK(texts(make_axis(1, 10, 10, false, true)) == Texts{"1", "2", "3", "4", "5", "6", "7", "8", "9", "10"});
  CHECK(texts(make_axis(1, 3, 10, false, true)) == Texts{"1", "2", "3"});
  CHECK(texts(make_axis(1, 1, 10, false, true)) == Texts{"1"});
  CHECK(texts(make_axis(-0.3, 0.3, 5, true, false)) == Texts{"-0.3", "-0.2", "-0.1", "0", "0.1", "0.2", "0.3"});
  CHECK(texts(make_axis(0, 5e6, 5, true, false)) == Texts{"0", "1e6", "2e6", "3e6", "4e6", "5e6"});
  CHECK(texts(make_axis(0, 4e-7, 5, true, false)) == Texts{"0", "1e-7", "2e-7", "3e-7", "4e-7"});
  CHECK(texts(make_axis(3e6, 3.02e6, 5, true, false)).front() == "3.000e6");
}

TEST_CASE("any range gets evenly spaced, distinct ticks that read as what they are") {
  std::mt19937_64 random(7);
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  for (int round = 0; round < 20'000; ++round) {
    const double scale = std::pow(10.0, std::floor(uniform() * 600) - 300);
    double low = (uniform() - 0.5) * scale,
           high = low + uniform() * scale * std::pow(10.0, -std::floor(uniform() * 12));
    const bool to_ticks = round % 2 == 0;
    const Axis axis = make_axis(low, high, 5, to_ticks, false);
    CAPTURE(low);
    CAPTURE(high);
    REQUIRE(axis.low < axis.high);
    const double step = axis.ticks.size() > 1 ? axis.ticks[1].value - axis.ticks[0].value : 0;
    const double slack = 1e-5 * (axis.high - axis.low);
    REQUIRE((axis.low <= low + slack && high <= axis.high + slack));
    REQUIRE((axis.ticks.size() >= 2 && axis.ticks.size() <= 10));
    for (std::size_t i = 0; i < axis.ticks.size(); ++i) {
      const auto& tick = axis.ticks[i];
      REQUIRE((tick.value >= axis.low - slack && tick.value <= axis.high + slack));
      REQUIRE(std::abs(number(tick.text) - tick.value) <= 1e-3 * step);
      if (i > 0) REQUIRE(std::abs(tick.value - axis.ticks[i - 1].value - step) <= 1e-3 * step);
      if (i > 0) REQUIRE(tick.text != axis.ticks[i - 1].text);
    }
    const double mantissa = step / std::pow(10.0, std::floor(std::log10(step * 1.001)));
    const std::array<double, 3> nice = {1, 2, 5};
    REQUIRE(std::any_of(nice.begin(), nice.end(), [&](double n) { return std::abs(mantissa - n) < 1e-2; }));
  }
}

TEST_CASE("points stand where linear interpolation puts them") {
  const std::string svg = chainrule::chart_svg(training_chart());
  const auto x = between(svg, "cx=\"", "\""), y = between(svg, "cy=\"", "\"");
  REQUIRE(x.size() == 9);
  // x: 1, 2, 3 from edge to edge. y of the first panel: an axis from 0 to 2, so 2 is at the top and 0.5 at a quarter.
  CHECK(number(x[1]) - number(x[0]) == doctest::Approx(number(x[2]) - number(x[1])));
  const std::vector<double> values = {2, 0.5, 0.25, 1.75, 0.75, 0.5};
  const double pixels_per_unit = (number(y[1]) - number(y[0])) / 1.5;
  CHECK(pixels_per_unit > 50);
  for (std::size_t i = 0; i < values.size(); ++i) {
    CHECK(number(y[i]) == doctest::Approx(number(y[0]) + (2 - values[i]) * pixels_per_unit));
  }
  // The line runs through the same points.
  CHECK(svg.find("d=\"M" + x[0] + " " + y[0] + "L" + x[1] + " " + y[1] + "L" + x[2] + " " + y[2] + "\"") !=
        std::string::npos);
}

TEST_CASE("the chart says what it shows") {
  const std::string svg = chainrule::chart_svg(training_chart());
  for (const char* text :
       {">Digits<", ">epoch<", ">loss<", ">accuracy<", ">train<", ">test<", ">97.5 %<", ">0.25<", ">98 %<"}) {
    CAPTURE(text);
    CHECK(svg.find(text) != std::string::npos);
  }
  CHECK(svg.find("<title>test: 97.5 at 3</title>") != std::string::npos);
  CHECK(svg.find("prefers-color-scheme:dark") != std::string::npos);
  CHECK(xml_fault(svg).empty());
}

TEST_CASE("a name looks the same in every panel, different names differ in colour and dash") {
  const std::string svg = chainrule::chart_svg(training_chart());
  CHECK(count(svg, "class=\"line c0 d0\"") == 2);  // train: legend and line
  CHECK(count(svg, "class=\"line c1 d1\"") == 4);  // test: the same in two panels
  Chart many{"", "", {{"", "", {}}}};
  for (int i = 0; i < 30; ++i) many.panels[0].series.push_back({"s" + std::to_string(i), {0, 1}, {0, 1}});
  const std::string all = chainrule::chart_svg(many);
  for (const std::string& look : between(all, "class=\"line ", "\""))
    CHECK(count(all, "class=\"line " + look + "\"") == 2);
}

TEST_CASE("values that are not finite break the line and are marked") {
  const Chart chart{"", "", {{"loss", "", {{"a", {0, 1, 2, 3, 4, kNan}, {1, 2, kNan, 3, kInfinity, 5}}}}}};
  const std::string svg = chainrule::chart_svg(chart);
  const auto paths = between(svg, "class=\"line c0 d0\" d=\"", "\"");
  REQUIRE(paths.size() == 2);  // the legend, then the line
  CHECK(count(paths[1], "M") == 2);
  CHECK(count(paths[1], "L") == 1);
  CHECK(count(svg, "class=\"cross c0\"") == 2);
  CHECK(svg.find("<title>a: nan at 2</title>") != std::string::npos);
  CHECK(svg.find("<title>a: inf at 4</title>") != std::string::npos);
  CHECK(svg.find(">\u00d7 3 not drawn<") != std::string::npos);
  CHECK(svg.find("=\"nan\"") == std::string::npos);
}

TEST_CASE("no series, no point, one point, only nan, and the ends of the number range are drawn") {
  const double largest = std::numeric_limits<double>::max(), smallest = std::numeric_limits<double>::denorm_min();
  const std::vector<std::vector<Series>> cases = {
      {},
      {{"a", {}, {}}},
      {{"a", {1}, {2.3}}},
      {{"a", {1}, {0}}},
      {{"a", {1, 2}, {kNan, kNan}}},
      {{"a", {kNan}, {kNan}}},
      {{"a", {1, 2}, {-1e300, 1e300}}},
      {{"a", {-1e300, 1e300}, {largest, -largest}}},
      {{"a", {0, smallest}, {smallest, -smallest}}},
      {{"a", {5, 5, 5}, {1, 1 + 1e-15, 1}}},
  };
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CAPTURE(i);
    const std::string svg = chainrule::chart_svg({"t", "x", {{"y", "%", cases[i]}}});
    CHECK(xml_fault(svg).empty());
    for (const std::string& path : between(svg, " d=\"", "\"")) CHECK(path.find('n') == std::string::npos);  // no nan
    for (const char* attribute : {" x=\"", " y=\"", "cx=\"", "cy=\"", "height=\""}) {
      for (const std::string& value : between(svg, attribute, "\"")) {
        CAPTURE(value);
        CHECK((number(value) >= 0 && number(value) <= 2000));
      }
    }
  }
  CHECK(chainrule::chart_svg({"", "", {{"y", "", {}}}}).find("no values to draw") != std::string::npos);
  CHECK(count(chainrule::chart_svg({"", "", {{"y", "", {{"a", {1}, {2}}}}}}), "<circle") == 1);
}

TEST_CASE("a point alone among many is visible") {
  Series series{"a", {}, {}};
  for (int i = 0; i < 100; ++i) {
    series.x.push_back(i);
    series.y.push_back(i == 50 || i == 52 ? kNan : i);
  }
  CHECK(count(chainrule::chart_svg({"", "", {{"y", "", {series}}}}), "<circle") == 1);
}

TEST_CASE("any text is safe") {
  std::mt19937 random(3);
  for (int round = 0; round < 500; ++round) {
    std::string bytes;
    for (std::size_t i = random() % 40; i > 0; --i)
      bytes += static_cast<char>(random() % 4 == 0 ? "<>&\"'\n"[random() % 6] : random());
    const std::string svg = chainrule::chart_svg({bytes, bytes, {{bytes, bytes, {{bytes, {0, 1}, {1, 2}}}}}});
    CAPTURE(round);
    REQUIRE(xml_fault(svg) == "");
    std::string one_line = svg;
    std::erase(one_line, '\n');
    REQUIRE(chainrule::printable(one_line) == one_line);  // valid UTF-8, nothing hidden
  }
  const std::string svg = chainrule::chart_svg({"价格 < リンゴ & \"x\"", "", {{"", "", {}}}});
  CHECK(svg.find(">价格 &lt; リンゴ &amp; &quot;x&quot;</text>") != std::string::npos);
}

TEST_CASE("the bytes depend on the chart alone") {
  const std::string svg = chainrule::chart_svg(training_chart());
  CHECK(chainrule::chart_svg(training_chart()) == svg);
  const std::locale before = std::locale::global(std::locale(std::locale::classic(), new CommaPunctuation));
  const std::string with_commas = chainrule::chart_svg(training_chart());
  std::locale::global(before);
  CHECK(with_commas == svg);
}

TEST_CASE("wrong charts and unwritable paths are refused") {
  CHECK_THROWS_WITH_AS(chainrule::chart_svg({"", "", {}}), "chart: there is no panel to draw", chainrule::ValueError);
  CHECK_THROWS_WITH_AS(chainrule::chart_svg({"", "", {{"", "", {{"a", {1, 2}, {1}}}}}}),
                       "chart: series 'a' has 2 x values and 1 y values, one of each is needed per point",
                       chainrule::ValueError);
  CHECK_THROWS_AS(chainrule::write_chart("/nowhere/at/all.svg", training_chart()), chainrule::EnvironmentError);
  const auto path = std::filesystem::temp_directory_path() / "chainrule-test-chart.svg";
  chainrule::write_chart(path.string(), training_chart());
  std::ifstream file(path, std::ios::binary);
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == chainrule::chart_svg(training_chart()));
  std::filesystem::remove(path);
}
