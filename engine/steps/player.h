// Inner header: for our own sources, not installed.
// The page that shows the steps one after the other: the whole picture as Graphviz drew it, the words of each step, and
// what its script needs to know. The look and the script are in player.html, which the build embeds.
#pragma once

#include <string>
#include <string_view>

#include "engine/steps/walkthrough.h"

namespace chainrule {

/// The whole picture as DOT, with ids; the page shows and hides its parts.
std::string player_dot(const Walkthrough& walk);

/// The page around that picture, drawn as SVG. It needs no network and no library; without its script it is the whole
/// picture with the words of all steps below.
std::string player_page(const Walkthrough& walk, std::string_view svg);

}  // namespace chainrule
