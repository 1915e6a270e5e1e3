// Losses: one number for how wrong a prediction is. Prediction and target have one shape unless said otherwise; nothing
// is broadcast, where torch broadcasts with a warning. Targets may be trainable too, class indices and weights not.
#pragma once

#include <concepts>
#include <optional>

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {

// --- classes: losses.cpp ---------------------------------------------------------------------------------------------

struct CrossEntropyOptions {
  Tensor weight{};                   ///< of each class
  std::int64_t ignore_index = -100;  ///< this label counts nowhere
  Reduction reduction = Reduction::mean;
  double label_smoothing = 0;  ///< the share of the target that is spread evenly over the classes
};
/// -log(softmax(x)[target]): x (N, classes), (N, classes, ...) or (classes,); target int64 class indices (N, ...) or
/// probabilities of x's shape. The mean is taken over the labels' weights; NaN when every label is ignored. Throws
/// ValueError for a label outside the classes, naming it, its place and the number of classes.
Tensor cross_entropy(const Operand& x, const Tensor& target, const CrossEntropyOptions& options = {});
/// The same; a template, so that {} stands for the options.
template <std::same_as<Reduction> R>
Tensor cross_entropy(const Operand& x, const Tensor& target, R reduction) {
  return cross_entropy(x, target, CrossEntropyOptions{.reduction = reduction});
}

struct NllOptions {
  Tensor weight{};
  std::int64_t ignore_index = -100;
  Reduction reduction = Reduction::mean;
};
/// -x[target]: x holds log-probabilities; shapes, mean and errors as in cross_entropy with class indices.
Tensor nll_loss(const Operand& x, const Tensor& target, const NllOptions& options = {});
/// The book's: -sum(log(y[t] + 1e-7)) / N of probabilities y (N, classes) or (classes,); t class indices or one-hot.
Tensor cross_entropy_error(const Operand& y, const Tensor& t);

// --- distances and margins, yes or no: margin_losses.cpp -------------------------------------------------------------

Tensor mse_loss(const Operand& x, const Operand& target, Reduction reduction = Reduction::mean);
/// |x - target|; derivative 0 where they are equal.
Tensor l1_loss(const Operand& x, const Operand& target, Reduction reduction = Reduction::mean);
/// With d = |x - target|: d^2 / (2 beta) where d < beta, else d - beta / 2. beta = 0 is l1_loss.
Tensor smooth_l1_loss(const Operand& x, const Operand& target, Reduction reduction = Reduction::mean, double beta = 1);
/// With d = |x - target|: d^2 / 2 where d < delta, else delta (d - delta / 2) (Huber 1964).
Tensor huber_loss(const Operand& x, const Operand& target, Reduction reduction = Reduction::mean, double delta = 1);
/// The book's: sum((y - t)^2) / 2.
Tensor sum_squared_error(const Operand& y, const Operand& t);

struct BinaryCrossEntropyOptions {
  Tensor weight{};  ///< broadcasts to the shape of x
  Reduction reduction = Reduction::mean;
};
/// -(y log x + (1 - y) log(1 - x)) for probabilities x in [0, 1]; logarithms stop at -100, as in torch. Throws
/// ValueError for x outside.
Tensor binary_cross_entropy(const Operand& x, const Operand& target, const BinaryCrossEntropyOptions& options = {});
struct BinaryCrossEntropyWithLogitsOptions {
  Tensor weight{};
  Reduction reduction = Reduction::mean;
  Tensor pos_weight{};  ///< of the target's share of 1; broadcasts to the shape of x
};
/// The same for x before its sigmoid; finite for every finite x.
Tensor binary_cross_entropy_with_logits(const Operand& x, const Operand& target,
                                        const BinaryCrossEntropyWithLogitsOptions& options = {});

struct KlDivOptions {
  Reduction reduction = Reduction::mean;
  bool log_target = false;  ///< the target holds logarithms
  bool batchmean = false;   ///< the sum divided by the size of axis 0, the divergence itself; replaces `reduction`
};
/// target (log(target) - x), 0 where target is 0: x holds log-probabilities.
Tensor kl_div(const Operand& x, const Operand& target, const KlDivOptions& options = {});

/// x where target is 1, max(0, margin - x) where it is -1, both added where it is neither. Derivative -1 at x = margin.
Tensor hinge_embedding_loss(const Operand& x, const Operand& target, double margin = 1,
                            Reduction reduction = Reduction::mean);
/// sum(x1 x2) / (|x1| |x2|) along an axis, lengths not below eps. Broadcasts.
Tensor cosine_similarity(const Operand& x1, const Operand& x2, std::int64_t dim = 1, double eps = 1e-8);

struct TripletMarginOptions {
  double margin = 1, p = 2, eps = 1e-6;
  bool swap = false;  ///< the distance of positive and negative counts when it is the smaller one
  Reduction reduction = Reduction::mean;
};
/// max(0, |anchor - positive| - |anchor - negative| + margin) with p-norms of the last axis of the difference plus eps
/// (Balntas et al. 2016). Inputs (N, D) or (D,).
Tensor triplet_margin_loss(const Operand& anchor, const Operand& positive, const Operand& negative,
                           const TripletMarginOptions& options = {});

}  // namespace chainrule
