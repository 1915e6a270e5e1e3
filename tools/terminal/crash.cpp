// A handler may call next to nothing: it puts its line together in a buffer of its own, by hand, and writes it at once.
#include "tools/terminal/crash.h"

#include <signal.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <exception>
#include <initializer_list>
#include <string_view>

namespace chainrule {
namespace {

// Sanitizers say more about a crash than we could.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#elif defined(__has_feature)
constexpr bool kSanitized =
    __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer);
#else
constexpr bool kSanitized = false;
#endif

class Line {
 public:
  void add(std::string_view text) {
    for (const char c : text) {
      if (used_ + 1 >= text_.size()) return;  // one place is kept for the end of the line
      text_[used_++] = static_cast<unsigned char>(c) < ' ' ? ' ' : c;
    }
  }
  void write_to_stderr() {
    text_[used_++] = '\n';
    std::size_t at = 0;
    while (at < used_) {
      const ssize_t count = write(STDERR_FILENO, text_.data() + at, used_ - at);
      if (count <= 0) return;
      at += static_cast<std::size_t>(count);
    }
  }

 private:
  std::array<char, 1024> text_;
  std::size_t used_ = 0;
};

[[noreturn]] void give_up(std::string_view what, std::string_view detail, int number) {
  Line line;
  line.add("chainrule: internal error: ");
  line.add(what);
  line.add(detail);
  line.add(", please report with this program");
  line.write_to_stderr();
  _exit(128 + number);
}

std::string_view name_of(int number) {
  switch (number) {
    case SIGSEGV:
      return "invalid memory access (SIGSEGV)";
    case SIGBUS:
      return "memory that cannot be reached (SIGBUS)";
    case SIGFPE:
      return "arithmetic fault (SIGFPE)";
    case SIGILL:
      return "illegal instruction (SIGILL)";
    default:
      return "abort (SIGABRT)";
  }
}

extern "C" void last_words(int number) { give_up(name_of(number), "", number); }

[[noreturn]] void exception_without_catch() {
  if (const std::exception_ptr thrown = std::current_exception()) {
    try {
      std::rethrow_exception(thrown);
    } catch (const std::exception& e) {
      give_up("an error that nobody caught: ", e.what(), SIGABRT);
    } catch (...) {}
  }
  give_up("std::terminate was called", "", SIGABRT);
}

}  // namespace

void report_crashes() {
  if (kSanitized) return;
  // A stack that is full has no room for the handler, which therefore runs on this one.
  static std::array<std::byte, 1 << 16> memory;
  stack_t stack{};
  stack.ss_sp = memory.data();
  stack.ss_size = memory.size();
  sigaltstack(&stack, nullptr);
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    struct sigaction before {};
    if (sigaction(number, nullptr, &before) != 0 || before.sa_handler != SIG_DFL) continue;
    struct sigaction action {};
    action.sa_handler = last_words;
    action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_ONSTACK | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, nullptr);
  }
  std::set_terminate(exception_without_catch);
}

}  // namespace chainrule
