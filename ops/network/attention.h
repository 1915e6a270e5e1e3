// Dropout, embedding and attention.
#pragma once

#include <optional>

#include "engine/operand.h"

namespace chainrule {

/// Zeros with probability p, the rest divided by 1 - p; x itself when not training. The mask comes from the default
/// generator and depends on seed and shape only. NaN times 0 is NaN.
Tensor dropout(const Operand& x, double p = 0.5, bool training = true);

/// Rows of weight (V, D) at indices (int64, any shape): (..., D). The row padding_idx gets no gradient.
Tensor embedding(const Tensor& input, const Operand& weight, std::optional<std::int64_t> padding_idx = {});

struct AttentionOptions {
  /// bool: true takes part; floating: added to the scores. Broadcasts to (..., L, S).
  Tensor attn_mask{};
  double dropout_p = 0;    ///< applied whenever it is not 0
  bool is_causal = false;  ///< position i sees 0 ... i; not together with a mask
};
/// softmax(query key^T / sqrt(E) + mask) value (Vaswani et al. 2017): query (..., L, E), key (..., S, E), value
/// (..., S, D). A query that may see no key gives 0.
Tensor scaled_dot_product_attention(const Operand& query, const Operand& key, const Operand& value,
                                    const AttentionOptions& options = {});

namespace internal {
/// What value is multiplied by there: (..., L, S), with the mask and dropout.
Tensor attention_weights(const Tensor& query, const Tensor& key, const AttentionOptions& options);
}  // namespace internal

}  // namespace chainrule
