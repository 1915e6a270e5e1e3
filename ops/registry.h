// The list of all operations: what drawing, explaining, the tests and the `chainrule ops` command walk over.
// Each family file ends with its own list; nothing registers itself at start-up.
#pragma once

#include <span>
#include <string_view>

#include "engine/node.h"

namespace chainrule {

/// Every operation of the library, the ones that only gradients use included, in the order of the families.
std::span<const OpInfo* const> op_registry();
/// The operation of that name; null when there is none.
const OpInfo* find_op(std::string_view name);

// One list for each family, defined at the end of its file.
std::span<const OpInfo* const> arithmetic_ops();         // arithmetic.cpp
std::span<const OpInfo* const> pointwise_ops();          // pointwise.cpp
std::span<const OpInfo* const> exponential_ops();        // exponentials.cpp
std::span<const OpInfo* const> trigonometric_ops();      // trigonometry.cpp
std::span<const OpInfo* const> rounding_ops();           // rounding.cpp
std::span<const OpInfo* const> activation_ops();         // activations.cpp
std::span<const OpInfo* const> smooth_activation_ops();  // activations_smooth.cpp
std::span<const OpInfo* const> pair_ops();               // pairs.cpp
std::span<const OpInfo* const> reduction_ops();          // reductions.cpp
std::span<const OpInfo* const> extreme_ops();            // extremes.cpp
std::span<const OpInfo* const> deviation_ops();          // deviations.cpp
std::span<const OpInfo* const> scan_ops();               // scans.cpp
std::span<const OpInfo* const> sorting_ops();            // sorting.cpp
std::span<const OpInfo* const> softmax_ops();            // softmax.cpp
std::span<const OpInfo* const> product_ops();            // products.cpp
std::span<const OpInfo* const> einsum_ops();             // einsum.cpp
std::span<const OpInfo* const> linalg_ops();             // linalg.cpp
std::span<const OpInfo* const> determinant_ops();        // determinants.cpp
std::span<const OpInfo* const> triangle_ops();           // triangles.cpp
std::span<const OpInfo* const> shape_ops();              // shape_ops.cpp
std::span<const OpInfo* const> arrangement_ops();        // arrangement.cpp
std::span<const OpInfo* const> padding_ops();            // padding.cpp
std::span<const OpInfo* const> indexing_ops();           // indexing.cpp
std::span<const OpInfo* const> window_ops();             // windows.cpp
std::span<const OpInfo* const> conv_ops();               // conv.cpp
std::span<const OpInfo* const> pooling_ops();            // pooling.cpp
std::span<const OpInfo* const> average_pooling_ops();    // pooling_average.cpp
std::span<const OpInfo* const> resize_ops();             // resize.cpp
std::span<const OpInfo* const> norm_ops();               // norms.cpp
std::span<const OpInfo* const> attention_ops();          // attention.cpp
std::span<const OpInfo* const> loss_ops();               // losses.cpp
std::span<const OpInfo* const> margin_loss_ops();        // margin_losses.cpp

}  // namespace chainrule
