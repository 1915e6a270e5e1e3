// Inner header: for our own sources, not installed.
// Pictures by Graphviz, which is asked as a program with the text on its standard input, and never trusted to end.
#pragma once

#include <string>
#include <string_view>

#include "engine/draw/diagram.h"

namespace chainrule {

struct Rendered {
  std::string picture;    ///< the bytes of the file; undefined after a failure
  std::string failure{};  ///< why there is none, as the end of a sentence
};
/// `format`: "svg", "png" or "pdf". Never throws: what went wrong is in `failure`, also that there is no Graphviz.
Rendered render_dot(std::string_view dot, const std::string& format, const GraphOptions& options);

/// The <svg> element of a picture, without what stands before it in a file of its own.
std::string_view svg_element(std::string_view svg);

}  // namespace chainrule
