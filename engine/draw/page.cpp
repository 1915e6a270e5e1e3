// A page and the code that fills it are written apart, so each is held to the other.
#include "engine/draw/page.h"

#include <fmt/format.h>

#include <algorithm>
#include <stdexcept>

namespace chainrule {

std::string fill_page(std::string_view page,
                      std::initializer_list<std::pair<std::string_view, std::string_view>> parts) {
  for (const auto& [mark, text] : parts)
    if (page.find(fmt::format("{{{{{}}}}}", mark)) == std::string_view::npos)
      throw std::logic_error(fmt::format("fill_page: no mark {{{{{}}}}} in the page", mark));
  std::string out;
  for (std::size_t at; (at = page.find("{{")) != std::string_view::npos;) {
    const std::size_t end = page.find("}}", at);
    if (end == std::string_view::npos) throw std::logic_error("fill_page: a mark does not end");
    const std::string_view mark = page.substr(at + 2, end - at - 2);
    const auto* part = std::find_if(parts.begin(), parts.end(), [&](const auto& p) { return p.first == mark; });
    if (part == parts.end()) throw std::logic_error(fmt::format("fill_page: nothing for the mark {{{{{}}}}}", mark));
    out.append(page.substr(0, at)).append(part->second);
    page.remove_prefix(end + 2);
  }
  return out.append(page);
}

}  // namespace chainrule
