#include "engine/check/detached.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/check/blame.h"
#include "engine/check/state.h"
#include "engine/types/error.h"

namespace chainrule::internal {
namespace {

constexpr const char* kCreateGraph =
    "a gradient was computed inside the function without create_graph, so that it is a constant to this graph: "
    "grad(y, x, {.create_graph = true})";

// A walk inside the function has freed nodes of it. One with create_graph frees none.
bool walked_inside(const Recording& base) {
  for (std::size_t k = 0; k < base.size(); ++k)
    if (const Node* node = base.node(k); node && node->was_released()) return true;
  return false;
}

}  // namespace

double random_weight(Generator& generator) {
  const double size = 0.5 + generator.uniform();
  return generator.next_u32() & 1u ? size : -size;
}

std::optional<Finding> find_missing_path(const Recording& base, const CheckedFunction& evaluate,
                                         const std::vector<Tensor>& x, std::size_t i, Generator& generator) {
  Values direction(static_cast<std::size_t>(x[i].numel()));
  for (double& d : direction) d = 0.01 * random_weight(generator);
  const ShiftedLeaf leaf(x[i], shifted(x[i], direction, 1));
  std::optional<Recording> other;
  try {
    other.emplace(evaluate, x);
  } catch (const Error&) {
    return {};  // the shifted value is one that the function refuses
  }
  for (std::size_t k = 0; k < std::min(base.size(), other->size()); ++k) {
    if (&base.info(k) != &other->info(k)) return {};
    const std::span<Edge> edges = base.node(k) ? base.node(k)->edges() : std::span<Edge>();
    for (std::size_t e = 0; e < edges.size(); ++e) {
      const Tensor &before = base.inputs(k)[e], &after = other->inputs(k)[e];
      if (edges[e].needs_grad || !is_floating(before.dtype()) || same_bits(before, after)) continue;
      Finding f{
          .cause = GradcheckCause::detached, .blame = blame_of(base, k), .inputs = std::vector<bool>(x.size(), false)};
      f.blame.input = input_letter(base.info(k), static_cast<int>(e));
      f.reason = fmt::format("its input {} changes, yet no path of the graph leads there", f.blame.input);
      if (walked_inside(base)) f.reason += fmt::format("; {}", kCreateGraph);
      f.inputs[i] = true;
      return f;
    }
  }
  return {};
}

std::string entangled_text(const OpInfo& info, int moved, int with) {
  return fmt::format("its input {} changes with input {}, yet no path of the graph leads there",
                     input_letter(info, moved), input_letter(info, with));
}

std::string where_recording_stopped(const Recording& base) {
  if (walked_inside(base)) return kCreateGraph;
  for (std::size_t k = 0; k < base.size(); ++k) {
    const TensorImpl& t = base.result(k).impl();
    if (t.stop == Stop::detach || t.stop == Stop::no_grad)
      return fmt::format("recording stopped at {}", blame_of(base, k).text());
  }
  return {};
}

}  // namespace chainrule::internal
