// Whole numbers beyond 2^53, where double has gaps: exact everywhere, or refused. And masks: what they join to.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/factory.h"
#include "ops/language/evaluate.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"
#include "tests/ops/language/double_lists.h"
#include "tests/text.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

using Whole = std::int64_t;
constexpr Whole kOdd = (Whole{1} << 53) + 1;  // double has no such number
constexpr Whole kLargest = std::numeric_limits<Whole>::max(), kSmallest = std::numeric_limits<Whole>::min();

std::vector<Whole> wholes(const std::string& program, language::Names names = {}) {
  return language::evaluate(program, std::move(names)).values<Whole>();
}
std::string text_of(const std::string& program, language::Names names = {}) {
  return to_string(language::evaluate(program, std::move(names)));
}
std::string refusal(const std::string& program, language::Names names = {}) {
  return message([&] { (void)language::evaluate(program, std::move(names)); });
}

}  // namespace

TEST_CASE("whole numbers above 2^53 are exact in programs") {
  using Wholes = std::vector<Whole>;
  CHECK(text_of("9007199254740993 > 9007199254740992") == "true");
  CHECK(text_of("9007199254740993 == 9007199254740992.0") == "false");
  CHECK(text_of("9007199254740992 == 9007199254740992.0") == "true");
  CHECK(text_of("9223372036854775807 < 9223372036854775808.0") == "true");
  CHECK(text_of("2 < inf") == "true");
  CHECK(text_of("2 < nan") == "false");
  CHECK(text_of("1 < 1.5") == "true");
  CHECK(text_of("-1 > -1.5") == "true");
  CHECK(text_of("9007199254740993 - 9007199254740992") == "1");
  CHECK(text_of("9007199254740993") == "9007199254740993");
  CHECK(text_of("3037000499 ** 2") == "9223372030926249001");
  CHECK(text_of("-9223372036854775808") == "-9223372036854775808");
  CHECK(wholes("tensor([9007199254740993])") == Wholes{kOdd});
  CHECK(wholes("[1, 9007199254740993]") == Wholes{1, kOdd});
  CHECK(wholes("full((2,), 9007199254740993)") == Wholes{kOdd, kOdd});
  CHECK(wholes("full((1,), 9007199254740993, dtype=int64)") == Wholes{kOdd});
  CHECK(wholes("x + 9007199254740993", {{"x", from_vector<Whole>({1}, {1})}}) == Wholes{kOdd + 1});
  CHECK(wholes("maximum(9007199254740993, 9007199254740992)") == Wholes{kOdd});
  CHECK(wholes("abs(-9007199254740993)") == Wholes{kOdd});
  CHECK(text_of("x == 9007199254740992", {{"x", from_vector<Whole>({kOdd}, {})}}) == "false");
  const DoubleLists as_on_the_command_line;
  CHECK(text_of("123456789.0") == "123456789");
  CHECK(text_of("123456789.5") == "1.23457e+08");
}

TEST_CASE("what leaves int64 is refused") {
  const Tensor x = from_vector<Whole>({kLargest, 1}, {2}), low = from_vector<Whole>({kSmallest}, {1});
  for (const char* program : {"9223372036854775807 + 1",
                              "9223372036854775807 * 2",
                              "2 ** 63",
                              "10 ** 20",
                              "0 - 9223372036854775807 - 2",
                              "x + 1",
                              "x * x",
                              "sum(x)",
                              "prod(2 * y)",
                              "cumsum(x, 0)",
                              "-low",
                              "abs(low)",
                              "square(x)",
                              "x - low",
                              "x @ x",
                              "dot(x, x)",
                              "einsum('i,j->ij', x, x)",
                              "reshape(x, [1, 2]) @ reshape(x, [2, 1])",
                              "linear(x, reshape(x, [1, 2]))",
                              "linear(x - 1, reshape(x, [1, 2]), tensor([2]))",
                              "affine(x, reshape(x, [2, 1]))",
                              "scatter_add(x, 0, [0, 0], tensor([1, 2]))",
                              "div(low, -1, rounding_mode='floor')",
                              "div(low, -1, rounding_mode='trunc')",
                              "x ** 2",
                              "x ** 3",
                              "tensor([3]) ** tensor([40])",
                              "2 ** tensor([62, 63])",
                              "tensor([-2]) ** 64",
                              "tensor([10, 0]) ** 400",
                              "fold(reshape(expand(x[:1], [4]), [1, 2, 2]), [1, 3], [1, 2])",
                              "pow(x, x)",
                              "pow(low, tensor([[1, 2]]))"}) {
    INFO(program);
    const std::string said = refusal(program, {{"x", x}, {"low", low}, {"y", x - 1}});
    CHECK(contains(said, "leaves int64"));
  }
  CHECK(contains(refusal("9223372036854775808"), "does not fit int64"));
  CHECK(contains(refusal("[0.5, 9007199254740993]"), "beside a fraction"));
  CHECK(text_of("10.0 ** 20") == "1e+20");
  // Near the border, and sums whose parts are large, are right.
  CHECK((x - 1 + 1).values<Whole>() == x.values<Whole>());
  CHECK(sum(from_vector<Whole>({kLargest, kSmallest, 5}, {3})).values<Whole>()[0] == 4);
  CHECK(matmul(from_vector<Whole>({kLargest, kSmallest}, {2}), from_vector<Whole>({1, 1}, {2})).values<Whole>()[0] ==
        -1);
  CHECK((from_vector<Whole>({3037000499}, {1}) * 3037000499).values<Whole>()[0] == 9223372030926249001);
}

