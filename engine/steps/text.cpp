// Rows stand below each other with their equals signs in line, forward and backward each in columns of their own.
#include "engine/steps/text.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/system/text.h"

namespace chainrule {
namespace {

constexpr std::size_t kWidestColumn = 34;  // longer formulas push the rest of their own line only

std::string padded(const std::string& text, std::size_t width) {
  const std::size_t has = text_width(text);
  return text + std::string(width > has ? width - has : 0, ' ');
}

// Rows below each other, with the equals signs in line.
class Columns {
 public:
  void fit(const StepRow& row) {
    const auto widen = [](std::size_t& width, const std::string& text) {
      if (const std::size_t has = text_width(text); has <= kWidestColumn) width = std::max(width, has);
    };
    widen(left_, row.left);
    widen(formula_, row.formula);
    widen(numbers_, row.numbers);
    adds_ |= row.adds;
  }

  std::string line(const StepRow& row) const {
    std::string text = padded(row.left, left_);
    const char* equals = !adds_ ? " = " : row.adds ? " += " : "  = ";
    for (const auto& [part, width] : {std::pair{&row.formula, formula_}, {&row.numbers, numbers_}}) {
      if (part->empty()) continue;
      text += equals + padded(*part, width);
      equals = " = ";
    }
    if (!row.value.empty()) text += equals + row.value;
    if (!row.note.empty()) text += "   (" + row.note + ")";
    return text.substr(0, text.find_last_not_of(' ') + 1);
  }

 private:
  std::size_t left_ = 0, formula_ = 0, numbers_ = 0;
  bool adds_ = false;
};

}  // namespace

std::string text_of(const Walkthrough& walk) {
  Columns forward, backward;
  const auto way = [](StepKind kind) { return kind == StepKind::given || kind == StepKind::forward; };
  for (std::size_t s = 0; s < walk.steps.size(); ++s)
    for (const StepRow& row : walk.texts[s].rows) (way(walk.steps[s].kind) ? forward : backward).fit(row);
  const std::size_t digits = std::to_string(walk.steps.size()).size() + 1;
  std::string text = walk.title + "\n\nForward: values\n";
  for (std::size_t s = 0; s < walk.steps.size(); ++s) {
    const GraphStep& step = walk.steps[s];
    if (step.kind == StepKind::seed) text += fmt::format("\nBackward: ∂x stands for d {}/d x\n", walk.names[step.item]);
    if (step.kind == StepKind::finished) text += "\nGradients\n";
    std::string number = fmt::format("{:>{}}  ", s + 1, digits);
    if (walk.texts[s].rows.empty()) text += number + "(folded)\n";
    for (const StepRow& row : walk.texts[s].rows) {
      text += number + (way(step.kind) ? forward : backward).line(row) + "\n";
      number.assign(number.size(), ' ');
    }
  }
  return text;
}

}  // namespace chainrule
