// Which dtype numbers get, and that none is changed on its way.
#include <doctest/doctest.h>

#include <limits>

#include "engine/factory.h"
#include "engine/types/error.h"

using namespace chainrule;

namespace {

using Whole = std::vector<std::int64_t>;
using Doubles = std::vector<double>;
constexpr std::int64_t kOdd = (std::int64_t{1} << 53) + 1;  // no double is equal to it

}  // namespace

TEST_CASE("factory: literals have the dtype that torch gives them") {
  CHECK(tensor({0, 1}).dtype() == DType::int64);
  CHECK(tensor({0, 1}).values<std::int64_t>() == Whole{0, 1});
  CHECK(tensor(3).dtype() == DType::int64);
  CHECK(tensor({{1, 2}, {3, 4}}).dtype() == DType::int64);
  CHECK(tensor({1, 2.5}).dtype() == DType::float32);
  CHECK(tensor({{1, 2}, {3, 4.5}}).dtype() == DType::float32);
  CHECK(tensor({{0.5, 2}, {3, 4}}).to_vector() == Doubles{0.5, 2, 3, 4});
  CHECK(tensor({true, false}).dtype() == DType::boolean);
  CHECK(tensor({true, false}).to_vector() == Doubles{1, 0});
  CHECK(tensor({true, 2}).dtype() == DType::int64);
  CHECK(tensor({}).dtype() == DType::float32);
  CHECK(tensor({kOdd, -kOdd}).values<std::int64_t>() == Whole{kOdd, -kOdd});
  CHECK_THROWS_AS((void)tensor({std::numeric_limits<std::uint64_t>::max()}), ValueError);
  CHECK(tensor({0, 1}, DType::float64).dtype() == DType::float64);
  CHECK(tensor({0.5, 1}, DType::int64).values<std::int64_t>() == Whole{0, 1});
  CHECK_THROWS_AS((void)tensor({0.5, std::numeric_limits<double>::quiet_NaN()}, DType::int64), ValueError);
  CHECK_THROWS_AS((void)full({2}, 1e30, DType::int64), ValueError);
  CHECK(tensor({1, 2}, {.dtype = DType::float32, .requires_grad = true}).requires_grad());
  CHECK_THROWS_WITH_AS(
      (void)tensor({1, 2}, {.requires_grad = true}),
      "tensor: whole numbers make a tensor of int64, which cannot be trained; write 1. for 1, or name a "
      "floating dtype",
      ValueError);
  CHECK(variable(2, "x").dtype() == DType::float64);
}

TEST_CASE("factory: a dtype stands for the options") {
  CHECK(zeros({2}, DType::float64).dtype() == DType::float64);
  CHECK(zeros({2}, {}).dtype() == DType::float32);
  CHECK(ones({2}, DType::int64).values<std::int64_t>() == Whole{1, 1});
  CHECK(full({1}, 3, DType::int64).dtype() == DType::int64);
  CHECK(full({1}, 3).dtype() == DType::float32);
  CHECK(eye(2, DType::boolean).dtype() == DType::boolean);
  CHECK(linspace(0, 1, 3, DType::float64).to_vector() == Doubles{0, 0.5, 1});
  CHECK(rand({3}, DType::float64).dtype() == DType::float64);
  CHECK(randn({3}, DType::float64).dtype() == DType::float64);
  set_default_dtype(DType::float64);
  CHECK(zeros({2}, {}).dtype() == DType::float64);
  CHECK(tensor({1.5}).dtype() == DType::float64);
  CHECK(from_vector(std::vector<float>{1}, {1}).dtype() == DType::float32);
  set_default_dtype(DType::float32);
}

TEST_CASE("factory: ranges of whole numbers are whole") {
  CHECK(arange(3).values<std::int64_t>() == Whole{0, 1, 2});
  CHECK(arange(1, 4).values<std::int64_t>() == Whole{1, 2, 3});
  CHECK(arange(5, 0, -2).values<std::int64_t>() == Whole{5, 3, 1});
  CHECK(arange(0, 5, 2).values<std::int64_t>() == Whole{0, 2, 4});
  CHECK(arange(3, 3).numel() == 0);
  CHECK(arange(3, 0).numel() == 0);
  CHECK(arange(kOdd, kOdd + 2).values<std::int64_t>() == Whole{kOdd, kOdd + 1});
  CHECK(arange(3.).dtype() == DType::float32);
  CHECK(arange(0, 1, 0.5).to_vector() == Doubles{0, 0.5});
  CHECK(arange(0, 3, 1, DType::float64).to_vector() == Doubles{0, 1, 2});
  CHECK(arange(0., 3., 1., DType::int64).values<std::int64_t>() == Whole{0, 1, 2});
  CHECK_THROWS_AS((void)arange(0, 1, 0), ValueError);
  const std::int64_t low = std::numeric_limits<std::int64_t>::min(), high = std::numeric_limits<std::int64_t>::max();
  CHECK_THROWS_AS((void)arange(low, high), ShapeError);
  CHECK(arange(low, high, high).values<std::int64_t>() == Whole{low, -1, high - 1});
}

TEST_CASE("factory: vectors keep their type") {
  CHECK(from_vector(std::vector<int>{1, 2}, {2}).values<std::int64_t>() == Whole{1, 2});
  CHECK(from_vector(std::vector<unsigned char>{1, 255}, {2}).values<std::int64_t>() == Whole{1, 255});
  CHECK(from_vector(Whole{kOdd}, {1}).values<std::int64_t>() == Whole{kOdd});
  CHECK(from_vector(std::vector<bool>{true, false}, {2}).dtype() == DType::boolean);
  CHECK(from_vector(std::vector<bool>{true, false}, {2}).to_vector() == Doubles{1, 0});
  CHECK(from_vector(std::vector<float>{0.5f}, {1}).dtype() == DType::float32);
  CHECK(from_vector(Doubles{0.1}, {1}).values<double>() == Doubles{0.1});
  CHECK(from_vector(Doubles{0.5}, {1}, {.requires_grad = true}).dtype() == DType::float64);
  CHECK(from_vector(Doubles{0.5}, {1}, DType::float32).dtype() == DType::float32);
  CHECK(from_vector(std::vector<int>{1, 2}, {2}, DType::float32).dtype() == DType::float32);
  CHECK(from_vector({1, 2, 3, 4}, {2, 2}).dtype() == DType::int64);
  CHECK(from_vector({1., 2.}, {2}).dtype() == DType::float64);
  CHECK(from_vector({true, false}, {2}).dtype() == DType::boolean);
  CHECK_THROWS_AS((void)from_vector({1, 2}, {3}), ShapeError);
  CHECK_THROWS_AS((void)from_vector(std::vector<std::uint64_t>{~std::uint64_t{0}}, {1}), ValueError);
}
