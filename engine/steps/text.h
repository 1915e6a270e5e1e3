// Inner header: for our own sources, not installed.
// The steps for a terminal.
#pragma once

#include <string>

#include "engine/steps/walkthrough.h"

namespace chainrule {

std::string text_of(const Walkthrough& walk);

}  // namespace chainrule
