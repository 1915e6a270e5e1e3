// The progress bar on a real pseudo-terminal and in a file, with a clock of our own. The screen is read back by a small
// terminal that knows carriage returns, line breaks and colours.
#include "engine/system/progress.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "engine/types/error.h"

namespace {

using chainrule::Progress;
using chainrule::ProgressMode;

/// Sets a variable of the environment for a scope.
class Variable {
 public:
  Variable(const char* name, const char* value) : name_(name) {
    if (const char* before = getenv(name)) before_ = before;
    value == nullptr ? unsetenv(name) : setenv(name, value, 1);
  }
  ~Variable() { before_ ? setenv(name_, before_->c_str(), 1) : unsetenv(name_); }
  Variable(const Variable&) = delete;
  Variable& operator=(const Variable&) = delete;

 private:
  const char* name_;
  std::optional<std::string> before_;
};

/// A file without a name that collects what is written.
class File {
 public:
  File() : file_(std::tmpfile()) { REQUIRE(file_ != nullptr); }
  ~File() { std::fclose(file_); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int descriptor() const { return fileno(file_); }
  std::string content() const {
    std::string text(static_cast<std::size_t>(lseek(descriptor(), 0, SEEK_END)), '\0');
    REQUIRE(pread(descriptor(), text.data(), text.size(), 0) == static_cast<ssize_t>(text.size()));
    return text;
  }

 private:
  std::FILE* file_;
};

class Terminal {
 public:
  explicit Terminal(unsigned short columns) : master_(posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK)) {
    REQUIRE(master_ >= 0);
    REQUIRE(grantpt(master_) == 0);
    REQUIRE(unlockpt(master_) == 0);
    slave_ = open(ptsname(master_), O_RDWR | O_NOCTTY);
    REQUIRE(slave_ >= 0);
    termios settings{};
    REQUIRE(tcgetattr(slave_, &settings) == 0);
    settings.c_oflag &= ~static_cast<tcflag_t>(OPOST);  // bytes arrive as they were written
    REQUIRE(tcsetattr(slave_, TCSANOW, &settings) == 0);
    resize(columns);
  }
  ~Terminal() {
    close(slave_);
    close(master_);
  }
  Terminal(const Terminal&) = delete;
  Terminal& operator=(const Terminal&) = delete;
  int descriptor() const { return slave_; }
  void resize(unsigned short columns) const {
    const winsize size{24, columns, 0, 0};
    REQUIRE(ioctl(slave_, TIOCSWINSZ, &size) == 0);
  }
  /// What has been written since the last call.
  std::string take() const {
    std::string text;
    char buffer[4096];
    for (ssize_t got = 0; (got = read(master_, buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<std::size_t>(got));
    return text;
  }

 private:
  int master_, slave_ = -1;
};

/// What a person sees after these bytes, line by line, without blanks at the ends. ASCII only.
std::vector<std::string> screen(const std::string& bytes) {
  std::vector<std::string> lines(1);
  std::size_t column = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (bytes[i] == '\r') {
      column = 0;
    } else if (bytes[i] == '\n') {
      lines.emplace_back();
      column = 0;
    } else if (bytes[i] == '\x1b') {
      i = bytes.find('m', i);
    } else {
      lines.back().resize(std::max(lines.back().size(), column + 1), ' ');
      lines.back()[column++] = bytes[i];
    }
  }
  for (std::string& line : lines) line.erase(line.find_last_not_of(' ') + 1);
  return lines;
}

std::size_t widest(const std::string& bytes) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t end = std::min(bytes.find('\r', at), bytes.size());
    std::size_t width = 0;
    for (std::size_t i = at; i < end; ++i) {
      if (bytes[i] == '\x1b')
        i = bytes.find('m', i);
      else if (bytes[i] != '\n')
        ++width;
    }
    columns = std::max(columns, width);
    at = end + 1;
  }
  return columns;
}

}  // namespace

