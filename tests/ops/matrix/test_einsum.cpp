// einsum beyond the table: implied results, "...", broadcasting, many operands, spaces, integers, sentences.

#include "engine/traverse.h"
#include "tests/ops/checks.h"
#include "tests/ops/numeric.h"

using namespace chainrule;
using namespace chainrule::cases;
using namespace chainrule::testing;

namespace {

Tensor random(const Shape& shape, std::uint64_t seed) {
  return leaf(random_values({.shape = shape}, seed), DType::float64);
}
std::string same(const Tensor& a, const Tensor& b) { return difference(a, to_array(b), 1e-13); }

}  // namespace

TEST_CASE("the result that is implied") {
  const Tensor x = random({2, 3}, 1), y = random({3, 4}, 2), square = random({3, 3}, 3);
  CHECK(same(einsum("ij,jk", {x, y}), matmul(x, y)) == "");
  CHECK(same(einsum("ba", {x}), transpose(x)) == "");  // letters in order
  CHECK(same(einsum("aB", {x}), transpose(x)) == "");  // capitals first
  CHECK(same(einsum("ii", {square}), trace(square)) == "");
  CHECK(same(einsum("ij,jk->", {x, y}), sum(matmul(x, y))) == "");
  CHECK(same(einsum(" i j , j k -> k i ", {x, y}), transpose(matmul(x, y))) == "");
  CHECK(same(einsum("i,i", {tensor({1, 2}), tensor({3, 4})}), tensor(11)) == "");
  CHECK(same(einsum(",ij->ij", {tensor(2.0), x}), 2 * x) == "");
  CHECK(same(einsum("->", {tensor(3.0)}), tensor(3.0)) == "");
}

TEST_CASE("an ellipsis stands for axes that broadcast") {
  const Tensor x = random({2, 5, 3, 4}, 1), y = random({5, 4, 6}, 2), z = random({1, 4, 6}, 3);
  CHECK(same(einsum("...ij,...jk->...ik", {x, y}), matmul(x, y)) == "");
  CHECK(same(einsum("...ij,...jk", {x, y}), matmul(x, y)) == "");
  CHECK(same(einsum("...ij,...jk", {x, z}), matmul(x, z)) == "");
  CHECK(same(einsum("...ij->...ji", {x}), transpose(x)) == "");
  CHECK(same(einsum("i...->...i", {x}), permute(x, {1, 2, 3, 0})) == "");
  CHECK(same(einsum("...,...", {x, x}), x * x) == "");
  CHECK(same(einsum("...i->i", {x}), sum(x, {0, 1, 2})) == "");  // axes that the result lacks are summed
  CHECK(same(einsum("...ii->...i", {random({2, 3, 3}, 4)}), diagonal(random({2, 3, 3}, 4), 0, 1, 2)) == "");
  CHECK(same(einsum("i...j,j->i...", {x, random({4}, 5)}), matmul(x, random({4}, 5))) == "");
}

TEST_CASE("axes of size 1 repeat") {
  const Tensor x = random({2, 1}, 1), y = random({2, 3}, 2);
  CHECK(same(einsum("ij,ij->ij", {x, y}), x * y) == "");
  CHECK(same(einsum("ij,ij->i", {x, y}), sum(x * y, {1})) == "");
  CHECK(same(einsum("ij,ij->", {x, y}), sum(x * y)) == "");
  CHECK(check_second([](const auto& t) { return einsum("ij,ij->i", t); }, {to_array(x), to_array(y)}, 3) == "");
}

TEST_CASE("many operands, contracted pair by pair") {
  std::vector<Tensor> chain;
  std::string equation;
  for (int i = 0; i < 12; ++i) {
    chain.push_back(random({3, 3}, static_cast<std::uint64_t>(i)));
    equation += std::string(i == 0 ? "" : ",") + static_cast<char>('a' + i) + static_cast<char>('b' + i);
  }
  Tensor product = chain[0];
  for (std::size_t i = 1; i < chain.size(); ++i) product = matmul(product, chain[i]);
  CHECK(difference(einsum(equation, chain), to_array(product), 1e-12) == "");
  // A thousand times a thousand outer product must not be made on the way to a small sum.
  const Tensor u = ones({1000}), v = ones({1000}), w = ones({1000, 1000});
  CHECK(einsum("i,j,ij->", {u, v, w}).item() == 1e6);
  const Tensor a = random({4, 2}, 20), b = random({2, 5}, 21), c = random({5, 3}, 22);
  CHECK(same(einsum("ij,jk,kl->il", {a, b, c}), matmul(matmul(a, b), c)) == "");
}

