// Losses as modules: loss(x, target). Names and defaults are torch.nn's; what each computes stands at the operation.
// `reduction` comes first where PyTorch has nothing else that is often given.
#pragma once

#include <optional>

#include "nn/layers/applied.h"

namespace chainrule {

struct MSELoss : internal::AppliedLoss<mse_loss> {
  explicit MSELoss(Reduction reduction = Reduction::mean) : AppliedLoss(reduction) {}
};
struct L1Loss : internal::AppliedLoss<l1_loss> {
  explicit L1Loss(Reduction reduction = Reduction::mean) : AppliedLoss(reduction) {}
};
struct SmoothL1Loss : internal::AppliedLoss<smooth_l1_loss> {
  explicit SmoothL1Loss(Reduction reduction = Reduction::mean, double beta = 1);
};
struct HuberLoss : internal::AppliedLoss<huber_loss> {
  explicit HuberLoss(Reduction reduction = Reduction::mean, double delta = 1);
};
/// The target is 1 or -1.
struct HingeEmbeddingLoss : internal::AppliedLoss<hinge_embedding_loss> {
  explicit HingeEmbeddingLoss(double margin = 1, Reduction reduction = Reduction::mean)
      : AppliedLoss(margin, reduction) {}
};
/// x holds log-probabilities, the target probabilities.
struct KLDivLoss : internal::AppliedLoss<kl_div> {
  using Options = KlDivOptions;
  explicit KLDivLoss(Options options = {}) : AppliedLoss(options) {}
};
/// The book's: sum((y - t)^2) / 2.
struct SumSquaredError : internal::AppliedLoss<sum_squared_error> {
  using AppliedLoss::AppliedLoss;
};
/// The book's, of probabilities: -sum(log(y[t] + 1e-7)) / N.
struct CrossEntropyError : internal::AppliedLoss<cross_entropy_error> {
  using AppliedLoss::AppliedLoss;
};
/// sum(x1 x2) / (|x1| |x2|) along an axis.
struct CosineSimilarity : internal::AppliedLoss<cosine_similarity> {
  explicit CosineSimilarity(std::int64_t dim = 1, double eps = 1e-8) : AppliedLoss(dim, eps) {}
};

// Their weights, when given, are buffers, as in torch: part of the state.

/// Logits and class indices or probabilities.
class CrossEntropyLoss
    : public internal::AppliedLoss<static_cast<Tensor (*)(const Operand&, const Tensor&, const CrossEntropyOptions&)>(
          cross_entropy)> {
 public:
  using Options = CrossEntropyOptions;
  explicit CrossEntropyLoss(const Options& options = {});
  std::optional<Buffer> weight;  ///< (classes)
};
/// Log-probabilities and class indices.
class NLLLoss : public internal::AppliedLoss<nll_loss> {
 public:
  using Options = NllOptions;
  explicit NLLLoss(const Options& options = {});
  std::optional<Buffer> weight;  ///< (classes)
};
/// Probabilities and targets in [0, 1].
class BCELoss : public internal::AppliedLoss<binary_cross_entropy> {
 public:
  using Options = BinaryCrossEntropyOptions;
  explicit BCELoss(const Options& options = {});
  std::optional<Buffer> weight;
};
class BCEWithLogitsLoss : public internal::AppliedLoss<binary_cross_entropy_with_logits> {
 public:
  using Options = BinaryCrossEntropyWithLogitsOptions;
  explicit BCEWithLogitsLoss(const Options& options = {});
  std::optional<Buffer> weight, pos_weight;
};

/// loss(anchor, positive, negative).
class TripletMarginLoss : public ModuleOf<TripletMarginLoss> {
 public:
  using Options = TripletMarginOptions;
  explicit TripletMarginLoss(Options options = {});
  Tensor forward(const Tensor& anchor, const Tensor& positive, const Tensor& negative);

 private:
  Options options_;
};

}  // namespace chainrule
