// Rows for normalisation, dropout and embedding. The references collect one group of numbers after the other.
#include <cmath>
#include <map>
#include <optional>

#include "engine/factory.h"
#include "tests/ops/cases/cases.h"

namespace chainrule::cases {
namespace {

constexpr double kEps = 0.01;  // large enough for central differences

/// Says for a position of x which group it is in, and which weight it has.
using Place = std::function<std::int64_t(const Shape& at, const Shape& x)>;

Array normalise(const std::vector<Array>& inputs, const Place& group, const Place& weight, bool centred) {
  const Array& x = inputs[0];
  struct Group {
    double n = 0, sum = 0, squares = 0;
  };
  std::map<std::int64_t, Group> groups;
  each_index(x.shape, [&](const Shape& at) {
    Group& g = groups[group(at, x.shape)];
    g.n += 1;
    g.sum += x.at(at);
  });
  each_index(x.shape, [&](const Shape& at) {
    Group& g = groups[group(at, x.shape)];
    const double d = x.at(at) - (centred ? g.sum / g.n : 0);
    g.squares += d * d;
  });
  Array z(x.shape);
  each_index(x.shape, [&](const Shape& at) {
    const Group& g = groups[group(at, x.shape)];
    const auto k = static_cast<std::size_t>(weight(at, x.shape));
    double v = (x.at(at) - (centred ? g.sum / g.n : 0)) / std::sqrt(g.squares / g.n + kEps);
    if (inputs.size() > 1) v *= inputs[1].values[k];
    if (inputs.size() > 2) v += inputs[2].values[k];
    z.at(at) = v;
  });
  return z;
}

std::int64_t channel(const Shape& at, const Shape&) { return at[1]; }
std::int64_t last(const Shape& at, const Shape&) { return at.back(); }
std::int64_t last_two(const Shape& at, const Shape& x) { return at[at.size() - 2] * x.back() + at.back(); }
std::int64_t row(const Shape& at, const Shape& x) {
  std::int64_t r = 0;
  for (std::size_t i = 0; i + 1 < at.size(); ++i) r = r * x[i] + at[i];
  return r;
}
std::int64_t sample(const Shape& at, const Shape&) { return at[0]; }
std::int64_t channel_of_sample(const Shape& at, const Shape& x) { return at[0] * x[1] + at[1]; }
Place group_of(std::int64_t groups) {
  return [groups](const Shape& at, const Shape& x) { return at[0] * groups + at[1] / (x[1] / groups); };
}

Tensor maybe(const std::vector<Tensor>& t, std::size_t i) { return i < t.size() ? t[i] : Tensor(); }

/// How one kind is called, and what its groups and weights are.
struct Kind {
  std::string op, variant;
  Shape shape, weights;
  std::function<Tensor(const std::vector<Tensor>&)> f;
  Place group, weight;
};

void add_rows(std::vector<Case>& rows, const Kind& k) {
  const bool centred = k.op != "rms_norm";
  for (const std::size_t inputs : {1, 2, 3}) {
    if (inputs == 3 && !centred) continue;
    Case c{.op = k.op,
           .variant = k.variant + (inputs == 1   ? ", plain"
                                   : inputs == 2 ? ", weight"
                                                 : ", weight and bias"),
           .inputs = {{.shape = k.shape}},
           .f = k.f,
           .reference = [k, centred](const std::vector<Array>& a) { return normalise(a, k.group, k.weight, centred); },
           .runs = {"norm_grad"},
           .tolerance32 = 1e-4};  // derivatives are divided by deviations
    if (inputs > 1) {
      c.inputs.push_back({.shape = k.weights, .low = 0.5, .high = 1.5, .linear = true});
      c.runs.emplace_back("norm_weight_grad");
    }
    if (inputs > 2) c.inputs.push_back({.shape = k.weights, .linear = true});
    rows.push_back(std::move(c));
  }
}

/// 0 or 1 / (1 - p) for each place, straight from the generator's block function.
Array dropped(const Array& x, double p, std::uint64_t seed) {
  Generator generator(seed);
  const std::uint64_t key = generator.next_u64();
  Array z(x.shape);
  for (std::size_t i = 0; i < z.values.size(); ++i) {
    const auto block = static_cast<std::uint32_t>(i / 4);
    const auto bits =
        philox({block, 0, 0, 0}, {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32)});
    z.values[i] = bits[i % 4] / 4294967296.0 < p ? 0 : x.values[i] / (1 - p);
  }
  return z;
}

}  // namespace

