// Inner header: for our own sources, not installed.
// The families: what one source file of operations offers to the registry and to callers by name. Nothing registers
// itself at start-up: families.cpp lists them all, and the registry and the functions are read from that list.
#pragma once

#include <span>
#include <vector>

#include "engine/node.h"
#include "ops/function.h"

namespace chainrule {

struct Family {
  std::span<const OpInfo* const> ops;     ///< what the file records, the operations that only gradients use included
  std::span<const Function> functions{};  ///< what can be called by name
};

/// Every family, in the order of the registry.
std::span<const Family> families();

/// Families that a reader looks for together: "loss", "image". Every family belongs to one.
struct Topic {
  const char* name;
  std::vector<Family> families;
};
std::span<const Topic> topics();

// Each is defined at the end of its file.
Family arithmetic_family();         // arithmetic.cpp
Family choice_family();             // choices.cpp
Family logic_family();              // logic.cpp
Family exponential_family();        // exponentials.cpp
Family trigonometry_family();       // trigonometry.cpp
Family rounding_family();           // rounding.cpp
Family activation_family();         // activations.cpp
Family smooth_activation_family();  // activations_smooth.cpp
Family pair_family();               // pairs.cpp
Family reduction_family();          // reductions.cpp
Family extreme_family();            // extremes.cpp
Family deviation_family();          // deviations.cpp
Family scan_family();               // scans.cpp
Family sorting_family();            // sorting.cpp
Family softmax_family();            // softmax.cpp
Family product_family();            // products.cpp
Family einsum_family();             // einsum.cpp
Family linalg_family();             // linalg.cpp
Family determinant_family();        // determinants.cpp
Family triangle_family();           // triangles.cpp
Family view_family();               // views.cpp
Family arrangement_family();        // arrangement.cpp
Family padding_family();            // padding.cpp
Family indexing_family();           // indexing.cpp
Family window_family();             // windows.cpp
Family conv_family();               // conv.cpp
Family pooling_family();            // pooling.cpp
Family average_pooling_family();    // pooling_average.cpp
Family resize_family();             // resize.cpp
Family norm_family();               // norms.cpp
Family attention_family();          // attention.cpp
Family loss_family();               // losses.cpp
Family margin_loss_family();        // margin_losses.cpp
Family factory_family();            // factories.cpp

}  // namespace chainrule
