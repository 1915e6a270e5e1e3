// What losses refuse when they are made, and their weights as buffers.
#include "nn/layers/loss.h"

#include "nn/layers/checks.h"

namespace chainrule {
namespace {

void keep(std::optional<Buffer>& buffer, ModuleBase& loss, const char* name, const Tensor& weight) {
  if (weight.defined()) buffer.emplace(loss, name, weight);
}

}  // namespace

SmoothL1Loss::SmoothL1Loss(Reduction reduction, double beta)
    : AppliedLoss(reduction, not_negative(beta, "SmoothL1Loss", "beta")) {}
HuberLoss::HuberLoss(Reduction reduction, double delta)
    : AppliedLoss(reduction, above_zero(delta, "HuberLoss", "delta")) {}

CrossEntropyLoss::CrossEntropyLoss(const Options& options) : AppliedLoss(options) {
  between(options.label_smoothing, 0, 1, "CrossEntropyLoss", "label_smoothing");
  keep(weight, *this, "weight", options.weight);
}
NLLLoss::NLLLoss(const Options& options) : AppliedLoss(options) { keep(weight, *this, "weight", options.weight); }
BCELoss::BCELoss(const Options& options) : AppliedLoss(options) { keep(weight, *this, "weight", options.weight); }
BCEWithLogitsLoss::BCEWithLogitsLoss(const Options& options) : AppliedLoss(options) {
  keep(weight, *this, "weight", options.weight);
  keep(pos_weight, *this, "pos_weight", options.pos_weight);
}

TripletMarginLoss::TripletMarginLoss(Options options) : options_(options) {
  not_negative(options.margin, "TripletMarginLoss", "margin");
  above_zero(options.p, "TripletMarginLoss", "p");
  above_zero(options.eps, "TripletMarginLoss", "eps");
}
Tensor TripletMarginLoss::forward(const Tensor& anchor, const Tensor& positive, const Tensor& negative) {
  const CalledFrom caller(called_from());
  return triplet_margin_loss(anchor, positive, negative, options_);
}

}  // namespace chainrule
