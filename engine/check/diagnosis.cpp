// Every operation of a recording is checked alone, oldest first: along one random direction for each input, which a
// wrong rule cannot hide from, and then element by element where that fails, to see how it is wrong.
#include "engine/check/diagnosis.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <cstring>

#include "engine/backward.h"
#include "engine/check/blame.h"
#include "engine/check/cause.h"
#include "engine/check/detached.h"
#include "engine/check/replay.h"
#include "engine/check/state.h"
#include "engine/context.h"
#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/types/error.h"

namespace chainrule::internal {
namespace {

// Work that a diagnosis may do, in elements computed: seconds.
constexpr double kMostWork = 1.5e9;
constexpr std::size_t kMostElements = 64, kMostFindings = 8;  // elements looked at one by one

struct Astray {};  // the function took another course
struct Entangled {
  int input;
};  // should have been held, and moved

/// Of a weighed sum, were there no signs.
double sizes(const Values& weights, const Values& values) {
  double sum = 0;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (const double size = std::abs(weights[i] * values[i]); std::isfinite(size)) sum += size;
  return sum;
}

/// What an operation reads through one or more of its edges: a result, or a checked input.
struct Source {
  std::size_t result = Recording::npos;
  std::size_t leaf = Recording::npos;
  std::vector<int> edges{};
  const Tensor* value = nullptr;
};

class Examination {
 public:
  Examination(const CheckedFunction& evaluate, const std::vector<Tensor>& x, const GradientTolerance& tolerance,
              bool single_precision, Generator& generator)
      : evaluate_(evaluate),
        x_(x),
        plan_(difference_plan(single_precision)),
        tolerance_(tolerance),
        generator_(generator),
        base_(evaluate, x) {}

  Diagnosis run() {
    found_.stopped = where_recording_stopped(base_);
    for (std::size_t k = 0; k < base_.size(); ++k) {
      Node* node = base_.node(k);
      depends_.emplace_back(x_.size(), false);
      if (!node) continue;
      const std::vector<Source> sources = sources_of(*node);
      for (const Source& s : sources) {
        if (s.leaf != Recording::npos) depends_[k][s.leaf] = true;
        if (s.result != Recording::npos)
          for (std::size_t i = 0; i < x_.size(); ++i) depends_[k][i] = depends_[k][i] || depends_[s.result][i];
      }
      if (found_.wrong.size() >= kMostFindings) continue;
      if (work_ > kMostWork) {
        found_.complete = false;
        continue;
      }
      examine(k, *node, sources);
    }
    if (found_.wrong.empty())
      for (std::size_t i = 0; i < x_.size(); ++i)
        if (auto f = find_missing_path(base_, evaluate_, x_, i, generator_)) found_.wrong.push_back(std::move(*f));
    return std::move(found_);
  }

 private:
  std::vector<Source> sources_of(const Node& node) const {
    std::vector<Source> sources;
    for (std::size_t e = 0; e < node.edges().size(); ++e) {
      const Edge& edge = node.edges()[e];
      if (!edge.needs_grad) continue;
      Source s;
      if (edge.node) {
        s.result = base_.place_of(edge.node.get());
        if (s.result != Recording::npos) s.value = &base_.result(s.result);
      } else {
        for (std::size_t i = 0; i < x_.size(); ++i)
          if (&x_[i].impl() == edge.value.get()) s.leaf = i, s.value = &x_[i];
      }
      if (!s.value) continue;
      const auto same = std::find_if(sources.begin(), sources.end(),
                                     [&](const Source& o) { return o.result == s.result && o.leaf == s.leaf; });
      if (same != sources.end()) {
        same->edges.push_back(static_cast<int>(e));
      } else {
        s.edges.push_back(static_cast<int>(e));
        sources.push_back(std::move(s));
      }
    }
    return sources;
  }

