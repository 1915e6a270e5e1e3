// Data sets made by a rule, for lessons and tests: points in the plane with a class each, and a curve with noise.
// Inputs are float32, and the same arguments give the same numbers on every machine but for the last bits of sin and
// cos. Pictures with several digits are in scenes.h.
#pragma once

#include "nn/data/dataset.h"

namespace chainrule {

/// Every option that is a spread must be at least 0 and finite, every count at least 1 (ValueError).
struct PointOptions {
  double noise = 0;  ///< standard deviation of a normal number added to each coordinate
  std::uint64_t seed = 0;
};

/// Arms that wind around each other: inputs (classes * samples, 2), targets the arm. `noise` is that of the angle in
/// radians. As in K. Saitoh, "Deep Learning from Scratch 2", 2018, after A. Karpathy's notes for CS231n.
TensorDataset make_spiral(std::int64_t samples = 100, std::int64_t classes = 3, PointOptions options = {.noise = 0.2});
/// Two half circles that reach into each other, the first with half of the samples rounded down; as scikit-learn's
/// make_moons, in its order.
TensorDataset make_moons(std::int64_t samples = 100, PointOptions options = {});
/// A circle of radius 1 (class 0) and one of radius `factor` (above 0, below 1) in it; as scikit-learn's make_circles.
TensorDataset make_circles(std::int64_t samples = 100, double factor = 0.8, PointOptions options = {});
/// Normal clouds with standard deviation 1 around centres that are uniform in [-10, 10] for each of the `features`;
/// sample i is of class i % centres. `noise` is added to the cloud's own spread.
TensorDataset make_blobs(std::int64_t samples = 100, std::int64_t centres = 3, std::int64_t features = 2,
                         PointOptions options = {});
/// Sample i lies at one of the corners (+-1, +-1), which come by turns; class 1 where the signs differ.
TensorDataset make_xor(std::int64_t samples = 100, PointOptions options = {.noise = 0.2});
/// x (samples, 1) evenly from 0 to 1, both included, and sin(2 pi x) with noise as target (samples, 1).
TensorDataset make_sine(std::int64_t samples = 100, PointOptions options = {});

}  // namespace chainrule