TEST_CASE("the bar reads as documented") {
  const Variable terminal_kind("TERM", "xterm"), no_color("NO_COLOR", "1");
  const Terminal terminal(100);
  double now = 1000;
  Progress progress("epoch", 10, {.descriptor = terminal.descriptor(), .seconds = [&] { return now; }});
  now += 6;
  progress.update(2.5, "loss 0.123  test 97.5 %");
  CHECK(terminal.take() == "\repoch  3/10  [=======>                      ]  loss 0.123  test 97.5 %  eta 18 s");
  now += 94;
  progress.update(5, "loss 0.1");
  CHECK(screen(terminal.take()) ==
        std::vector<std::string>{"epoch  5/10  [===============>              ]  loss 0.1  eta 1 min 40 s"});
  now += 3600;
  progress.finish("loss 0.05");
  CHECK(screen(terminal.take()) ==
        std::vector<std::string>{"epoch 10/10  [==============================]  loss 0.05  took 1 h 1 min", ""});
  progress.finish("again");
  progress.update(3, "again");
  CHECK(terminal.take().empty());
}

TEST_CASE("a shorter line leaves nothing of a longer one") {
  const Variable terminal_kind("TERM", "xterm"), no_color("NO_COLOR", nullptr);
  const Terminal terminal(100);
  double now = 0;
  Progress progress("step", 4, {.descriptor = terminal.descriptor(), .seconds = [&] { return now; }});
  progress.update(0, "a long text about something that happens");
  now += 1;
  progress.update(1, "short");
  CHECK(screen(terminal.take()) ==
        std::vector<std::string>{"step 1/4  [=======>                      ]  short  eta 3 s"});
}

