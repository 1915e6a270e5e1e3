// write_file: whole or not at all, for every reason a system has to refuse.
// Deliberately not here: permissions of folders, because tests may run as root, whom nothing stops.
#include "engine/system/file.h"

#include <doctest/doctest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>

#include "engine/types/error.h"
#include "tests/temporary_folder.h"

namespace {

using chainrule::testing::content;
using Folder = chainrule::testing::TemporaryFolder;
namespace fs = std::filesystem;

std::string message_of(const std::string& path, std::string_view bytes) {
  try {
    chainrule::write_file(path, bytes);
  } catch (const chainrule::EnvironmentError& error) {
    CHECK(error.exit_code() == 4);
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("write_file writes any bytes and leaves nothing else in the folder") {
  const Folder folder;
  std::string bytes(300'000, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 31 % 251);
  for (const std::string_view written :
       {std::string_view(bytes), std::string_view(), std::string_view("a\r\n\0b", 5)}) {
    chainrule::write_file((folder / "a.bin"), written);
    CHECK(content((folder / "a.bin")) == written);
    CHECK(folder.entries() == 1);
  }
}

TEST_CASE("write_file keeps permissions of an old file and follows a link") {
  const Folder folder;
  const std::string target = (folder / "target"), link = (folder / "link");
  std::ofstream(target) << "old";
  fs::permissions(target, fs::perms::owner_read | fs::perms::owner_write);
  fs::create_symlink("target", link);
  chainrule::write_file(link, "new");
  CHECK(fs::is_symlink(link));
  CHECK(content(target) == "new");
  CHECK(fs::status(target).permissions() == (fs::perms::owner_read | fs::perms::owner_write));
  CHECK(folder.entries() == 2);
}

TEST_CASE("a file whose name has the greatest length can be written") {
  const Folder folder;
  const std::string path = (folder / std::string(255, 'n'));
  chainrule::write_file(path, "x");
  CHECK(content(path) == "x");
}

TEST_CASE("write_file names the path and the reason") {
  const Folder folder;
  const std::string missing = message_of((folder / "no/where.svg"), "x");
  CHECK(missing.find((folder / "no/where.svg")) != std::string::npos);
  CHECK(missing.find("No such file or directory") != std::string::npos);
  CHECK(missing.find("create the folder '" + (folder / "no") + "' first") != std::string::npos);
  CHECK(message_of(folder.path.string(), "x").find("Is a directory") != std::string::npos);
  CHECK(message_of("", "x").find("write_file") == 0);
  CHECK(message_of((folder / "a") + '\0' + "b", "x").find("Invalid argument") != std::string::npos);
  CHECK(folder.entries() == 0);
}

TEST_CASE("devices are written, not replaced") {
  CHECK(message_of("/dev/full", "x").find("No space left on device") != std::string::npos);
  chainrule::write_file("/dev/null", "x");
  struct stat info {};
  REQUIRE(stat("/dev/null", &info) == 0);
  CHECK(S_ISCHR(info.st_mode));
}

TEST_CASE("when the space runs out the old file stays and no temporary file is left") {
  const Folder folder;
  std::ofstream((folder / "a")) << "old";
  std::cout.flush();  // or the child would print it once more
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {  // a limit on file size stands in for a full disk: the write is cut, then refused
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1000, 1000};
    setrlimit(RLIMIT_FSIZE, &limit);
    try {
      chainrule::write_file((folder / "a"), std::string(5000, 'x'));
    } catch (const chainrule::EnvironmentError& error) {
      _exit(std::string(error.what()).find("File too large") == std::string::npos ? 2 : 0);
    }
    _exit(1);
  }
  int status = -1;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(content((folder / "a")) == "old");
  CHECK(folder.entries() == 1);
}
