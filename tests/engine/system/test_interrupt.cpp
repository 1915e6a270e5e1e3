// Signals, each in a child process: the flag is set for good, and the second signal ends a process.
#include "engine/system/interrupt.h"

#include <doctest/doctest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <initializer_list>
#include <iostream>

namespace {

/// The wait status of a child that runs `body` and exits with what it returns.
template <typename Body>
int status_of(Body body) {
  std::cout.flush();  // or the child would print it once more
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) _exit(body());
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  return status;
}

}  // namespace

TEST_CASE("a signal sets the flag and gives the exit code of shells") {
  CHECK(chainrule::interrupted() == 0);
  CHECK(chainrule::interrupt_exit_code() == 0);
  for (const int number : {SIGINT, SIGTERM}) {
    const int status = status_of([&] {
      chainrule::watch_interrupts();
      raise(number);
      return chainrule::interrupted() == number ? chainrule::interrupt_exit_code() : 1;
    });
    REQUIRE(WIFEXITED(status));
    CHECK(WEXITSTATUS(status) == 128 + number);
  }
}

TEST_CASE("the first signal is the one that counts") {
  const int status = status_of([] {
    chainrule::watch_interrupts();
    raise(SIGTERM);
    raise(SIGINT);
    return chainrule::interrupt_exit_code();
  });
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 143);
}

TEST_CASE("the second signal of a kind ends the process at once") {
  const int status = status_of([] {
    chainrule::watch_interrupts();
    raise(SIGINT);
    raise(SIGINT);
    return 0;
  });
  REQUIRE(WIFSIGNALED(status));
  CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE("a signal that was ignored stays ignored") {
  const int status = status_of([] {
    signal(SIGINT, SIG_IGN);
    chainrule::watch_interrupts();
    raise(SIGINT);
    return chainrule::interrupted();
  });
  REQUIRE(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
