// The verb ops: all functions in a table, or everything that is known of one, its example run and checked.
#include "tools/verbs/ops_table.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <utility>
#include <vector>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/format.h"
#include "engine/random.h"
#include "engine/system/text.h"
#include "engine/types/error.h"
#include "ops/families.h"
#include "ops/language/typeset.h"
#include "ops/registry.h"
#include "tools/verbs/verbs.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

/// The formula of the operation of that name, or what the function is made of.
std::string formula_of(const Function& f) {
  const OpInfo* info = find_op(f.name);
  if (f.formula[0]) return f.formula;
  return info ? info->formula : "";
}

/// The first sentence about derivatives: those of the operation, or that there are none.
std::string derivatives_of(const Function& f) {
  const OpInfo* info = find_op(f.name);
  if (std::string_view(f.formula).find("no derivative") != std::string_view::npos) return "none";
  if (!info) return "of its parts";
  std::string text;
  for (int i = 0; i < 4; ++i) {
    if (!info->derivatives[static_cast<std::size_t>(i)]) continue;
    text += fmt::format("{}d{}: {}", text.empty() ? "" : "; ", input_letter(*info, i),
                        info->derivatives[static_cast<std::size_t>(i)]);
  }
  return text.empty() ? "none" : text;
}

Json facts_of(const Function& f) {
  const OpInfo* info = find_op(f.name);
  Json facts = {{"name", f.name},
                {"signature", fmt::format("{}({})", f.name, f.signature)},
                {"formula", formula_of(f)},
                {"derivatives", Json::object()},
                {"kinks", info ? info->kinks : ""},
                {"latex", info ? latex_of(*info) : typeset(f.formula).value_or("")},
                {"latex_derivatives", Json::object()},
                {"flops", info ? info->flops : ""},
                {"stable", info ? info->stable : ""},
                {"example", f.example},
                {"with", f.with}};
  for (int i = 0; info && i < 4; ++i) {
    const auto k = static_cast<std::size_t>(i);
    if (info->derivatives[k]) facts["derivatives"][input_letter(*info, i)] = info->derivatives[k];
    if (info->derivatives[k]) facts["latex_derivatives"][input_letter(*info, i)] = latex_of_derivative(*info, i);
  }
  return facts;
}

/// One word of a command line, as bash and zsh read it back.
std::string shell_word(const std::string& text) {
  constexpr std::string_view kPlain = "+-,./:=@_";
  const auto plain = [&](char c) {
    return std::isalnum(static_cast<unsigned char>(c)) || kPlain.find(c) != std::string_view::npos;
  };
  if (!text.empty() && std::all_of(text.begin(), text.end(), plain)) return text;
  // Modes stand in single quotes, which those of the shell would end.
  const char quote = text.find('\'') == std::string::npos ? '\'' : '"';
  return quote + text + quote;
}

/// True when some gradient by the example's inputs has an element other than 0 and 1: it tells more than that the path
/// exists.
bool gradient_teaches(const std::string& program, const Function& f) {
  try {
    const Bindings bindings = bind_text(f.with);
    Names names = bindings.names;
    const Tensor result = evaluate_tensor(parse(program), names);
    if (!result.requires_grad()) return false;
    for (const Tensor& g : grad(std::vector{result}, bindings.leaves, {.allow_unused = true})) {
      if (!g.defined()) continue;
      for (const double v : g.to_vector())
        if (std::isfinite(v) && std::abs(v) > 1e-3 && std::abs(v - 1) > 1e-3) return true;
    }
  } catch (const Error&) {
    return false;  // not to be written like this
  }
  return false;
}

/// "softmax(x, dim=0)": one call, and nothing around it.
bool is_call(std::string_view text) {
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    depth += (text[i] == '(') - (text[i] == ')');
    const bool word = std::isalnum(static_cast<unsigned char>(text[i])) || text[i] == '_';
    if (depth == 0 && !word && i + 1 < text.size()) return false;
  }
  return text.ends_with(')');
}

bool contains_ignoring_case(std::string_view text, std::string_view part) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
  return std::search(text.begin(), text.end(), part.begin(), part.end(),
                     [&](char a, char b) { return lower(a) == lower(b); }) != text.end();
}

struct OpsOptions {
  std::string name;
  bool json = false, markdown = false;
};

/// The functions of a topic, or those whose name or text holds the word.
std::vector<const Function*> found(const std::string& word) {
  std::vector<const Function*> list;
  for (const Topic& topic : topics())
    if (word == topic.name)
      for (const Family& family : topic.families)
        for (const Function& f : family.functions) list.push_back(&f);
  if (!list.empty() || word.size() < 3) return list;
  for (const Function* f : functions()) {
    const OpInfo* info = find_op(f->name);
    const std::string texts[] = {
        f->name, f->signature, formula_of(*f), derivatives_of(*f), info ? info->kinks : "", info ? info->stable : ""};
    if (std::any_of(std::begin(texts), std::end(texts),
                    [&](const std::string& text) { return contains_ignoring_case(text, word); }))
      list.push_back(f);
  }
  return list;
}

