// The course of a check of one order: two evaluations, the walk, then element after element against numbers.
#include "engine/check/course.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "engine/backward.h"
#include "engine/check/detached.h"
#include "engine/check/difference.h"
#include "engine/check/explain.h"
#include "engine/check/rounding.h"
#include "engine/check/state.h"
#include "engine/node.h"
#include "engine/profile.h"
#include "engine/types/error.h"

namespace chainrule::internal {
namespace {

using Tensors = std::vector<Tensor>;
using Verdict = GradcheckVerdict;
using Element = ElementResult;

class Check {
 public:
  Check(const GradcheckOptions& options, GradcheckReport& report, const CheckedFunction& evaluate, const Tensors& x,
        int order)
      : options_(options),
        report_(report),
        evaluate_(evaluate),
        x_(x),
        generator_(options.seed, static_cast<std::uint64_t>(order)) {}

  /// Checks every input; the entries of report.inputs from `first` on are theirs.
  void run(std::size_t first) {
    compare(first);
    explain(std::span(report_.inputs).subspan(first), evaluate_, x_, tolerance_, single_, generator_);
  }

 private:
  void compare(std::size_t first) {
    const Generator::State state = default_generator().state();
    const Tensors outputs = first_evaluation();
    const bool draws = !options_.freeze_random && !(default_generator().state() == state);
    Tensors again = evaluate_(x_);
    // What draws few random numbers may draw the same ones twice.
    for (int more = 0; draws && more < 30 && first_difference(outputs, again).empty(); ++more) again = evaluate_(x_);
    if (!look_at(outputs, again)) return fail_all(first, Verdict::unused, "no floating value is computed from it");
    if (const std::string difference = first_difference(outputs, again); !difference.empty()) {
      // Once more, keeping every value, to see where the two part.
      const TeachingMode keep_values;
      const Tensors one = evaluate_(x_);
      Tensors two = evaluate_(x_);
      for (int more = 0; more < 30 && first_difference(one, two).empty(); ++more) two = evaluate_(x_);
      const GradcheckBlame blame = where_they_part(one, two);
      std::string reason = fmt::format("two evaluations differ in {}", difference);
      if (!blame.op.empty()) reason += fmt::format(": first at {}", blame.text());
      if (!blame.input.empty()) reason += fmt::format(", by its input {}", blame.input);
      fail_all(first, Verdict::non_deterministic, reason);
      for (std::size_t i = 0; i < x_.size(); ++i) report_.inputs[first + i].blame = blame;
      return;
    }
    for (const std::size_t k : kept_) append(base_, outputs[k]);
    const auto bad = std::count_if(base_.begin(), base_.end(), [](double v) { return !std::isfinite(v); });
    if (bad > 0)
      return fail_all(first, Verdict::non_finite,
                      fmt::format("{} of {} output elements are not finite", bad, base_.size()));
    make_cotangents(outputs);
    note_rounding();
    const std::vector<Gradient> gradients = walk(outputs), gradients_again = walk(again);
    for (std::size_t i = 0; i < x_.size(); ++i) {
      GradcheckInput& result = report_.inputs[first + i];
      if (!gradients[i].error.empty()) {
        fail(result, gradients[i].verdict, gradients[i].error);
      } else if (gradients[i].value.defined() && gradients_again[i].value.defined() &&
                 !same_bits(gradients[i].value, gradients_again[i].value)) {
        fail(result, Verdict::non_deterministic, "two backward walks give different gradients");
      } else {
        check_input(i, gradients[i].value, result);
      }
    }
  }

  struct Gradient {
    Tensor value;  // undefined: no path
    Verdict verdict = Verdict::ok;
    std::string error{};
  };
  static void append(std::vector<double>& values, const Tensor& t) {
    const std::vector<double> more = t.to_vector();
    values.insert(values.end(), more.begin(), more.end());
  }

  static void fail(GradcheckInput& result, Verdict verdict, std::string reason) {
    result.verdict = verdict;
    result.reason = std::move(reason);
  }
  void fail_all(std::size_t first, Verdict verdict, const std::string& reason) {
    for (std::size_t i = 0; i < x_.size(); ++i) fail(report_.inputs[first + i], verdict, reason);
  }
  void note(std::string text) {
    if (std::find(report_.notes.begin(), report_.notes.end(), text) == report_.notes.end())
      report_.notes.push_back(std::move(text));
  }

  /// Sees whether an operation on the way computes in float32.
  Tensors first_evaluation() {
    struct Narrow final : Observer {
      const OpInfo* first = nullptr;
      void computed(const OpInfo& info, std::span<const Tensor* const>, Tensor& result) override {
        if (!first && result.dtype() == DType::float32) first = &info;
      }
    } narrow;
    const Scope<Observer*> watched(&ThreadState::observer, &narrow);
    Tensors outputs = evaluate_(x_);
    if (!narrow.first) return outputs;
    single_ = true;
    if (options_.dtype == DType::float64)
      note(fmt::format("{} computes in float32: checked with the tolerances of float32", narrow.first->name));
    return outputs;
  }

