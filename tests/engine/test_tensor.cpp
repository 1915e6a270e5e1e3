// Tensors as values: making, reading, viewing, writing in place, printing, refusing.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <sstream>

#include "engine/factory.h"
#include "engine/format.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "tests/engine/custom_rule.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {
using Values = std::vector<double>;
constexpr double kInfinity = std::numeric_limits<double>::infinity();
}  // namespace

TEST_CASE("tensor: factories") {
  CHECK(zeros({2, 2}).to_vector() == Values{0, 0, 0, 0});
  CHECK(ones({2}, {.dtype = DType::int64}).values<std::int64_t>() == std::vector<std::int64_t>{1, 1});
  CHECK(full({}, 2.5).item() == 2.5);
  CHECK(eye(2).to_vector() == Values{1, 0, 0, 1});
  CHECK(eye(0).numel() == 0);
  CHECK(arange(3.).to_vector() == Values{0, 1, 2});
  CHECK(arange(1., 2, 0.25).to_vector() == Values{1, 1.25, 1.5, 1.75});
  CHECK(arange(3., 0, -1).to_vector() == Values{3, 2, 1});
  CHECK(arange(1., 0).numel() == 0);
  CHECK_THROWS_AS((void)arange(0., 1, 0), ValueError);
  CHECK_THROWS_AS((void)arange(0., kInfinity), ValueError);
  CHECK_THROWS_AS((void)arange(0., 1, 1e-300), ShapeError);
  const auto line = linspace(-1, 0.1, 12, {.dtype = DType::float64}).to_vector();
  CHECK(line.front() == -1);
  CHECK(line.back() == 0.1);
  CHECK(line[5] == doctest::Approx(-0.5));
  CHECK(linspace(2, 3, 1).to_vector() == Values{2});
  CHECK_THROWS_AS((void)linspace(0, 1, -1), ShapeError);
  CHECK(zeros({1}).dtype() == DType::float32);
  set_default_dtype(DType::float64);
  CHECK(zeros({1}).dtype() == DType::float64);
  set_default_dtype(DType::float32);
  CHECK_THROWS_AS(set_default_dtype(DType::int64), ValueError);
}

TEST_CASE("tensor: nested lists") {
  CHECK(tensor(3.).shape() == Shape{});
  CHECK(tensor({3.}).shape() == Shape{1});
  CHECK(tensor({3., 4}).shape() == Shape{2});
  CHECK(tensor({{1., 2, 3}}).shape() == Shape{1, 3});
  CHECK(tensor({{1., 2}, {3, 4.5}}).to_vector() == Values{1, 2, 3, 4.5});
  CHECK(tensor({{{1.}, {2}}, {{3}, {4}}}).shape() == Shape{2, 2, 1});
  CHECK(tensor({}).shape() == Shape{0});
  CHECK(variable({1, 2}, "v").shape() == Shape{2});
  CHECK_THROWS_AS((void)tensor({{1., 2}, {3}}), ShapeError);
  CHECK_THROWS_AS((void)tensor({{1.}, 2}), ShapeError);
  CHECK(contains(message_of<ShapeError>([] {
                   (void)from_vector(Values{1, 2, 3}, {2, 2});
                 }),
                 "3 values for shape (2, 2)"));
}

TEST_CASE("tensor: memory of the host is used in place and kept") {
  auto owner = std::make_shared<std::vector<double>>(Values{1, 2, 3, 4});
  const std::weak_ptr<void> watch = owner;
  Tensor view_of_it = from_memory(owner->data(), {2, 2}, DType::float64, owner);
  (*owner)[3] = 9;
  CHECK(view_of_it.to_vector() == Values{1, 2, 3, 9});
  owner.reset();
  CHECK_FALSE(watch.expired());
  const Tensor row = slice(view_of_it, 0, 1);
  view_of_it = Tensor();
  CHECK(row.to_vector() == Values{3, 9});
  CHECK_FALSE(watch.expired());
  CHECK_THROWS_AS((void)from_memory(nullptr, {-1}, DType::float64, nullptr), ShapeError);
}

