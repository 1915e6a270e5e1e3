// Index loops against loops over positions, with repeated indices and thread counts.
#include <doctest/doctest.h>

#include <array>

#include "ops/kernels/index.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::kernels;
using namespace chainrule::test;

namespace {

struct IndexView {
  std::int64_t outer, axis, inner, count;
};
const std::vector<IndexView> kIndexViews{{1, 1, 1, 1},     {1, 5, 1, 9},   {2, 4, 3, 0},     {0, 4, 3, 2},
                                         {3, 4, 0, 2},     {3, 7, 5, 4},   {1, 100, 64, 30}, {4, 3, 33, 50},
                                         {1, 10, 3, 5000}, {50, 6, 20, 40}};

template <class T>
std::vector<T> whole(RandomNumbers& numbers, std::int64_t n) {  // small whole numbers: sums are exact in any order
  auto x = numbers.fill<T>(n, -9, 9);
  for (auto& v : x) v = static_cast<T>(std::round(static_cast<double>(v)));
  return x;
}

std::vector<std::int64_t> indices(RandomNumbers& numbers, std::int64_t n, std::int64_t axis) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(n));
  for (auto& i : index) i = numbers.below(axis);
  return index;
}

}  // namespace

TEST_CASE_TEMPLATE("index_select, gather and their adjoints", T, float, double, std::int64_t) {
  RandomNumbers numbers(51);
  const DType d = dtype_of<T>();
  for (const auto& [outer, axis, inner, count] : kIndexViews) {
    const auto x = whole<T>(numbers, outer * axis * inner), g = whole<T>(numbers, outer * count * inner);
    const auto line = indices(numbers, count, axis), full = indices(numbers, outer * count * inner, axis);
    std::vector<T> selected(g.size(), T(77)), gathered(selected), select_truth(selected), gather_truth(selected);
    std::vector<T> added(x.size(), T(77)), scattered(added), add_truth(x.size(), T(0)), scatter_truth(add_truth);
    for (std::int64_t o = 0; o < outer; ++o)
      for (std::int64_t j = 0; j < count; ++j)
        for (std::int64_t i = 0; i < inner; ++i) {
          const auto z = (o * count + j) * inner + i;
          const auto from_line = (o * axis + line[j]) * inner + i, from_full = (o * axis + full[z]) * inner + i;
          select_truth[z] = x[from_line], add_truth[from_line] += g[z];
          gather_truth[z] = x[from_full], scatter_truth[from_full] += g[z];
        }
    index_select(d, x.data(), {outer, axis, inner}, line.data(), count, selected.data());
    index_add(d, g.data(), {outer, axis, inner}, line.data(), count, added.data());
    gather(d, x.data(), {outer, axis, inner}, full.data(), count, gathered.data());
    scatter_add(d, g.data(), {outer, axis, inner}, full.data(), count, scattered.data());
    CHECK(selected == select_truth);
    CHECK(added == add_truth);
    CHECK(gathered == gather_truth);
    CHECK(scattered == scatter_truth);
  }
}

TEST_CASE("index_select and gather of bool") {
  const std::array x{true, false, false, true};
  const std::array<std::int64_t, 3> index{3, 1, 0};
  std::array<bool, 3> z{};
  index_select(DType::boolean, x.data(), {1, 4, 1}, index.data(), 3, z.data());
  CHECK(z == std::array{true, false, true});
  z = {};
  gather(DType::boolean, x.data(), {1, 4, 1}, index.data(), 3, z.data());
  CHECK(z == std::array{true, false, true});
}

TEST_CASE("first_outside names the first bad index") {
  const std::array<std::int64_t, 5> index{0, 4, 5, -1, 2};
  CHECK(first_outside(index.data(), 5, 5) == 2);
  CHECK(first_outside(index.data(), 5, 6) == 3);
  CHECK(first_outside(index.data(), 2, 5) == -1);
  CHECK(first_outside(nullptr, 0, 0) == -1);
}

TEST_CASE("index: one thread and two give the same bits") {
  RandomNumbers numbers(52);
  for (const IndexView& v : {IndexView{1, 50, 300, 4000}, IndexView{40, 60, 30, 200}}) {
    const std::int64_t outer = v.outer, axis = v.axis, inner = v.inner, count = v.count;
    const auto g = numbers.fill<float>(outer * count * inner);
    const auto line = indices(numbers, count, axis), full = indices(numbers, outer * count * inner, axis);
    const auto run = [&](int threads) {
      return with_threads(threads, [&] {
        const std::int64_t size = outer * axis * inner;
        std::vector<float> x(static_cast<std::size_t>(2 * size));
        index_add(DType::float32, g.data(), {outer, axis, inner}, line.data(), count, x.data());
        scatter_add(DType::float32, g.data(), {outer, axis, inner}, full.data(), count, x.data() + size);
        return x;
      });
    };
    CHECK(same_bits(run(1), run(2)));
  }
}
