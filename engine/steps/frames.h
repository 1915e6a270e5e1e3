// Inner header: for our own sources, not installed.
// Pictures of the steps as DOT, one for each, all with the same layout: what is not known yet is written in the colour
// of its ground, so nothing moves from one frame to the next.
#pragma once

#include <string>
#include <vector>

#include "engine/draw/draw_view.h"
#include "engine/steps/walkthrough.h"

namespace chainrule {

class Frames {
 public:
  /// Keeps a reference to the walkthrough.
  explicit Frames(const Walkthrough& walk);

  /// The picture after the first `count` steps, from 1 to all.
  std::string dot(std::size_t count) const;

 private:
  const Walkthrough& walk_;
  std::vector<Caption> captions_;  // of each step, with room for the largest
};

}  // namespace chainrule
