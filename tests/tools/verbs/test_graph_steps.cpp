// chainrule graph --steps and --frames as a program: what goes to stdout, what into the folder, and how it fails.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/system/process.h"
#include "tests/temporary_folder.h"

using namespace chainrule;
using chainrule::testing::content;
using Folder = chainrule::testing::TemporaryFolder;
using Json = nlohmann::json;
namespace fs = std::filesystem;

namespace {

ProcessResult graph(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {CHAINRULE_COMMAND, "graph"});
  return run_process(arguments, {.time_limit = std::chrono::minutes(5)});
}

const std::vector<std::string> kPrice = {"buy = apple * count; price = buy * tax", "apple=100", "count=2", "tax=1.1"};

std::vector<std::string> price(std::vector<std::string> more) {
  more.insert(more.begin(), kPrice.begin(), kPrice.end());
  return more;
}

}  // namespace

TEST_CASE("graph --steps: the chain rule on stdout, as text and as JSON") {
  const ProcessResult text = graph(price({"--steps"}));
  CHECK(text.exit_code == 0);
  CHECK(text.err.empty());
  for (const char* part :
       {" 2  buy   = apple × count = 100 × 2   = 200\n", " 3  price = buy × tax     = 200 × 1.1 = 220\n",
        " 5  ∂buy   = ∂price · tax    = 1 · 1.1   = 1.1\n", "    ∂count = ∂buy · apple    = 1.1 · 100 = 110\n",
        " 7  ∂apple = 2.2\n"})
    CHECK_MESSAGE(text.out.find(part) != std::string::npos, text.out);
  const ProcessResult json = graph(price({"--steps", "--json"}));
  CHECK(json.exit_code == 0);
  const Json steps = Json::parse(json.out)["steps"];
  REQUIRE(steps.size() == 7);
  CHECK(steps[5]["kind"] == "backward");
  CHECK(steps[5]["edges"][0]["contribution"]["data"][0] == 2.2);
  CHECK(steps[5]["edges"][0]["local_derivative"]["data"][0] == 2);
  CHECK(steps[5]["incoming"]["data"][0] == 1.1);
}

TEST_CASE("graph --frames: a folder with every form") {
  const Folder folder;
  const std::string frames = folder / "frames";
  const ProcessResult r = graph(price({"--frames", frames}));
  const bool drawn = run_process({"dot", "-V"}).exit_code == 0;
  CHECK(r.exit_code == (drawn ? 0 : 4));
  CHECK(content(frames + "/frame-007.dot").starts_with("digraph"));
  CHECK_FALSE(fs::exists(frames + "/frame-008.dot"));
  CHECK(content(frames + "/steps.txt") == graph(price({"--steps"})).out);
  CHECK(content(frames + "/steps.json") == graph(price({"--steps", "--json"})).out);
  if (!drawn) return;
  CHECK(r.out == frames + ": 7 steps; open " + frames + "/player.html in a browser\n");
  CHECK(content(frames + "/player.html").ends_with("</html>\n"));
  CHECK(Json::parse(graph(price({"--frames", frames, "--json"})).out)["steps"] == 7);
  CHECK(graph(price({"--frames", frames, "--quiet"})).out.empty());
}

TEST_CASE("graph --steps of a result of many numbers goes forward, and says how it goes back") {
  const ProcessResult forward = graph({"x * 2", "x=[1,2]", "--steps"});
  CHECK(forward.exit_code == 0);
  CHECK(forward.err.find("--cotangent ones") != std::string::npos);
  CHECK(forward.out.find("∂") == std::string::npos);
  const ProcessResult back = graph({"x * 2", "x=[1,2]", "--steps", "--cotangent", "ones"});
  CHECK(back.err.empty());
  CHECK(back.out.find("∂x      = ∂result · 2") != std::string::npos);
}

TEST_CASE("graph --frames: what is missing or wrong is one line and an exit code") {
  const Folder folder, empty;
  const auto fails = [](const ProcessResult& r, int code, const std::string& says) {
    CAPTURE(r.err);
    CHECK(r.exit_code == code);
    CHECK(r.out.empty());
    CHECK(std::count(r.err.begin(), r.err.end(), '\n') == 1);
    CHECK(r.err.find(says) != std::string::npos);
  };
  std::vector<std::string> no_dot = price({"--frames", folder / "frames"});
  no_dot.insert(no_dot.begin(), {"/usr/bin/env", "PATH=" + empty.path.string(), CHAINRULE_COMMAND, "graph"});
  fails(run_process(no_dot), 4, "dot is not installed");
  CHECK(fs::exists(folder / "frames/frame-007.dot"));
  CHECK(fs::exists(folder / "frames/steps.txt"));
  CHECK_FALSE(fs::exists(folder / "frames/player.html"));
  fails(graph(price({"--frames", "/dev/null/frames"})), 4, "/dev/null/frames");
  fails(graph(price({"--steps", "-o", folder / "x.svg"})), 2, "-o");
  fails(graph(price({"--steps", "--symbols"})), 2, "--symbols");
  fails(graph(price({"--frames", folder / "frames", "--view", "shapes"})), 2, "--view");
  CHECK_FALSE(fs::exists(folder / "x.svg"));
  std::string chain = "x";
  for (int i = 0; i < 201; ++i) chain = "sin(" + chain + ")";
  fails(graph({chain, "x=1", "--frames", folder / "long"}), 2, "201 operations are too many");
  if (fs::exists("/dev/full")) {
    std::vector<std::string> full = price({"--steps"});
    full.insert(full.begin(), {"/bin/sh", "-c", "exec \"$0\" graph \"$@\" > /dev/full", CHAINRULE_COMMAND});
    CHECK(run_process(full).exit_code == 4);
  }
}
