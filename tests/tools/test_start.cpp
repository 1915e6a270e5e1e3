// How the command starts: which instruction set it takes, and how its threads wait.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "tests/temporary_folder.h"
#include "tests/tools/command.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

ProcessResult with_environment(std::vector<std::string> settings, const std::vector<std::string>& arguments) {
  settings.insert(settings.begin(), "env");
  settings.emplace_back(CHAINRULE_COMMAND);
  settings.insert(settings.end(), arguments.begin(), arguments.end());
  return run_process(settings, {.time_limit = std::chrono::minutes(10)});
}

}  // namespace

TEST_CASE("CHAINRULE_ISA: version says what is in use, and computes with it") {
  const auto best = json_of({"version"})["instructions"].get<std::string>();
  for (const std::string set : {"baseline", "avx2", "avx512"}) {
    const ProcessResult r = with_environment({"CHAINRULE_ISA=" + set}, {"version", "--json"});
    if (r.exit_code == 2) continue;  // not of this machine
    CHECK(r.exit_code == 0);
    CHECK(nlohmann::json::parse(r.out)["instructions"] == set);
    CHECK(contains(with_environment({"CHAINRULE_ISA=" + set}, {"version"}).out, set + " instructions"));
    const std::string program = "sum(conv2d(reshape(arange(64),(1,1,8,8)),ones(2,1,3,3))) + sum(exp(zeros(7)))";
    CHECK(with_environment({"CHAINRULE_ISA=" + set}, {"eval", program, "--dtype", "float32"}).out ==
          command({"eval", program, "--dtype", "float32"}).out);
  }
  CHECK(contains("baseline avx2 avx512", best));
}

TEST_CASE("CHAINRULE_ISA: another name is refused before anything begins") {
  for (const char* verb : {"version", "ops", "selftest"}) {
    const ProcessResult r = with_environment({"CHAINRULE_ISA=avx3"}, {verb});
    CHECK(r.exit_code == 2);
    CHECK(r.out.empty());
    CHECK(r.err.starts_with("chainrule: CHAINRULE_ISA=avx3: this machine and this build have "));
  }
  const ProcessResult r = with_environment({"CHAINRULE_ISA=avx3"}, {"eval", "1", "--json"});
  CHECK(r.exit_code == 2);
  CHECK(contains(nlohmann::json::parse(r.out)["error"]["message"].get<std::string>(), "CHAINRULE_ISA=avx3"));
}

TEST_CASE("the command's threads wait patiently unless the environment says how") {
  const TemporaryFolder folder;
  // It has begun when its first byte is there, and waits when the pipe is full.
  const std::string script =
      "mkfifo \"$1\"; \"$2\" eval 'arange(200000)' --json >\"$1\" & pid=$!; exec 3<\"$1\"; dd bs=1 count=1 <&3 "
      "2>/dev/null >\"$1.start\"; tr '\\0' '\\n' <\"/proc/$pid/environ\"; cat \"/proc/$pid/comm\"; kill $pid";
  const auto environment = [&](const std::string& name, const std::string& setting) {
    return run_process({"env", "-u", "OMP_WAIT_POLICY", "-u", "GOMP_SPINCOUNT", "-u", "KMP_BLOCKTIME",
                        "OMP_NUM_THREADS=2", setting, "bash", "-c", script, "bash", folder / name, CHAINRULE_COMMAND})
        .out;
  };
  const std::string given = environment("given", "OMP_WAIT_POLICY=active");
  CHECK(contains(given, "OMP_WAIT_POLICY=active\n"));
  CHECK(!contains(given, "GOMP_SPINCOUNT"));
  if (json_of({"version"})["threads"] == 1) return;  // built without OpenMP, or one processor
  const std::string free = environment("free", "UNUSED=1");
  CHECK(contains(free, "OMP_WAIT_POLICY=passive\n"));
  CHECK(contains(free, "GOMP_SPINCOUNT=20000\n"));
  CHECK(free.ends_with("chainrule\n"));  // the name of the process is still its own
}
