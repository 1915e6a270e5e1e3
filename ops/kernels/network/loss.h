// Inner header: for our own sources, not installed.
// Cross entropy of class indices, fused: softmax, logarithm and the pick of the label in one pass over the logits.
// Losses that are made of other operations have no kernel.
#pragma once

#include <cstdint>

#include "engine/types/dtype.h"
#include "ops/kernels/lines.h"

namespace chainrule::kernels {

/// Logits, a line of n classes for each position. Labels, losses and the two statistics are (outer, inner).
struct ClassLogits {
  const void* x;
  Lines lines;
};

struct ClassLabels {
  const std::int64_t* labels;  ///< each inside [0, classes), or equal to `ignore`
  std::int64_t ignore;
  const void* weight = nullptr;  ///< of each class, in the dtype of the logits; null: 1
  double smoothing = 0;          ///< the share that is spread evenly over all classes
};

/// The largest logit of a position and log(sum(exp(x - largest))): what the gradient needs again.
struct ClassStatistics {
  void* largest;
  void* log_sum;
};

/// Position of the first label that is neither inside [0, classes) nor `ignore`; -1 when there is none.
std::int64_t first_bad_label(const std::int64_t* labels, std::int64_t n, std::int64_t classes, std::int64_t ignore);

/// z = -(1 - smoothing) w[y] log p[y] - smoothing / classes * sum over c of w[c] log p[c], p the softmax of a position;
/// 0 where the label is ignored. Fills the statistics.
void cross_entropy(DType d, const ClassLogits& logits, const ClassLabels& y, const ClassStatistics& statistics,
                   void* z);
/// dx = g * scale * (p * (weight in all) - weight of each class), 0 where the label is ignored. g_step is 1, or 0 when
/// all positions share one g. p is the value of a position that `cross_entropy` filled the statistics for.
void cross_entropy_grad(DType d, const ClassLogits& logits, const ClassLabels& y, const ClassStatistics& statistics,
                        const void* g, std::int64_t g_step, double scale, void* dx);

}  // namespace chainrule::kernels
