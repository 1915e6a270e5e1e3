// Crashes, each in a child process with the signals of a fresh program: one line on stderr, and 128 + n.
#include "tools/terminal/crash.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <initializer_list>
#include <iostream>
#include <stdexcept>
#include <string>

#include "tests/sanitized.h"
#include "tests/temporary_folder.h"
#include "tests/text.h"
#include "tests/tools/command.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

struct Death {
  int exit_code = -1;
  std::string err;
};

/// What is left of a child that runs `body` after report_crashes().
template <typename Body>
Death death_by(Body body) {
  std::cout.flush();  // or the child would print it once more
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    dup2(ends[1], STDERR_FILENO);
    close(ends[0]);
    // The test framework handles them itself.
    for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) signal(number, SIG_DFL);
    report_crashes();
    body();
    _exit(0);
  }
  close(ends[1]);
  Death death;
  char buffer[256];
  for (ssize_t n = 0; (n = read(ends[0], buffer, sizeof buffer)) > 0;)
    death.err.append(buffer, static_cast<std::size_t>(n));
  close(ends[0]);
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  if (WIFEXITED(status)) death.exit_code = WEXITSTATUS(status);
  return death;
}

bool one_line(const Death& death) {
  return death.err.starts_with("chainrule: internal error: ") &&
         death.err.ends_with(", please report with this program\n") && death.err.find('\n') == death.err.size() - 1;
}

/// Uses up the stack, whatever the compiler thinks of it.
[[gnu::noinline]] int deeper(volatile int* before, int n) {  // NOLINT(misc-no-recursion)
  volatile int here[1024];
  here[n % 1024] = before == nullptr ? n : before[0];
  return n < 0 ? 0 : deeper(here, n + 1) + here[0];
}

}  // namespace

TEST_CASE("a crash says one line and exits with 128 + n") {
  if (sanitized()) return;  // sanitizers report faults themselves
  for (const int number : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    const Death death = death_by([&] { raise(number); });
    CHECK(death.exit_code == 128 + number);
    CHECK_MESSAGE(one_line(death), death.err);
  }
}

TEST_CASE("real faults are told apart: a full stack, an exception without a catch, abort") {
  if (sanitized()) return;
  const Death full = death_by([] {
    volatile int unused = deeper(nullptr, 0);
    (void)unused;
  });
  CHECK(full.exit_code == 128 + SIGSEGV);
  CHECK_MESSAGE(one_line(full), full.err);
  const Death thrown = death_by([] {
    try {
      throw std::runtime_error("two\nlines");
    } catch (...) {
      std::terminate();
    }
  });
  CHECK(thrown.exit_code == 128 + SIGABRT);
  CHECK(thrown.err ==
        "chainrule: internal error: an error that nobody caught: two lines, please report with this program\n");
  const Death stopped = death_by([] { std::abort(); });
  CHECK(stopped.exit_code == 128 + SIGABRT);
  CHECK_MESSAGE(one_line(stopped), stopped.err);
}

TEST_CASE("a signal that something else handles stays as it is") {
  if (sanitized()) return;
  const Death death = death_by([] {
    signal(SIGFPE, SIG_IGN);
    report_crashes();
    raise(SIGFPE);
  });
  CHECK(death.exit_code == 0);
  CHECK(death.err.empty());
}

TEST_CASE("the command says so when it is killed while it works") {
  if (sanitized()) return;
  const TemporaryFolder folder;
  // It has begun when its first byte is there, and waits when the pipe is full.
  const std::string script =
      "mkfifo \"$1\"; \"$2\" eval 'arange(200000)' --json >\"$1\" & pid=$!; exec 3<\"$1\"; dd bs=1 count=1 <&3 "
      ">/dev/null 2>&1; kill -SEGV $pid; wait $pid";
  const ProcessResult r = run_process({"bash", "-c", script, "bash", folder / "pipe", CHAINRULE_COMMAND},
                                      {.time_limit = std::chrono::minutes(1)});
  CHECK(r.exit_code == 128 + SIGSEGV);
  CHECK(r.err == "chainrule: internal error: invalid memory access (SIGSEGV), please report with this program\n");
}
