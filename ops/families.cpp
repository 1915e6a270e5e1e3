// The list of all families.
#include "ops/families.h"

namespace chainrule {

std::span<const Family> families() {
  static const Family all[] = {
      arithmetic_family(),   choice_family(),      logic_family(),       exponential_family(),
      trigonometry_family(), rounding_family(),    activation_family(),  smooth_activation_family(),
      pair_family(),         reduction_family(),   extreme_family(),     deviation_family(),
      scan_family(),         sorting_family(),     softmax_family(),     product_family(),
      einsum_family(),       linalg_family(),      determinant_family(), triangle_family(),
      view_family(),         arrangement_family(), padding_family(),     indexing_family(),
      window_family(),       conv_family(),        pooling_family(),     average_pooling_family(),
      resize_family(),       norm_family(),        attention_family(),   loss_family(),
      margin_loss_family(),  factory_family()};
  return all;
}

std::span<const Topic> topics() {
  static const Topic all[] = {
      {"arithmetic", {arithmetic_family(), pair_family(), rounding_family()}},
      {"function", {exponential_family(), trigonometry_family()}},
      {"choice", {choice_family(), logic_family()}},
      {"activation", {activation_family(), smooth_activation_family(), softmax_family()}},
      {"reduction", {reduction_family(), extreme_family(), deviation_family(), scan_family()}},
      {"sorting", {sorting_family()}},
      {"matrix", {product_family(), einsum_family(), linalg_family(), determinant_family(), triangle_family()}},
      {"shape", {view_family(), arrangement_family(), padding_family(), indexing_family()}},
      {"image", {window_family(), conv_family(), pooling_family(), average_pooling_family(), resize_family()}},
      {"network", {norm_family(), attention_family()}},
      {"loss", {loss_family(), margin_loss_family()}},
      {"factory", {factory_family()}}};
  return all;
}

}  // namespace chainrule
