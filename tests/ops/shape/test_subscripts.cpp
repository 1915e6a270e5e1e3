// Subscripts against NumPy: reference/subscripts.txt holds what it picks, or that it refuses. Values, gradients,
// errors.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>

#include "engine/backward.h"
#include "engine/check/gradcheck.h"
#include "engine/factory.h"
#include "ops/language/evaluate.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

std::vector<std::string> fields(const std::string& line, char by) {
  std::vector<std::string> parts;
  std::istringstream in(line);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

Tensor counted(const Shape& shape) {
  return reshape(arange(0, static_cast<double>(numel(shape)), 1, {.dtype = DType::float64}), shape).detach();
}

/// An index tensor.
Tensor chosen(const std::vector<std::int64_t>& v, const Shape& shape) { return from_vector(v, shape); }

/// By the text of a subscript of the language.
Tensor picked(const Tensor& x, const std::string& where, const Tensor& other = {}) {
  language::Names names{{"x", x}};
  if (other.defined()) names.emplace("t", other);
  return language::evaluate("x[" + where + "]", names);
}

}  // namespace

TEST_CASE("subscripts pick what NumPy picks, and send gradients back to it") {
  std::ifstream file(std::string(CHAINRULE_SOURCE_DIR) + "/tests/ops/reference/subscripts.txt");
  int picks = 0, refusals = 0;
  for (std::string line; std::getline(file, line);) {
    const auto part = fields(line, '|');
    Shape shape, wanted;
    for (const auto& n : fields(part[0], ',')) shape.push_back(std::stoll(n));
    INFO(line);
    Tensor x = counted(shape).set_requires_grad();
    if (part.size() > 2 && part[2] == "refused") {
      ++refusals;
      CHECK_THROWS_AS(picked(x, part[1]), Error);
      continue;
    }
    ++picks;
    if (part.size() > 2)
      for (const auto& n : fields(part[2], ',')) wanted.push_back(std::stoll(n));
    Numbers numbers, slope(static_cast<std::size_t>(x.numel()), 0);
    if (part.size() > 3)
      for (const auto& n : fields(part[3], ' ')) numbers.push_back(std::stod(n));
    const Tensor z = picked(x, part[1]);
    REQUIRE(z.shape() == wanted);
    REQUIRE(z.to_vector() == numbers);
    for (std::size_t i = 0; i < numbers.size(); ++i)
      slope[static_cast<std::size_t>(numbers[i])] += static_cast<double>(i) + 1;
    REQUIRE(grad(sum(z * (counted(wanted) + 1)), x).to_vector() == slope);
  }
  CHECK(picks > 2000);
  CHECK(refusals > 300);
}

TEST_CASE("C++ subscripts are those of the language") {
  const Tensor x = counted({2, 3, 4}), rows = chosen({1, -2, 1}, {3}), mask = gt(counted({3}), 0.5);
  const auto same = [&](const std::vector<Index>& subscripts, const char* text) {
    const Tensor z = index(x, subscripts), w = picked(x, text, rows);
    CHECK(z.shape() == w.shape());
    CHECK(z.to_vector() == w.to_vector());
  };
  same({0, Slice(1, 3), None}, "0, 1:3, None");
  same({Ellipsis, -1}, "..., -1");
  same({Slice(), mask, Slice(None, None, -2)}, ":, [false, true, true], ::-2");
  same({1, Slice(), rows}, "1, :, t");
  same({rows, 0, Slice(-2, None)}, "t, 0, -2:");
  same({None, rows, rows}, "None, t, t");
  CHECK(index(x, {chosen({1}, {})}).shape() == Shape{3, 4});
  CHECK(index(x, {}).shape() == x.shape());
  const Tensor i = index(chosen({7, 8}, {2}), {chosen({1, 0}, {2})});
  CHECK(i.dtype() == DType::int64);
  CHECK(i.to_vector() == Numbers{8, 7});
}

TEST_CASE("subscripts have derivatives of any order") {
  const auto check = [](const std::vector<Index>& subscripts) {
    const auto f = [&](const Tensor& x) { return sum(exp(index(x * x, subscripts))); };
    const auto report = gradcheck(f, {randn({2, 3, 2}, {.dtype = DType::float64})}, {.order = 2});
    CHECK(report.ok());
  };
  manual_seed(3);
  check({gt(randn({2, 3}), 0)});
  check({chosen({1, 0, 1}, {3}), Slice(), chosen({0, 1, 1}, {3})});
  check({None, 1, Slice(None, None, -1)});
}

TEST_CASE("what cannot be meant is refused") {
  const Tensor x = counted({2, 3});
  const auto refused = [&](const std::string& where, const char* sentence) {
    INFO(where);
    CHECK(message([&] { (void)picked(x, where); }).find(sentence) != std::string::npos);
  };
  refused("[0, 2]", "subscript: index 2 is out of range for axis 0 of size 2");
  refused("[true, false, true]", "a mask of shape (3,) does not fit (2, 3) from axis 0 on");
  refused("[0, 1], [0, 1, 2]", "the index lists");
  refused("0, 0, 0", "3 subscripts for a tensor of 2 axes");
  refused("(0, 1)", "x[[0, 1]] for two positions");
  refused("[0.5]", "must hold whole numbers");
  refused("'a'", "a subscript must be a whole number");
  refused("None, None, None, None, None, None, None", "the result would have 9 axes");
  CHECK(message([&] { (void)index(x, {counted({2})}); }) ==
        "subscript: an index of float64 is refused; positions are int64, masks bool");
  CHECK(message([&] { (void)index(x, {Tensor()}); }) ==
        "subscript: an index is an empty tensor handle (made by default or moved from)");
}

TEST_CASE("the book's cross entropy picks the right classes") {
  language::Names names{{"y", tensor({{0.1, 0.9}, {0.8, 0.2}}, {.dtype = DType::float64})}, {"t", chosen({1, 0}, {2})}};
  CHECK(language::evaluate("0 - sum(log(y[arange(2), t])) / 2", names).item() == doctest::Approx(0.164252033486018));
}
