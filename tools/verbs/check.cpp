// The verb check: a program's gradients against numerical derivatives.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <cmath>
#include <limits>

#include "tools/program/option_values.h"
#include "tools/verbs/verbs.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

struct CheckOptions : ProgramOptions {
  std::string wrt;
  GradcheckOptions check;
  double tolerance = 0, step = 0;
  bool verbose = false;
};

Json number_of(bool meant, double number) {
  if (!meant) return nullptr;
  if (std::isfinite(number)) return number;
  return std::isnan(number) ? "nan" : number > 0 ? "inf" : "-inf";
}

Json to_json(const GradcheckBlame& blame) {
  if (blame.op.empty()) return nullptr;
  return {{"op", blame.op},
          {"place", blame.place},
          {"input", blame.input.empty() ? Json(nullptr) : Json(blame.input)},
          {"element", blame.element},
          {"analytic", number_of(blame.compared, blame.analytic)},
          {"numeric", number_of(blame.compared, blame.numeric)}};
}

Json to_json(const GradcheckReport& report) {
  Json inputs = Json::array();
  for (const GradcheckInput& i : report.inputs) {
    Json facts = {{"name", i.name}, {"order", i.order}, {"verdict", name_of(i.verdict)}};
    facts["worst"] = i.compared ? Json(i.worst) : Json(nullptr);
    for (const auto& [key, number] :
         std::initializer_list<std::pair<const char*, double>>{{"analytic", i.analytic},
                                                               {"numeric", i.numeric},
                                                               {"absolute_error", i.absolute_error},
                                                               {"relative_error", i.relative_error},
                                                               {"step", i.step},
                                                               {"tolerance", i.tolerance}})
      facts[key] = number_of(i.compared, number);
    facts["elements"] = i.elements;
    facts["checked"] = i.checked;
    facts["mismatches"] = i.mismatches;
    facts["kinks"] = i.kinks;
    facts["cause"] = name_of(i.cause);
    facts["factor"] = i.factor == 0 ? Json(nullptr) : Json(i.factor);
    facts["blamed"] = to_json(i.blame);
    facts["reason"] = i.reason.empty() ? Json(nullptr) : Json(i.reason);
    inputs.push_back(std::move(facts));
  }
  return {{"ok", report.ok()},
          {"inputs", std::move(inputs)},
          {"notes", report.notes},
          {"seed", report.seed},
          {"dtype", name_of(report.dtype)},
          {"strict", report.strict},
          {"evaluations", report.evaluations}};
}

int run_check(const CheckOptions& o) {
  LoadedProgram loaded = load_program(o);
  hold_others(loaded, o.wrt);
  wanted_inputs(loaded, loaded.bindings.names, "");  // says so when there is nothing to check
  GradcheckOptions options = o.check;
  options.seed = o.seed;
  options.dtype = o.dtype == "float32" ? DType::float32 : DType::float64;
  if (o.tolerance > 0) options.rtol = o.tolerance;
  if (o.step > 0) options.step = o.step;
  const GradcheckReport report = gradcheck_program(loaded.program, loaded.bindings, options);
  if (o.json)
    print_json(to_json(report));
  else
    fmt::print("{}\n", to_string(report, o.verbose));
  return report.ok() ? 0 : 1;
}

}  // namespace

void add_check_verb(CommandLine& app) {
  add_verb<CheckOptions>(
      app, "check", "Gradients against numerical derivatives; exit code 1 when they differ",
      "chainrule check 'sum(relu(x) * w)' 'x=[1,-2,0]' 'w=[1,2,3]'",
      [](CLI::App& verb, CheckOptions& o) {
        add_program_options(verb, o);
        verb.add_option("--order", o.check.order, "2 also checks the gradient of the gradient")
            ->capture_default_str()
            ->transform(whole_number(1, 2));
        verb.add_option("--wrt", o.wrt, "Inputs to check, as x,w; the others are held fixed; default: all");
        verb.add_option("--sample", o.check.sample, "At most this many random elements of each input; 0: all")
            ->capture_default_str()
            ->transform(whole_number(0, std::numeric_limits<std::int64_t>::max()));
        verb.add_flag("--strict", o.check.strict, "A kink is a failure");
        verb.add_option("--tolerance", o.tolerance, "Allowed relative error; default 1e-6, in float32 5e-3")
            ->transform(number_above(0));
        verb.add_option("--step", o.step,
                        "First shift of the numerical derivative, times max(1, |x|); default: three sizes")
            ->transform(number_above(0));
        verb.add_flag("--verbose", o.verbose, "A table of every number as well");
      },
      run_check);
}

}  // namespace chainrule
