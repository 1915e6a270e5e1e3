// The bar overwrites its line by a carriage return and blanks instead of erasing sequences: that works on every
// terminal and leaves nothing behind. Width is asked for at each redraw, so a resized window is followed without a
// handler.
#include "engine/system/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <limits>

#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr double kSecondsBetweenRedraws = 0.1;
constexpr std::size_t kWidestBar = 30, kNarrowestBar = 5, kUsualColumns = 80;

double steady_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

bool can_redraw(int descriptor) {
  const char* terminal = std::getenv("TERM");
  return ::isatty(descriptor) == 1 && (terminal == nullptr || std::string_view(terminal) != "dumb");
}

/// As no-color.org says: present and not empty.
bool colour_refused() {
  const char* value = std::getenv("NO_COLOR");
  return value != nullptr && *value != '\0';
}

std::size_t columns_of(int descriptor) {
  winsize size{};
  if (::ioctl(descriptor, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return kUsualColumns;
}

std::string duration_text(double seconds) {
  const double rounded = std::round(std::clamp(seconds, 0.0, 359'999'000.0));
  const auto whole = static_cast<std::int64_t>(rounded);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {} s", whole / 60, whole % 60);
  return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
}

std::string cut(std::string_view text, std::size_t columns) {
  return text_width(text) <= columns ? std::string(text) : wrap(text, columns).front();
}

}  // namespace

ProgressMode parse_progress_mode(std::string_view text) {
  if (text == "auto") return ProgressMode::automatic;
  if (text == "bar") return ProgressMode::bar;
  if (text == "plain") return ProgressMode::plain;
  if (text == "none") return ProgressMode::none;
  throw ValueError(fmt::format("--progress: '{}' is not one of auto, bar, plain, none", printable(text)));
}

Progress::Progress(std::string_view unit, std::int64_t total, ProgressOptions options)
    : unit_(printable(unit)),
      total_(std::max<std::int64_t>(total, 1)),
      mode_(options.mode),
      descriptor_(options.descriptor),
      colour_(can_redraw(options.descriptor) && !colour_refused()),
      seconds_(options.seconds ? std::move(options.seconds) : steady_seconds),
      start_(seconds_()),
      last_drawn_(-std::numeric_limits<double>::infinity()) {
  if (mode_ == ProgressMode::automatic) mode_ = can_redraw(descriptor_) ? ProgressMode::bar : ProgressMode::plain;
}

Progress::~Progress() {
  if (line_open_) write("\n");
}

void Progress::update(double done, std::string_view facts) {
  if (finished_ || mode_ == ProgressMode::none) return;
  done_ = done > 0 ? std::min(done, static_cast<double>(total_)) : 0.0;  // a nan counts as nothing done
  const double now = seconds_();
  const auto whole = static_cast<std::int64_t>(done_);
  if (mode_ == ProgressMode::bar ? now - last_drawn_ < kSecondsBetweenRedraws : !is_new_line(whole)) return;
  std::string time;
  if (done_ > 0) time = "eta " + duration_text((now - start_) / done_ * (static_cast<double>(total_) - done_));
  if (mode_ == ProgressMode::bar) {
    last_drawn_ = now;
    return draw(line(facts, time), false);
  }
  reported_ = whole;
  write(line(facts, time) + "\n");
}

void Progress::finish(std::string_view facts) {
  if (finished_) return;
  finished_ = true;
  if (mode_ == ProgressMode::none) return;
  done_ = static_cast<double>(total_);
  const std::string text = line(facts, "took " + duration_text(seconds_() - start_));
  if (mode_ == ProgressMode::plain) return write(text + "\n");
  draw(text, true);
}

/// Plain: whether another unit, or another percent of many, is finished. The last line belongs to finish().
bool Progress::is_new_line(std::int64_t whole) const {
  const auto lines = static_cast<double>(std::min<std::int64_t>(total_, 100));
  const auto step = [&](std::int64_t units) {
    return std::floor(static_cast<double>(units) / static_cast<double>(total_) * lines + 1e-9);
  };
  return whole < total_ && step(whole) > step(reported_);
}

/// The unit that is being worked on, with the number as wide as the total so that nothing behind it jumps.
std::string Progress::head() const {
  const auto current = std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(done_)));
  const std::string total = std::to_string(total_);
  return fmt::format("{} {:>{}}/{}", unit_, current, total.size(), total);
}

/// Without room for all of it the bar goes first, then what stands at the end. A plain line has all but the bar.
std::string Progress::line(std::string_view facts, std::string_view time) const {
  std::string tail;
  if (!facts.empty()) tail += "  " + printable(facts);
  if (!time.empty()) tail += "  " + std::string(time);
  if (mode_ == ProgressMode::plain) return head() + tail;

  // The last column stays free: writing there makes many terminals wrap.
  const std::size_t columns = columns_of(descriptor_) - 1;
  const std::size_t used = text_width(head()) + text_width(tail) + 4;  // two blanks and two brackets
  if (used + kNarrowestBar > columns) return cut(head() + tail, columns);
  const std::size_t width = std::min(kWidestBar, columns - used);
  const auto filled = static_cast<std::size_t>(done_ / static_cast<double>(total_) * static_cast<double>(width));
  std::string bar(filled, '=');
  if (filled < width) bar += '>';
  bar.resize(width, ' ');
  if (colour_) bar = "\x1b[34m" + bar + "\x1b[0m";
  return head() + "  [" + bar + "]" + tail;
}

void Progress::draw(const std::string& text, bool last) {
  constexpr std::size_t kColourBytes = 9;  // the two sequences around the bar take no columns
  const std::size_t columns = text_width(text) - (text.find('\x1b') == std::string::npos ? 0 : kColourBytes);
  // Blanks over the rest of a longer line before; not beyond the width, should the window have shrunk.
  const std::size_t room = columns_of(descriptor_) - 1;
  const std::size_t blanks = std::min(drawn_columns_, room) > columns ? std::min(drawn_columns_, room) - columns : 0;
  write("\r" + text + std::string(blanks, ' ') + (last ? "\n" : ""));
  drawn_columns_ = columns;
  line_open_ = !last;
}

void Progress::write(std::string_view bytes) const {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace chainrule
