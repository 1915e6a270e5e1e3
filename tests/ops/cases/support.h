// What rows are made of: operations on single numbers with a reference on plain numbers, and operations of one input
// that move elements.
#pragma once

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "tests/ops/cases/cases.h"

namespace chainrule::cases {

using Numbers = std::vector<double>;
using One = double (*)(double);
using Two = double (*)(double, double);

/// What broadcasting means: the element of a for a position of a wider shape.
inline double spread(const Array& a, const Shape& at) {
  Shape index = Shape::filled(a.shape.size(), 0);
  const std::size_t lead = at.size() - a.shape.size();
  for (std::size_t i = 0; i < index.size(); ++i) index[i] = a.shape[i] == 1 ? 0 : at[lead + i];
  return a.at(index);
}

inline Shape common(const Shape& x, const Shape& y) {
  Shape z = Shape::filled(std::max(x.size(), y.size()), 1);
  for (const Shape* s : {&x, &y})
    for (std::size_t i = 0; i < s->size(); ++i)
      if ((*s)[i] != 1) z[z.size() - s->size() + i] = (*s)[i];
  return z;
}

inline Array pairwise(const Array& x, const Array& y, Two f) {
  Array z(common(x.shape, y.shape));
  each_index(z.shape, [&](const Shape& at) { z.at(at) = f(spread(x, at), spread(y, at)); });
  return z;
}

/// The reference of an operation whose result at `index` is x at where(index).
template <class F>
std::function<Array(const std::vector<Array>&)> moved(const Shape& shape, F where) {
  return [=](const std::vector<Array>& x) {
    Array z(shape);
    each_index(shape, [&](const Shape& index) { z.at(index) = x[0].at(where(index)); });
    return z;
  };
}

/// A row of one input, in which the operation is linear.
inline Case one(std::string op, std::string variant, const Shape& x, std::function<Tensor(const Tensor&)> f,
                std::function<Array(const std::vector<Array>&)> reference) {
  return {.op = std::move(op),
          .variant = std::move(variant),
          .inputs = {{.shape = x, .linear = true}},
          .f = [f = std::move(f)](const std::vector<Tensor>& t) { return f(t[0]); },
          .reference = std::move(reference)};
}

inline Case unary(std::string op, Tensor (*f)(const Operand&), One reference, Input input = {.shape = {}}) {
  input.shape = {3, 4};
  return {.op = std::move(op),
          .variant = "",
          .inputs = {input},
          .f = [f](const std::vector<Tensor>& t) { return f(t[0]); },
          .reference =
              [reference](const std::vector<Array>& a) {
                Array z = a[0];
                for (double& v : z.values) v = reference(v);
                return z;
              }};
}

inline Case binary(std::string op, Tensor (*f)(const Operand&, const Operand&), Two reference, Input x, Input y) {
  x.shape = {3, 4};
  y.shape = {4};
  return {.op = std::move(op),
          .variant = "",
          .inputs = {x, y},
          .f = [f](const std::vector<Tensor>& t) { return f(t[0], t[1]); },
          .reference = [reference](const std::vector<Array>& a) { return pairwise(a[0], a[1], reference); },
          .broadcasts = true};
}

// Brings the second operand of a choice to both sides of the first and never near it: [3, 4) goes to (-4, -3].
inline double to_a_side(double y) { return y > 4 ? y : -y; }

inline Case choice(std::string op, Tensor (*f)(const Operand&, const Operand&), Two reference) {
  return {.op = std::move(op),
          .variant = "",
          .inputs = {{.shape = {3, 4}}, {.shape = {4}, .low = 3, .high = 5, .kinks = {4}}},
          .f = [f](const std::vector<Tensor>& t) { return f(t[0], where(t[1] > 4, t[1], -t[1])); },
          .reference =
              [reference](const std::vector<Array>& a) {
                Array y = a[1];
                for (double& v : y.values) v = to_a_side(v);
                return pairwise(a[0], y, reference);
              },
          .broadcasts = true};
}

inline Case with(Case c, std::string variant, std::vector<std::string> runs = {}) {
  c.variant = std::move(variant);
  c.runs = std::move(runs);
  return c;
}

/// An operation of one operand, with a function object where more than a name is needed.
inline Case calls(std::string op, std::string variant, Input input, Tensor (*f)(const Tensor&), One reference) {
  Case c = unary(std::move(op), nullptr, reference, std::move(input));
  c.variant = std::move(variant);
  c.f = [f](const std::vector<Tensor>& t) { return f(t[0]); };
  return c;
}

/// An operation of two operands, with a function object where more than a name is needed.
inline Case pairs(std::string op, std::string variant, Tensor (*f)(const Tensor&, const Tensor&), Two reference,
                  Input x, Input y) {
  Case c = binary(std::move(op), nullptr, reference, std::move(x), std::move(y));
  c.variant = std::move(variant);
  c.f = [f](const std::vector<Tensor>& t) { return f(t[0], t[1]); };
  return c;
}

inline double total(const Numbers& v) { return std::accumulate(v.begin(), v.end(), 0.0); }
inline double average(const Numbers& v) { return total(v) / static_cast<double>(v.size()); }

}  // namespace chainrule::cases