  void examine(std::size_t k, Node& node, const std::vector<Source>& sources) {
    const Tensor& result = base_.result(k);
    const Values z = result.to_vector();
    // A walk inside the function has taken what the rule needs: it cannot be run again.
    if (sources.empty() || node.was_released() ||
        !std::all_of(z.begin(), z.end(), [](double v) { return std::isfinite(v); }))
      return;
    Values weights(z.size());
    for (double& w : weights) w = random_weight(generator_);
    const Tensor g = shifted(full(result.shape(), 0, {.dtype = result.dtype()}), weights, 1);
    weights = g.to_vector();

    // Not run_rule: what is sent is looked at before its shape is refused.
    const std::size_t edges = node.edges().size();
    const auto needed = std::make_unique<bool[]>(edges);
    for (const Source& s : sources)
      for (const int e : s.edges) needed[static_cast<std::size_t>(e)] = true;
    GradContext::Sent sent(edges);
    const NoGrad rule_only;
    try {
      GradContext context(node, {needed.get(), edges}, sent);
      node.backward(context, g);
    } catch (const Error& e) {
      return report(k, {.reason = fmt::format("its rule throws: {}", e.what())}, sources[0]);
    }
    for (const Source& s : sources) {
      Values total(static_cast<std::size_t>(s.value->numel()), 0.0);
      bool whole = true;
      for (const int e : s.edges) whole = add_sent(k, node, sent[static_cast<std::size_t>(e)], s, e, total) && whole;
      if (!whole) continue;
      note_condition(k, s, z);
      try {
        look_along(k, s, total, weights, z);
      } catch (const Astray&) {
        found_.complete = false;
      } catch (const Entangled& moved) {
        report_entangled(k, s, moved.input);
      }
    }
  }

  void report_entangled(std::size_t k, const Source& s, int moved) {
    const OpInfo& info = base_.info(k);
    if (std::strstr(info.kinks, "equal"))  // a sort whose order changes at once
      return report(k, {.cause = GradcheckCause::kink, .reason = info.kinks, .convention = true}, s);
    report(k, {.cause = GradcheckCause::detached, .reason = entangled_text(info, moved, s.edges[0])}, s, moved);
  }

  /// Adds what the rule sent along one edge; false, with a finding, when its form is wrong.
  bool add_sent(std::size_t k, const Node& node, Tensor sent, const Source& s, int edge, Values& total) {
    const Shape& input = s.value->shape();
    if (!sent.defined()) {
      report(k, {.reason = fmt::format("it sends input {} nothing", input_letter(base_.info(k), edge))}, s);
      return false;
    }
    if (sent.shape() != input && node.info->elementwise && sent.shape() == node.shape()) sent = sum_to(sent, input);
    if (sent.shape() != input) {
      const Pattern p = pattern_of_shape(sent.shape(), input, node.shape());
      report(k, {.cause = p.cause, .reason = p.text}, s, edge);
      return false;
    }
    const Values values = sent.to_vector();
    for (std::size_t i = 0; i < values.size(); ++i) total[i] += values[i];
    return true;
  }

  void report(std::size_t k, Finding finding, const Source& s, int edge = -1) {
    if (finding.cause == GradcheckCause::right) finding.cause = GradcheckCause::wrong_rule;
    GradcheckBlame blame = blame_of(base_, k);
    blame.input = input_letter(base_.info(k), edge >= 0 ? edge : s.edges[0]);
    blame.element = std::move(finding.blame.element);
    blame.analytic = finding.blame.analytic;
    blame.numeric = finding.blame.numeric;
    blame.compared = finding.blame.compared;
    finding.blame = std::move(blame);
    finding.inputs = depends_[k];
    (finding.cause == GradcheckCause::kink ? found_.kinks : found_.wrong).push_back(std::move(finding));
  }

  /// The operation's result with its source moved by `by` and its other inputs held.
  Values result_at(std::size_t k, const Source& s, const Tensor& moved) {
    work_ += base_.cost();
    std::map<std::size_t, Tensor> held;
    for (const Edge& e : base_.node(k)->edges())
      if (const std::size_t r = e.node ? base_.place_of(e.node.get()) : Recording::npos; r != Recording::npos)
        held[r] = base_.result(r);
    Replayed z;
    if (s.result != Recording::npos) {
      held[s.result] = moved;
      z = replay(base_, evaluate_, x_, held, k, s.edges);
    } else {
      const ShiftedLeaf leaf(x_[s.leaf], moved);
      z = replay(base_, evaluate_, x_, held, k, s.edges);
    }
    if (z.refused) return Values(static_cast<std::size_t>(base_.result(k).numel()), NAN);
    if (!z.result.defined()) throw Astray();
    if (z.changed >= 0) throw Entangled{z.changed};
    return z.result.to_vector();
  }

  ElementResult slope_along(std::size_t k, const Source& s, const Values& direction, double at, double analytic,
                            const Values& weights, const Values& z, double span, double finest) {
    const double rounding = plan_.epsilon * (turn_ + sizes(weights, z));
    Difference difference([&](double t) { return result_at(k, s, shifted(*s.value, direction, t - at)); }, weights, z,
                          at, s.value->dtype() == DType::float32, plan_, rounding);
    return check_slope(difference, plan_, {tolerance_.relative, 1e-12}, at, analytic,
                       {.span = span, .finest = finest, .rounding = rounding, .searches = &searches_});
  }

