#include "engine/check/overflow.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/check/blame.h"
#include "engine/check/replay.h"
#include "engine/check/state.h"

namespace chainrule::internal {
namespace {

double without_sign(double v) { return std::isnan(v) ? std::numeric_limits<double>::quiet_NaN() : v; }

}  // namespace

std::optional<Finding> find_overflow(const CheckedFunction& evaluate, const std::vector<Tensor>& x) {
  const Recording base(evaluate, x);
  for (std::size_t k = 0; k < base.size(); ++k) {
    const Values z = base.result(k).to_vector();
    const auto bad = std::find_if(z.begin(), z.end(), [](double v) { return !std::isfinite(v); });
    if (bad == z.end()) continue;
    const auto place = bad - z.begin();
    const Node* node = base.node(k);
    std::string from;
    if (node)
      for (std::size_t e = 0; e < node->edges().size(); ++e) {
        const Edge& edge = node->edges()[e];
        const std::size_t r = edge.node ? base.place_of(edge.node.get()) : Recording::npos;
        const Tensor value = r != Recording::npos ? base.result(r)
                             : edge.value         ? internal::alias(Tensor(edge.value))
                                                  : Tensor();
        if (!value.defined() || value.shape() != base.result(k).shape()) continue;
        from += fmt::format("{}{} = {:.6g}", from.empty() ? " where " : ", ",
                            input_letter(base.info(k), static_cast<int>(e)),
                            without_sign(value.to_vector()[static_cast<std::size_t>(place)]));
      }
    Finding f{.cause = GradcheckCause::precision, .inputs = std::vector<bool>(x.size(), true)};
    f.blame = blame_of(base, k);
    f.blame.element = index_of(place, base.result(k).shape());
    f.reason = fmt::format("it gives {}{}{}", without_sign(*bad), from, stable_form(base, k));
    return f;
  }
  return {};
}

std::string infinite_input(std::span<const GradcheckInput> results, const std::vector<Tensor>& x, std::size_t i,
                           const std::vector<std::int64_t>& at) {
  const Values values = x[i].to_vector();
  for (std::size_t k = 0; k < values.size(); ++k) {
    if (std::isfinite(values[k])) continue;
    const std::vector<std::int64_t> index = index_of(static_cast<std::int64_t>(k), x[i].shape());
    if (!at.empty() && at != index) continue;
    const std::string place = index.empty() ? "" : fmt::format("[{}]", fmt::join(index, ", "));
    return fmt::format("{}{} is {}: a gradient can be checked at finite inputs only", results[i].name, place,
                       without_sign(values[k]));
  }
  return {};
}

}  // namespace chainrule::internal
