// Inner header: for our own sources, not installed.
// The steps of a walk in words: the formula in names, then with the numbers put in. For text, JSON and captions alike;
// how they are laid out is not here.
#pragma once

#include <string>
#include <vector>

#include "engine/steps/walk.h"

namespace chainrule {

/// left = formula = numbers = value; what is empty is left out. With `adds`, += stands for the first =.
struct StepRow {
  std::string left, formula{}, numbers{}, value{};
  std::string note{};  ///< what has arrived so far, and the like
  bool adds = false;
};

struct StepText {
  std::string title;    ///< "mul"
  std::string about{};  ///< forward the formula where the row does not say it; backward what arrives
  std::vector<StepRow> rows{};
};

/// Of all steps, in order. The view has its letters (give_letters).
std::vector<StepText> describe(const GraphView& view, const std::vector<GraphStep>& steps, const GraphOptions& options);

/// A row on one line.
std::string row_text(const StepRow& row);
/// A number; a small tensor on one line, "[[1, 2], [3, 4]]"; shape and norm of a larger one.
std::string value_text(const Tensor& t);
/// What an item is called in the rows.
std::vector<std::string> item_names(const GraphView& view, const GraphOptions& options);

/// "given", "forward", "backward" or "finished".
const char* phase_of(StepKind kind);

}  // namespace chainrule
