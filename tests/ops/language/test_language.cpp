// The expression language through its public functions: what binds how, values against plain C++, errors with their
// places, and limits.
#include <doctest/doctest.h>

#include <cmath>
#include <numbers>
#include <string>

#include "engine/check/gradcheck.h"
#include "engine/factory.h"
#include "engine/traverse.h"
#include "ops/function.h"
#include "ops/language/evaluate.h"
#include "ops/ops.h"
#include "tests/text.h"

using namespace chainrule;
using namespace chainrule::language;
using chainrule::testing::contains;

namespace {

double number(const std::string& program, Names names = {}) { return evaluate(program, std::move(names)).item(); }

std::vector<double> numbers_of(const std::string& program, Names names = {}) {
  return evaluate(program, std::move(names)).to_vector();
}

struct Fault {
  std::string kind, message;
  unsigned line = 0, column = 0;
  std::string excerpt;
};

Fault fault(const std::string& program, Names names = {}) {
  try {
    evaluate(program, std::move(names));
  } catch (const ProgramError& e) {
    return {e.kind(), e.what(), e.line(), e.column(), e.excerpt()};
  }
  FAIL("no error for " << program);
  return {};
}

Tensor matrix() { return from_vector({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {3, 4}, {.dtype = DType::float64}); }

}  // namespace

TEST_CASE("operators bind as in Python") {
  CHECK(number("2 + 3 * 4") == 14);
  CHECK(number("(2 + 3) * 4") == 20);
  CHECK(number("2 ** 3 ** 2") == 512);
  CHECK(number("-2 ** 2") == -4);
  CHECK(number("(-2) ** 2") == 4);
  CHECK(number("2 ** -1") == 0.5);
  CHECK(number("2 ** -1 * 4") == 2);
  CHECK(number("10 - 4 - 3") == 3);
  CHECK(number("16 / 4 / 2") == 2);
  CHECK(number("--3") == 3);
  CHECK(number("+3 - -3") == 6);
  CHECK(number("7 / 2") == 3.5);
  CHECK(number("1e-3") == doctest::Approx(1e-3));
  CHECK(number(".5 + 5.") == 5.5);
  CHECK(number("pi") == doctest::Approx(std::numbers::pi));
  CHECK(number("-inf") == -INFINITY);
  CHECK(std::isnan(number("nan")));
  CHECK(number("1 + 2 < 4") == 1);
  CHECK(number("4 == 5") == 0);
  const Tensor x = matrix();
  CHECK(numbers_of("x * 2 + 1", {{"x", x}})[3] == 7);
  CHECK(numbers_of("-x ** 2", {{"x", x}})[3] == -9);
  CHECK(numbers_of("x @ x.T", {{"x", x}}) == matmul(x, transpose(x)).to_vector());
  CHECK(evaluate("x < 3", {{"x", x}}).dtype() == DType::boolean);
}

TEST_CASE("statements, names in any script, comments") {
  CHECK(number("a = 2; b = a * 3\n b + 1 # the end") == 7);
  CHECK(number("\n\n価格 = 100; リンゴ = 2; ñandú_1 = 1.1\n価格 * リンゴ * ñandú_1\n") == doctest::Approx(220));
  CHECK(number("a = [1,\n 2,\n 3]; sum(a)") == 6);
  CHECK(number("a = 5") == 5);
  const Program p = parse("y = x * w; y + b + x");
  CHECK(p.inputs == std::vector<std::string>{"x", "w", "b"});
  Names names{{"x", variable(2, "x")}, {"w", variable(3, "w")}, {"b", variable(1, "b")}};
  const Value z = evaluate(p, names);
  CHECK(z.as<Tensor>().item() == 9);
  CHECK(names.at("y").as<Tensor>().label() == "y");
  CHECK(names.at("y").as<Tensor>().node()->where.line() == 1);
  CHECK(names.at("y").as<Tensor>().node()->where.column() == 5);
}

TEST_CASE("lists are tensors, and subscripts are NumPy's") {
  const Tensor x = matrix();
  const Names names{{"x", x}};
  CHECK(evaluate("[[1, 2], [3, 4]]").shape() == Shape{2, 2});
  CHECK(evaluate("[]").shape() == Shape{0});
  CHECK(evaluate("[True, False]").dtype() == DType::boolean);
  CHECK(numbers_of("[x[0, 1], 2 * x[1, 0], 7]", names) == std::vector<double>{1, 8, 7});
  CHECK(numbers_of("x[1]", names) == std::vector<double>{4, 5, 6, 7});
  CHECK(numbers_of("x[-1, -2]", names) == std::vector<double>{10});
  CHECK(evaluate("x[-1, -2]", names).shape() == Shape{});
  CHECK(numbers_of("x[:, 1:3]", names) == std::vector<double>{1, 2, 5, 6, 9, 10});
  CHECK(numbers_of("x[::2, ::-2]", names) == std::vector<double>{3, 1, 11, 9});
  CHECK(evaluate("x[..., None]", names).shape() == Shape{3, 4, 1});
  CHECK(evaluate("x[None, 0, ..., 1:]", names).shape() == Shape{1, 3});
  CHECK(numbers_of("x[[0, 2], 0]", names) == std::vector<double>{0, 8});
  CHECK(numbers_of("x[..., 0][1:]", names) == std::vector<double>{4, 8});
  CHECK(evaluate("x.T", names).shape() == Shape{4, 3});
  CHECK(evaluate("x[1:1]", names).shape() == Shape{0, 4});
}

TEST_CASE("a program is differentiated like any other expression") {
  const Program program = parse("h = tanh(x @ w + b); sum(h[:, 1:] * [3, 5]) / 2");
  const auto report = gradcheck(
      [&](std::span<const Tensor> t) {
        Names names{{"x", t[0]}, {"w", t[1]}, {"b", t[2]}};
        return to_tensor(evaluate(program, names), "result");
      },
      {randn({2, 4}, {.dtype = DType::float64}), randn({4, 3}, {.dtype = DType::float64}),
       randn({3}, {.dtype = DType::float64})},
      {.order = 2});
  CHECK(report.ok());
}

TEST_CASE("errors underline the part that failed and say what helps") {
  const Tensor x = matrix();
  Fault f = fault("1 + sotmax(x, dim=0)", {{"x", x}});
  CHECK(f.kind == "name");
  CHECK(f.message == "there is no function sotmax; did you mean softmax?");
  CHECK(f.column == 5);
  CHECK(f.excerpt == "  1 + sotmax(x, dim=0)\n      ^^^^^^");
  f = fault("a = 1\n a + x @ x", {{"x", x}});
  CHECK(f.kind == "shape");
  CHECK(f.line == 2);
  CHECK(f.column == 6);
  CHECK(f.excerpt == "   a + x @ x\n       ^^^^^");
  f = fault("価格 * yy", {{"価格", x}});
  CHECK(f.column == 6);
  CHECK(f.message == "yy has no value; give it one, as in yy=2");
  CHECK(f.excerpt == "  価格 * yy\n         ^^");
  CHECK(contains(fault("softmax(x, axis=0)", {{"x", x}}).message, "has no argument 'axis'"));
  CHECK(contains(fault("softmax(x, 0, dim=0)", {{"x", x}}).message, "'dim' is given twice"));
  CHECK(contains(fault("softmax()").message, "argument 'input' is missing"));
  CHECK(contains(fault("softmax(x, 'mean')", {{"x", x}}).message, "dim must be a whole number, not 'mean'"));
  CHECK(contains(fault("2 x", {{"x", x}}).message, "operator is missing before 'x'"));
  CHECK(contains(fault("2x").message, "'2x' is not a number"));
  CHECK(contains(fault("x.sum()", {{"x", x}}).message, "write sum(x, ...)"));
  CHECK(contains(fault("x ^ 2", {{"x", x}}).message, "x ** 2"));
  CHECK(contains(fault("(1 + 2").message, "'(' is never closed"));
  CHECK(contains(fault("1 + ").message, "too early"));
  CHECK(contains(fault("").message, "empty"));
  CHECK(contains(fault("True = 3").message, "a word of the language"));
  CHECK(contains(fault("x + 1 = 3", {{"x", x}}).message, "bound to a name only"));
  CHECK(contains(fault("1e999").message, "too large"));
  CHECK(contains(fault("'abc").message, "no closing"));
  CHECK(contains(fault("１ + 2").message, "write '1'"));
  CHECK(contains(fault("x[5]", {{"x", x}}).message, "index 5 is out of range for axis 0 of size 3"));
  CHECK(contains(fault("x[0, 0, 0]", {{"x", x}}).message, "3 subscripts for a tensor of 2 axes"));
  CHECK(contains(fault("x[0.5]", {{"x", x}}).message, "whole number"));
  CHECK(contains(fault("x[::0]", {{"x", x}}).message, "step"));
  CHECK(contains(fault("[[1, 2], [3]]").message, "differ in length"));
  CHECK(contains(fault("[[1, 2], 3]").message, "a number beside a list"));
  CHECK(contains(fault("[[1], [[2]]]").message, "list"));
  CHECK(contains(fault("softmax").message, "is a function"));
  CHECK(contains(fault("x(2)", {{"x", x}}).message, "* multiplies"));
}

TEST_CASE("no text can overflow the stack, however deep or long") {
  const auto repeated = [](const std::string& s, int n) {
    std::string all;
    for (int i = 0; i < n; ++i) all += s;
    return all;
  };
  CHECK(number(repeated("(", 900) + "1" + repeated(")", 900)) == 1);
  CHECK(fault(repeated("(", 100000) + "1" + repeated(")", 100000)).kind == "limit");
  CHECK(fault(repeated("[", 100000)).kind == "limit");
  CHECK(fault(repeated("-", 100000) + "1").kind == "limit");
  CHECK(fault("2" + repeated("**2", 100000)).kind == "limit");
  CHECK(fault(repeated("exp(", 100000)).kind == "limit");
  CHECK(fault(repeated("x[", 100000)).kind == "limit");
  CHECK(number("0" + repeated("+1", 200000)) == 200000);
  CHECK(number("x" + repeated("+x", 100000), {{"x", variable(1, "x")}}) == 100001);
  CHECK(fault(repeated(" ", (1 << 20) + 1)).kind == "limit");
}

TEST_CASE("text that is not UTF-8 or hides something is refused") {
  for (const std::string bad : {"\xff", "a\x80", "\xc3", "x\xe2\x80\xaey", "\xed\xa0\x80", "\xf4\x90\x80\x80", "'\xff'",
                                "\xef\xbb\xbf 1", "\x01", "a\x1b[31m"}) {
    const Fault f = fault(bad);
    CHECK(f.kind == "syntax");
    for (const char c : f.message + f.excerpt) CHECK((static_cast<unsigned char>(c) >= 0x20 || c == '\n'));
  }
  CHECK(fault(std::string("1 + \0 2", 7)).kind == "syntax");
}
