// Every example that a user is shown is run as it stands: those of --help and of tools/COMMAND.md. And the scripts
// that complete a command line, in the shells that they are for.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "engine/system/process.h"
#include "tests/temporary_folder.h"

using namespace chainrule;
using chainrule::testing::content;
using Folder = chainrule::testing::TemporaryFolder;

namespace {

ProcessResult run(std::vector<std::string> arguments) {
  return run_process(arguments, {.time_limit = std::chrono::minutes(5)});
}

/// A line as a shell runs it, in a folder of its own, with our command as `chainrule`.
ProcessResult in_shell(const std::string& line, const Folder& folder, const char* shell = "sh") {
  return run({shell, "-c", "chainrule() { \"$0\" \"$@\"; }; cd \"$1\" && " + line, CHAINRULE_COMMAND, folder / ""});
}

std::string help_of(const std::string& verb) { return run({CHAINRULE_COMMAND, verb, "--help"}).out; }

/// The verbs that --help lists.
std::vector<std::string> verbs() {
  std::istringstream help(run({CHAINRULE_COMMAND, "--help"}).out);
  std::vector<std::string> names;
  bool listed = false;
  for (std::string line; std::getline(help, line);) {
    if (line.starts_with("Subcommands:"))
      listed = true;
    else if (listed && line.starts_with("  ") && line[2] != ' ')
      names.push_back(line.substr(2, line.find(' ', 2) - 2));
  }
  return names;
}

// What takes long or prints pictures of the machine is run by tests of its own.
bool is_slow(const std::string& line) {
  return line.find("demo") != std::string::npos || line.find("selftest") != std::string::npos ||
         line.find("bench") != std::string::npos;
}

}  // namespace

TEST_CASE("every verb's --help ends with an example that works") {
  const std::vector<std::string> all = verbs();
  CHECK(all.size() >= 14);
  const Folder folder;
  for (const std::string& verb : all) {
    const std::string help = help_of(verb);
    const std::size_t at = help.rfind("Example: ");
    REQUIRE_MESSAGE(at != std::string::npos, verb);
    std::string example = help.substr(at + 9);
    while (!example.empty() && example.back() == '\n') example.pop_back();
    CHECK_MESSAGE(example.find('\n') == std::string::npos, verb);
    CHECK_MESSAGE(example.starts_with("chainrule " + verb), verb);
    if (is_slow(example)) continue;
    const ProcessResult r = in_shell(example, folder);
    CHECK_MESSAGE(r.exit_code == 0, example, "\n", r.err);
  }
}

TEST_CASE("the examples of tools/COMMAND.md work, one for every verb; and each verb says when its surroundings fail") {
  std::istringstream text(content(std::filesystem::path(CHAINRULE_SOURCE_DIR) / "tools/COMMAND.md"));
  std::map<std::string, int> shown;
  const Folder folder;
  bool code = false;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("```")) code = line == "```sh";
    if (!code || !line.starts_with("chainrule ")) continue;
    const std::string verb = line.substr(10, line.find(' ', 10) - 10);
    const bool first = ++shown[verb] == 1;
    if (is_slow(line)) continue;
    INFO(line);
    const ProcessResult r = in_shell(line, folder);
    CHECK_MESSAGE(r.exit_code == 0, r.err);
    if (!first) continue;
    const ProcessResult bad = in_shell(line + " --nonsense", folder);
    CHECK(bad.exit_code == 2);
    CHECK((bad.out + bad.err).find("--nonsense") != std::string::npos);
    const ProcessResult closed = in_shell(line + " >&-", folder);
    CHECK(closed.exit_code == 4);
    CHECK(closed.err.find("standard output") != std::string::npos);
    if (std::filesystem::exists("/dev/full")) CHECK(in_shell(line + " > /dev/full", folder).exit_code == 4);
    if (verb == "profile") continue;  // prints times
    CHECK(in_shell("LC_ALL=de_DE.UTF-8; export LC_ALL; " + line, folder).out == r.out);
  }
  for (const std::string& verb : verbs()) CHECK_MESSAGE(shown[verb] >= 1, verb);
}

TEST_CASE("a decimal comma in the reader's language changes no number, not even in Graphviz's pictures") {
  const Folder folder;
  const std::string graph = "chainrule graph 'tanh(w * x)' x=0.5 w=1.25 -o ";
  CHECK(in_shell(graph + "point.svg", folder).exit_code == 0);
  const ProcessResult comma = in_shell("LC_ALL=de_DE.UTF-8; export LC_ALL; " + graph + "comma.svg", folder);
  CHECK(comma.exit_code == 0);
  CHECK(comma.err == "");
  CHECK(content(folder / "point.svg") == content(folder / "comma.svg"));
  CHECK(in_shell("LC_ALL=de_DE.UTF-8; export LC_ALL; chainrule eval '0.5 + x' x=1.25", folder).out == "1.75\n");
}

TEST_CASE("completion: the scripts know every verb and its options") {
  const Folder folder;
  const auto bash = [&](const std::string& words, int at) {
    const ProcessResult r =
        in_shell("eval \"$(chainrule completion bash)\"; COMP_WORDS=(" + words + "); COMP_CWORD=" + std::to_string(at) +
                     "; _chainrule; echo \"${COMPREPLY[@]}\"",
                 folder, "bash");
    CHECK_MESSAGE(r.exit_code == 0, r.err);
    return r.out;
  };
  CHECK(bash("chainrule gr", 1) == "grad graph\n");
  CHECK(bash("chainrule check x --st", 3).find("--strict") != std::string::npos);
  CHECK(bash("chainrule check x --st", 3).find("--step") != std::string::npos);
  CHECK(bash("chainrule version --st", 2) == "\n");
  CHECK(bash("chainrule eval x --data", 3) == "--data-dir\n");
  const std::string zsh = run({CHAINRULE_COMMAND, "completion", "zsh"}).out;
  CHECK(zsh.starts_with("#compdef chainrule\n"));
  for (const std::string& verb : verbs()) CHECK_MESSAGE(zsh.find("    " + verb + ") ") != std::string::npos, verb);
  CHECK(run({CHAINRULE_COMMAND, "completion", "fish"}).exit_code == 2);
}
