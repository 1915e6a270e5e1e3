// Every example that a user is shown is run as it stands: those of --help and of tools/COMMAND.md. And the scripts
// that complete a command line, in the shells that they are for. Examples run in bash and zsh, one process for each.
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "engine/system/process.h"
#include "ops/function.h"
#include "tests/temporary_folder.h"
#include "tests/text.h"
#include "tools/verbs/ops_table.h"

using namespace chainrule;
using chainrule::testing::contains;
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

/// The line behind "Example: " of a verb's --help.
std::string example_of(const std::string& verb) {
  const std::string help = help_of(verb);
  const std::size_t at = help.rfind("Example: ");
  if (at == std::string::npos) return {};
  std::string example = help.substr(at + 9);
  while (!example.empty() && example.back() == '\n') example.pop_back();
  return example;
}

/// The lines of a page's shell blocks that call the command.
std::vector<std::string> lines_of_page(const char* name) {
  std::istringstream text(content(std::filesystem::path(CHAINRULE_SOURCE_DIR) / name));
  std::vector<std::string> lines;
  bool code = false;
  for (std::string line; std::getline(text, line);) {
    if (line.starts_with("```")) code = line == "```sh";
    if (code && line.starts_with("chainrule ")) lines.push_back(line);
  }
  return lines;
}

struct Outcome {
  int exit_code = -1;
  std::string out, err;
};

/// Runs all lines in one shell, each as it stands.
std::vector<Outcome> in_one_shell(const char* shell, const std::vector<std::string>& lines) {
  const Folder folder;
  {
    std::ofstream script(folder / "examples");
    script << "chainrule() { \"$command\" \"$@\"; }\n";
    for (std::size_t i = 0; i < lines.size(); ++i)
      script << "{\n" << lines[i] << "\n} >out" << i << " 2>err" << i << "\necho $? >code" << i << "\n";
  }
  const ProcessResult r = run({"env", std::string("command=") + CHAINRULE_COMMAND, "sh", "-c",
                               std::string("cd \"$0\" && exec ") + shell + " ./examples", folder / ""});
  CHECK_MESSAGE(r.err == "", shell);
  std::vector<Outcome> outcomes;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string number = std::to_string(i);
    const std::string code = content(folder / ("code" + number));
    outcomes.push_back({code.empty() ? -1 : std::atoi(code.c_str()), content(folder / ("out" + number)),
                        content(folder / ("err" + number))});
  }
  return outcomes;
}

}  // namespace

TEST_CASE("every example that is printed runs in bash and in zsh as it stands") {
  std::vector<std::string> lines;
  for (const Function* f : functions()) lines.push_back(example_command(*f));
  const std::size_t operations = lines.size();
  for (const std::string& verb : verbs()) lines.push_back(example_of(verb));
  for (const char* page : {"README.md", "tools/COMMAND.md", "tools/README.md", "engine/steps/README.md"})
    for (const std::string& line : lines_of_page(page)) lines.push_back(line);
  std::erase_if(lines, is_slow);
  for (const char* shell : {"bash", "zsh"}) {
    if (run({"sh", "-c", std::string("command -v ") + shell}).exit_code != 0) {
      MESSAGE(shell, " is not installed: its examples are skipped");
      continue;
    }
    if (std::getenv("CHAINRULE_SANITIZED") && std::string(shell) == "zsh") continue;  // the same commands once more
    const std::vector<Outcome> outcomes = in_one_shell(shell, lines);
    std::size_t gradients = 0;
    for (std::size_t i = 0; i < lines.size(); ++i) {
      INFO(shell, ": ", lines[i]);
      // The README shows a check that says no.
      CHECK_MESSAGE(outcomes[i].exit_code == (contains(lines[i], "detach(x))") && i >= operations ? 1 : 0),
                    outcomes[i].err);
      if (i >= operations || !lines[i].starts_with("chainrule grad ")) continue;
      ++gradients;
      CHECK(contains(outcomes[i].out, "∂"));
      CHECK_FALSE(contains(outcomes[i].out, "no path"));
      CHECK_FALSE(contains(outcomes[i].out, "nan"));
    }
    CHECK(gradients >= 130);
  }
}

