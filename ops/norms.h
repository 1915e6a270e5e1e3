// Normalisation, dropout, embedding and attention: what layers of networks are made of besides products and windows.
#pragma once

#include <optional>

#include "engine/operand.h"
#include "ops/options.h"

namespace chainrule {}  // namespace chainrule
