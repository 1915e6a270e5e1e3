// The one place that reads and writes files. POSIX calls, because the standard library can neither sync nor create
// exclusively.
#include "engine/system/file.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <system_error>

#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

[[noreturn]] void fail(const std::string& path, int code) {
  std::string message = "write_file: cannot write '" + printable(path) + "': " + std::generic_category().message(code);
  struct stat info {};
  if (code == ENOENT && stat(folder_of(path).c_str(), &info) != 0) {
    message += "; create the folder '" + printable(folder_of(path)) + "' first";
  }
  throw EnvironmentError(message);
}

/// Returns 0 or the error number. A short write goes on: a signal or a nearly full disk may cut one.
int write_all(int descriptor, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return errno;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return 0;
}

/// Devices and pipes cannot be replaced by renaming: that would put a plain file where /dev/null was.
void write_directly(const std::string& path, std::string_view bytes) {
  const int descriptor = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
  if (descriptor < 0) fail(path, errno);
  int code = write_all(descriptor, bytes);
  if (::close(descriptor) != 0 && code == 0) code = errno;
  if (code != 0) fail(path, code);
}

constexpr std::string_view kTemporary = ".chainrule-";

/// While a file is new and not yet locked it must not be taken for abandoned.
std::mutex& temporaries() {
  static std::mutex mutex;
  return mutex;
}

/// Opens a new file beside the target; its short name fits wherever the target's own name fits. A lock, which ends with
/// the process, says that somebody writes.
int open_temporary(const std::string& folder, std::string& temporary) {
  static std::atomic<unsigned> counter{0};
  const std::lock_guard lock(temporaries());
  for (int attempt = 0; attempt < 100; ++attempt) {
    const unsigned number = counter.fetch_add(1, std::memory_order_relaxed);
    temporary = folder + "/" + std::string(kTemporary) + std::to_string(::getpid()) + "-" + std::to_string(number);
    const int descriptor = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor >= 0) static_cast<void>(::flock(descriptor, LOCK_EX | LOCK_NB));
    if (descriptor >= 0 || errno != EEXIST) return descriptor;
  }
  return -1;
}

/// Follows symbolic links to the file that is to be replaced. A target that does not exist yet stays as it is.
std::string resolve(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  return real ? std::string(real.get()) : path;
}

}  // namespace

void write_file(const std::string& path, std::string_view bytes) {
  if (path.find('\0') != std::string::npos) fail(path, EINVAL);  // the system would write to the part before it
  struct stat info {};
  const bool exists = ::stat(path.c_str(), &info) == 0;
  if (exists && S_ISDIR(info.st_mode)) fail(path, EISDIR);
  if (exists && !S_ISREG(info.st_mode)) return write_directly(path, bytes);

  const std::string target = resolve(path);
  std::string temporary;
  const int descriptor = open_temporary(folder_of(target), temporary);
  if (descriptor < 0) fail(path, errno);
  int code = write_all(descriptor, bytes);
  if (code == 0 && exists && ::fchmod(descriptor, info.st_mode & 07777) != 0) code = errno;
  if (code == 0 && ::fsync(descriptor) != 0) code = errno;
  if (::close(descriptor) != 0 && code == 0) code = errno;
  if (code == 0 && std::rename(temporary.c_str(), target.c_str()) != 0) code = errno;
  if (code == 0) return;
  ::unlink(temporary.c_str());
  fail(path, code);
}

void remove_abandoned(const std::string& path) noexcept try {
  const std::string folder = folder_of(resolve(path));
  const std::unique_ptr<DIR, int (*)(DIR*)> entries(::opendir(folder.c_str()), ::closedir);
  if (!entries) return;
  const std::lock_guard lock(temporaries());
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string name = entry->d_name;
    if (!name.starts_with(kTemporary)) continue;
    const pid_t writer = std::atoi(name.c_str() + kTemporary.size());
    const bool gone = writer > 0 && (writer == ::getpid() || (::kill(writer, 0) != 0 && errno == ESRCH));
    if (!gone) continue;
    // A process of that number may live behind another table of processes, as in a container: the lock knows.
    std::string file = folder;
    file.append("/").append(name);
    const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (descriptor < 0) continue;
    if (::flock(descriptor, LOCK_EX | LOCK_NB) == 0) ::unlink(file.c_str());
    ::close(descriptor);
  }
} catch (...) {  // no memory, no lock: the files stay for the next time
}

std::string read_file(const std::string& path, const std::string& who) {
  const std::string what = who + ": cannot read '" + printable(path) + "': ";
  const auto check = [&](bool good) {
    if (good) return;
    const std::string message = what + std::generic_category().message(errno);
    if (errno == EIO || errno == ENOMEM || errno == EMFILE || errno == ENFILE) throw EnvironmentError(message);
    throw ValueError(message);
  };
  if (path.find('\0') != std::string::npos) throw ValueError(what + "there is a NUL in the path");
  struct Descriptor {
    int number;
    ~Descriptor() {
      if (number >= 0) ::close(number);
    }
  };
  // Without waiting: opening a pipe would last until somebody writes to it.
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  check(file.number >= 0);
  struct stat info {};
  check(::fstat(file.number, &info) == 0);
  if (!S_ISREG(info.st_mode))
    throw ValueError(what + (S_ISDIR(info.st_mode) ? "it is a folder" : "it is no plain file"));
  std::string bytes(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t done = 0;
  while (done < bytes.size()) {
    const ssize_t count = ::read(file.number, bytes.data() + done, bytes.size() - done);
    if (count < 0 && errno == EINTR) continue;
    check(count >= 0);
    if (count == 0) break;  // it was cut while we read
    done += static_cast<std::size_t>(count);
  }
  bytes.resize(done);
  return bytes;
}

}  // namespace chainrule
