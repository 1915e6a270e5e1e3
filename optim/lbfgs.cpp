// L-BFGS: the two-loop recursion and its state; the search along a direction is in wolfe.h.
#include "optim/lbfgs.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/types/error.h"
#include "optim/arguments.h"
#include "optim/wolfe.h"

namespace chainrule {

namespace {

using Numbers = std::vector<double>;

double dot(const Numbers& a, const Numbers& b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

double largest(const Numbers& x) {
  double most = 0;
  for (const double v : x) most = std::isnan(v) ? v : std::max(most, std::abs(v));
  return most;
}

/// y += scale x.
void add(Numbers& y, double scale, const Numbers& x) {
  for (std::size_t i = 0; i < y.size(); ++i) y[i] += scale * x[i];
}

using Kept = std::deque<std::shared_ptr<const Numbers>>;

Tensor matrix(const Kept& rows, std::size_t columns) {
  Numbers all;
  for (const auto& row : rows) all.insert(all.end(), row->begin(), row->end());
  return from_vector(all, {std::ssize(rows), static_cast<std::int64_t>(columns)});
}

Kept rows_of(const Tensor& m) {
  const Numbers all = m.to_vector();
  Kept rows;
  const auto columns = m.size(1);
  for (std::int64_t r = 0; r < m.size(0); ++r)
    rows.push_back(std::make_shared<const Numbers>(all.begin() + r * columns, all.begin() + (r + 1) * columns));
  return rows;
}

}  // namespace

LBFGS::LBFGS(Groups<LBFGSOptions> groups, LBFGSOptions options) : OptimizerOf(std::move(groups), options) {
  if (group_count() != 1)
    throw ValueError(fmt::format("LBFGS: all parameters are one vector, so there is one group, not {}", group_count()));
}

void LBFGS::check(const Options& o) {
  using namespace optim;
  const auto at_least_one = [](const char* argument, std::int64_t value) {
    if (value < 1) throw ValueError(fmt::format("LBFGS: {} must be at least 1, not {}", argument, value));
  };
  expect_not_negative(kName, "lr", o.lr);
  at_least_one("max_iter", o.max_iter);
  if (o.max_eval) at_least_one("max_eval", *o.max_eval);
  expect_not_negative(kName, "tolerance_grad", o.tolerance_grad);
  expect_not_negative(kName, "tolerance_change", o.tolerance_change);
  at_least_one("history_size", o.history_size);
}

void LBFGS::change(const Update&, const Options&) {
  throw ValueError(
      "LBFGS: step takes the loss as a function, since it is asked for several times: optimizer.step([&] { "
      "optimizer.zero_grad(); Tensor loss = ...; loss.backward(); return loss; })");
}

// --- all parameters as one vector -----------------------------------------------------------------------------------

std::size_t LBFGS::size() const {
  std::int64_t n = 0;
  for (const NamedTensor& p : parameters()) n += p.tensor.numel();
  return static_cast<std::size_t>(n);
}

LBFGS::Numbers LBFGS::gradient() const {
  Numbers all;
  all.reserve(size());
  for (const NamedTensor& p : parameters()) {
    if (p.tensor.requires_grad() && p.tensor.has_grad()) {
      const Numbers own = p.tensor.grad().to_vector();
      all.insert(all.end(), own.begin(), own.end());
    } else {
      all.resize(all.size() + static_cast<std::size_t>(p.tensor.numel()));
    }
  }
  return all;
}

LBFGS::Numbers LBFGS::values() const {
  Numbers all;
  all.reserve(size());
  for (const NamedTensor& p : parameters()) {
    const Numbers own = p.tensor.to_vector();
    all.insert(all.end(), own.begin(), own.end());
  }
  return all;
}

void LBFGS::move(const Numbers& start, double length, const Numbers& direction, const SourceLocation& where) {
  const NoGrad in_place;
  std::size_t at = 0;
  for (const NamedTensor& p : parameters()) {
    Tensor parameter = p.tensor;
    const auto n = static_cast<std::size_t>(parameter.numel());
    if (parameter.requires_grad()) {
      void* data = parameter.mutable_data("LBFGS::step", where);
      dispatch_floating(parameter.dtype(), [&](auto zero) {
        using T = decltype(zero);
        for (std::size_t i = 0; i < n; ++i)
          static_cast<T*>(data)[i] =
              static_cast<T>(length == 0 ? start[at + i] : start[at + i] + length * direction[at + i]);
      });
    }
    at += n;
  }
}

// --- the direction --------------------------------------------------------------------------------------------------

void LBFGS::remember(const Numbers& gradient_now) {
  Numbers y = gradient_now, s(y.size(), 0.0);
  add(y, -1, memory_.gradient);
  add(s, memory_.length, memory_.direction);
  if (dot(y, s) <= 1e-10) return;  // no curvature to learn from
  if (std::ssize(memory_.value_steps) == options().history_size) {
    memory_.value_steps.pop_front();
    memory_.gradient_steps.pop_front();
  }
  memory_.gradient_steps.push_back(std::make_shared<const Numbers>(std::move(y)));
  memory_.value_steps.push_back(std::make_shared<const Numbers>(std::move(s)));
}

LBFGS::Numbers LBFGS::next_direction(const Numbers& gradient_now) const {
  const auto &ys = memory_.gradient_steps, &ss = memory_.value_steps;
  Numbers d(gradient_now.size(), 0.0), share(ys.size());
  add(d, -1, gradient_now);
  for (std::size_t i = ys.size(); i-- > 0;) {
    share[i] = dot(*ss[i], d) * (1 / dot(*ys[i], *ss[i]));
    add(d, -share[i], *ys[i]);
  }
  if (!ys.empty()) {
    const double scale = dot(*ys.back(), *ss.back()) / dot(*ys.back(), *ys.back());
    for (double& v : d) v *= scale;
  }
  for (std::size_t i = 0; i < ys.size(); ++i) add(d, share[i] - dot(*ys[i], d) * (1 / dot(*ys[i], *ss[i])), *ss[i]);
  std::size_t at = 0;  // what is frozen now, and was not, does not move
  for (const NamedTensor& p : parameters()) {
    const auto n = static_cast<std::size_t>(p.tensor.numel());
    if (!p.tensor.requires_grad()) std::fill_n(d.begin() + static_cast<std::ptrdiff_t>(at), n, 0.0);
    at += n;
  }
  return d;
}

Tensor LBFGS::step(const std::function<Tensor()>& closure, SourceLocation where) {
  const Numbers start = values();
  Memory before = memory_;
  try {
    return search(closure, where);
  } catch (...) {
    move(start, 0, start, where);
    memory_ = std::move(before);
    throw;
  }
}

Tensor LBFGS::search(const std::function<Tensor()>& closure, const SourceLocation& where) {
  const Options& o = options();
  const auto evaluate = [&] {
    const EnableGrad recorded;
    return closure();
  };
  Tensor first_loss = evaluate();
  double loss = first_loss.item();
  std::int64_t calls = 1;
  const std::int64_t most_calls = o.max_eval.value_or(o.max_iter * 5 / 4);
  Numbers g = gradient();
  bool optimal = largest(g) <= o.tolerance_grad;
  if (optimal) return first_loss;
  Memory& m = memory_;
  for (std::int64_t iteration = 1;; ++iteration) {
    if (m.iterations > 0) remember(g);
    m.direction = next_direction(g);
    const double before = loss;
    double size_of_g = 0;
    for (const double v : g) size_of_g += std::abs(v);
    m.length = m.iterations == 0 ? std::min(1.0, 1 / size_of_g) * o.lr : o.lr;
    ++m.iterations;
    m.gradient = g;
    const double slope = dot(g, m.direction);
    if (slope > -o.tolerance_change) break;
    const Numbers start = values();
    if (o.strong_wolfe) {
      const auto at = [&](double length) {
        move(start, length, m.direction, where);
        optim::LinePoint point{.length = length, .value = evaluate().item(), .slope = 0, .gradient = gradient()};
        point.slope = dot(point.gradient, m.direction);
        return point;
      };
      const optim::LinePoint from{.length = 0, .value = loss, .slope = slope, .gradient = g};
      auto found = optim::strong_wolfe(at, from, m.length, largest(m.direction), o.tolerance_change);
      calls += found.calls;
      loss = found.point.value;
      m.length = found.point.length;
      g = std::move(found.point.gradient);
      move(start, m.length, m.direction, where);
    } else {
      move(start, m.length, m.direction, where);
      if (iteration != o.max_iter) {  // nothing is done with the loss after the last one
        loss = evaluate().item();
        g = gradient();
        ++calls;
      }
    }
    optimal = largest(g) <= o.tolerance_grad;
    if (iteration == o.max_iter || calls >= most_calls || optimal) break;
    if (largest(m.direction) * m.length <= o.tolerance_change || std::abs(loss - before) < o.tolerance_change) break;
  }
  return first_loss;
}

// --- state ----------------------------------------------------------------------------------------------------------

std::vector<NamedTensor> LBFGS::state() const {
  const Memory& m = memory_;
  std::vector<NamedTensor> list{{"lbfgs.step", from_vector({m.iterations}, {})}};
  if (m.iterations == 0) return list;
  const Shape all{static_cast<std::int64_t>(size())};
  list.push_back({"lbfgs.length", from_vector({m.length}, {})});
  list.push_back({"lbfgs.direction", from_vector(m.direction, all)});
  list.push_back({"lbfgs.gradient", from_vector(m.gradient, all)});
  list.push_back({"lbfgs.gradient_steps", matrix(m.gradient_steps, size())});
  list.push_back({"lbfgs.value_steps", matrix(m.value_steps, size())});
  return list;
}

void LBFGS::load_state(const std::vector<NamedTensor>& given) {
  const auto find = [&](const char* name) -> const Tensor* {
    for (const NamedTensor& t : given)
      if (t.name == name && t.tensor.defined()) return &t.tensor;
    return nullptr;
  };
  const Tensor *step = find("lbfgs.step"), *steps = find("lbfgs.gradient_steps");
  Memory loaded;
  const bool counted = step != nullptr && step->dtype() == DType::int64 && step->numel() == 1;
  if (counted) loaded.iterations = *step->data<std::int64_t>();
  if (loaded.iterations < 0)
    throw ValueError(fmt::format("LBFGS: 'lbfgs.step' is {}; nothing was changed", loaded.iterations));
  std::vector<NamedTensor> expected{{"lbfgs.step", from_vector({std::int64_t{0}}, {})}};
  if (!counted || loaded.iterations > 0) {
    const auto n = static_cast<std::int64_t>(size());
    const std::int64_t rows =
        steps != nullptr && steps->dim() == 2 ? std::min(steps->size(0), options().history_size) : 0;
    const Tensor vector = zeros({n}, DType::float64), table = zeros({rows, n}, DType::float64);
    expected.push_back({"lbfgs.length", from_vector({0.0}, {})});
    for (const char* name : {"lbfgs.direction", "lbfgs.gradient"}) expected.push_back({name, vector});
    for (const char* name : {"lbfgs.gradient_steps", "lbfgs.value_steps"}) expected.push_back({name, table});
  }
  optim::expect_same(kName, expected, given);
  if (loaded.iterations > 0) {
    loaded.length = find("lbfgs.length")->item();
    loaded.direction = find("lbfgs.direction")->to_vector();
    loaded.gradient = find("lbfgs.gradient")->to_vector();
    loaded.gradient_steps = rows_of(*steps);
    loaded.value_steps = rows_of(*find("lbfgs.value_steps"));
  }
  memory_ = std::move(loaded);
}

}  // namespace chainrule
