// Factories by name: PyTorch's forms and dtypes, and what they refuse.
#include "ops/function.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

using Keywords = std::vector<std::pair<std::string, Value>>;

Tensor make(const char* name, std::vector<Value> positional, Keywords keywords = {}) {
  const Function* f = find_function(name);
  REQUIRE(f != nullptr);
  return f->call(Arguments(*f, std::move(positional), std::move(keywords))).as<Tensor>();
}
Value whole(std::int64_t v) { return v; }
Value list(std::vector<Value> values) { return values; }

}  // namespace

TEST_CASE("zeros, ones, full, eye") {
  CHECK(make("zeros", {whole(2), whole(3)}).shape() == Shape{2, 3});
  CHECK(make("zeros", {list({whole(2), whole(3)})}).dtype() == default_dtype());
  CHECK(make("zeros", {list({})}).shape() == Shape{});
  CHECK(make("ones", {whole(2)}, {{"dtype", std::string("int64")}}).values<std::int64_t>() ==
        std::vector<std::int64_t>{1, 1});
  CHECK(make("full", {list({whole(2)}), 0.5}).to_vector() == Numbers{0.5, 0.5});
  CHECK(make("full", {whole(2), whole(7)}).dtype() == DType::int64);
  CHECK(make("full", {whole(2), true}).dtype() == DType::boolean);
  CHECK(make("full", {whole(2), whole(7)}, {{"dtype", std::string("float64")}}).dtype() == DType::float64);
  CHECK(make("eye", {whole(2)}).to_vector() == Numbers{1, 0, 0, 1});
  CHECK(make("eye", {whole(2), whole(3)}).to_vector() == Numbers{1, 0, 0, 0, 1, 0});
  CHECK(make("eye", {whole(3), whole(1)}).to_vector() == Numbers{1, 0, 0});
  CHECK(make("eye", {whole(0), whole(2)}).shape() == Shape{0, 2});
  CHECK_THROWS_AS(make("eye", {whole(-1)}), ShapeError);
  CHECK_THROWS_AS(make("eye", {whole(-1), whole(2)}), ShapeError);
  CHECK_THROWS_WITH_AS(make("zeros", {whole(-1)}), doctest::Contains("zeros: "), ShapeError);
  CHECK_THROWS_WITH_AS(make("ones", {whole(std::int64_t{1} << 40), whole(std::int64_t{1} << 40)}),
                       doctest::Contains("ones: "), ShapeError);
  CHECK_THROWS_AS(make("zeros", {0.5}), ValueError);
  CHECK_THROWS_AS(make("zeros", {whole(2)}, {{"dtype", std::string("int32")}}), ValueError);
}

TEST_CASE("arange and linspace") {
  CHECK(make("arange", {whole(3)}).values<std::int64_t>() == std::vector<std::int64_t>{0, 1, 2});
  CHECK(make("arange", {whole(1), whole(7), whole(2)}).values<std::int64_t>() == std::vector<std::int64_t>{1, 3, 5});
  CHECK(make("arange", {whole(3), whole(0), whole(-1)}).values<std::int64_t>() == std::vector<std::int64_t>{3, 2, 1});
  CHECK(make("arange", {}, {{"end", whole(2)}}).to_vector() == Numbers{0, 1});
  CHECK(make("arange", {2.5}).dtype() == default_dtype());
  CHECK(make("arange", {0.0, 1.0, 0.25}).to_vector() == Numbers{0, 0.25, 0.5, 0.75});
  CHECK(make("arange", {whole(3)}, {{"dtype", std::string("float64")}}).dtype() == DType::float64);
  CHECK(make("arange", {whole(2), whole(2)}).numel() == 0);
  CHECK_THROWS_WITH_AS(make("arange", {whole(2), whole(0)}), "arange: steps of 1 do not lead from 2 to 0", ValueError);
  CHECK_THROWS_AS(make("arange", {whole(0), whole(2), whole(0)}), ValueError);
  CHECK_THROWS_AS(make("arange", {whole(0), whole(std::int64_t{1} << 60)}), Error);
  CHECK(make("linspace", {whole(0), whole(1), whole(5)}).to_vector() == Numbers{0, 0.25, 0.5, 0.75, 1});
  CHECK(make("linspace", {whole(3), whole(9), whole(1)}).to_vector() == Numbers{3});
  CHECK(make("linspace", {whole(0), whole(1), whole(0)}).numel() == 0);
  CHECK_THROWS_AS(make("linspace", {whole(0), whole(1), whole(-1)}), ValueError);
}

TEST_CASE("random factories draw from the default generator") {
  CHECK(make("rand", {whole(3)}).shape() == Shape{3});
  CHECK(make("randn", {whole(2), whole(2)}, {{"dtype", std::string("float64")}}).dtype() == DType::float64);
  const Tensor dice = make("randint", {whole(1), whole(7), list({whole(50), whole(4)})});
  CHECK(dice.shape() == Shape{50, 4});
  CHECK(dice.dtype() == DType::int64);
  for (const double v : dice.to_vector()) CHECK((v >= 1 && v <= 6));
  const Tensor below = make("randint", {whole(3), list({whole(100)})}, {{"dtype", std::string("float32")}});
  CHECK(below.dtype() == DType::float32);
  for (const double v : below.to_vector()) CHECK((v >= 0 && v <= 2));
  CHECK_THROWS_AS(make("randint", {whole(3)}), ValueError);
  CHECK_THROWS_AS(make("randint", {whole(3), whole(3), list({whole(1)})}), ValueError);
}

TEST_CASE("tensor keeps every digit, and has no history") {
  CHECK(make("tensor", {list({list({whole(1), whole(2)}), list({whole(3), whole(4)})})}).dtype() == DType::int64);
  CHECK(make("tensor", {list({whole(1), 0.5})}).dtype() == default_dtype());
  CHECK(make("tensor", {list({true, false})}).dtype() == DType::boolean);
  CHECK(make("tensor", {list({0.1})}, {{"dtype", std::string("float64")}}).to_vector() == Numbers{0.1});
  CHECK(make("tensor", {whole(16777217)}).to_vector() == Numbers{16777217});
  CHECK(make("tensor", {list({})}).dtype() == default_dtype());
  const Tensor x = tensor({1.0, 2.0}, {.requires_grad = true});
  CHECK_FALSE(make("tensor", {x}).requires_grad());
  CHECK(make("tensor", {list({x, x})}).shape() == Shape{2, 2});
  const DType before = default_dtype();
  CHECK_THROWS_AS(make("tensor", {list({whole(1), list({whole(2)})})}), ShapeError);
  CHECK(default_dtype() == before);
}