  /// What rounding of the results alone can do to a numerical slope, even when they do not change at all.
  double blur(const Values& w, const Values& z) const {
    return 16 * plan_.epsilon * sizes(w, z) / plan_.first_steps[0];
  }

  void look_along(std::size_t k, const Source& s, const Values& sent, const Values& weights, const Values& z) {
    const Values x = s.value->to_vector();
    Values direction(x.size());
    double analytic = 0;
    const double span = largest_size(x);
    turn_ = sizes(sent, x);
    for (std::size_t i = 0; i < x.size(); ++i) {
      direction[i] = random_weight(generator_) * (x[i] != 0 ? std::abs(x[i]) : span > 0 ? span : 1);
      analytic += direction[i] * sent[i];
    }
    const ElementResult along = slope_along(k, s, direction, 0, analytic, weights, z, 0, 1e-12);
    if (along.verdict == GradcheckVerdict::ok) return;
    if (along.verdict == GradcheckVerdict::mismatch && !along.unsure &&
        std::abs(along.analytic - along.numeric) <= blur(weights, z)) {
      const double lost = 1 / plan_.epsilon;
      if (lost > found_.lost) note_loss(k, s.edges[0], lost, "its result is too large for the digits of that input");
      return;
    }
    look_at_elements(k, s, sent, weights, z, x);
  }

  // How the rule is wrong, or where it has a kink.
  void look_at_elements(std::size_t k, const Source& s, const Values& sent, const Values& weights, const Values& z,
                        const Values& x) {
    std::vector<std::int64_t> places = generator_.permutation(static_cast<std::int64_t>(x.size()));
    places.resize(std::min(places.size(), kMostElements));
    std::sort(places.begin(), places.end());
    ComparedElements all;
    Finding finding, kink;
    const char* where = base_.info(k).kinks;
    const double span = largest_size(x);
    double worst = 0;
    for (const std::int64_t place : places) {
      const auto i = static_cast<std::size_t>(place);
      Values direction(x.size(), 0.0);
      direction[i] = 1;
      const ElementResult e = slope_along(k, s, direction, x[i], sent[i], weights, z, span, 0);
      GradcheckBlame numbers{
          .element = index_of(place, s.value->shape()), .analytic = e.analytic, .numeric = e.numeric, .compared = true};
      if (e.verdict == GradcheckVerdict::kink) {
        if (kink.blame.element.empty() && !kink.blame.compared) kink.blame = std::move(numbers), kink.reason = e.remark;
        continue;
      }
      if (std::isnan(e.analytic) && std::strstr(where, "NaN") && rough_at(k, s, direction, x[i], weights, z)) {
        kink = {.blame = std::move(numbers), .convention = true};
        continue;
      }
      all.places.push_back(place);
      all.analytic.push_back(e.analytic);
      all.numeric.push_back(e.numeric);
      const double error = std::abs(e.analytic - e.numeric);
      if (e.verdict == GradcheckVerdict::ok || e.unsure || error <= worst || error <= blur(weights, z)) continue;
      worst = std::isfinite(error) ? error : 1e300;
      finding.blame = std::move(numbers);
    }
    if (finding.blame.compared) {
      const Shape &input = s.value->shape(), &output = base_.result(k).shape();
      if (fits_convention(base_.info(k).kinks, all, input)) {
        finding.cause = GradcheckCause::kink;
        finding.convention = true;
        finding.reason = base_.info(k).kinks;
        return report(k, std::move(finding), s);
      }
      Pattern p = pattern_of(all, input, output);
      if (p.cause != GradcheckCause::transposed && is_broadcast(input, output) &&
          sends_one_slice(k, s, all, weights, z))
        p = {.cause = GradcheckCause::missing_reduction,
             .text =
                 "it sends one slice of the gradient, not the sum over the axes along which the input was broadcast"};
      finding.cause = p.cause;
      finding.factor = p.factor;
      finding.reason = std::move(p.text);
      report(k, std::move(finding), s);
    } else if (kink.blame.compared) {
      kink.cause = GradcheckCause::kink;
      if (*where || kink.reason.empty()) kink.reason = *where ? where : "left and right derivative differ";
      report(k, std::move(kink), s);
    }
  }

