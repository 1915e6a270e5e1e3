// Inner header: for our own sources, not installed.
// Everything about the steps of one result, made once for all of its forms: text, JSON, frames and page.
#pragma once

#include <string>
#include <vector>

#include "engine/steps/words.h"

namespace chainrule {

struct GraphWalk {
  GraphOptions options;
  GraphView view{};
  std::vector<GraphStep> steps{};
  std::vector<StepText> texts{};     ///< of each step
  std::vector<std::string> names{};  ///< of each item
  std::string title{};
  std::size_t caption_rows = 0;  ///< of the largest caption, and its width in points
  int caption_width = 0;
};
GraphWalk walk_graph(const Tensor& result, const GraphOptions& options);

std::string text_of(const GraphWalk& walk);
std::string json_of(const GraphWalk& walk);
/// The picture after the first `count` steps, as DOT.
std::string frame_of(const GraphWalk& walk, std::size_t count);
/// The whole picture, for the page.
std::string picture_of(const GraphWalk& walk);
/// The page around that picture, drawn as SVG.
std::string page_of(const GraphWalk& walk, std::string_view svg);
/// What is the same in every page, with {{marks}}.
std::string_view player_page();

}  // namespace chainrule
