// Inner header: for our own sources, not installed.
// The steps as JSON, for other programs.
#pragma once

#include <string>

#include "engine/steps/walkthrough.h"

namespace chainrule {

std::string json_of(const Walkthrough& walk);

}  // namespace chainrule