TEST_CASE("tensor: shapes that nothing could hold are refused before allocation") {
  const std::int64_t big = 65536;
  const auto before = memory_stats().system_requests;
  CHECK_THROWS_AS((void)zeros({big, big, big, big}), ShapeError);
  CHECK_THROWS_AS((void)zeros({(std::int64_t{1} << 62) + 2}), ShapeError);
  CHECK_THROWS_AS((void)zeros({std::numeric_limits<std::int64_t>::max()}), ShapeError);
  CHECK_THROWS_AS((void)zeros({0, big, big, big, big}), ShapeError);  // its strides would overflow
  CHECK_THROWS_AS((void)zeros({2, -1}), ShapeError);
  CHECK_THROWS_AS((void)zeros({1, 1, 1, 1, 1, 1, 1, 1, 1}), ShapeError);
  CHECK(memory_stats().system_requests == before);
  CHECK(contains(message_of<ShapeError>([&] { (void)zeros({big, big, big, big}); }), "(65536, 65536, 65536, 65536)"));
  CHECK(contains(message_of<ShapeError>([] { (void)zeros({1, 1, 1, 1, 1, 1, 1, 1, 1}); }), "at most 8 axes, not 9"));
  CHECK(zeros({1, 1, 1, 1, 1, 1, 1, 1}).dim() == 8);
#if !CHAINRULE_PLAIN_ALLOCATION  // sanitizers stop the program instead
  const std::string text = message_of<EnvironmentError>([] { (void)empty({std::int64_t{1} << 55}, DType::float64); });
  CHECK(contains(text, "out of memory"));
#endif
}

TEST_CASE("tensor: sizes and axes") {
  const Tensor t = zeros({2, 0, 3});
  CHECK(t.size(0) == 2);
  CHECK(t.size(-1) == 3);
  CHECK(t.numel() == 0);
  CHECK(t.to_vector().empty());
  CHECK(to_string(t.shape()) == "(2, 0, 3)");
  const std::string text = message_of<ShapeError>([&] { (void)t.size(3); });
  CHECK(contains(text, "size: axis 3"));
  CHECK(contains(text, "-3 to 2"));
  CHECK_THROWS_AS((void)t.item(), ShapeError);
  CHECK(broadcast_shapes({2, 1, 3}, {4, 1}, "test") == Shape{2, 4, 3});
  CHECK(broadcast_shapes({}, {0}, "test") == Shape{0});
  CHECK(contains(message_of<ShapeError>([] {
                   (void)broadcast_shapes({2, 3}, {2, 4}, "add");
                 }),
                 "add: shapes (2, 3) and (2, 4) do not broadcast: axis -1 has sizes 3 and 4"));
}

TEST_CASE("tensor: types are asked for by name") {
  const Tensor whole = from_vector(std::vector<std::int64_t>{1, (std::int64_t{1} << 60) + 1}, {2});
  CHECK(whole.values<std::int64_t>()[1] == (std::int64_t{1} << 60) + 1);  // exact, unlike a double
  CHECK(contains(message_of<ValueError>([&] { (void)whole.data<float>(); }), "holds int64, not float32"));
  CHECK_THROWS_AS((void)whole.values<double>(), ValueError);
  CHECK((tensor({1, 2}) < tensor({2, 1})).dtype() == DType::boolean);
  CHECK((tensor({1., 2}) < tensor({2., 1})).to_vector() == Values{1, 0});
}

TEST_CASE("tensor: a const handle is a handle; writing goes to all that share the buffer") {
  Tensor x = tensor({1., 2, 3, 4});
  const Tensor same = x, row = slice(x, 0, 1, 3), detached = x.detach();
  x.fill_(7);
  CHECK(same.to_vector() == Values{7, 7, 7, 7});
  CHECK(row.to_vector() == Values{7, 7});
  CHECK(detached.to_vector() == Values{7, 7, 7, 7});
  CHECK(same.is(x));
  CHECK_FALSE(detached.is(x));
}

TEST_CASE("tensor: views that overlap are copied right") {
  Tensor x = arange(6.);
  Tensor front = slice(x, 0, 0, 5), back = slice(x, 0, 1, 6);
  back.copy_(front);
  CHECK(x.to_vector() == Values{0, 0, 1, 2, 3, 4});
  x.copy_(x);
  CHECK(x.to_vector() == Values{0, 0, 1, 2, 3, 4});
  Tensor square = from_vector(Values{1, 2, 3, 4}, {2, 2});
  square.copy_(transpose(square));
  CHECK(square.to_vector() == Values{1, 3, 2, 4});
  Tensor reversed = slice(x, 0, {}, {}, -1);
  CHECK(reversed.to_vector() == Values{4, 3, 2, 1, 0, 0});
  reversed.copy_(arange(6.));
  CHECK(x.to_vector() == Values{5, 4, 3, 2, 1, 0});
}

TEST_CASE("tensor: copy_ converts") {
  Tensor whole = zeros({3}, {.dtype = DType::int64});
  whole.copy_(tensor({1.9, -1.9, 3}));
  CHECK(whole.to_vector() == Values{1, -1, 3});
  Tensor narrow = zeros({1});
  narrow.copy_(tensor({0.1}, {.dtype = DType::float64}));
  CHECK(narrow.data<float>()[0] == 0.1f);
}

