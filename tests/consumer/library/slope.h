// A user's public header that speaks of our tensors.
#pragma once

#include <chainrule/chainrule.h>

#include <string>

/// dz/dx of z = x * x + 2 * x, and the checksum of its text by another library.
std::string slope_at(const chainrule::Tensor& x);
