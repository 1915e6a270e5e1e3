// The networks that bench_training trains on real pictures, and how.
#pragma once

#include "nn/data/transform.h"
#include "nn/module.h"
#include "optim/optimizer.h"
#include "tools/bench/learner.h"

namespace chainrule::bench {

struct Recipe {
  std::string title;  ///< for tables
  std::shared_ptr<Module> (*make)();
  Learning learning;
  bool dropout = false;  ///< then two libraries draw different masks and learn different numbers
  bool fashion = false;  ///< Fashion-MNIST, else MNIST
  std::int64_t batch = 100, epochs = 10;
  Transform transform{};
  double accuracy = 0;  ///< wanted, as a share of the test set; 0: not said
  double ratio = 0;     ///< wanted: libtorch's time over ours
};

/// In the order of the table. The rate falls to 0 along half a cosine.
std::vector<Recipe> recipes();

std::unique_ptr<Optimizer> make_optimizer(const Learning& learning, const Module& net);

}  // namespace chainrule::bench