TEST_CASE("an example's numbers teach: gradients are not all 0 or 1, and ops NAME prints that very line") {
  CHECK(example_of("grad") == "chainrule grad 'tanh(w * x + b)' x=0.5 w=3 b=-1");
  for (const char* name : {"softmax", "matmul", "where", "mean"}) {
    const Function* f = find_function(name);
    REQUIRE(f != nullptr);
    CHECK(contains(run({CHAINRULE_COMMAND, "ops", name}).out, "example      " + example_command(*f) + "\n"));
  }
  CHECK(example_command(*find_function("softmax")).starts_with("chainrule grad 'sum(softmax("));
  CHECK(contains(example_command(*find_function("softmax")), "** 2"));
}

TEST_CASE("every verb's --help ends with an example") {
  const std::vector<std::string> all = verbs();
  CHECK(all.size() >= 14);
  for (const std::string& verb : all) {
    const std::string example = example_of(verb);
    CHECK_MESSAGE(example.find('\n') == std::string::npos, verb);
    CHECK_MESSAGE(example.starts_with("chainrule " + verb), verb);
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
  const auto bash = [&](const std::string& words, int at, const std::string& line = {}) {
    const ProcessResult r =
        in_shell("eval \"$(chainrule completion bash)\"; COMP_WORDS=(" + words + "); COMP_CWORD=" + std::to_string(at) +
                     "; COMP_LINE='" + line + "'; COMP_POINT=${#COMP_LINE}; _chainrule; echo \"${COMPREPLY[@]}\"",
                 folder, "bash");
    CHECK_MESSAGE(r.exit_code == 0, r.err);
    return r.out;
  };
  CHECK(bash("chainrule gr", 1) == "grad graph\n");
  CHECK(bash("chainrule check x --st", 3).find("--strict") != std::string::npos);
  CHECK(bash("chainrule check x --st", 3).find("--step") != std::string::npos);
  CHECK(bash("chainrule version --st", 2) == "\n");
  CHECK(bash("chainrule eval x --data", 3) == "--data-dir\n");
  CHECK(bash("chainrule graph x --color m", 4) == "memory\n");
  CHECK(bash("chainrule graph x --color = h", 5) == "health\n");
  CHECK(bash("chainrule graph x --view s", 4) == "shapes summary\n");
  CHECK(bash("chainrule ops softm", 2) == "softmax\n");
  CHECK(bash("chainrule ops los", 2) == "loss\n");
  CHECK(bash("chainrule completion z", 2) == "zsh\n");
  std::filesystem::create_directories(std::filesystem::path(folder / "ex") / "folder");
  std::ofstream(folder / "ex/abc.npy") << "";
  // As bash itself splits x=@ex/a.
  const auto file = [&](const std::string& typed) {
    return bash("chainrule eval x x =@ " + typed, 5, "chainrule eval x x=@" + typed);
  };
  CHECK(file("ex/a") == "@ex/abc.npy\n");
  CHECK(file("ex/f") == "@ex/folder/\n");
  const std::string zsh = run({CHAINRULE_COMMAND, "completion", "zsh"}).out;
  CHECK(zsh.starts_with("#compdef chainrule\n"));
  for (const std::string& verb : verbs()) CHECK_MESSAGE(zsh.find("    " + verb + ") ") != std::string::npos, verb);
  CHECK(contains(zsh, "    \"graph --color\") values_=\"kind memory health\" ;;\n"));
  CHECK(contains(zsh, "    ops) first_=\""));
  CHECK(contains(zsh, "compset -P '*=@'"));
  if (run({"sh", "-c", "command -v zsh"}).exit_code == 0)  // it is a script
    CHECK(in_shell("chainrule completion zsh > script && zsh -n script", folder).exit_code == 0);
  CHECK(run({CHAINRULE_COMMAND, "completion", "fish"}).exit_code == 2);
}
