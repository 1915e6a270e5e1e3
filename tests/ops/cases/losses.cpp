// Rows for losses. The references walk over positions and classes one by one.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/factory.h"
#include "tests/ops/cases/cases.h"

namespace chainrule::cases {
namespace {

/// log(softmax(x)) over axis 1.
Array log_softmax_reference(const Array& x) {
  Array z(x.shape);
  each_index(x.shape, [&](const Shape& at) {
    double s = 0;
    for (std::int64_t k = 0; k < x.shape[1]; ++k) {
      Shape place = at;
      place[1] = k;
      s += std::exp(x.at(place));
    }
    z.at(at) = x.at(at) - std::log(s);
  });
  return z;
}

constexpr Reduction kReductions[] = {Reduction::none, Reduction::mean, Reduction::sum};
const char* const kReductionNames[] = {"none", "mean", "sum"};

Array reduced(const Array& losses, Reduction r) {
  if (r == Reduction::none) return losses;
  return Array({}, Numbers{r == Reduction::mean ? average(losses.values) : total(losses.values)});
}

Shape without_classes(Shape shape) {
  shape.erase(shape.begin() + 1);
  return shape;
}

/// The classes' probabilities at one position weigh -log softmax.
Array cross_entropy_reference(const Array& x, const Array& weights) {
  const Array logs = log_softmax_reference(x);
  Array z(without_classes(x.shape));
  each_index(x.shape, [&](const Shape& at) { z.at(without_classes(at)) -= weights.at(at) * logs.at(at); });
  return z;
}

std::int64_t label_of(std::int64_t position, std::int64_t classes) { return (position * 2 + 1) % classes; }

/// How class indices are weighed; the label 1 is ignored when `ignoring`.
struct Weighing {
  std::string name;
  std::vector<double> weight;  // empty: 1
  bool ignoring = false;
  double smoothing = 0;
};

std::vector<std::int64_t> labels_for(const Shape& x) {
  std::vector<std::int64_t> y(static_cast<std::size_t>(numel(without_classes(x))));
  for (std::size_t k = 0; k < y.size(); ++k) y[k] = label_of(static_cast<std::int64_t>(k), x[1]);
  return y;
}

Tensor with_indices(const Tensor& x, Reduction r, const Weighing& w) {
  CrossEntropyOptions o{.ignore_index = w.ignoring ? 1 : -100, .reduction = r, .label_smoothing = w.smoothing};
  if (!w.weight.empty()) o.weight = from_vector(w.weight, {x.size(1)}, {.dtype = x.dtype()});
  return cross_entropy(x, from_vector(labels_for(x.shape()), without_classes(x.shape())), o);
}

Array with_indices(const Array& x, Reduction r, const Weighing& w) {
  Array target(x.shape);
  double total_weight = 0;
  std::size_t k = 0;
  const auto y = labels_for(x.shape);
  each_index(without_classes(x.shape), [&](const Shape& at) {
    const std::int64_t label = y[k++];
    if (w.ignoring && label == 1) return;
    auto of_class = [&](std::int64_t c) { return w.weight.empty() ? 1.0 : w.weight[static_cast<std::size_t>(c)]; };
    total_weight += of_class(label);
    for (std::int64_t c = 0; c < x.shape[1]; ++c) {
      Shape place = at;
      place.insert(place.begin() + 1, c);
      target.at(place) =
          of_class(c) * (w.smoothing / static_cast<double>(x.shape[1]) + (c == label ? 1 - w.smoothing : 0));
    }
  });
  Array losses = cross_entropy_reference(x, target);
  if (r != Reduction::mean) return reduced(losses, r);
  return Array({}, Numbers{total(losses.values) / total_weight});
}

void add_cross_entropy(std::vector<Case>& rows) {
  const std::vector<Weighing> ways = {{"plain", {}},
                                      {"weights", {0.5, 2, 1.25}},
                                      {"one label ignored", {}, true},
                                      {"label smoothing", {}, false, 0.3},
                                      {"all of it", {0.5, 2, 1.25}, true, 0.2}};
  for (std::size_t i = 0; i < 3; ++i) {
    const auto r = kReductions[i];
    for (const Shape& shape : {Shape{4, 3}, Shape{2, 3, 2, 2}}) {
      const std::string variant = std::string("reduction ") + kReductionNames[i] + ", shape " + to_string(shape);
      for (const Weighing& w : ways) {
        rows.push_back({.op = "cross_entropy",
                        .variant = variant + ", " + w.name,
                        .inputs = {{.shape = shape}},
                        .f = [=](const std::vector<Tensor>& t) { return with_indices(t[0], r, w); },
                        .reference = [=](const std::vector<Array>& a) { return with_indices(a[0], r, w); },
                        .runs = {"cross_entropy_grad"}});
        if (!w.ignoring) continue;
        rows.back().nan = Nan::somewhere;
        rows.back().nan_reason = "an ignored position counts as 0";
      }
      rows.push_back(
          {.op = "soft_cross_entropy",
           .variant = variant,
           .inputs = {{.shape = shape}, {.shape = shape, .low = 0.1, .high = 1}},
           .f = [=](const std::vector<Tensor>& t) { return cross_entropy(t[0], t[1], r); },
           .reference = [=](const std::vector<Array>& a) { return reduced(cross_entropy_reference(a[0], a[1]), r); }});
      // NaN in one input reaches the other's gradient too; a NaN probability leaves its own gradient alone.
      rows.back().inputs[1].linear = true;
    }
  }
  rows.push_back({.op = "soft_cross_entropy",
                  .variant = "weights and label smoothing",
                  .inputs = {{.shape = {4, 3}}, {.shape = {4, 3}, .low = 0.1, .high = 1, .linear = true}},
                  .f =
                      [](const std::vector<Tensor>& t) {
                        const Tensor w = from_vector(Numbers{0.5, 2, 1.25}, {3}, {.dtype = t[0].dtype()});
                        return cross_entropy(t[0], t[1], {.weight = w, .label_smoothing = 0.25});
                      },
                  .reference =
                      [](const std::vector<Array>& a) {
                        Array y = a[1];
                        const Numbers w{0.5, 2, 1.25};
                        each_index(y.shape, [&](const Shape& at) {
                          y.at(at) = (0.75 * y.at(at) + 0.25 / 3) * w[static_cast<std::size_t>(at[1])];
                        });
                        return reduced(cross_entropy_reference(a[0], y), Reduction::mean);
                      }});
}

/// Losses of yes or no: one number from each pair.
Case pairwise(std::string op, const Input& x, Tensor (*f)(const Tensor&, const Tensor&, Reduction),
              double (*reference)(double, double)) {
  return {.op = std::move(op),
          .inputs = {x, {.shape = x.shape, .low = 0.05, .high = 0.95, .linear = true}},
          .f = [f](const std::vector<Tensor>& t) { return f(t[0], t[1], Reduction::none); },
          .reference =
              [reference](const std::vector<Array>& a) {
                Array z(a[0].shape);
                for (std::size_t i = 0; i < z.values.size(); ++i)
                  z.values[i] = reference(a[0].values[i], a[1].values[i]);
                return z;
              }};
}

}  // namespace

std::vector<Case> loss_cases() {
  std::vector<Case> rows;
  add_cross_entropy(rows);
  rows.push_back(pairwise(
      "binary_cross_entropy", {.shape = {3, 4}, .low = 0.1, .high = 0.9},
      [](const Tensor& x, const Tensor& y, Reduction r) { return binary_cross_entropy(x, y, {.reduction = r}); },
      [](double x, double y) { return -(y * std::log(x) + (1 - y) * std::log(1 - x)); }));
  rows.push_back(pairwise(
      "binary_cross_entropy_with_logits", {.shape = {3, 4}, .low = -6, .high = 6},
      [](const Tensor& x, const Tensor& y, Reduction r) {
        return binary_cross_entropy_with_logits(x, y, {.reduction = r});
      },
      [](double x, double y) {
        const double p = 1 / (1 + std::exp(-x));
        return -(y * std::log(p) + (1 - y) * std::log(1 - p));
      }));
  return rows;
}

}  // namespace chainrule::cases
