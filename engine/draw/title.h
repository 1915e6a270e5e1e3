// Inner header: for our own sources, not installed.
// What stands above a diagram: the expression that it draws, where that is short enough, and the legend.
#pragma once

#include <string>
#include <vector>

#include "engine/draw/view.h"

namespace chainrule {

/// The title that was asked for, else "price = apple × count", else what the results are: "loss: 31 operations".
std::string title_of(const GraphView& view, const GraphOptions& options);

/// What edges show that the legend has to explain.
struct LegendMarks {
  bool g = false;      ///< a rule with the letter g
  bool local = false;  ///< local derivatives of many numbers, in grey
};
/// What the colours mean in this diagram.
std::string legend_of(const GraphView& view, const GraphOptions& options, const LegendMarks& marks);

/// "apple × count", "softmax(x, dim=1)": the operation with these texts for its inputs, which need no parentheses.
std::string operation_text(const GraphItem& item, const std::vector<std::string>& inputs);

/// What stands in the operation's box: its symbol, "[1]" of a subscript, else its name.
std::string word_of(const GraphItem& operation);

/// × for *, − for -, ÷ for /: as in print. Empty when the operation has no symbol.
std::string symbol_of(const OpInfo& info);

/// The name of a result, cut to size; "result" where there is none or names are not wanted.
std::string result_name(const GraphItem& item, const GraphOptions& options);

}  // namespace chainrule