std::vector<Case> norm_cases() {
  std::vector<Case> rows;
  const auto batch = [](const std::vector<Tensor>& t) {
    return batch_norm(t[0], {}, {}, maybe(t, 1), maybe(t, 2), {.training = true, .eps = kEps});
  };
  add_rows(rows, {"batch_norm", "(N, C)", {5, 3}, {3}, batch, channel, channel});
  add_rows(rows, {"batch_norm", "(N, C, L)", {3, 2, 4}, {2}, batch, channel, channel});
  add_rows(rows, {"batch_norm", "images", {2, 3, 2, 3}, {3}, batch, channel, channel});
  const auto instance = [](const std::vector<Tensor>& t) {
    return instance_norm(t[0], {}, {}, maybe(t, 1), maybe(t, 2), {.eps = kEps});
  };
  add_rows(rows, {"instance_norm", "images", {2, 3, 2, 3}, {3}, instance, channel_of_sample, channel});
  for (const std::int64_t groups : {1, 2}) {
    const auto f = [groups](const std::vector<Tensor>& t) {
      return group_norm(t[0], groups, maybe(t, 1), maybe(t, 2), kEps);
    };
    const std::string name = std::to_string(groups) + " groups";
    add_rows(rows, {"group_norm", name, {2, 4, 2, 2}, {4}, f, group_of(groups), channel});
    add_rows(rows, {"group_norm", name + ", (N, C)", {2, 8}, {8}, f, group_of(groups), channel});
  }
  const auto layer = [](const std::vector<Tensor>& t) {
    return layer_norm(t[0], {t[0].size(-1)}, maybe(t, 1), maybe(t, 2), kEps);
  };
  add_rows(rows, {"layer_norm", "last axis", {2, 2, 5}, {5}, layer, row, last});
  const auto layer_two = [](const std::vector<Tensor>& t) {
    return layer_norm(t[0], {t[0].size(-2), t[0].size(-1)}, maybe(t, 1), maybe(t, 2), kEps);
  };
  add_rows(rows, {"layer_norm", "last two axes", {3, 2, 4}, {2, 4}, layer_two, sample, last_two});
  add_rows(
      rows,
      {"layer_norm", "all axes", {2, 4}, {2, 4}, layer_two, [](const Shape&, const Shape&) { return 0; }, last_two});
  const auto rms = [](const std::vector<Tensor>& t) { return rms_norm(t[0], {t[0].size(-1)}, maybe(t, 1), kEps); };
  add_rows(rows, {"rms_norm", "last axis", {2, 2, 5}, {5}, rms, row, last});

  rows.push_back({.op = "batch_norm",
                  .variant = "running values as constants",
                  .inputs = {{.shape = {2, 3, 2}, .linear = true},
                             {.shape = {3}, .low = 0.5, .high = 1.5, .linear = true},
                             {.shape = {3}, .linear = true}},
                  .f =
                      [](const std::vector<Tensor>& t) {
                        const Tensor mean = from_vector(std::vector<double>{0.5, -1, 2}, {3}, {.dtype = t[0].dtype()}),
                                     var = from_vector(std::vector<double>{0.25, 1, 3}, {3}, {.dtype = t[0].dtype()});
                        return batch_norm(t[0], mean, var, t[1], t[2], {.eps = kEps});
                      },
                  .reference =
                      [](const std::vector<Array>& a) {
                        const std::vector<double> mean{0.5, -1, 2}, var{0.25, 1, 3};
                        Array z(a[0].shape);
                        each_index(z.shape, [&](const Shape& at) {
                          const auto k = static_cast<std::size_t>(at[1]);
                          z.at(at) =
                              (a[0].at(at) - mean[k]) / std::sqrt(var[k] + kEps) * a[1].values[k] + a[2].values[k];
                        });
                        return z;
                      }});
  rows.push_back({.op = "dropout",
                  .inputs = {{.shape = {3, 4}, .linear = true}},
                  .f =
                      [](const std::vector<Tensor>& t) {
                        manual_seed(11);
                        return dropout(t[0], 0.4);
                      },
                  .reference = [](const std::vector<Array>& a) { return dropped(a[0], 0.4, 11); }});
  rows.push_back(
      {.op = "embedding",
       .inputs = {{.shape = {5, 3}, .linear = true}},
       .f =
           [](const std::vector<Tensor>& t) {
             return embedding(from_vector(std::vector<std::int64_t>{4, 0, 2, 2}, {2, 2}), t[0]);
           },
       .reference =
           [](const std::vector<Array>& a) {
             const std::int64_t index[] = {4, 0, 2, 2};
             Array z({2, 2, 3});
             each_index(z.shape, [&](const Shape& at) { z.at(at) = a[0].at({index[at[0] * 2 + at[1]], at[2]}); });
             return z;
           },
       .nan = Nan::somewhere,
       .nan_reason = "rows that are not picked have no part in the result",
       .runs = {"embedding_grad"}});
  return rows;
}

}  // namespace chainrule::cases
