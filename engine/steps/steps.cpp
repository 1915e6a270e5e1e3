// The public functions: each makes the walkthrough and hands it to a form; and the folder that holds every form.
#include "engine/steps/steps.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "engine/draw/graphviz.h"
#include "engine/draw/numbers.h"
#include "engine/steps/frames.h"
#include "engine/steps/json.h"
#include "engine/steps/player.h"
#include "engine/steps/text.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t kMostOperations = 200;  // more frames than that nobody looks at

std::string frame_name(std::size_t number) { return fmt::format("frame-{:03}.dot", number); }

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

std::string steps_to_text(const Tensor& result, const GraphOptions& options) {
  const NumberStyle style(options);
  return text_of(walk_through(result, options));
}

std::string steps_to_json(const Tensor& result, const GraphOptions& options) {
  const NumberStyle style(options);
  return json_of(walk_through(result, options));
}

std::size_t write_steps(const std::string& folder, const Tensor& result, const GraphOptions& options) {
  const NumberStyle style(options);
  const Walkthrough walk = walk_through(result, options);
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
  const Frames frames(walk);
  for (std::size_t count = 1; count <= walk.steps.size(); ++count)
    write_file(path(frame_name(count)), frames.dot(count));
  remove_further_frames(folder, walk.steps.size());
  const Rendered svg = render_dot(player_dot(walk), "svg", walk.options);
  if (!svg.failure.empty())
    throw EnvironmentError(
        fmt::format("write_steps: cannot draw {}: {}; the frames, steps.txt and steps.json are written",
                    printable(path("player.html")), svg.failure));
  write_file(path("player.html"), player_page(walk, svg.picture));
  return walk.steps.size();
}

}  // namespace chainrule