  /// Chooses the outputs that can be checked; false when there is none.
  bool look_at(const Tensors& outputs, const Tensors& again) {
    if (outputs.size() != again.size())
      throw ValueError(
          fmt::format("gradcheck: the function returned {} outputs, then {}", outputs.size(), again.size()));
    for (std::size_t k = 0; k < outputs.size(); ++k) {
      if (!outputs[k].defined() || !again[k].defined())
        throw ValueError(fmt::format("gradcheck: output {} of the function is an empty handle", k + 1));
      const DType d = outputs[k].dtype();
      if (!is_floating(d)) {
        note(fmt::format("output {} holds {} and was left out", k + 1, name_of(d)));
        continue;
      }
      if (!outputs[k].requires_grad())
        note(fmt::format("output {} is constant to the graph: its gradient was taken as 0", k + 1));
      single_ |= d == DType::float32;
      kept_.push_back(k);
    }
    if (kept_.empty()) return false;
    report_.compared_output = true;
    single_ |= options_.dtype == DType::float32;
    tolerance_ = {options_.rtol.value_or(single_ ? 5e-3 : 1e-6), options_.atol.value_or(single_ ? 1e-4 : 1e-8),
                  options_.atol.has_value()};
    return true;
  }

  // A result of one number is what the caller differentiates: its weight is 1.
  void make_cotangents(const Tensors& outputs) {
    for (const std::size_t k : kept_) {
      Tensor c = empty(outputs[k].shape(), outputs[k].dtype());
      dispatch_floating(c.dtype(), [&](auto zero) {
        using T = decltype(zero);
        T* p = static_cast<T*>(c.mutable_data("gradcheck"));
        for (std::int64_t i = 0; i < c.numel(); ++i) {
          p[i] = base_.size() == 1 ? T{1} : static_cast<T>(random_weight(generator_));
          weights_.push_back(static_cast<double>(p[i]));
        }
      });
      cotangents_.push_back(c);
    }
  }

  // What rounding inside the function makes of the weighed outputs, beside that of the outputs themselves.
  void note_rounding() {
    report_.weighed |= base_.size() > 1;
    const double epsilon = difference_plan(single_).epsilon;
    auto moved = [&](double by) {
      std::vector<double> all;
      for (const auto& part : rounding_spread([&] { return evaluate_(x_); }, generator_, by))
        all.insert(all.end(), part.begin(), part.end());
      all.resize(base_.size());
      return all;
    };
    const std::vector<double> one = moved(1), many = moved(64);
    for (std::size_t i = 0; i < base_.size(); ++i) {
      // What does not grow with the digits that are moved is a jump, not rounding.
      const double spread = std::isfinite(many[i]) && many[i] > 8 * one[i] ? one[i] : 0;
      rounding_ += std::abs(weights_[i]) * std::max(epsilon * std::abs(base_[i]), spread);
    }
  }

  // What rounding makes of one element of the gradient by input i.
  double rounding_of_gradient(std::size_t i, std::size_t element) {
    const auto spread = rounding_spread(
        [&] {
          Tensors gradients;
          for (Gradient& g : walk(evaluate_(x_))) gradients.push_back(std::move(g.value));
          return gradients;
        },
        generator_);
    return i < spread.size() && element < spread[i].size() ? spread[i][element] : 0;
  }

  std::vector<Gradient> walk(const Tensors& outputs) {
    std::vector<Gradient> gradients(x_.size());
    Tensors roots;
    GradOptions options{.retain_graph = true, .allow_unused = true};
    for (std::size_t i = 0; i < kept_.size(); ++i) {
      if (!outputs[kept_[i]].requires_grad()) continue;
      roots.push_back(outputs[kept_[i]]);
      options.cotangents.push_back(cotangents_[i]);
    }
    if (roots.empty()) return gradients;
    try {
      const Tensors all = grad(roots, x_, options);
      for (std::size_t i = 0; i < all.size(); ++i) gradients[i].value = all[i];
      return gradients;
    } catch (const ShapeError&) {
    } catch (const GraphError&) {}
    // A rule on the way is wrong in form. One walk for each input tells which of them it serves.
    for (std::size_t i = 0; i < x_.size(); ++i) {
      try {
        gradients[i].value = grad(roots, {x_[i]}, options)[0];
      } catch (const ShapeError& e) {
        gradients[i] = {{}, Verdict::wrong_shape, e.what()};
      } catch (const GraphError& e) {
        gradients[i] = {{}, Verdict::mismatch, e.what()};
      }
    }
    return gradients;
  }