TEST_CASE("powers and bounds of whole numbers are whole") {
  using Wholes = std::vector<Whole>;
  // Powers, against products one by one.
  const Wholes bases{0, 1, -1, 2, -2, 3, -3, 7, 10, -10, 55108, 3037000499, kLargest, kSmallest};
  int tried = 0;
  for (const Whole base : bases) {
    Whole wanted = 1;
    for (Whole n = 0; n <= 66; ++n) {
      const Tensor x = from_vector<Whole>({base}, {1}), y = from_vector<Whole>({n}, {1});
      CAPTURE(base);
      CAPTURE(n);
      for (const Tensor& z : {pow(x, y), pow(x, n), pow(base, y), pow(expand(x, {5}), y)})
        CHECK(z.values<Whole>() == Wholes(static_cast<std::size_t>(z.numel()), wanted));
      ++tried;
      if (__builtin_mul_overflow(wanted, base, &wanted)) break;
    }
  }
  CHECK(tried > 400);
  const DoubleLists as_on_the_command_line;
  CHECK(wholes("arange(5) ** 2") == Wholes{0, 1, 4, 9, 16});
  CHECK(wholes("2 ** arange(63)")[62] == Whole{1} << 62);
  CHECK(wholes("(arange(3) > 0) ** 2") == Wholes{0, 1, 1});
  CHECK(wholes("tensor([-2, 1]) ** 63") == Wholes{kSmallest, 1});
  for (const char* negative :
       {"arange(1, 4) ** -1", "tensor([2]) ** tensor([3, -2])", "2 ** tensor(-1)", "pow(2, -1)"}) {
    INFO(negative);
    CHECK(contains(refusal(negative), "pow: whole numbers have no power -"));
    CHECK(contains(refusal(negative), "to(x, 'float64') ** -"));
  }
  CHECK(contains(refusal("(arange(2) > 0) ** (arange(2) > 0)"), "pow: not defined for bool"));
  for (const char* floating : {"arange(3) ** 0.5", "arange(3) ** 2.0", "to(arange(3), 'float64') ** -1",
                               "2.0 ** arange(3)", "2 ** -1", "clamp(arange(3), 0.5)", "clamp(arange(3), 0, 1.0)",
                               "clamp(arange(3), 0, inf)", "clamp(arange(3), [0.5])", "clamp([1.0], arange(1))"}) {
    INFO(floating);
    CHECK(is_floating(language::evaluate(floating).dtype()));
  }
  // Bounds.
  CHECK(wholes("clamp(tensor([9007199254740993, -3]), 0)") == Wholes{kOdd, 0});
  CHECK(wholes("clamp(tensor([9007199254740995, -3]), -1, 9007199254740993)") == Wholes{kOdd, -1});
  CHECK(wholes("clamp(tensor([5, -3]), max=tensor([[9007199254740993], [-4]]))") == Wholes{5, -3, -4, -4});
  CHECK(wholes("clamp(tensor([0, 9007199254740995]), 9007199254740993, tensor(9007199254740994))") ==
        Wholes{kOdd, kOdd + 1});
  CHECK(wholes("clamp(tensor([0, 5]), 2, 1)") == Wholes{1, 1});
  CHECK(wholes("clamp(arange(3) > 1, 0, 5)") == Wholes{0, 0, 1});
  const Tensor x = from_vector<Whole>({kOdd, -kOdd}, {2});
  CHECK(clamp(x, -kOdd, {}).values<Whole>() == Wholes{kOdd, -kOdd});
  CHECK(clamp(x, {}, kOdd - 2).values<Whole>() == Wholes{kOdd - 2, -kOdd});
  CHECK(relu(x).values<Whole>() == Wholes{kOdd, 0});
  CHECK(relu6(x).values<Whole>() == Wholes{6, 0});
  CHECK(step(x).values<Whole>() == Wholes{1, 0});
  // What they are in the rules of floating numbers stays.
  const Tensor w = numbers({2, 3}, {2}, DType::float64, true), n = from_vector<Whole>({3, 2}, {2});
  CHECK(grad(sum(pow(w, n)), w).to_vector() == Numbers{12, 6});
  CHECK(grad(sum(clamp(w, n, {})), w).to_vector() == Numbers{0, 1});
}

