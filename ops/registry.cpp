// The operations of all families, joined once.
#include "ops/registry.h"

#include <vector>

#include "ops/families.h"

namespace chainrule {

std::span<const OpInfo* const> op_registry() {
  static const std::vector<const OpInfo*> all = [] {
    std::vector<const OpInfo*> list;
    for (const Family& family : families()) list.insert(list.end(), family.ops.begin(), family.ops.end());
    return list;
  }();
  return all;
}

const OpInfo* find_op(std::string_view name) {
  for (const OpInfo* info : op_registry())
    if (name == info->name) return info;
  return nullptr;
}

}  // namespace chainrule
