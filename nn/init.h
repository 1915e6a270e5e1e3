// First values of parameters. Names and meaning follow torch.nn.init; the fans are read off the weight's shape:
// (out, in) for Linear, (out, in / groups, kernel_h, kernel_w) for Conv2d.
#pragma once

#include "engine/factory.h"

namespace chainrule {

/// He initialisation, for ReLU: normal with standard deviation sqrt(2 / fan_in). He et al., "Delving deep into
/// rectifiers", ICCV 2015.
Tensor kaiming_normal(const Shape& shape, Generator& generator = default_generator());
/// The same spread, uniform on +-sqrt(6 / fan_in).
Tensor kaiming_uniform(const Shape& shape, Generator& generator = default_generator());
/// Xavier initialisation, for sigmoid and tanh: normal with standard deviation sqrt(2 / (fan_in + fan_out)). Glorot and
/// Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.
Tensor xavier_normal(const Shape& shape, Generator& generator = default_generator());
/// The same spread, uniform on +-sqrt(6 / (fan_in + fan_out)).
Tensor xavier_uniform(const Shape& shape, Generator& generator = default_generator());

/// An initialiser as an option of a layer.
using Init = Tensor (*)(const Shape& shape, Generator& generator);

}  // namespace chainrule