TEST_CASE("numbers of C++ stay whole; what int64 does not hold is not written into it") {
  const Tensor zero = from_vector<Whole>({0}, {1});
  CHECK((zero + kOdd).values<Whole>()[0] == kOdd);
  CHECK(where(eq(zero, 0), kOdd, zero).values<Whole>()[0] == kOdd);
  CHECK(where(eq(zero, 0), eq(zero, 0), false).dtype() == DType::boolean);
  CHECK(where(eq(zero, 0), false, true).dtype() == DType::boolean);
  for (const double bad : {std::nan(""), HUGE_VAL, 0x1p63, -0x1p64}) {
    Tensor target = from_vector<Whole>({7}, {1});
    const Tensor from = numbers({bad}, {1}, DType::float64, false);
    CHECK(contains(message([&] { target.copy_(from); }), "none of int64"));
    CHECK(contains(message([&] { target.fill_(bad); }), "none of int64"));
    CHECK(contains(message([&] { (void)to(from, DType::int64); }), "none of int64"));
    CHECK(target.values<Whole>()[0] == 7);
  }
  CHECK(to(numbers({-0x1p63, 1.5}), DType::int64).values<Whole>() == std::vector<Whole>{kSmallest, 1});
}

TEST_CASE("masks are joined as in PyTorch") {
  const language::Names names{{"x", numbers({1, 2, 3, 4})}, {"y", numbers({4, 3, 2, 1})}};
  const auto same = [&](const char* program, const std::vector<double>& wanted) {
    INFO(program);
    const Tensor z = language::evaluate(program, names);
    CHECK(z.dtype() == DType::boolean);
    CHECK(z.to_vector() == wanted);
  };
  for (const char* both :
       {"(x > 1) & (y > 1)", "(x > 1) * (y > 1)", "minimum(x > 1, y > 1)", "logical_and(x > 1, y > 1)"})
    same(both, {0, 1, 1, 0});
  for (const char* either :
       {"(x < 2) | (y < 2)", "(x < 2) + (y < 2)", "maximum(x < 2, y < 2)", "logical_or(x < 2, y < 2)"})
    same(either, {1, 0, 0, 1});
  same("(x > 1) ^ (y > 2)", {1, 0, 1, 1});
  same("logical_xor(x > 1, y > 2)", {1, 0, 1, 1});
  same("~(x > 1)", {1, 0, 0, 0});
  same("logical_not(x - 1)", {1, 0, 0, 0});
  same("1 < x < 4", {0, 1, 1, 0});
  same("1 < x <= y + 1 < 5", {0, 1, 1, 0});
  same("(x > 3) | (x > 1) & (y > 2)", {0, 1, 0, 1});
  same("~(x > 1) | [true, false, true, false]", {1, 0, 1, 0});
  CHECK(text_of("1 < 2 < 3") == "true");
  CHECK(text_of("1 < 3 < 2") == "false");
  CHECK(language::evaluate("sum(x > 1)", names).dtype() == DType::int64);
  CHECK(language::evaluate("sum(x > 1)", names).item() == 3);
  CHECK(language::evaluate("argmax(x > 2)", names).item() == 2);
  CHECK(language::evaluate("any(x > 3)", names).item() == 1);
  CHECK(language::evaluate("all(x > 3)", names).item() == 0);
  CHECK(language::evaluate("count_nonzero(x > 3)", names).item() == 1);
  // Every pair of truths, broadcasting.
  const Tensor a = gt(numbers({0, 1}, {2, 1}), 0), b = gt(numbers({0, 1}, {2}), 0);
  CHECK((a & b).to_vector() == Numbers{0, 0, 0, 1});
  CHECK((a | b).to_vector() == Numbers{0, 1, 1, 1});
  CHECK((a ^ b).to_vector() == Numbers{0, 1, 1, 0});
  CHECK((~a).to_vector() == Numbers{1, 0});
  CHECK(logical_and(numbers({0, kNan, -2}), 1).to_vector() == Numbers{0, 1, 1});
}

TEST_CASE("what masks and numbers cannot mean says the form that works") {
  const language::Names names{{"x", numbers({1, 2})}, {"m", gt(numbers({1, 2}), 1)}};
  const auto refused = [&](const char* program, const char* sentence) {
    INFO(program);
    CHECK(contains(refusal(program, names), sentence));
  };
  refused("x > 0 and x < 2", "(x > 0) & (y > 0)");
  refused("x > 0 or x < 2", "(x > 0) | (y > 0)");
  refused("not m", "~(x > 0)");
  refused("x > 0 & x < 2", "need parentheses");
  refused("x ^ 2", "x ** 2");
  refused("~x", "~ is for masks");
  refused("m - m", "x ^ y");
  refused("-m", "~x");
  refused("masked_fill(x, [0.5, 1], 0)", "must hold bool");
  refused("gather(x, 0, m)", "not bool");
  refused("index_select(x, 0, m)", "not bool");
  refused("embedding(m, randn(3, 2))", "not bool");
  refused("one_hot(m)", "not bool");
  refused("cross_entropy(randn(2, 3), m)", "not bool");
  refused("nll_loss(randn(2, 3), m)", "not bool");
}