  bool rough_at(std::size_t k, const Source& s, Values direction, double at, const Values& weights, const Values& z) {
    for (double& d : direction) d = d != 0 ? d : 0.3 * random_weight(generator_);  // a kink may show from aside only
    Difference difference([&](double t) { return result_at(k, s, shifted(*s.value, direction, t - at)); }, weights, z,
                          at, s.value->dtype() == DType::float32, plan_, 0);
    return difference.kink(plan_.kink_step).has_value();
  }

  /// The rule sends what one slice of the result gives, along the axes that the input lacks.
  bool sends_one_slice(std::size_t k, const Source& s, const ComparedElements& all, const Values& weights,
                       const Values& z) {
    const Shape &input = s.value->shape(), &output = base_.result(k).shape();
    const Values x = s.value->to_vector();
    for (const bool last : {false, true}) {
      Values slice = weights;
      for (std::size_t i = 0; i < slice.size(); ++i) {
        const std::vector<std::int64_t> index = index_of(static_cast<std::int64_t>(i), output);
        for (int axis = 0; axis < output.rank(); ++axis) {
          const int own = axis - (output.rank() - input.rank());
          const bool spread = own < 0 || (input[own] == 1 && output[axis] != 1);
          if (spread && index[static_cast<std::size_t>(axis)] != (last ? output[axis] - 1 : 0)) slice[i] = 0;
        }
      }
      bool fits = true;
      for (std::size_t j = 0; j < all.places.size() && fits; ++j) {
        const auto i = static_cast<std::size_t>(all.places[j]);
        Values direction(x.size(), 0.0);
        direction[i] = 1;
        fits = slope_along(k, s, direction, x[i], all.analytic[j], slice, z, 0, 0).verdict == GradcheckVerdict::ok;
      }
      if (fits) return true;
    }
    return false;
  }

  // By what factor an elementwise operation makes the rounding of a computed input larger: |x dz/dx| / |z|.
  void note_condition(std::size_t k, const Source& s, const Values& z) {
    if (!base_.info(k).elementwise || s.result == Recording::npos || s.value->shape() != base_.result(k).shape())
      return;
    Node& node = *base_.node(k);
    const std::size_t edges = node.edges().size();
    const auto needed = std::make_unique<bool[]>(edges);
    for (const int e : s.edges) needed[static_cast<std::size_t>(e)] = true;
    GradContext::Sent sent;
    try {
      run_rule(node, full(node.shape(), 1, {.dtype = base_.result(k).dtype()}), {needed.get(), edges}, sent);
    } catch (const Error&) {
      return;
    }
    const Values x = s.value->to_vector();
    for (const int e : s.edges) {
      const Values slope = sent[static_cast<std::size_t>(e)].to_vector();
      for (std::size_t i = 0; i < x.size(); ++i) {
        const double change = std::abs(x[i] * slope[i]);
        const double condition = change == 0 ? 0 : std::min(1 / plan_.epsilon, change / std::abs(z[i]));
        if (condition > found_.lost && condition > 100)
          note_loss(k, e, condition,
                    fmt::format("from {:.6g} it makes {:.6g} and keeps {} of {} digits", x[i], z[i],
                                std::max(0, static_cast<int>(-std::log10(plan_.epsilon * condition))),
                                static_cast<int>(-std::log10(plan_.epsilon))));
      }
    }
  }

  void note_loss(std::size_t k, int edge, double lost, std::string reason) {
    found_.lost = lost;
    GradcheckBlame blame = blame_of(base_, k);
    blame.input = input_letter(base_.info(k), edge);
    found_.lossy = {.cause = GradcheckCause::precision,
                    .blame = std::move(blame),
                    .reason = std::move(reason) + stable_form(base_, k),
                    .inputs = depends_[k]};
  }

  const CheckedFunction& evaluate_;
  const std::vector<Tensor>& x_;
  const DifferencePlan plan_;
  const GradientTolerance tolerance_;
  Generator& generator_;
  Recording base_;
  std::vector<std::vector<bool>> depends_;
  Diagnosis found_;
  double work_ = 0, turn_ = 0;  // what rounding of the input makes of the weighed result, in epsilons
  int searches_ = 64;
};

}  // namespace

Diagnosis diagnose(const CheckedFunction& evaluate, const std::vector<Tensor>& x, const GradientTolerance& tolerance,
                   bool single_precision, Generator& generator) {
  return Examination(evaluate, x, tolerance, single_precision, generator).run();
}

}  // namespace chainrule::internal
