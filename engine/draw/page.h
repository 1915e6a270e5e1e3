// Inner header: for our own sources, not installed.
// Pages that are embedded as .html files, with marks like {{title}} where the parts of one graph go.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace chainrule {

/// The page with every mark replaced by its part: markup already, taken as it is and not searched for marks. Throws
/// std::logic_error for a mark without a part, a part without a mark, and a mark that does not end.
std::string fill_page(std::string_view page,
                      std::initializer_list<std::pair<std::string_view, std::string_view>> parts);

}  // namespace chainrule
