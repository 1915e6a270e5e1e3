// The verb completion: scripts by which bash and zsh complete verbs, options and their values, operations and files.
// Made from the command line itself, so that a new option is known at once.
#include <fmt/format.h>

#include <algorithm>

#include "engine/types/error.h"
#include "tools/program/option_values.h"
#include "tools/verbs/ops_table.h"
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

/// "kind memory health" of an option that takes one of these words; empty for others. one_of says them in braces.
std::string values_of(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  const std::size_t open = type.find('{'), close = type.find('}');
  if (open == std::string::npos || close == std::string::npos) return {};
  std::string words = type.substr(open + 1, close - open - 1);
  std::replace(words.begin(), words.end(), ',', ' ');
  return words;
}

/// What completes the words of a command line, for both shells.
struct Words {
  std::string verbs;
  std::string options;  ///< cases "    VERB) words_=... ;;"
  std::string values;   ///< cases `    "VERB --option") values_=... ;;`
  std::string first;    ///< cases "    VERB) first_=... ;;" of verbs whose argument is one of some words
};

Words words_of(const CLI::App& app) {
  Words words;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string& name = verb->get_name();
    words.verbs += (words.verbs.empty() ? "" : " ") + name;
    words.options += fmt::format("    {}) words_=\"{}\" ;;\n", name, options_of(*verb));
    for (const CLI::Option* option : verb->get_options()) {
      std::string values = values_of(*option);
      if (name == "ops" && option->get_positional()) values = operation_words();
      if (values.empty()) continue;
      if (option->get_positional()) words.first += fmt::format("    {}) first_=\"{}\" ;;\n", name, values);
      for (const std::string& long_name : option->get_lnames())
        words.values += fmt::format("    \"{} --{}\") values_=\"{}\" ;;\n", name, long_name, values);
    }
  }
  return words;
}

std::string zsh_script(const Words& words) {
  return fmt::format(R"sh(#compdef chainrule
_chainrule() {{
  local words_="" values_="" first_="" option_="$words[CURRENT-1]"
  if (( CURRENT == 2 )); then
    compadd -- {}
    return
  fi
  if [[ $words[CURRENT] == --*=* ]]; then option_="${{words[CURRENT]%%=*}}"; fi
  case "$words[2]" in
{}  esac
  case "$words[2]" in
{}  esac
  case "$words[2] $option_" in
{}  esac
  if [[ -n $values_ ]]; then
    compset -P '*='
    compadd -- ${{=values_}}
  elif [[ $words[CURRENT] == -* ]]; then
    compadd -- ${{=words_}}
  elif [[ $words[CURRENT] == *=@* ]]; then
    compset -P '*=@'
    _files
  elif [[ -n $first_ ]]; then
    compadd -- ${{=first_}}
  else
    _files
  fi
}}
compdef _chainrule chainrule
)sh",
                     words.verbs, words.options, words.first, words.values);
}

std::string bash_script(const Words& words) {
  return fmt::format(R"sh(_chainrule() {{
  local current="${{COMP_WORDS[COMP_CWORD]}}" before="${{COMP_WORDS[COMP_CWORD-1]}}" words_="" values_="" first_="" i
  local typed="${{COMP_LINE:0:${{COMP_POINT:-0}}}}"
  typed="${{typed##* }}"
  if [ "$COMP_CWORD" -eq 1 ]; then
    COMPREPLY=($(compgen -W "{}" -- "$current"))
    return
  fi
  # NAME=@FILE: for bash the @ belongs to the word that is replaced, and a folder behind it is none.
  case "$typed" in
    *=@*)
      COMPREPLY=($(compgen -f -- "${{typed##*=@}}"))
      compopt +o filenames 2>/dev/null
      for i in "${{!COMPREPLY[@]}}"; do
        if [ -d "${{COMPREPLY[i]}}" ]; then
          COMPREPLY[i]="${{COMPREPLY[i]}}/"
          compopt -o nospace 2>/dev/null
        fi
        COMPREPLY[i]="@$(printf %q "${{COMPREPLY[i]}}")"
      done
      return
      ;;
  esac
  if [ "$current" = "=" ]; then
    current=""
  elif [ "$before" = "=" ]; then
    before="${{COMP_WORDS[COMP_CWORD-2]}}"
  fi
  case "${{COMP_WORDS[1]}}" in
{}  esac
  case "${{COMP_WORDS[1]}}" in
{}  esac
  case "${{COMP_WORDS[1]}} $before" in
{}  esac
  case "$current" in
    -*) COMPREPLY=($(compgen -W "$words_" -- "$current")) ;;
    *)
      if [ -n "$values_$first_" ]; then
        COMPREPLY=($(compgen -W "${{values_:-$first_}}" -- "$current"))
      else
        COMPREPLY=($(compgen -f -- "$current"))
      fi
      ;;
  esac
}}
complete -o filenames -F _chainrule chainrule
)sh",
                     words.verbs, words.options, words.first, words.values);
}

struct CompletionOptions {
  const CommandLine* app = nullptr;
  std::string shell;
};

int run_completion(const CompletionOptions& o) {
  const Words words = words_of(*o.app);
  fmt::print("{}", o.shell == "zsh" ? zsh_script(words) : bash_script(words));
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
