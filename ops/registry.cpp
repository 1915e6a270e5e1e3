// The family lists, joined once.
#include "ops/registry.h"

#include <vector>

namespace chainrule {

std::span<const OpInfo* const> op_registry() {
  static const std::vector<const OpInfo*> all = [] {
    std::vector<const OpInfo*> list;
    for (const auto family : {arithmetic_ops(), pointwise_ops(), reduction_ops(), softmax_ops(), product_ops(),
                              shape_ops(), indexing_ops(), window_ops(), conv_ops(), pooling_ops(), loss_ops()})
      list.insert(list.end(), family.begin(), family.end());
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
