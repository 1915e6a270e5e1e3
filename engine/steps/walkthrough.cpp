#include "engine/steps/walkthrough.h"

#include "engine/draw/fold.h"
#include "engine/draw/names.h"
#include "engine/draw/subscripts.h"
#include "engine/draw/title.h"

namespace chainrule {
namespace {

// Of contributions; in larger graphs only the values are known.
constexpr std::size_t kMostLinks = 100'000;

}  // namespace

Walkthrough walk_through(const Tensor& result, const GraphOptions& options) {
  Walkthrough walk{.options = options};
  walk.options.symbols = false;
  const Tensor results[] = {result};
  walk.view = view_graph(results, options.gradients, kMostLinks);
  join_subscripts(walk.view);
  fold_chosen(walk.view, options);
  if (!options.gradients)
    for (GraphItem& item : walk.view.items) item.grad = Tensor();
  give_letters(walk.view);
  walk.steps = graph_steps(walk.view);
  walk.texts = describe(walk.view, walk.steps, walk.options);
  walk.names = item_names(walk.view, walk.options);
  walk.title = title_of(walk.view, walk.options);
  return walk;
}

}  // namespace chainrule