TEST_CASE("tensor: small results live in their header until shared") {
  const Tensor a = tensor(2, {.dtype = DType::float64});
  const Tensor z = a * a;
  const auto buffers = memory_stats().buffer_bytes;
  const Tensor w = z * z + z;
  CHECK(memory_stats().buffer_bytes == buffers);
  const Tensor row = reshape(w, {1, 1});
  CHECK(row.item() == 20);
  CHECK(w.item() == 20);
  CHECK(w.detach().item() == 20);
}

TEST_CASE("tensor: text as NumPy writes it") {
  CHECK(to_string(tensor(220.)) == "220");
  CHECK(to_string(tensor({1., 2.5, -3})) == "[  1, 2.5,  -3]");
  CHECK(to_string(tensor({{1., 2}, {3, 4}})) == "[[1, 2],\n [3, 4]]");
  CHECK(to_string(zeros({2, 1, 2})) == "[[[0, 0]],\n [[0, 0]]]");
  CHECK(to_string(tensor({})) == "[]");
  CHECK(to_string(zeros({0, 3})) == "[]");
  CHECK(to_string(tensor(1.0 / 3, {.dtype = DType::float64}), 12) == "0.333333333333");
  CHECK(fmt::format("{} {:.3}", tensor(2.0 / 3), tensor(2.0 / 3)) == "0.666667 0.667");
  CHECK(fmt::format("{:.4f} {:.2e} {:.3g}", tensor(2.0 / 3), tensor(1500.0), tensor(0.5)) == "0.6667 1.50e+03 0.5");
  CHECK(fmt::format("{:.1f}", tensor({1.0, -20.25})) == "[  1.0, -20.2]");
  CHECK(fmt::format("{:.0f}", tensor({2.0, -0.0})) == "[2, 0]");
  CHECK(fmt::format("{:.2f}", tensor({1, 20})) == "[ 1, 20]");
  CHECK_THROWS(fmt::format(fmt::runtime("{:.2d}"), tensor(1.0)));
  CHECK_THROWS(fmt::format(fmt::runtime("{:.18f}"), tensor(1.0)));
  const Tensor grid = transpose(zeros({2, 3}));
  CHECK(fmt::format("{} {} {}", grid.shape(), grid.strides(), grid.dtype()) == "(3, 2) (1, 3) float32");
  CHECK(fmt::format("{:>6}|{:<6}|", Shape{5}, DType::int64) == "  (5,)|int64 |");
  CHECK(to_string(tensor({kInfinity, -kInfinity, std::nan("")})) == "[ inf, -inf,  nan]");
  CHECK(to_string(tensor({1., 2}) < 2) == "[ true, false]");
  CHECK(to_string(transpose(tensor({{1., 2}, {3, 4}}))) == "[[1, 3],\n [2, 4]]");
  const std::string large = to_string(arange(2000.));
  CHECK(large == "[   0,    1,    2, ..., 1997, 1998, 1999]");
  CHECK(to_string(zeros({50, 50})).size() < 200);
  std::ostringstream stream;
  stream << tensor({1., 2}) << ' ' << Shape{2, 3} << ' ' << Strides{3, 1} << ' ' << DType::boolean;
  CHECK(stream.str() == "[1, 2] (2, 3) (3, 1) bool");
  CHECK(contains(describe(tensor({1.}).label("price")), "'price' (leaf, shape (1,))"));
}

TEST_CASE("tensor: labels belong to the value, not the handle") {
  const Tensor x = tensor({1., 2});
  const Tensor same = x;
  CHECK(x.label("x").is(x));
  CHECK(same.label() == "x");
  CHECK(x.detach().label().empty());
  CHECK(tensor(1.).label().empty());
  // Composed, as every name: a e with an accent of its own is the one letter.
  CHECK(tensor(1.).label("re\xCC\x81sultat").label() == "r\xC3\xA9sultat");
}

TEST_CASE("clone: a buffer of its own, also for a number") {
  const Tensor number = full({}, 3, {.dtype = DType::float64}), computed = number * 2;
  const Tensor trained = full({}, 3, {.dtype = DType::float64, .requires_grad = true});
  for (const Tensor& x : {number, computed, tensor({1., 2}), trained, trained * 2}) {
    const Tensor z = clone(x);
    REQUIRE(z.impl().storage);
    CHECK(z.data() != x.data());
    CHECK(z.to_vector() == x.to_vector());
    CHECK(z.requires_grad() == x.requires_grad());
    CHECK_FALSE(clone(x.detach()).requires_grad());
  }
  CHECK(grad(clone(trained * 2), trained).item() == 2);
}
