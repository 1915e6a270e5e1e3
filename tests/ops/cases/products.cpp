// Rows for products: matmul, linear, affine, dot, outer.
#include <cmath>

#include "tests/ops/cases/cases.h"

namespace chainrule::cases {
namespace {

/// NumPy's matmul, element by element.
Array naive_matmul(Array x, Array y) {
  const bool x_vector = x.shape.size() == 1, y_vector = y.shape.size() == 1;
  if (x_vector) x.shape.insert(x.shape.begin(), 1);
  if (y_vector) y.shape.push_back(1);
  const std::size_t rank = std::max(x.shape.size(), y.shape.size());
  Shape shape = Shape::filled(rank, 1);
  for (const Array* a : {&x, &y}) {
    for (std::size_t i = 2; i < a->shape.size(); ++i) {
      const std::int64_t size = a->shape[a->shape.size() - 1 - i];
      if (size != 1) shape[rank - 1 - i] = size;
    }
  }
  shape[rank - 2] = x.shape[x.shape.size() - 2];
  shape[rank - 1] = y.shape.back();
  // The operand's element for a position of z, with the last two indices given.
  auto element = [&](const Array& a, const Shape& at, std::int64_t row, std::int64_t column) {
    Shape index = Shape::filled(a.shape.size(), 0);
    for (std::size_t i = 2; i < a.shape.size(); ++i) {
      const std::size_t axis = a.shape.size() - 1 - i;
      index[axis] = a.shape[axis] == 1 ? 0 : at[rank - 1 - i];
    }
    index[index.size() - 2] = row;
    index[index.size() - 1] = column;
    return a.at(index);
  };
  Array z(shape);
  each_index(shape, [&](const Shape& at) {
    for (std::int64_t k = 0; k < x.shape.back(); ++k)
      z.at(at) += element(x, at, at[rank - 2], k) * element(y, at, k, at[rank - 1]);
  });
  if (y_vector) z.shape.pop_back();
  if (x_vector) z.shape.erase(z.shape.end() - (y_vector ? 1 : 2));
  return z;
}

Array naive_linear(const std::vector<Array>& in) {
  const Array &x = in[0], &w = in[1];
  Shape shape = x.shape;
  shape.back() = w.shape[0];
  Array z(shape);
  each_index(shape, [&](const Shape& at) {
    double total = in.size() > 2 ? in[2].at({at.back()}) : 0;
    Shape from = at;
    for (std::int64_t k = 0; k < w.shape[1]; ++k) {
      from.back() = k;
      total += x.at(from) * w.at({at.back(), k});
    }
    z.at(at) = total;
  });
  return z;
}

Case product(std::string variant, const Shape& x, const Shape& y) {
  return {.op = "matmul",
          .variant = std::move(variant),
          .inputs = {{.shape = x, .linear = true}, {.shape = y, .linear = true}},
          .f = [](const std::vector<Tensor>& t) { return matmul(t[0], t[1]); },
          .reference = [](const std::vector<Array>& a) { return naive_matmul(a[0], a[1]); }};
}

Case layer(std::string variant, const Shape& x, const Shape& weight, bool bias) {
  Case c{.op = "linear",
         .variant = std::move(variant),
         .inputs = {{.shape = x, .linear = true}, {.shape = weight, .linear = true}},
         .f = [](const std::vector<Tensor>& t) { return t.size() > 2 ? linear(t[0], t[1], t[2]) : linear(t[0], t[1]); },
         .reference = naive_linear};
  if (bias) c.inputs.push_back({.shape = {weight[0]}, .linear = true});
  return c;
}

/// The layer of the book: the weight of linear, transposed.
Case book_layer(std::string variant, const Shape& x, const Shape& w, bool bias) {
  Case c{.op = "affine",
         .variant = std::move(variant),
         .inputs = {{.shape = x, .linear = true}, {.shape = w, .linear = true}},
         .f = [](const std::vector<Tensor>& t) { return t.size() > 2 ? affine(t[0], t[1], t[2]) : affine(t[0], t[1]); },
         .reference =
             [](std::vector<Array> in) {
               Array turned({in[1].shape[1], in[1].shape[0]});
               each_index(turned.shape, [&](const Shape& at) { turned.at(at) = in[1].at({at[1], at[0]}); });
               in[1] = turned;
               return naive_linear(in);
             }};
  if (bias) c.inputs.push_back({.shape = {w[1]}, .linear = true});
  return c;
}

Case outer_product(const Shape& x, const Shape& y) {
  return {.op = "mul",
          .variant = "outer",
          .inputs = {{.shape = x, .linear = true}, {.shape = y, .linear = true}},
          .f = [](const std::vector<Tensor>& t) { return outer(t[0], t[1]); },
          .reference =
              [](const std::vector<Array>& in) {
                Array z({in[0].shape[0], in[1].shape[0]});
                each_index(z.shape, [&](const Shape& at) { z.at(at) = in[0].at({at[0]}) * in[1].at({at[1]}); });
                return z;
              }};
}

Case dot_product(const Shape& x) {
  Case c = product("dot", x, x);
  c.f = [](const std::vector<Tensor>& t) { return dot(t[0], t[1]); };
  return c;
}

}  // namespace

std::vector<Case> product_cases() {
  return {
      product("vector @ vector", {4}, {4}),
      product("vector @ matrix", {3}, {3, 2}),
      product("matrix @ vector", {2, 3}, {3}),
      product("matrix @ matrix", {2, 3}, {3, 4}),
      product("row @ column", {1, 3}, {3, 1}),
      product("column @ row", {3, 1}, {1, 2}),
      product("batch", {3, 2, 4}, {3, 4, 2}),
      product("batch @ matrix", {2, 3, 2, 4}, {4, 2}),
      product("matrix @ batch", {2, 4}, {3, 4, 2}),
      product("batch @ vector", {2, 3, 4}, {4}),
      product("vector @ batch", {3}, {2, 2, 3, 2}),
      product("broadcast batches", {2, 1, 2, 3}, {3, 3, 2}),
      product("batch of rows @ matrix", {3, 1, 4}, {4, 2}),
      product("broadcast in turns", {2, 1, 3, 1, 2, 2}, {2, 1, 2, 2, 3}),
      product("broadcast both ways", {3, 1, 2, 2}, {1, 2, 2, 3}),
      product("inner size 0", {2, 0}, {0, 3}),
      product("no rows", {0, 3}, {3, 2}),
      product("no columns", {2, 3}, {3, 0}),
      product("empty batch", {0, 2, 3}, {3, 2}),
      product("empty vectors", {0}, {0}),
      product("large", {40, 33}, {33, 37}),
      layer("no bias", {3, 4}, {2, 4}, false),
      layer("bias", {3, 4}, {2, 4}, true),
      layer("one sample", {4}, {3, 4}, true),
      layer("leading axes", {2, 1, 3, 4}, {2, 4}, true),
      layer("no samples", {0, 4}, {2, 4}, true),
      layer("no inputs", {3, 0}, {2, 0}, true),
      layer("no outputs", {3, 4}, {0, 4}, true),
      book_layer("no bias", {3, 4}, {4, 2}, false),
      book_layer("bias", {3, 4}, {4, 2}, true),
      book_layer("one sample", {4}, {4, 3}, true),
      book_layer("leading axes", {2, 1, 3, 4}, {4, 2}, true),
      book_layer("no samples", {0, 4}, {4, 2}, true),
      dot_product({4}),
      dot_product({0}),
      outer_product({3}, {2}),
  };
}

}  // namespace chainrule::cases
