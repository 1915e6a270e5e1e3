// Clipping of gradients, by their norm or one by one, and the norm itself. Between backward() and step().
#pragma once

#include "optim/trainables.h"

namespace chainrule {

struct ClipOptions {
  double norm_type = 2;            ///< above 0; infinity: the largest magnitude
  bool error_if_nonfinite = true;  ///< false: gradients that hold NaN or infinities are left as they are
};

/// The norm of all gradients together, as if they were one vector, worked out in double without overflow. Parameters
/// without a gradient are left out. NaN or infinite where a gradient is.
double grad_norm(const Trainables& parameters, double norm_type = 2);

/// As torch.nn.utils.clip_grad_norm_: where the norm is above max_norm, all gradients are multiplied by
/// max_norm / (norm + 1e-6). Returns the norm before. Clipping does not mend NaN or infinities, it hides them: throws
/// NumericError that names the parameters, and changes nothing. Throws ValueError for max_norm or norm_type out of
/// range.
double clip_grad_norm(const Trainables& parameters, double max_norm, ClipOptions options = {});

/// As torch.nn.utils.clip_grad_value_: each element into [-clip_value, clip_value]. Returns the largest magnitude
/// before; the rest as above, norm_type without meaning.
double clip_grad_value(const Trainables& parameters, double clip_value, ClipOptions options = {});

}  // namespace chainrule