int print_one(const OpsOptions& o, const Function* f) {
  const ExampleCheck check = check_example(*f);
  if (o.json) {
    Json facts = facts_of(*f);
    facts["result"] = to_json(check.result);
    facts["check"] = check.differentiable ? Json(check.report.ok() ? "ok" : "failed") : Json(nullptr);
    print_json(facts);
    return check.report.ok() || !check.differentiable ? 0 : 1;
  }
  const OpInfo* info = find_op(f->name);
  const auto line = [](const char* what, const std::string& text) {
    if (!text.empty()) fmt::print("{:<12} {}\n", what, text);
  };
  fmt::print("{}({})\n\n", f->name, f->signature);
  line("formula", formula_of(*f));
  line("derivatives", derivatives_of(*f));
  if (info) {
    line("kinks", info->kinks);
    line("stable form", info->stable);
    line("FLOPs", info->flops);
    line("LaTeX", latex_of(*info));
    for (int i = 0; i < 4; ++i)
      if (info->derivatives[static_cast<std::size_t>(i)])
        line("", fmt::format("\\partial {} = {}", input_letter(*info, i), latex_of_derivative(*info, i)));
  } else {
    line("LaTeX", typeset(f->formula).value_or(""));
  }
  line("example", example_command(*f));
  fmt::print("{}", value_line("result", 12, check.result));
  if (check.differentiable) fmt::print("\n{}\n", to_string(check.report));
  return check.report.ok() || !check.differentiable ? 0 : 1;
}

int print_list(const OpsOptions& o, std::span<const Function* const> list) {
  if (o.json) {
    Json all = Json::array();
    for (const Function* f : list) all.push_back(facts_of(*f));
    print_json(all);
  } else if (o.markdown) {
    fmt::print("{}", operations_as_markdown());
  } else {
    std::size_t width = 0;
    for (const Function* f : list) width = std::max(width, std::string_view(f->name).size());
    for (const Function* f : list) fmt::print("{:<{}}  {}\n", f->name, width, shorten(formula_of(*f), 90));
    std::string names;
    for (const Topic& topic : topics()) names += (names.empty() ? "" : " ") + std::string(topic.name);
    fmt::print("\n{} operation{}; chainrule ops NAME tells all about one, chainrule ops TOPIC lists some: {}\n",
               list.size(), list.size() == 1 ? "" : "s", names);
  }
  return 0;
}

int run_ops(const OpsOptions& o) {
  if (o.name.empty()) return print_list(o, functions());
  if (const Function* f = find_function(o.name)) return print_one(o, f);
  const std::vector<const Function*> list = found(o.name);
  if (!list.empty()) return print_list(o, list);
  const std::string hint = did_you_mean(similar_functions(o.name));
  throw ValueError(fmt::format("there is no operation {}{}", shorten(printable(o.name), 40),
                               hint.empty() ? "; chainrule ops lists them all" : hint));
}

}  // namespace

std::string example_command(const Function& f) {
  const DType usual = default_dtype();  // as the command computes it
  set_default_dtype(DType::float64);
  manual_seed(0);
  std::string program = f.example, line = "chainrule eval ";
  const Bindings bindings = bind_text(f.with);
  Names names = bindings.names;
  const Tensor result = evaluate_tensor(parse(program), names);
  const bool differentiable = std::string_view(f.formula).find("no derivative") == std::string_view::npos;
  if (differentiable && result.requires_grad() && !bindings.leaves.empty()) {
    line = "chainrule grad ";
    const bool number = result.numel() == 1;
    for (const char* power : {"", " ** 2", " ** 3"}) {
      const std::string term = power[0] && !is_call(f.example) ? fmt::format("({})", f.example) : f.example;
      program = number ? term + power : fmt::format("sum({}{})", term, power);
      if (gradient_teaches(program, f)) break;
    }
  }
  set_default_dtype(usual);
  line += shell_word(program);
  int depth = 0;
  std::string value;
  for (const char c : std::string(f.with) + " ") {
    depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
    if (c != ' ' || depth > 0) {
      value += c;
    } else if (!value.empty()) {
      line += " " + shell_word(std::exchange(value, {}));
    }
  }
  return line;
}

std::string operation_words() {
  std::string words;
  for (const Function* f : functions()) words += (words.empty() ? "" : " ") + std::string(f->name);
  for (const Topic& topic : topics()) words += " " + std::string(topic.name);
  return words;
}

std::string operations_as_markdown() {
  const auto cell = [](std::string text) {
    for (std::size_t i = 0; (i = text.find('|', i)) != std::string::npos; i += 2) text.insert(i, "\\");
    return text;
  };
  std::string table = "| call | formula | derivatives | kinks |\n|---|---|---|---|\n";
  for (const Function* f : functions()) {
    const OpInfo* info = find_op(f->name);
    table += fmt::format("| `{}({})` | {} | {} | {} |\n", f->name, f->signature, cell(formula_of(*f)),
                         cell(derivatives_of(*f)), cell(info ? info->kinks : ""));
  }
  return table;
}

void add_ops_verb(CommandLine& app) {
  add_verb<OpsOptions>(
      app, "ops", "The table of operations; or everything about one", "chainrule ops softmax",
      [](CLI::App& verb, OpsOptions& o) {
        verb.add_option(
            "name", o.name,
            "One operation: formula, derivatives, kinks, an example and its check; or a topic, such as loss; or "
            "a word to look for");
        verb.add_flag("--json", o.json, "As JSON");
        verb.add_flag("--markdown", o.markdown, "The table as Markdown");
      },
      run_ops);
}

}  // namespace chainrule
