// Rows for joining, cutting, turning, rolling, repeating and padding.
#include <algorithm>

#include "tests/ops/cases/support.h"

namespace chainrule::cases {
namespace {

/// The reference of an operation whose result at `index` is x at where(index), or `outside` where that is empty.
template <class F>
std::function<Array(const std::vector<Array>&)> moved_or(const Shape& shape, F where, double outside = 0) {
  return [=](const std::vector<Array>& x) {
    Array z(shape, outside);
    each_index(shape, [&](const Shape& index) {
      Shape at = index;
      if (where(at)) z.at(index) = x[0].at(at);
    });
    return z;
  };
}

Array naive_cat(const std::vector<Array>& x, int axis) {
  Shape shape = x[0].shape;
  shape[axis] = 0;
  for (const Array& a : x) shape[axis] += a.shape[axis];
  Array z(shape);
  std::int64_t first = 0;
  for (const Array& a : x) {
    each_index(a.shape, [&](const Shape& index) {
      Shape at = index;
      at[axis] += first;
      z.at(at) = a.at(index);
    });
    first += a.shape[axis];
  }
  return z;
}

Case joined(std::string variant, const std::vector<Shape>& shapes, int axis) {
  Case c{.op = "cat",
         .variant = std::move(variant),
         .inputs = {},
         .f = [=](const std::vector<Tensor>& t) { return cat(t, axis); },
         .reference = [=](const std::vector<Array>& x) { return naive_cat(x, axis); },
         .nan = shapes.size() == 1 ? Nan::everywhere : Nan::somewhere,
         .nan_reason = shapes.size() == 1 ? "" : "the parts of other inputs stay as they are"};
  for (const Shape& shape : shapes) c.inputs.push_back({.shape = shape, .linear = true});
  return c;
}

Case stacked(std::string variant, const Shape& shape, std::size_t count, int axis) {
  Case c{.op = "cat",
         .variant = "stack " + variant,
         .inputs = std::vector<Input>(count, {.shape = shape, .linear = true}),
         .f = [=](const std::vector<Tensor>& t) { return stack(t, axis); },
         .reference =
             [=](const std::vector<Array>& x) {
               Shape to = shape;
               to.insert(to.begin() + axis, static_cast<std::int64_t>(count));
               Array z(to);
               each_index(to, [&](const Shape& index) {
                 Shape at = index;
                 at.erase(at.begin() + axis);
                 z.at(index) = x[static_cast<std::size_t>(index[axis])].at(at);
               });
               return z;
             },
         .nan = Nan::somewhere,
         .nan_reason = "the parts of other inputs stay as they are"};
  return c;
}

/// The pieces in reversed order and the first once more, joined again: which piece is which shows.
Case cut(std::string variant, const Shape& shape, int axis, const std::vector<std::int64_t>& sizes,
         std::function<std::vector<Tensor>(const Tensor&)> f) {
  return one(
      "cat", std::move(variant), shape,
      [=](const Tensor& x) {
        std::vector<Tensor> pieces = f(x);
        pieces.push_back(pieces[0]);
        std::reverse(pieces.begin(), pieces.end());
        return cat(pieces, axis);
      },
      [=](const std::vector<Array>& x) {
        std::vector<Array> pieces;
        std::int64_t first = 0;
        for (const auto size : sizes) {
          Shape part = shape;
          part[axis] = size;
          Array piece(part);
          each_index(part, [&](const Shape& index) {
            Shape at = index;
            at[axis] += first;
            piece.at(index) = x[0].at(at);
          });
          pieces.insert(pieces.begin(), piece);
          first += size;
        }
        pieces.insert(pieces.begin(), pieces.back());
        return naive_cat(pieces, axis);
      });
}

Case cloned(std::string variant, const Shape& shape) {
  return one(
      "clone", std::move(variant), shape, [](const Tensor& x) { return clone(x); },
      moved_or(shape, [](Shape&) { return true; }));
}

Case flipped(std::string variant, const Shape& shape, const Axes& dims) {
  return one(
      "flip", std::move(variant), shape, [=](const Tensor& x) { return flip(x, dims); },
      moved_or(shape, [=](Shape& at) {
        for (const auto d : dims) {
          const auto axis = static_cast<std::size_t>(d < 0 ? d + shape.rank() : d);
          at[axis] = shape[axis] - 1 - at[axis];
        }
        return true;
      }));
}

Case rolled(std::string variant, const Shape& shape, const std::vector<std::int64_t>& shifts, const Axes& dims) {
  return one(
      "roll", std::move(variant), shape, [=](const Tensor& x) { return roll(x, shifts, dims); },
      moved_or(shape, [=](Shape& at) {
        if (dims.empty()) {
          std::int64_t place = 0;
          for (std::size_t i = 0; i < at.size(); ++i) place = place * shape[i] + at[i];
          const std::int64_t n = numel(shape);
          place = ((place - shifts[0]) % n + n) % n;
          for (std::size_t i = at.size(); i-- > 0; place /= shape[i]) at[i] = place % shape[i];
          return true;
        }
        for (std::size_t k = 0; k < dims.size(); ++k) {
          const auto axis = static_cast<std::size_t>(dims[k] < 0 ? dims[k] + shape.rank() : dims[k]);
          at[axis] = ((at[axis] - shifts[k]) % shape[axis] + shape[axis]) % shape[axis];
        }
        return true;
      }));
}

/// `repeats` for every axis of the result, `shape` with leading ones.
Case repeated_case(std::string variant, const Shape& shape, const std::vector<std::int64_t>& repeats,
                   std::function<Tensor(const Tensor&)> f) {
  Shape to;
  const std::size_t lead = repeats.size() - shape.size();
  for (std::size_t i = 0; i < repeats.size(); ++i) to.push_back(repeats[i] * (i < lead ? 1 : shape[i - lead]));
  Case c = one("reshape", std::move(variant), shape, std::move(f), moved_or(to, [=](Shape& at) {
                 Shape from = Shape::filled(shape.size(), 0);
                 for (std::size_t i = 0; i < shape.size(); ++i) from[i] = at[i + lead] % shape[i];
                 at = from;
                 return true;
               }));
  return c;
}

Case padded(std::string variant, const Shape& shape, const std::vector<std::int64_t>& amounts, double value) {
  Shape to = shape, before = Shape::filled(shape.size(), 0);
  for (std::size_t k = 0; k < amounts.size() / 2; ++k) {
    const std::size_t axis = shape.size() - 1 - k;
    before[axis] = amounts[2 * k];
    to[axis] += amounts[2 * k] + amounts[2 * k + 1];
  }
  Case c = one(
      "pad", std::move(variant), shape, [=](const Tensor& x) { return pad(x, amounts, PadMode::constant, value); },
      moved_or(
          to,
          [=](Shape& at) {
            for (std::size_t i = 0; i < at.size(); ++i) {
              at[i] -= before[i];
              if (at[i] < 0 || at[i] >= shape[i]) return false;
            }
            return true;
          },
          value));
  c.nan = Nan::somewhere;
  c.nan_reason = "the outside has its own value, and what is cut off takes no part";
  return c;
}

/// One axis; `picked` are the positions that stand in the result, written out by hand.
Case padded_inside(std::string variant, const Shape& shape, const std::vector<std::int64_t>& amounts, PadMode mode,
                   const std::vector<std::int64_t>& picked) {
  Shape to = shape;
  to.back() = static_cast<std::int64_t>(picked.size());
  Case c = one(
      "index_select", "pad " + variant, shape, [=](const Tensor& x) { return pad(x, amounts, mode); },
      moved_or(to, [=](Shape& at) {
        at.back() = picked[static_cast<std::size_t>(at.back())];
        return true;
      }));
  c.runs = {"index_add"};
  return c;
}

}  // namespace

std::vector<Case> arrangement_cases() {
  std::vector<Case> rows{
      joined("rows", {{2, 3}, {1, 3}, {3, 3}}, 0),
      joined("columns", {{2, 3}, {2, 1}}, 1),
      joined("one", {{2, 2}}, 1),
      joined("an empty part", {{0, 2}, {2, 2}}, 0),
      joined("channels", {{2, 1, 2, 2}, {2, 2, 2, 2}}, 1),
      stacked("in front", {2, 3}, 2, 0),
      stacked("behind", {2, 2}, 3, 2),
      stacked("scalars", {}, 3, 0),
      cut("split, size 2", {2, 5}, 1, {2, 2, 1}, [](const Tensor& x) { return split(x, 2, 1); }),
      cut("split, sizes", {6, 2}, 0, {1, 0, 3, 2},
          [](const Tensor& x) {
            return split(x, std::vector<std::int64_t>{1, 0, 3, 2});
          }),
      cut("chunk", {7}, 0, {3, 3, 1}, [](const Tensor& x) { return chunk(x, 3); }),
      cut("chunk, fewer than asked", {2, 5}, 1, {2, 2, 1}, [](const Tensor& x) { return chunk(x, 4, -1); }),
      flipped("vector", {5}, {0}),
      flipped("both axes", {2, 3}, {1, 0}),
      cloned("matrix", {2, 3}),
      cloned("number", {}),
      cloned("empty", {0, 3}),
      flipped("middle axis", {2, 3, 2}, {-2}),
      flipped("no axis", {2, 3}, {}),
      flipped("empty", {0, 3}, {0, 1}),
      rolled("vector", {5}, {2}, {}),
      rolled("backwards", {5}, {-7}, {0}),
      rolled("matrix as a row", {2, 3}, {2}, {}),
      rolled("two axes", {3, 4}, {1, -1}, {0, 1}),
      rolled("one axis twice", {5}, {1, 1}, {0, 0}),
      rolled("middle axis", {2, 3, 2}, {1}, {-2}),
      rolled("not at all", {2, 3}, {3}, {1}),
      padded("vector", {3}, {1, 2}, 0.5),
      padded("last axis", {2, 3}, {2, 0}, 0),
      padded("two axes", {2, 3}, {1, 1, 0, 2}, -1),
      padded("images", {1, 2, 3, 2}, {1, 0, 0, 1}, 0),
      padded("cut", {2, 5}, {-1, -2}, 3),
      padded("cut and padded", {5}, {-2, 1}, 3),
      padded("nothing", {2, 2}, {}, 1),
      padded_inside("reflect", {2, 4}, {3, 2}, PadMode::reflect, {3, 2, 1, 0, 1, 2, 3, 2, 1}),
      padded_inside("replicate", {2, 3}, {2, 4}, PadMode::replicate, {0, 0, 0, 1, 2, 2, 2, 2, 2}),
      padded_inside("circular", {2, 3}, {3, 2}, PadMode::circular, {0, 1, 2, 0, 1, 2, 0, 1}),
  };
  const std::vector<std::int64_t> twice{2, 1}, grown{2, 1, 3}, one_axis{1, 3};
  rows.push_back(repeated_case("repeat rows", {2, 3}, twice, [=](const Tensor& x) { return repeat(x, twice); }));
  rows.push_back(repeated_case("repeat, a new axis", {2, 2}, grown, [=](const Tensor& x) { return repeat(x, grown); }));
  rows.push_back(repeated_case("repeat a scalar", {}, {3, 2}, [](const Tensor& x) { return repeat(x, {3, 2}); }));
  rows.push_back(repeated_case("tile the last axis", {2, 3}, one_axis, [](const Tensor& x) { return tile(x, {3}); }));
  return rows;
}

}  // namespace chainrule::cases