TEST_CASE("at most ten redraws a second, and the last state is always drawn") {
  const Variable terminal_kind("TERM", "xterm");
  const Terminal terminal(100);
  double now = 0;
  Progress progress("step", 20'000, {.descriptor = terminal.descriptor(), .seconds = [&] { return now; }});
  std::string written;
  for (int i = 0; i < 20'000; ++i, now += 0.0005) {  // ten seconds
    progress.update(i, "x");
    if (i % 500 == 0) written += terminal.take();
  }
  progress.finish("the end");
  written += terminal.take();
  const auto redraws = std::count(written.begin(), written.end(), '\r');
  CHECK(redraws >= 90);
  CHECK(redraws <= 102);
  CHECK(screen(written).front().find("the end  took 10 s") != std::string::npos);
}

TEST_CASE("no line is wider than the terminal, also when it changes size") {
  const Variable terminal_kind("TERM", "xterm"), no_color("NO_COLOR", nullptr);
  const Terminal terminal(100);
  double now = 0;
  Progress progress("epoch", 10, {.descriptor = terminal.descriptor(), .seconds = [&] { return now += 1; }});
  for (const int columns : {100, 60, 52, 48, 30, 12, 2, 1, 40, 100}) {
    CAPTURE(columns);
    terminal.resize(static_cast<unsigned short>(columns));
    progress.update(3, "loss 0.123  test 97.5 %");
    CHECK(widest(terminal.take()) <= static_cast<std::size_t>(std::max(1, columns - 1)));
  }
  terminal.resize(50);
  progress.update(4,
                  "\xe4\xbb\xb7\xe6\xa0\xbc \xe3\x83\xaa\xe3\x83\xb3\xe3\x82\xb4 0.1");  // five characters, ten columns
  const std::string line = terminal.take();
  CHECK(line.find("0.1  eta") != std::string::npos);
  CHECK(line.find('[') != std::string::npos);
}

TEST_CASE("off a terminal there are plain lines, one per unit") {
  const Variable terminal_kind("TERM", "xterm"), no_color("NO_COLOR", nullptr);
  const File file;
  double now = 0;
  {
    Progress progress("epoch", 3, {.descriptor = file.descriptor(), .seconds = [&] { return now; }});
    for (int i = 0; i <= 300; ++i, now += 0.1) progress.update(i / 100.0, "loss 1");
    progress.finish("loss 0.5");
  }
  CHECK(file.content() == "epoch 1/3  loss 1  eta 20 s\nepoch 2/3  loss 1  eta 10 s\nepoch 3/3  loss 0.5  took 30 s\n");
}

TEST_CASE("many units give at most a hundred plain lines") {
  const File file;
  double now = 0;
  Progress progress("step", 12'345, {.descriptor = file.descriptor(), .seconds = [&] { return now; }});
  for (int i = 0; i <= 12'345; ++i, now += 0.001) progress.update(i, "x");
  progress.finish("x");
  const std::string text = file.content();
  CHECK(std::count(text.begin(), text.end(), '\n') == 100);
  CHECK(text.find('\r') == std::string::npos);
  CHECK(text.find('\x1b') == std::string::npos);
}

TEST_CASE("modes: auto looks at the terminal, the others are obeyed") {
  const Variable no_color("NO_COLOR", nullptr);
  const auto written = [](ProgressMode mode, int descriptor) {
    Progress progress("epoch", 2, {.mode = mode, .descriptor = descriptor});
    progress.update(1, "x");
    progress.finish("y");
  };
  const Terminal terminal(80);
  {
    const Variable terminal_kind("TERM", "dumb");
    written(ProgressMode::automatic, terminal.descriptor());
    CHECK(terminal.take().find_first_of("\r\x1b") == std::string::npos);
  }
  const Variable terminal_kind("TERM", "xterm");
  written(ProgressMode::plain, terminal.descriptor());
  CHECK(terminal.take().find_first_of("\r\x1b") == std::string::npos);
  written(ProgressMode::none, terminal.descriptor());
  CHECK(terminal.take().empty());
  written(ProgressMode::automatic, terminal.descriptor());
  const std::string coloured = terminal.take();
  CHECK(coloured.find("\x1b[34m") != std::string::npos);
  CHECK(coloured.find("\x1b[?") == std::string::npos);  // the cursor is left alone
  {
    const Variable refused("NO_COLOR", "1");
    written(ProgressMode::automatic, terminal.descriptor());
    CHECK(terminal.take().find('\x1b') == std::string::npos);
  }
  const File file;
  written(ProgressMode::bar, file.descriptor());
  CHECK(file.content().find('\r') == 0);
  CHECK(file.content().find('\x1b') == std::string::npos);
}

TEST_CASE("an abandoned bar ends its line") {
  const Variable terminal_kind("TERM", "xterm");
  const Terminal terminal(80);
  { const Progress untouched("epoch", 2, {.descriptor = terminal.descriptor()}); }
  CHECK(terminal.take().empty());
  {
    Progress progress("epoch", 2, {.descriptor = terminal.descriptor()});
    progress.update(1, "x");
  }
  const std::string written = terminal.take();
  CHECK(std::count(written.begin(), written.end(), '\n') == 1);
  CHECK(written.back() == '\n');
}

TEST_CASE("odd input and a closed descriptor do no harm") {
  const Variable terminal_kind("TERM", "xterm"), no_color("NO_COLOR", "1");
  const Terminal terminal(80);
  double now = 0;
  Progress progress("a\nb", 0, {.descriptor = terminal.descriptor(), .seconds = [&] { return now += 1; }});
  const double infinity = std::numeric_limits<double>::infinity();
  for (const double done : {-1.0, 0.5, 1e300, infinity, std::numeric_limits<double>::quiet_NaN(), 1e-300}) {
    progress.update(done, "\x1b[31m\r\n");
  }
  const std::string written = terminal.take();
  CHECK(written.find_first_of("\x1b\n") == std::string::npos);
  CHECK(std::count(written.begin(), written.end(), '\r') == 6);
  Progress nowhere("epoch", 2, {.mode = ProgressMode::bar, .descriptor = -1});
  nowhere.update(1, "x");
  nowhere.finish("x");
}

TEST_CASE("the values of --progress") {
  CHECK(chainrule::parse_progress_mode("auto") == ProgressMode::automatic);
  CHECK(chainrule::parse_progress_mode("bar") == ProgressMode::bar);
  CHECK(chainrule::parse_progress_mode("plain") == ProgressMode::plain);
  CHECK(chainrule::parse_progress_mode("none") == ProgressMode::none);
  CHECK_THROWS_WITH_AS(chainrule::parse_progress_mode("Bar"), "--progress: 'Bar' is not one of auto, bar, plain, none",
                       chainrule::ValueError);
}
