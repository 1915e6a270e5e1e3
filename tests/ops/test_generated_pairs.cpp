// E8: every elementwise operation of two inputs, for every pair of shapes up to rank 4 with sizes 0, 1, 2 and 3: legal
// pairs give the reference's values, and gradients that equal those of inputs repeated by hand; others throw.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/types/error.h"
#include "tests/ops/numeric.h"

using namespace chainrule;
using namespace chainrule::cases;

namespace {

std::vector<Shape> shapes() {
  std::vector<Shape> list{{}};
  const std::vector<std::int64_t> sizes =
      sanitized() ? std::vector<std::int64_t>{0, 1, 2} : std::vector<std::int64_t>{0, 1, 2, 3};
  for (std::size_t first = 0, rank = 1; rank <= 4; ++rank) {
    const std::size_t last = list.size();
    for (; first < last; ++first) {
      for (const auto size : sizes) {
        Shape longer = list[first];
        longer.push_back(size);
        list.push_back(longer);
      }
    }
  }
  return list;
}

/// NumPy's rule, straight from its text; false when the shapes do not fit.
bool broadcast(const Shape& x, const Shape& y, Shape& z) {
  const std::size_t rank = std::max(x.size(), y.size());
  z.assign(rank, 1);
  for (std::size_t i = 0; i < rank; ++i) {
    const std::int64_t a = i < x.size() ? x[x.size() - 1 - i] : 1, b = i < y.size() ? y[y.size() - 1 - i] : 1;
    if (a != b && a != 1 && b != 1) return false;
    z[rank - 1 - i] = a == 1 ? b : a;
  }
  return true;
}

/// For each element of z the element of x that it reads.
std::vector<std::size_t> sources(const Shape& x, const Shape& z) {
  std::vector<std::size_t> list;
  list.reserve(static_cast<std::size_t>(numel(z)));
  each_index(z, [&](const Shape& index) {
    std::int64_t place = 0;
    for (std::size_t i = 0; i < x.size(); ++i) place = place * x[i] + (x[i] == 1 ? 0 : index[z.size() - x.size() + i]);
    list.push_back(static_cast<std::size_t>(place));
  });
  return list;
}

Array repeat(const Array& x, const Shape& z, const std::vector<std::size_t>& from) {
  Array result(z);
  for (std::size_t i = 0; i < from.size(); ++i) result.values[i] = x.values[from[i]];
  return result;
}

Array add_up(const Tensor& g, const Shape& x, const std::vector<std::size_t>& from) {
  Array result(x);
  const std::vector<double> values = g.to_vector();
  for (std::size_t i = 0; i < from.size(); ++i) result.values[from[i]] += values[i];
  return result;
}

}  // namespace

TEST_CASE("every legal pair of shapes has the right values and gradients") {
  const std::vector<Shape> all = shapes();
  std::vector<const Case*> rows;
  for (const Case& c : all_cases())
    if (c.broadcasts && std::none_of(rows.begin(), rows.end(), [&](auto* r) { return r->op == c.op; }))
      rows.push_back(&c);
  REQUIRE(rows.size() >= 7);  // add sub mul div pow maximum minimum at least
  std::size_t legal = 0, wrong = 0;
  auto expect = [&](const std::string& fault, const Case& c, const Shape& x, const Shape& y) {
    if (fault.empty() || ++wrong > 20) return;
    FAIL_CHECK(title(c) << " of " << to_string(x) << " and " << to_string(y) << ": " << fault);
  };
  // Numbers are drawn once for each row and cut to size: an input differs from its neighbours, and no pair has ties.
  for (const Case* c : rows) {
    Input first = c->inputs[0], second = c->inputs[1];
    first.shape = second.shape = {81};
    const Array many_x = random_values(first, 1), many_y = random_values(second, 2);
    const Array many_g = random_values({.shape = {81}}, 3);
    auto cut = [](const Array& from, const Shape& shape) {
      return Array(shape, std::vector<double>(from.values.begin(), from.values.begin() + numel(shape)));
    };
    for (const Shape& xs : all) {
      for (const Shape& ys : all) {
        Shape zs;
        if (!broadcast(xs, ys, zs)) continue;
        ++legal;
        const Array x = cut(many_x, xs), y = cut(many_y, ys);
        const std::vector<Tensor> t = leaves({x, y}, DType::float64);
        const Tensor z = c->f(t);
        const auto from_x = sources(xs, zs), from_y = sources(ys, zs);
        const Array wide_x = repeat(x, zs, from_x), wide_y = repeat(y, zs, from_y);
        expect(difference(z, c->reference({wide_x, wide_y}), 1e-12), *c, xs, ys);
        if (c->order < 1) continue;
        const Tensor g = leaf(cut(many_g, zs), DType::float64, false);
        const auto got = gradients(z, t, g);
        const std::vector<Tensor> wide = leaves({wide_x, wide_y}, DType::float64);
        const auto wanted = gradients(c->f(wide), wide, g);
        expect(difference(got[0], add_up(wanted[0], xs, from_x), 1e-12), *c, xs, ys);
        expect(difference(got[1], add_up(wanted[1], ys, from_y), 1e-12), *c, xs, ys);
      }
    }
  }
  CHECK(wrong == 0);
  CHECK(legal == rows.size() * (sanitized() ? 6821 : 25471));
}

TEST_CASE("every other pair of shapes throws, with both shapes in the sentence") {
  std::size_t illegal = 0;
  const NoGrad values_only;
  for (const Shape& xs : shapes()) {
    for (const Shape& ys : shapes()) {
      Shape zs;
      if (broadcast(xs, ys, zs) || xs.size() + ys.size() > 6) continue;
      ++illegal;
      try {
        add(zeros(xs), zeros(ys));
        FAIL_CHECK("add of " << to_string(xs) << " and " << to_string(ys) << " did not throw");
      } catch (const ShapeError& e) {
        const std::string text = e.what();
        if (text.find("add: ") != 0 || text.find(to_string(xs) + " and " + to_string(ys)) == std::string::npos)
          FAIL_CHECK(text);
      }
    }
  }
  CHECK(illegal > 1000);
}
