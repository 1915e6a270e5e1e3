// A network that learns from batches of pictures, one for each side. Deliberately not here: any library's types.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace chainrule::bench {

/// Pictures (count, 1, 28, 28) and their classes from 0 to 9, row-major.
struct Samples {
  const float* images;
  const std::int64_t* labels;
  std::int64_t count;
};

/// What learns, and how: as much as both sides need to do the same.
struct Learning {
  std::string network;  ///< "mlp", "lenet", "deep-conv" or "resnet"
  bool adam = false;    ///< else gradient descent with Nesterov's momentum
  double lr = 0, momentum = 0, weight_decay = 0;
};

class Learner {
 public:
  virtual ~Learner() = default;
  /// The mean loss in evaluation mode; nothing is learned.
  virtual double loss(const Samples& samples) = 0;
  /// The mean loss before one step of the optimizer, which is done.
  virtual double step(const Samples& samples) = 0;

 protected:
  Learner() = default;
  Learner(const Learner&) = default;
  Learner& operator=(const Learner&) = default;
};

/// A parameter before any learning.
struct FirstNumbers {
  std::vector<std::int64_t> shape;
  std::vector<float> values;
};

/// Makes another library's learner, from the parameters of ours in the order of the layers. A matrix whose shape is
/// the other way round there lies transposed here.
using MakeLearner =
    std::function<std::unique_ptr<Learner>(const Learning& learning, const std::vector<FirstNumbers>& parameters)>;

}  // namespace chainrule::bench
