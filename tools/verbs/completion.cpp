// The verb completion: scripts by which bash and zsh complete verbs and options. Made from the command line itself, so
// that a new option is known at once.
#include <fmt/format.h>

#include "engine/types/error.h"
#include "tools/program/option_values.h"
#include "tools/verbs/verbs.h"

namespace chainrule {
namespace {

/// "--json --seed ...", what can stand after a verb.
std::string options_of(const CLI::App& verb) {
  std::string words;
  for (const CLI::Option* option : verb.get_options()) {
    if (option->get_group().empty()) continue;  // hidden
    for (const std::string& name : option->get_lnames()) words += (words.empty() ? "--" : " --") + name;
  }
  return words;
}

std::string script(const CLI::App& app, const std::string& shell) {
  std::string verbs, cases;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    verbs += (verbs.empty() ? "" : " ") + verb->get_name();
    cases += fmt::format("    {}) words_=\"{}\" ;;\n", verb->get_name(), options_of(*verb));
  }
  if (shell == "zsh")
    return fmt::format(R"(#compdef chainrule
_chainrule() {{
  local words_=""
  if (( CURRENT == 2 )); then
    compadd -- {}
    return
  fi
  case $words[2] in
{}  esac
  if [[ $words[CURRENT] == -* ]]; then compadd -- ${{=words_}}; else _files; fi
}}
compdef _chainrule chainrule
)",
                       verbs, cases);
  return fmt::format(R"(_chainrule() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" words_=""
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{}" -- "$current"))
    return
  fi
  case "${{COMP_WORDS[1]}}" in
{}  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words_" -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}}
complete -o filenames -F _chainrule chainrule
)",
                     verbs, cases);
}

struct CompletionOptions {
  const CommandLine* app = nullptr;
  std::string shell;
};

int run_completion(const CompletionOptions& o) {
  fmt::print("{}", script(*o.app, o.shell));
  return 0;
}

}  // namespace

void add_completion_verb(CommandLine& app) {
  add_verb<CompletionOptions>(
      app, "completion", "A script for bash or zsh that completes verbs and options", "chainrule completion bash",
      [&app](CLI::App& verb, CompletionOptions& o) {
        o.app = &app;
        verb.add_option("shell", o.shell, "bash or zsh")->required()->check(one_of({"bash", "zsh"}));
      },
      run_completion);
}

}  // namespace chainrule
