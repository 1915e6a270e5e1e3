// The demo's network: a small convolutional classifier of 8 x 8 digits, written as plain expressions, and its training.
#pragma once

#include <functional>
#include <vector>

#include "engine/random.h"
#include "engine/tensor.h"
#include "nn/data/image_set.h"

namespace chainrule {

/// First values of w1 b1 w2 b2 w3 b3, trainable and labelled.
std::vector<Tensor> make_digits_net(Generator& generator);

/// Class scores (N, 10) of images (N, 1, 8, 8), as an expression over the six parameters.
Tensor digits_net(const Tensor& images, const std::vector<Tensor>& parameters);

/// Share of the pictures whose largest score is at the right class.
double accuracy(const ImageSet& set, const std::vector<Tensor>& parameters);

struct DigitsTraining {
  int epochs = 20;
  std::int64_t batch = 32;
  double lr = 3e-3;
};

struct EpochRecord {
  double loss, train_accuracy, test_accuracy;
};

/// Trains in place with Adam, a fresh random order every epoch. `after_batch(epochs done with fraction, last record or
/// null, loss)` returns false to stop; what was finished is returned.
std::vector<EpochRecord> train_digits(const ImageSplit& digits, std::vector<Tensor>& parameters, Generator& generator,
                                      const DigitsTraining& options,
                                      const std::function<bool(double, const EpochRecord*, double)>& after_batch);

}  // namespace chainrule
