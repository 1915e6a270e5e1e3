// Inner header: for our own sources, not installed.
// What the sources of optimizers share: checks of hyper-parameters and of states, and a parameter's memory for the
// fused steps.
#pragma once

#include <string>
#include <vector>

#include "engine/tensor.h"
#include "ops/kernels/network/update.h"

namespace chainrule::optim {

/// Each throws ValueError that names the optimizer, the argument and the value; NaN and infinities are refused.
void expect(bool ok, const char* who, const char* argument, double value, const char* range);
void expect_not_negative(const char* who, const char* argument, double value);
void expect_positive(const char* who, const char* argument, double value);
void expect_fraction(const char* who, const char* argument, double value);  // in [0, 1)

/// Compares names, shapes and types of what load_state expects and is given; throws ValueError that lists all that is
/// missing, unexpected or different.
void expect_same(const std::string& who, const std::vector<NamedTensor>& expected,
                 const std::vector<NamedTensor>& given);

/// `writer` must live forever: a value that is found changed is said to be written by it.
kernels::UpdateMemory memory_of(Tensor& parameter, const Tensor& gradient, const std::vector<Tensor>& slots,
                                const char* writer, const SourceLocation& where);

/// The decay of this parameter: none for biases and scales of norms (at most one axis) where they are left out.
inline double decay_of(const Tensor& parameter, double weight_decay, bool decay_biases) {
  return decay_biases || parameter.dim() > 1 ? weight_decay : 0;
}

}  // namespace chainrule::optim
