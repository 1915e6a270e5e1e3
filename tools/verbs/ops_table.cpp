// The verb ops: all functions in a table, or everything that is known of one, its example run and checked.
#include "tools/verbs/ops_table.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>

#include "engine/format.h"
#include "engine/system/text.h"
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
                {"latex", info ? info->latex : ""},
                {"latex_derivatives", Json::object()},
                {"flops", info ? info->flops : ""},
                {"stable", info ? info->stable : ""},
                {"example", f.example},
                {"with", f.with}};
  for (int i = 0; info && i < 4; ++i) {
    const auto k = static_cast<std::size_t>(i);
    if (info->derivatives[k]) facts["derivatives"][input_letter(*info, i)] = info->derivatives[k];
    if (info->latex_derivatives[k]) facts["latex_derivatives"][input_letter(*info, i)] = info->latex_derivatives[k];
  }
  return facts;
}

struct OpsOptions {
  std::string name;
  bool json = false, markdown = false;
};

int print_one(const OpsOptions& o) {
  const Function* f = find_function(o.name);
  if (!f) {
    const std::string hint = did_you_mean(similar_functions(o.name));
    throw ValueError(fmt::format("there is no operation {}{}", shorten(printable(o.name), 40),
                                 hint.empty() ? "; chainrule ops lists them all" : hint));
  }
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
    line("LaTeX", info->latex);
    for (int i = 0; i < 4; ++i)
      if (const char* text = info->latex_derivatives[static_cast<std::size_t>(i)])
        line("", fmt::format("\\partial {} = {}", input_letter(*info, i), text));
  }
  // Modes stand in single quotes, which a shell would take off.
  const char quote = std::string_view(f->example).find('\'') == std::string_view::npos ? '\'' : '"';
  line("example", fmt::format("chainrule grad {0}{1}{0} {2}", quote, f->example, f->with));
  fmt::print("{}", value_line("result", 12, check.result));
  if (check.differentiable) fmt::print("\n{}\n", to_string(check.report));
  return check.report.ok() || !check.differentiable ? 0 : 1;
}

int print_all(const OpsOptions& o) {
  if (o.json) {
    Json all = Json::array();
    for (const Function* f : functions()) all.push_back(facts_of(*f));
    print_json(all);
  } else if (o.markdown) {
    fmt::print("{}", operations_as_markdown());
  } else {
    std::size_t width = 0;
    for (const Function* f : functions()) width = std::max(width, std::string_view(f->name).size());
    for (const Function* f : functions()) fmt::print("{:<{}}  {}\n", f->name, width, shorten(formula_of(*f), 90));
    fmt::print("\n{} operations; chainrule ops NAME tells all about one\n", functions().size());
  }
  return 0;
}

int run_ops(const OpsOptions& o) { return o.name.empty() ? print_all(o) : print_one(o); }

}  // namespace

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
        verb.add_option("name", o.name, "One operation: formula, derivatives, kinks, an example and its check");
        verb.add_flag("--json", o.json, "As JSON");
        verb.add_flag("--markdown", o.markdown, "The table as Markdown");
      },
      run_ops);
}

}  // namespace chainrule
