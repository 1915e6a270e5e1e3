// Programs run without a shell: bytes both ways, limits, exit codes, closed streams, and nothing left behind.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

#include "engine/system/process.h"
#include "engine/types/error.h"

using namespace chainrule;
using namespace std::chrono_literals;

namespace {

// Not how fast something is: whether it waits for a program that runs much longer.
double seconds_of(auto&& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

int open_descriptors() {
  int count = 0;
  for (int fd = 0; fd < 256; ++fd) count += ::fcntl(fd, F_GETFD) >= 0;
  return count;
}

bool no_child_left() { return ::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD; }

std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  unsigned state = 1;
  for (char& c : text) c = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return text;
}

}  // namespace

TEST_CASE("process: megabytes both ways come back unchanged") {
  const std::string data = pattern(5'000'000);
  const auto result = run_process({"cat"}, {.input = data});
  CHECK(result.ok());
  CHECK(result.out == data);
  CHECK(result.err.empty());
}

TEST_CASE("process: arguments reach the program as they are") {
  const auto result = run_process({"printf", "%s|", "a b", "", "q\"'", "$(id) `id` $HOME", "*", ";", "-n", "ü"});
  CHECK(result.out == "a b||q\"'|$(id) `id` $HOME|*|;|-n|ü|");
}

TEST_CASE("process: exit codes, signals and standard error") {
  const auto seven = run_process({"sh", "-c", "echo out; echo err >&2; exit 7"});
  CHECK(seven.exit_code == 7);
  CHECK_FALSE(seven.ok());
  CHECK(seven.out == "out\n");
  CHECK(seven.err == "err\n");
  const auto killed = run_process({"sh", "-c", "kill -TERM $$"});
  CHECK(killed.signal == SIGTERM);
  CHECK(killed.exit_code == -1);
  CHECK_FALSE(killed.timed_out);
}

TEST_CASE("process: a missing program, and what is none") {
  CHECK(run_process({"no-such-program-anywhere"}).not_found);
  CHECK(run_process({"/dev/null/x"}).not_found);
  CHECK(run_process({"/etc"}).not_found);
  CHECK_FALSE(run_process({"no-such-program-anywhere"}).ok());
  CHECK_THROWS_AS(run_process({}), ValueError);
  CHECK_THROWS_AS(run_process({""}), ValueError);
  CHECK_THROWS_AS(run_process({"echo", std::string("a\0b", 3)}), ValueError);
}

TEST_CASE("process: one that sleeps is killed in time, with what it started") {
  ProcessResult result;
  const std::string input = pattern(1'000'000);  // more than a pipe holds, and nobody reads it
  CHECK(seconds_of([&] { result = run_process({"sleep", "600"}, {.input = input, .time_limit = 200ms}); }) < 500);
  CHECK(result.timed_out);
  CHECK(result.signal == SIGKILL);
  // The grandchild holds the output open after its parent has gone.
  const char* orphan = "sleep 600 & echo $!; exit 0";
  CHECK(seconds_of([&] { result = run_process({"sh", "-c", orphan}, {.time_limit = 300ms}); }) < 500);
  CHECK(result.timed_out);
  const int grandchild = std::stoi(result.out);
  bool gone = false;
  for (int tries = 0; tries < 200 && !gone; ++tries, std::this_thread::sleep_for(10ms)) {
    // It is init's to reap; until then it is a zombie, which /proc tells by a Z.
    const auto state = run_process({"sh", "-c", "cut -d' ' -f3 /proc/" + std::to_string(grandchild) + "/stat"});
    gone = state.out != "S\n" && state.out != "R\n";
  }
  CHECK(gone);
  // And one that closes its streams and goes on.
  const char* silent = "exec >&- 2>&- <&-; sleep 600";
  CHECK(seconds_of([&] { result = run_process({"sh", "-c", silent}, {.time_limit = 300ms}); }) < 500);
  CHECK(result.timed_out);
}

TEST_CASE("process: endless output is cut at the limit") {
  const auto yes = run_process({"yes"}, {.max_output = 100'000});
  CHECK(yes.output_too_big);
  CHECK(yes.out.size() == 100'000);
  CHECK_FALSE(yes.ok());
  const auto fits = run_process({"head", "-c", "100000", "/dev/zero"}, {.max_output = 100'000});
  CHECK_FALSE(fits.output_too_big);
  CHECK(fits.ok());
  const auto noisy = run_process({"sh", "-c", "head -c 1000000 /dev/zero >&2; echo done"}, {.max_error_output = 1000});
  CHECK(noisy.ok());
  CHECK(noisy.err.size() == 1000);
  CHECK(noisy.out == "done\n");
}

TEST_CASE("process: a program that does not read its input does no harm") {
  const std::string data = pattern(3'000'000);
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  for (int i = 0; i < 20; ++i) {
    const auto result = run_process({"true"}, {.input = data});
    CHECK(result.ok());
  }
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  CHECK(sigismember(&before, SIGPIPE) == sigismember(&after, SIGPIPE));
  sigset_t pending;
  sigpending(&pending);
  CHECK(sigismember(&pending, SIGPIPE) == 0);
}

TEST_CASE("process: nothing is left behind") {
  const int before = open_descriptors();
  for (int i = 0; i < 20; ++i) {
    run_process({"true"});
    run_process({"no-such-program-anywhere"});
    run_process({"yes"}, {.max_output = 10});
  }
  CHECK(open_descriptors() == before);
  CHECK(no_child_left());
  // The child sees its three streams alone. `ls` itself opens the directory as a fourth.
  if (std::filesystem::exists("/proc/self/fd")) {
    const auto listed = run_process({"sh", "-c", "ls /proc/$$/fd | wc -l"});
    const auto outside = run_process({"sh", "-c", "exec ls -l /proc/self/fd"});
    CAPTURE(outside.out);
    CHECK(outside.out.find("pipe:") != std::string::npos);
    CHECK(std::stoi(listed.out) <= before + 1);
  }
}

TEST_CASE("process: works from several threads at once") {
  std::vector<std::thread> threads;
  std::vector<int> good(4);
  for (std::size_t t = 0; t < good.size(); ++t) {
    threads.emplace_back([&good, t] {
      for (int i = 0; i < 10; ++i) {
        const std::string data = pattern(100'000 + 1000 * t);
        good[t] += run_process({"cat"}, {.input = data}).out == data;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(std::all_of(good.begin(), good.end(), [](int n) { return n == 10; }));
  CHECK(no_child_left());
}

TEST_CASE("process: works when the host's own streams are closed, and with signals coming in") {
  const pid_t host = ::fork();
  REQUIRE(host >= 0);
  if (host == 0) {
    for (int fd = 0; fd < 3; ++fd) ::close(fd);
    struct sigaction action = {};
    action.sa_handler = [](int) {};
    ::sigaction(SIGALRM, &action, nullptr);  // without SA_RESTART: every call may end with EINTR
    ::ualarm(500, 500);
    const std::string data = pattern(2'000'000);
    const auto result = run_process({"sh", "-c", "cat; echo err >&2"}, {.input = data});
    ::_exit(result.ok() && result.out == data && result.err == "err\n" ? 0 : 1);
  }
  int status = 0;
  REQUIRE(::waitpid(host, &status, 0) == host);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
