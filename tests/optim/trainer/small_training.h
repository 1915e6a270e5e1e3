// A small training for tests: digits, a network with batch norm and dropout, a loader that shuffles.
#pragma once

#include <string>
#include <vector>

#include "nn/data/image_set.h"
#include "nn/data/loader.h"
#include "nn/layers.h"
#include "ops/ops.h"
#include "optim/trainer/trainer.h"

namespace chainrule::testing {

struct SmallNet : Module {
  Child<Linear> hidden{*this, "hidden", 64, 16};
  Child<BatchNorm1d> norm{*this, "norm", 16};
  Child<Linear> out{*this, "out", 16, 10};
  double rate = 0.2;       // of the dropout
  bool normalised = true;  // its batches are as large as the loader's, whatever is accumulated
  Tensor forward(const Tensor& x) override {
    Tensor h = hidden(flatten(x, 1));
    if (normalised) h = norm(h);
    h = relu(h);
    if (is_training() && rate > 0) h = dropout(h, rate);
    return out(h);
  }
};

/// The first digits, so that an epoch is short: 200 to train with, 100 to test.
inline ImageSplit few_digits() {
  const ImageSplit all = load_digits();
  std::vector<std::int64_t> train, test;
  for (std::int64_t i = 0; i < 200; ++i) train.push_back(i * 7 % all.train.size());
  for (std::int64_t i = 0; i < 100; ++i) test.push_back(i * 3 % all.test.size());
  return {all.train.select(train), all.test.select(test)};
}

inline DataLoader few_batches(const ImageSet& set) {
  return DataLoader(set, {.batch_size = 32, .shuffle = true, .seed = 4});  // seven, the last of 8
}

/// Options that say nothing and touch no signal.
inline Trainer::Options quiet(std::int64_t epochs) {
  return {.epochs = epochs, .progress = ProgressMode::none, .interrupts = false, .message = [](const std::string&) {}};
}

inline std::vector<double> numbers_of(const ModuleBase& net) {
  std::vector<double> all;
  for (const NamedTensor& one : net.state())
    for (const double v : one.tensor.to_vector()) all.push_back(v);
  return all;
}

}  // namespace chainrule::testing
