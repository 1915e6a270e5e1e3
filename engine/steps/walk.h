// Inner header: for our own sources, not installed.
// A graph as its walk goes through it, step by step: values forward, then gradients backward. Plain data, as in
// engine/draw/view.h; what is computed here is only the sum of what has arrived so far.
#pragma once

#include <vector>

#include "engine/draw/view.h"

namespace chainrule {

enum class StepKind : std::uint8_t {
  given,     ///< the values that the program starts from
  forward,   ///< an operation computes its value
  seed,      ///< the gradient of the result by itself, or the cotangent
  backward,  ///< an operation sends each input its share of the gradient
  finished,  ///< what has arrived where the program started
};

struct GraphStep {
  static constexpr std::size_t kNone = ~std::size_t{0};
  struct Part {
    std::size_t link;  ///< place in GraphView::links
    Tensor local{}, contribution{};
    Tensor sum{};             ///< what has arrived at the link's origin with this; undefined when some is not known
    std::size_t arrived = 0;  ///< this many contributions, of the origin's `sent_back`
  };
  StepKind kind = StepKind::given;
  std::size_t item = kNone;   ///< the operation, folded module or result; none at the start and at the end
  Tensor value{};             ///< forward: what the operation computes
  Tensor incoming{};          ///< backward: the gradient of its value
  std::vector<Part> parts{};  ///< links that end at the item, by input; their numbers in a step backward
};

/// In the order of the engine's own walk: forward by creation, backward the other way round. Only the steps forward
/// when the graph holds no gradient of its result.
std::vector<GraphStep> graph_steps(const GraphView& view);

/// The view as far as its walk has come after the first `count` steps (all of `steps` belong to this view); the last of
/// them is the current one. Orders each item's `sent_back` by arrival.
GraphView view_after(const GraphView& view, const std::vector<GraphStep>& steps, std::size_t count);

/// Items that the program starts from: inputs, parameters, constants.
bool is_given(const GraphItem& item);

}  // namespace chainrule
