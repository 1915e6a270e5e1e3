// Transforms: what is done to a batch between the data set and the network, and how random ones draw their numbers. The
// transforms themselves are in augment.h and fitted.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/random.h"
#include "nn/data/dataset.h"

namespace chainrule {

/// Where the random numbers of a batch come from: those of a sample are a function of the seed, the epoch, its index in
/// the data set and the step in the chain of transforms, so that batch size, order and threads change nothing. A sample
/// that a sampler draws twice in an epoch is therefore the same both times.
struct Draws {
  std::uint64_t seed = 0;
  std::int64_t epoch = 0;
  Indices indices{};  ///< of the samples of the batch; empty: 0, 1, 2, ...
  std::uint32_t step = 0;

  Generator generator(std::int64_t sample) const;
};

/// The generator of one sample; index -1 is that of the epoch's order.
Generator sample_generator(std::uint64_t seed, std::int64_t epoch, std::int64_t index, std::uint32_t step);

/// A chain of steps, empty unless said: `random_shift(2) | random_rotate(10) | standardise({0.13}, {0.31})`, from left
/// to right.
class Transform {
 public:
  /// Gives a new batch and leaves the old one alone. It may be called by several threads at once.
  using Apply = std::function<Batch(const Batch& batch, const Draws& draws)>;

  Transform() = default;
  /// One step of your own; `name` is what to_string() shows. `random`: it uses the draws.
  Transform(std::string name, Apply apply, bool random = false);

  Batch operator()(const Batch& batch, Draws draws = {}) const;
  bool empty() const { return steps_.empty(); }
  /// Does any step use random numbers?
  bool random() const;
  friend Transform operator|(Transform first, const Transform& second);
  friend std::string to_string(const Transform& transform);

 private:
  struct Step {
    std::string name;
    Apply apply;
    bool random;
  };
  std::vector<Step> steps_;
};

Transform operator|(Transform first, const Transform& second);
/// "random_shift(2) | random_rotate(10)".
std::string to_string(const Transform& transform);

}  // namespace chainrule
