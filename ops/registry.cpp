// The family lists, joined once.
#include "ops/registry.h"

#include <vector>

namespace chainrule {

std::span<const OpInfo* const> op_registry() {
  static const std::vector<const OpInfo*> all = [] {
    std::vector<const OpInfo*> list;
    for (const auto family : {arithmetic_ops(),
                              pointwise_ops(),
                              exponential_ops(),
                              trigonometric_ops(),
                              rounding_ops(),
                              activation_ops(),
                              smooth_activation_ops(),
                              pair_ops(),
                              reduction_ops(),
                              extreme_ops(),
                              deviation_ops(),
                              scan_ops(),
                              sorting_ops(),
                              softmax_ops(),
                              product_ops(),
                              einsum_ops(),
                              linalg_ops(),
                              determinant_ops(),
                              triangle_ops(),
                              shape_ops(),
                              arrangement_ops(),
                              padding_ops(),
                              indexing_ops(),
                              window_ops(),
                              conv_ops(),
                              pooling_ops(),
                              average_pooling_ops(),
                              resize_ops(),
                              norm_ops(),
                              attention_ops(),
                              loss_ops(),
                              margin_loss_ops()})
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
