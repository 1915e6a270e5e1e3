// The command as its users meet it: a program with output, files and exit codes.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "engine/system/process.h"
#include "tests/temporary_folder.h"
#include "tests/tools/command.h"

using namespace chainrule;
using chainrule::testing::command;
using chainrule::testing::content;
using Folder = chainrule::testing::TemporaryFolder;
namespace fs = std::filesystem;

namespace {

// Enough to keep the promised accuracy; a sanitizer makes each epoch fifty times longer.
const char* const kEpochs = std::getenv("CHAINRULE_SANITIZED") ? "10" : "20";

}  // namespace

TEST_CASE("demo: the bill, the digits, the check and the pictures") {
  const Folder out;
  const ProcessResult r = command({"demo", "--out", out / "new folder", "--progress", "plain", "--epochs", kEpochs});
  CHECK(r.exit_code == 0);
  CHECK(r.out.find("= 715\n") != std::string::npos);
  for (const char* line :
       {"d price / d apple      2.2\n", "d price / d apples     110\n", "d price / d orange     3.3\n",
        "d price / d oranges    165\n", "d price / d tax        650\n"})
    CHECK_MESSAGE(r.out.find(line) != std::string::npos, line);
  const auto seen = r.out.find("% of 360 it never saw");
  REQUIRE(seen != std::string::npos);
  CHECK(std::stod(r.out.substr(r.out.rfind(',', seen) + 1)) >= 97.5);
  for (const char* name : {"price.svg", "network.svg", "curves.svg"}) {
    const std::string svg = content(out / ("new folder/" + std::string(name)));
    CHECK(svg.find("<svg") != std::string::npos);
    CHECK(svg.find("</svg>") != std::string::npos);
    CHECK(r.out.find(name) != std::string::npos);
  }
  CHECK(content(out / "new folder/mistakes.png").starts_with("\x89PNG"));
  CHECK(r.err.find(fmt::format("epoch {0}/{0}", kEpochs)) != std::string::npos);
  CHECK(r.err.find('\r') == std::string::npos);  // a log file stays readable
}

TEST_CASE("demo: the same seed gives the same bits for one thread and for two, another seed others") {
  const Folder out;
  auto run = [&](const char* threads, const char* seed) {
    const std::string folder = out / (std::string(threads) + "-" + seed);
    const ProcessResult r =
        command({"demo", "--out", folder, "--progress", "none", "--epochs", "1", "--threads", threads, "--seed", seed});
    CHECK(r.err.empty());
    return content(folder + "/curves.svg") + content(folder + "/network.svg") + content(folder + "/mistakes.png");
  };
  const std::string one = run("1", "5");
  CHECK(one == run("2", "5"));
  CHECK(one != run("1", "6"));
}

TEST_CASE("demo: an accuracy below the promise is a no") {
  const Folder out;
  const ProcessResult r = command({"demo", "--out", out.path.string(), "--progress", "none", "--epochs", "1"});
  CHECK(r.exit_code == 1);
}

TEST_CASE("demo: without Graphviz the DOT files stay, one line says why, and the exit code is 4") {
  const Folder out, empty;
  const ProcessResult r = run_process({"/usr/bin/env", "PATH=" + empty.path.string(), CHAINRULE_COMMAND, "demo",
                                       "--out", out.path.string(), "--progress", "none", "--epochs", "1"},
                                      {.time_limit = std::chrono::minutes(10)});
  CHECK(r.exit_code == 4);
  CHECK(r.err.find("dot") != std::string::npos);
  CHECK(std::count(r.err.begin(), r.err.end(), '\n') == 1);
  CHECK(content(out / "price.dot").starts_with("digraph"));
  CHECK(fs::exists(out / "curves.svg"));
}

TEST_CASE("demo: Ctrl-C stops it cleanly with exit code 130") {
  const Folder out;
  int ends[2];
  REQUIRE(pipe(ends) == 0);
  const std::string folder = out.path.string();
  const pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], 2);
    const int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, 1);
    execl(CHAINRULE_COMMAND, CHAINRULE_COMMAND, "demo", "--out", folder.c_str(), "--progress", "plain", "--epochs",
          "100", nullptr);
    _exit(127);
  }
  close(ends[1]);
  std::string err;
  char buffer[256];
  bool sent = false;
  for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) {
    err.append(buffer, static_cast<std::size_t>(n));
    if (!sent && err.find("epoch") != std::string::npos) {
      kill(child, SIGINT);
      sent = true;
    }
  }
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 130);
  CHECK(err.find("stopped by signal 2") != std::string::npos);
  for (const auto& file : fs::directory_iterator(out.path)) CHECK(content(file.path().string()).ends_with(">\n"));
}

TEST_CASE("selftest: every check passes, in less than ten seconds of a release build") {
  const ProcessResult r = command({"selftest"});
  INFO(r.out);
  CHECK(r.exit_code == 0);
  CHECK(r.out.find("selftest: everything works") != std::string::npos);
  CHECK(r.out.find("FAIL") == std::string::npos);
}

TEST_CASE("selftest and version as JSON") {
  const ProcessResult version = command({"version", "--json"}), test = command({"selftest", "--json"});
  CHECK(version.exit_code == 0);
  const auto v = nlohmann::json::parse(version.out), t = nlohmann::json::parse(test.out);
  CHECK(command({"version"}).out.find("chainrule " + v["version"].get<std::string>() + " (") == 0);
  CHECK(v["threads"].get<int>() >= 1);
  CHECK_MESSAGE(test.exit_code == 0, test.out);
  CHECK(t["ok"] == true);
  CHECK(t["checks"].size() >= 5);
  for (const auto& check : t["checks"]) CHECK(check["ok"] == true);
}

TEST_CASE("help and version go to stdout with exit code 0, and every verb's help has an example") {
  CHECK(command({"--help"}).exit_code == 0);
  CHECK(command({"version"}).out.starts_with("chainrule 0."));
  for (const char* verb : {"demo", "selftest", "version"}) {
    const ProcessResult r = command({verb, "--help"});
    CHECK(r.exit_code == 0);
    CHECK(r.out.find(std::string("Example: chainrule ") + verb) != std::string::npos);
    CHECK(r.err.empty());
  }
}

TEST_CASE("bad usage gets one line on stderr and exit code 2") {
  const std::vector<std::vector<std::string>> wrong = {
      {},
      {"nonsense"},
      {"demo", "--epochs", "0"},
      {"demo", "--epochs", "many"},
      {"demo", "--threads", "-1"},
      {"demo", "--seed", "-3"},
      {"demo", "--progress", "loud"},
      {"demo", "--nonsense"},
      {"version", "extra"},
  };
  for (const auto& arguments : wrong) {
    const ProcessResult r = command(arguments);
    CAPTURE(r.err);
    CHECK(r.exit_code == 2);
    CHECK(r.out.empty());
    CHECK(r.err.starts_with("chainrule: "));
    CHECK(std::count(r.err.begin(), r.err.end(), '\n') == 1);
  }
}

TEST_CASE("a folder that cannot be made, and a full disk, are the environment's fault: exit code 4") {
  const ProcessResult r = command({"demo", "--out", "/dev/null/out"});
  CHECK(r.exit_code == 4);
  CHECK(r.err.find("/dev/null/out") != std::string::npos);
  if (fs::exists("/dev/full")) {
    const ProcessResult full = run_process({"/bin/sh", "-c", "exec \"$0\" version > /dev/full", CHAINRULE_COMMAND});
    CHECK(full.exit_code == 4);
    CHECK(full.err.find("standard output") != std::string::npos);
  }
}
