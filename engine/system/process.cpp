// Child processes by posix_spawn, one poll loop for all three streams. The child leads its own process group, so
// that what it started can be ended with it. Deliberately no threads and no signal handlers.
#include "engine/system/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <thread>
#include <utility>

#include "engine/types/error.h"

extern char** environ;

namespace chainrule {
namespace {

using Clock = std::chrono::steady_clock;

[[noreturn]] void fail(const std::string& program, const char* what, int code) {
  throw EnvironmentError("run " + program + ": " + what + ": " + std::generic_category().message(code));
}

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { close(); }
  int get() const { return fd_; }
  bool open() const { return fd_ >= 0; }
  void close() {
    if (fd_ >= 0) ::close(fd_);  // not repeated on EINTR: the descriptor is gone by then
    fd_ = -1;
  }

 private:
  int fd_ = -1;
};

struct Pipe {
  Descriptor read, write;
};

// Both ends close on exec and number 3 or above: when the host runs with a standard stream closed, a new pipe would
// take its place and be overwritten while the child's streams are put in order.
Pipe make_pipe(const std::string& program) {
  int ends[2];
#if defined(__APPLE__)
  if (::pipe(ends) != 0) fail(program, "no pipe", errno);
  for (int end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
#else
  if (::pipe2(ends, O_CLOEXEC) != 0) fail(program, "no pipe", errno);
#endif
  Descriptor raw[2] = {Descriptor(ends[0]), Descriptor(ends[1])};
  for (Descriptor& end : raw) {
    if (end.get() > STDERR_FILENO) continue;
    Descriptor moved(::fcntl(end.get(), F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
    if (!moved.open()) fail(program, "no pipe", errno);
    end = std::move(moved);
  }
  return {std::move(raw[0]), std::move(raw[1])};
}

void set_nonblocking(const Descriptor& fd) { ::fcntl(fd.get(), F_SETFL, ::fcntl(fd.get(), F_GETFL) | O_NONBLOCK); }

// Keeps SIGPIPE from this thread while we write to a child that may have stopped reading, without a change of the
// host's handlers. A signal that our writes caused is taken back; one that was pending before stays.
class SigpipeGuard {
 public:
  SigpipeGuard() {
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    sigemptyset(&only_sigpipe_);
    sigaddset(&only_sigpipe_, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &only_sigpipe_, &before_);
  }
  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;
  ~SigpipeGuard() {
    sigset_t pending;
    sigpending(&pending);
    if (!was_pending_ && sigismember(&pending, SIGPIPE) == 1) {
      int taken = 0;
      sigwait(&only_sigpipe_, &taken);
    }
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }
  const sigset_t& mask_before() const { return before_; }

 private:
  sigset_t only_sigpipe_, before_;
  bool was_pending_ = false;
};

// posix_spawn's two parameter blocks, released whatever happens.
struct SpawnSetup {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  SpawnSetup() {
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&attributes);
  }
  SpawnSetup(const SpawnSetup&) = delete;
  SpawnSetup& operator=(const SpawnSetup&) = delete;
  ~SpawnSetup() {
    posix_spawn_file_actions_destroy(&files);
    posix_spawnattr_destroy(&attributes);
  }
};

int spawn(pid_t& child, const std::vector<std::string>& arguments, const std::array<int, 3>& streams,
          const sigset_t& mask) {
  SpawnSetup setup;
  for (int target = 0; target < 3; ++target) {
    posix_spawn_file_actions_adddup2(&setup.files, streams[static_cast<std::size_t>(target)], target);
  }
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);  // a host that ignores it would hand that down, and `yes | head` would never end
  posix_spawnattr_setsigdefault(&setup.attributes, &defaults);
  posix_spawnattr_setsigmask(&setup.attributes, &mask);
  posix_spawnattr_setpgroup(&setup.attributes, 0);
  posix_spawnattr_setflags(&setup.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (const std::string& argument : arguments) argv.push_back(const_cast<char*>(argument.c_str()));
  argv.push_back(nullptr);
  return ::posix_spawnp(&child, argv[0], &setup.files, &setup.attributes, argv.data(), environ);
}

// A started child; on every way out its group is killed and it is reaped. Until it is reaped its number cannot be
// given to anybody else, so the kill never meets a stranger.
class Child {
 public:
  explicit Child(pid_t pid) : pid_(pid) {}
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() { finish(); }

  /// True when it has ended by itself; it is not reaped yet.
  bool ended() const {
    siginfo_t info{};
    int rc = 0;
    do rc = ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOHANG | WNOWAIT);
    while (rc != 0 && errno == EINTR);
    return rc != 0 || info.si_pid == pid_;  // an error means that somebody else has reaped it
  }

  void finish() {
    if (pid_ <= 0) return;
    ::kill(-pid_, SIGKILL);
    int rc = 0;
    do rc = ::waitpid(pid_, &status_, 0);
    while (rc < 0 && errno == EINTR);
    known_ = rc == pid_;
    pid_ = 0;
  }
  int exit_code() const { return known_ && WIFEXITED(status_) ? WEXITSTATUS(status_) : -1; }
  int signal() const { return known_ && WIFSIGNALED(status_) ? WTERMSIG(status_) : 0; }

 private:
  pid_t pid_;
  int status_ = 0;
  bool known_ = false;
};

// Moves what the pipe holds into `to`, keeping `limit` bytes at most. Closes the pipe at its end. False: too much.
bool drain(Descriptor& from, std::string& to, std::size_t limit) {
  std::array<char, 65536> buffer;
  ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
  if (got < 0) {
    if (errno != EAGAIN && errno != EINTR) from.close();
    return true;
  }
  if (got == 0) from.close();
  std::size_t room = limit - to.size();
  to.append(buffer.data(), std::min(static_cast<std::size_t>(got), room));
  return static_cast<std::size_t>(got) <= room;
}

// Writes what the pipe takes, and closes it when all is written or the child has stopped reading.
void feed(Descriptor& to, std::string_view& input) {
  ssize_t put = input.empty() ? 0 : ::write(to.get(), input.data(), input.size());
  if (put > 0) input.remove_prefix(static_cast<std::size_t>(put));
  bool broken = put < 0 && errno != EAGAIN && errno != EINTR;
  if (broken || input.empty()) to.close();
}

int milliseconds_left(Clock::time_point deadline) {
  auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 1'000'000));
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& arguments, const ProcessOptions& options) {
  if (arguments.empty() || arguments[0].empty()) throw ValueError("run_process: no program named");
  for (const std::string& argument : arguments) {
    if (argument.find('\0') != std::string::npos) {
      throw ValueError("run_process: an argument holds a NUL byte, which no program can receive");
    }
  }
  const std::string& program = arguments[0];
  ProcessResult result;
  Pipe in = make_pipe(program), out = make_pipe(program), err = make_pipe(program);
  SigpipeGuard sigpipe;
  pid_t pid = 0;
  int code = spawn(pid, arguments, {in.read.get(), out.write.get(), err.write.get()}, sigpipe.mask_before());
  if (code == ENOENT || code == ENOTDIR || code == EACCES || code == ENOEXEC) {
    result.not_found = true;
    return result;
  }
  if (code != 0) fail(program, "cannot start it", code);

  Child child(pid);
  const Clock::time_point deadline = Clock::now() + options.time_limit;
  in.read.close();
  out.write.close();
  err.write.close();
  for (const Descriptor* end : {&in.write, &out.read, &err.read}) set_nonblocking(*end);

  std::string_view input = options.input;
  if (input.empty()) in.write.close();
  while (out.read.open() || err.read.open()) {
    if (Clock::now() >= deadline) {
      result.timed_out = true;
      break;
    }
    // poll passes over an entry whose descriptor is negative, as ours is once closed.
    std::array<pollfd, 3> polled = {
        {{in.write.get(), POLLOUT, 0}, {out.read.get(), POLLIN, 0}, {err.read.get(), POLLIN, 0}}};
    if (::poll(polled.data(), polled.size(), milliseconds_left(deadline)) < 0) {
      if (errno == EINTR || errno == EAGAIN) continue;
      fail(program, "cannot wait for it", errno);
    }
    if (polled[0].revents != 0) feed(in.write, input);
    if (polled[2].revents != 0) drain(err.read, result.err, options.max_error_output);
    if (polled[1].revents != 0 && !drain(out.read, result.out, options.max_output)) {
      result.output_too_big = true;
      break;
    }
  }
  // A program may close its output and go on. Nothing tells of its end without a signal handler: look, and look again.
  in.write.close();
  for (std::chrono::microseconds nap{50}; !result.timed_out && !result.output_too_big && !child.ended();) {
    result.timed_out = Clock::now() >= deadline;
    std::this_thread::sleep_for(nap);
    nap = std::min<std::chrono::microseconds>(nap * 2, std::chrono::milliseconds(5));
  }
  child.finish();
  result.exit_code = child.exit_code();
  result.signal = child.signal();
  return result;
}

}  // namespace chainrule