TEST_CASE("attention's products are one matmul each, and copy nothing that a view can show") {
  const Tensor q = random({2, 4, 3}, 1), k = random({2, 5, 3}, 2);
  const Tensor z = einsum("bqd,bkd->bqk", {q, k});
  std::size_t products = 0;
  const Traversal graph(std::vector{z});
  for (std::size_t i = 0; i < graph.size(); ++i) {
    const std::string name = graph.node(i).info->name;
    products += name == "matmul";
    CHECK((name == "matmul" || name == "permute"));
  }
  CHECK(products == 1);
}

TEST_CASE("einsum of integers is exact, and dtypes meet") {
  const Tensor x = from_vector<std::int64_t>({1, 2, 3, 4}, {2, 2});
  CHECK(einsum("ij,jk->ik", {x, x}).values<std::int64_t>() == std::vector<std::int64_t>{7, 10, 15, 22});
  CHECK(einsum("ij,jk->ik", {x, ones({2, 2}, {.dtype = DType::float64})}).dtype() == DType::float64);
  CHECK(einsum("ij,j->i", {tensor({{1, 2}}), random({2}, 1)}).dtype() == DType::float64);
}

TEST_CASE("einsum says what is wrong") {
  const Tensor x = zeros({2, 3});
  CHECK_THROWS_WITH_AS(einsum("ij,jk", {x}), "einsum: 'ij,jk': 2 operands are named, 1 is given", ValueError);
  CHECK_THROWS_WITH_AS(einsum("ij,jk", {x, x}), "einsum: 'ij,jk': 'j' has sizes 3 and 2; operand 2 has shape (2, 3)",
                       ShapeError);
  CHECK_THROWS_WITH_AS(einsum("ijk", {x}),
                       "einsum: 'ijk': operand 1 has shape (2, 3), 3 letters are given for its 2 axes", ValueError);
  CHECK_THROWS_WITH_AS(einsum("i", {x}), doctest::Contains("1 letters are given for its 2 axes"), ValueError);
  CHECK_THROWS_WITH_AS(einsum("ij->ik", {x}), "einsum: 'ij->ik': 'k' of the result occurs in no operand", ValueError);
  CHECK_THROWS_WITH_AS(einsum("ij->ii", {x}), "einsum: 'ij->ii': 'i' occurs twice in the result", ValueError);
  CHECK_THROWS_WITH_AS(einsum("i1", {x}), doctest::Contains("'1' at position 1 does not belong there"), ValueError);
  CHECK_THROWS_AS(einsum("ij->i->j", {x}), ValueError);
  CHECK_THROWS_AS(einsum("ij->i,j", {x}), ValueError);
  CHECK_THROWS_AS(einsum("i..j", {x}), ValueError);
  CHECK_THROWS_AS(einsum("...i...", {x}), ValueError);
  CHECK_THROWS_AS(einsum("ijk...", {x}), ValueError);
  CHECK_THROWS_WITH_AS(einsum("ii", {x}), doctest::Contains("'i' has sizes 2 and 3"), ShapeError);
  CHECK_THROWS_AS(einsum("ij", std::span<const Tensor>()), ValueError);
  CHECK_THROWS_AS(einsum("ij", {Tensor()}), ValueError);
  CHECK_THROWS_WITH_AS(einsum("...i,...i", {zeros({2, 3}), zeros({4, 3})}), doctest::Contains("an axis of ..."),
                       ShapeError);
  const Tensor wide = ones({1, 1, 1, 1, 1});
  CHECK_THROWS_WITH_AS(einsum("abcde,fghij->abcdefghij", {wide, wide}),
                       doctest::Contains("a product on the way has 10 axes"), ShapeError);
}
