#include "engine/check/blame.h"

#include <fmt/format.h>

namespace chainrule::internal {

GradcheckBlame blame_of(const Recording& base, std::size_t k) {
  GradcheckBlame blame{.op = base.info(k).name};
  if (const Node* node = base.node(k)) blame.place = to_string(node->where);
  if (blame.place.empty()) blame.place = fmt::format("operation {} of {}", k + 1, base.size());
  return blame;
}

std::string stable_form(const Recording& base, std::size_t k) {
  if (const Node* node = base.node(k))
    for (const Edge& e : node->edges())
      if (const std::size_t r = e.node ? base.place_of(e.node.get()) : Recording::npos; r != Recording::npos)
        if (const char* form = base.info(r).stable; *form) return fmt::format("; more stable: {}", form);
  const char* form = base.info(k).stable;
  return *form ? fmt::format("; more stable: {}", form) : "";
}

}  // namespace chainrule::internal