  std::vector<std::int64_t> chosen_elements(std::int64_t count) {
    std::vector<std::int64_t> elements;
    if (options_.sample > 0 && options_.sample < count) {
      elements = generator_.permutation(count);
      elements.resize(static_cast<std::size_t>(options_.sample));
      std::sort(elements.begin(), elements.end());
    } else {
      elements.resize(static_cast<std::size_t>(count));
      std::iota(elements.begin(), elements.end(), std::int64_t{0});
    }
    return elements;
  }

  void check_input(std::size_t input, const Tensor& gradient, GradcheckInput& result) {
    const Tensor& x = x_[input];
    if (gradient.defined() && gradient.shape() != x.shape())
      return fail(
          result, Verdict::wrong_shape,
          fmt::format("the gradient has shape {}, the input {}", to_string(gradient.shape()), to_string(x.shape())));
    const std::vector<double> analytic =
        gradient.defined() ? gradient.to_vector() : std::vector<double>(static_cast<std::size_t>(x.numel()), 0.0);
    const std::vector<double> values = x.to_vector();
    const double span = largest_size(values);
    double worst = -1;
    std::int64_t worst_place = 0;
    bool non_finite = false;
    std::vector<Element> wrong;
    for (const std::int64_t i : chosen_elements(x.numel())) {
      const Element e = check_element(x, i, values[i], analytic[i], span);
      ++result.checked;
      result.kinks += e.verdict == Verdict::kink;
      non_finite |= e.verdict == Verdict::non_finite;
      if (e.verdict == Verdict::mismatch || e.verdict == Verdict::non_finite) {
        ++result.mismatches;
        wrong.push_back(e);
      }
      // An element that fails goes before a kink, and a kink before one that passes.
      const double rank = e.verdict == Verdict::ok ? 0 : e.verdict == Verdict::kink ? 1e100 : 1e200;
      const double badness = rank + std::min(e.badness(), 1e300);
      if (badness <= worst) continue;
      worst = badness;
      worst_place = i;
      result.remark = e.remark;
      result.unsure = e.unsure;
      result.compared = true;
      result.worst = index_of(i, x.shape());
      result.analytic = e.analytic;
      result.numeric = e.numeric;
      result.absolute_error = std::abs(e.analytic - e.numeric);
      const double size = std::max(std::abs(e.analytic), std::abs(e.numeric));
      result.relative_error = result.absolute_error == 0 ? 0 : result.absolute_error / size;
      result.tolerance = e.tolerance;
      result.step = e.step;
    }
    if (!wrong.empty()) result.rounding = rounding_of_gradient(input, static_cast<std::size_t>(worst_place));
    if (!wrong.empty())
      fail(result, non_finite ? Verdict::non_finite : Verdict::mismatch,
           gradient.defined() ? fmt::format("{} of {} elements differ", wrong.size(), result.checked)
                              : "no path leads from the output to this input, yet the value changes with it");
    else if (result.kinks > 0)
      result.verdict = Verdict::kink;
    else if (!gradient.defined())
      result.verdict = Verdict::unused;
  }

  Element check_element(const Tensor& x, std::int64_t i, double value, double analytic, double span) {
    const ElementWriter element(x, i);
    auto outputs_at = [&](double v) {
      element.write(v);
      Tensors outputs;
      try {
        outputs = evaluate_(x_);
      } catch (const Error&) {  // the caller never gave this value: it lies outside the domain
        return std::vector<double>(base_.size(), NAN);
      }
      std::vector<double> all;
      for (const std::size_t k : kept_)
        if (k < outputs.size()) append(all, outputs[k]);
      if (all.size() != base_.size())
        throw ShapeError("gradcheck: the function's outputs change their shapes with its input");
      return all;
    };
    DifferencePlan plan = difference_plan(single_);
    if (options_.step) plan.first_steps = {&*options_.step, 1};
    Difference difference(outputs_at, weights_, base_, value, x.dtype() == DType::float32, plan,
                          rounding_ + plan.epsilon * std::abs(value * (std::isfinite(analytic) ? analytic : 0)));
    const Element e = check_slope(difference, plan, tolerance_, value, analytic,
                                  {.span = span, .rounding = rounding_, .searches = &searches_});
    element.write(value);
    return e;
  }

  const GradcheckOptions& options_;
  GradcheckReport& report_;
  const CheckedFunction& evaluate_;
  const Tensors& x_;
  Generator generator_;
  std::vector<std::size_t> kept_;  // places of the outputs that are compared
  bool single_ = false;
  GradientTolerance tolerance_{};
  double rounding_ = 0;  // of the weighed outputs
  int searches_ = 64;    // for a step, where the plain ones say nothing
  std::vector<double> base_;
  std::vector<double> weights_;
  Tensors cotangents_;
};

}  // namespace

void check_order(const GradcheckOptions& options, GradcheckReport& report, const CheckedFunction& evaluate,
                 const Tensors& x, int order, std::size_t first) {
  Check(options, report, evaluate, x, order).run(first);
}

}  // namespace chainrule::internal
