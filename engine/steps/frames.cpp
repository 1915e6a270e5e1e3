// Pictures of the steps, and the folder that holds every form of them. Nothing moves from one frame to the next: what
// is not known yet is written in the colour of its ground.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "engine/draw/graphviz.h"
#include "engine/draw/labels.h"
#include "engine/steps/forms.h"
#include "engine/steps/steps.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostOperations = 200;  // more frames than that nobody looks at
constexpr std::size_t kMostRows = 12, kWidestRow = 110;
// Of contributions; in larger graphs only the values are known.
constexpr std::size_t kMostLinks = 100'000;

std::string frame_name(std::size_t number) { return fmt::format("frame-{:03}.dot", number); }

Caption caption_of(const GraphWalk& walk, std::size_t at) {
  const StepText& text = walk.texts[at];
  const StepKind kind = walk.steps[at].kind;
  Caption caption;
  caption.lines.push_back(fmt::format("step {} of {}  ·  {}{}", at + 1, walk.steps.size(), phase_of(kind),
                                      text.title == phase_of(kind) ? "" : "  ·  " + text.title));
  for (const StepRow& row : text.rows) {
    if (caption.lines.size() == kMostRows) {
      caption.lines.push_back(fmt::format("and {} more", text.rows.size() - kMostRows + 1));
      break;
    }
    caption.lines.push_back(shorten(row_text(row) + (row.note.empty() ? "" : "   (" + row.note + ")"), kWidestRow));
  }
  return caption;
}

// Frames of an earlier call that had more steps. Only what such a call wrote is removed.
void remove_further_frames(const fs::path& folder, std::size_t count) {
  for (std::size_t number = count + 1; number <= 999; ++number) {
    const fs::path path = folder / frame_name(number);
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored) || !read_file(path.string()).starts_with("digraph \"chainrule\" {")) return;
    fs::remove(path, ignored);
  }
}

}  // namespace

GraphWalk walk_graph(const Tensor& result, const GraphOptions& options) {
  GraphWalk walk{.options = options};
  walk.options.symbols = false;
  const Tensor results[] = {result};
  walk.view = view_graph(results, options.gradients, kMostLinks);
  fold_chosen(walk.view, options);
  if (!options.gradients)
    for (GraphItem& item : walk.view.items) item.grad = Tensor();
  give_letters(walk.view);
  walk.steps = graph_steps(walk.view);
  walk.texts = describe(walk.view, walk.steps, walk.options);
  walk.names = item_names(walk.view, walk.options);
  walk.title = DiagramText(walk.view, walk.options).title();
  for (std::size_t s = 0; s < walk.steps.size(); ++s) {
    const Caption caption = caption_of(walk, s);
    walk.caption_rows = std::max(walk.caption_rows, caption.lines.size());
    for (const std::string& line : caption.lines)
      walk.caption_width = std::max(walk.caption_width, style::text_points(line, style::kTextSize));
  }
  return walk;
}

std::string frame_of(const GraphWalk& walk, std::size_t count) {
  Caption caption = caption_of(walk, count - 1);
  // In every frame room for the largest.
  caption.rows = walk.caption_rows;
  caption.width = walk.caption_width;
  return draw_view(view_after(walk.view, walk.steps, count), walk.options, &caption);
}

std::string picture_of(const GraphWalk& walk) {
  GraphView view = view_after(walk.view, walk.steps, walk.steps.size());
  view.walk = Walk::page;
  for (GraphItem& item : view.items) item.shown = {};
  for (GraphLink& link : view.links) link.shown = {};
  GraphOptions options = walk.options;
  options.dark = false;  // the page knows both
  return draw_view(view, options);
}

std::size_t write_steps(const std::string& folder, const Tensor& result, const GraphOptions& options) {
  const GraphWalk walk = walk_graph(result, options);
  std::error_code failed;
  fs::create_directories(folder, failed);
  if (failed || !fs::is_directory(folder))
    throw EnvironmentError(fmt::format("write_steps: cannot make the folder '{}': {}", printable(folder),
                                       failed ? failed.message() : "there is a file of that name"));
  const auto path = [&](const std::string& name) { return (fs::path(folder) / name).string(); };
  write_file(path("steps.txt"), text_of(walk));
  write_file(path("steps.json"), json_of(walk));
  const auto operations = std::count_if(walk.steps.begin(), walk.steps.end(),
                                        [](const GraphStep& step) { return step.kind == StepKind::forward; });
  if (operations > static_cast<std::ptrdiff_t>(kMostOperations))
    throw ValueError(
        fmt::format("write_steps: {} operations are too many for frames, which show at most {}: fold modules (depth, "
                    "fold); steps.txt "
                    "and steps.json are written",
                    operations, kMostOperations));
  for (std::size_t count = 1; count <= walk.steps.size(); ++count)
    write_file(path(frame_name(count)), frame_of(walk, count));
  remove_further_frames(folder, walk.steps.size());
  const Rendered svg = render_dot(picture_of(walk), "svg", walk.options);
  if (!svg.failure.empty())
    throw EnvironmentError(
        fmt::format("write_steps: cannot draw {}: {}; the frames, steps.txt and steps.json are written",
                    printable(path("player.html")), svg.failure));
  write_file(path("player.html"), page_of(walk, svg.picture));
  return walk.steps.size();
}

}  // namespace chainrule
