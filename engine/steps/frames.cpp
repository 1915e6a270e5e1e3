#include "engine/steps/frames.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/draw/style.h"
#include "engine/system/text.h"

namespace chainrule {
namespace {

constexpr std::size_t kMostRows = 12, kWidestRow = 110;

Caption caption_of(const Walkthrough& walk, std::size_t at) {
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

}  // namespace

Frames::Frames(const Walkthrough& walk) : walk_(walk) {
  std::size_t rows = 0;
  int width = 0;
  for (std::size_t s = 0; s < walk.steps.size(); ++s) {
    captions_.push_back(caption_of(walk, s));
    rows = std::max(rows, captions_.back().lines.size());
    for (const std::string& line : captions_.back().lines)
      width = std::max(width, style::text_points(line, style::kTextSize));
  }
  for (Caption& caption : captions_) caption.rows = rows, caption.width = width;
}

std::string Frames::dot(std::size_t count) const {
  return draw_view(view_after(walk_.view, walk_.steps, count), walk_.options, &captions_[count - 1]);
}

}  // namespace chainrule
