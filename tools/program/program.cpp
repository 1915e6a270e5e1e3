// Command-line values, and results in both forms.
#include "tools/program/program.h"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <new>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/memory/pool.h"
#include "engine/system/text.h"
#include "ops/kernels/parallel.h"
#include "ops/ops.h"
#include "tools/program/file_values.h"
#include "tools/program/graph_file.h"
#include "tools/program/option_values.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

bool reads(const Program& program, const std::string& name) {
  const auto among = [&](const std::vector<std::string>& names) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  return among(program.inputs) || among(program.constants);
}

/// Says which given values the program never reads: a slip of the pen, most likely.
void tell_unused(const Program& program, const std::vector<std::string>& values) {
  for (const std::string& value : values) {
    const std::string name = value.substr(0, value.find('='));
    if (reads(program, name)) continue;
    const bool own = std::any_of(program.steps.begin(), program.steps.end(),
                                 [&](const Step& step) { return step.kind == Step::Kind::bind && step.text == name; });
    if (own)
      fmt::print(stderr, "chainrule: {} is not used: the program gives {} a value of its own\n",
                 shorten(printable(value), 60), printable(name));
    else
      fmt::print(stderr, "chainrule: {} is not used: the program does not read {}\n", shorten(printable(value), 60),
                 printable(name));
  }
}

/// The same of the arrays of --inputs, of which there may be many, in one line.
void tell_unused_arrays(const Program& program, std::vector<std::string> names, const std::string& file) {
  constexpr std::size_t kMostNames = 5;
  std::erase_if(names, [&](const std::string& name) { return reads(program, composed(name)); });
  if (names.empty()) return;
  std::string list;
  for (std::size_t i = 0; i < std::min(names.size(), kMostNames); ++i)
    list += (i ? ", " : "") + shorten(printable(names[i]), 60);
  if (names.size() > kMostNames) list += fmt::format(" and {} more", names.size() - kMostNames);
  const bool one = names.size() == 1;
  fmt::print(stderr, "chainrule: --inputs {}: {} {} not used: the program does not read {}\n",
             shorten(printable(file), 200), list, one ? "is" : "are", one ? "it" : "them");
}

}  // namespace

void add_program_options(CLI::App& verb, ProgramOptions& options) {
  verb.add_option("program", options.program, "Statements of the expression language; the last one is the result")
      ->required();
  verb.add_option("values", options.values,
                  "NAME=VALUE: a number, a list, an expression without names, or an array: @x.npy, @w.npz:member, "
                  "@m.safetensors:tensor, @table.csv, @digits:images, @mnist:images");
  verb.add_option("--inputs", options.inputs, "FILE.npz: binds every array of it by its name")->check(file_name());
  verb.add_option("--data-dir", options.data_dir,
                  "The folder of data sets, for @mnist:images; default: the environment variable CHAINRULE_DATA")
      ->check(file_name());
  verb.add_option("--dtype", options.dtype, "Type of numbers; when given, also of the floating arrays of files")
      ->capture_default_str()
      ->check(one_of({"float64", "float32"}))
      ->each([&options](const std::string&) { options.dtype_given = true; });
  verb.add_option("--seed", options.seed, "Seed of every random number")
      ->capture_default_str()
      ->transform(whole_number());
  verb.add_option("--threads", options.threads, "Threads that kernels may use; 0: all cores")
      ->capture_default_str()
      ->transform(whole_number(0, kMostThreads));
  verb.add_option("--timeout", options.timeout, "Seconds that the program may take; 0: no limit")
      ->capture_default_str()
      ->transform(number_from(0, 1e9));
  verb.add_option("--max-memory", options.max_memory,
                  "Bytes that all tensors together may take, as 500MB or 2GB; 0: no limit")
      ->transform(byte_count());
  verb.add_flag("--json", options.json, "The result as JSON on stdout, and nothing else there");
  verb.add_flag("--quiet", options.quiet, "No messages on stderr but errors");
}

LoadedProgram load_program(const ProgramOptions& given) {
  LoadedProgram loaded;
  set_num_threads(given.threads);
  set_memory_limit(given.max_memory);  // before a graph file is evaluated
  loaded.asked = given.program.starts_with('@') ? read_graph_file(given, loaded.bindings) : given;
  const ProgramOptions& options = loaded.asked;
  set_default_dtype(options.dtype == "float32" ? DType::float32 : DType::float64);
  manual_seed(options.seed);
  const std::vector<std::string> arrays = bind_inputs(loaded.bindings, options);
  for (const std::string& value : options.values) {
    const auto equals = value.find('=');
    if (equals == std::string::npos)
      throw ValueError(fmt::format("'{}' is not NAME=VALUE; the program itself is one argument, in quotes",
                                   shorten(printable(value), 60)));
    try {
      loaded.bindings.bind(value.substr(0, equals), value_of(std::string_view(value).substr(equals + 1), options));
    } catch (const ProgramError& e) {
      throw ProgramError(e.kind(), fmt::format("the value of {}: {}", printable(value.substr(0, equals)), e.what()),
                         value, {equals + 1 + e.span().begin, equals + 1 + e.span().end}, e.exit_code());
    }
  }
  loaded.program = parse(options.program);
  if (!options.quiet && !options.json && !options.rebuilt) {
    tell_unused(loaded.program, options.values);
    tell_unused_arrays(loaded.program, arrays, options.inputs);
  }
  loaded.options.deadline = deadline_in(options.timeout);
  return loaded;
}

Tensor LoadedProgram::run(Names& names) const {
  names = bindings.names;
  return evaluate_tensor(program, names, options);
}

std::vector<NamedTensor> wanted_inputs(const LoadedProgram& loaded, const Names& names, const std::string& wrt,
                                       const char* option) {
  std::vector<NamedTensor> wanted;
  if (wrt.empty()) {
    for (const Tensor& leaf : loaded.bindings.leaves) wanted.push_back({leaf.label(), leaf});
    if (wanted.empty())
      throw ValueError("there is no floating input to differentiate by; give one, as in x=2 or x=[1,2]");
    return wanted;
  }
  for (const std::string& typed : CLI::detail::split(wrt, ',')) {
    const std::string name = composed(typed);
    const auto at = names.find(name);
    if (at == names.end())
      throw ValueError(fmt::format("{}: {} has no value in this program", option, printable(name)));
    if (!at->second.is<Tensor>() || !is_floating(at->second.as<Tensor>().dtype()))
      throw ValueError(fmt::format("{}: {} is {}, it has no gradient", option, printable(name), describe(at->second)));
    wanted.push_back({name, at->second.as<Tensor>()});
  }
  return wanted;
}

void hold_others(LoadedProgram& loaded, const std::string& wrt) {
  if (wrt.empty()) return;
  std::vector<Tensor>& leaves = loaded.bindings.leaves;
  std::vector<Tensor> wanted;
  for (const std::string& name : CLI::detail::split(wrt, ',')) {
    const auto at = std::find_if(leaves.begin(), leaves.end(), [&](const Tensor& t) { return t.label() == name; });
    if (at == leaves.end()) throw ValueError(fmt::format("--wrt: {} is no input with a gradient", printable(name)));
    wanted.push_back(*at);
  }
  for (Tensor& leaf : leaves) {
    const auto same = [&](const Tensor& t) { return t.label() == leaf.label(); };
    if (std::none_of(wanted.begin(), wanted.end(), same)) leaf.set_requires_grad(false);
  }
  leaves = std::move(wanted);
}

Tensor cotangent_for(const Tensor& result, const std::string& text, const ProgramOptions& options) {
  if (text.empty()) {
    if (result.numel() == 1) return ones(result.shape(), {.dtype = result.dtype()});
    throw GraphError(
        fmt::format("grad: the result has shape {}, a gradient is of one number; reduce it, as in sum(...), or give "
                    "--cotangent VALUE of that shape ('--cotangent ones' is the gradient of the sum)",
                    to_string(result.shape())));
  }
  if (text == "ones") return ones(result.shape(), {.dtype = result.dtype()});
  const Tensor value = to_tensor(value_of(text, options), "--cotangent");
  if (value.shape() != result.shape())
    throw ShapeError(fmt::format("--cotangent: its shape is {}, the result's {}", to_string(value.shape()),
                                 to_string(result.shape())));
  return to(value, result.dtype()).detach();
}

void print_json(const Json& document) {
  fmt::print("{}\n", document.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string value_line(const std::string& name, std::size_t width, const Tensor& value) {
  const std::string lead = printable(name) + std::string(width - std::min(width, text_width(name)), ' ') + " = ";
  const std::string text = value.defined() ? to_string(value.detach(), 6) : "no path leads to it";
  std::string lines = lead;
  for (const char c : text) {
    lines += c;
    if (c == '\n') lines += std::string(text_width(lead), ' ');
  }
  return lines + "\n";
}

int report_error(const std::exception& error, bool json) {
  const auto* program = dynamic_cast<const ProgramError*>(&error);
  const auto* ours = dynamic_cast<const Error*>(&error);
  const int code = ours ? ours->exit_code() : 4;
  const std::string message = dynamic_cast<const std::bad_alloc*>(&error) ? "out of memory" : error.what();
  if (json) {
    Json facts = {{"kind", program ? program->kind() : kind_of_error(error)}, {"message", message}};
    facts["line"] = program ? Json(program->line()) : Json(nullptr);
    facts["column"] = program ? Json(program->column()) : Json(nullptr);
    print_json({{"error", facts}});
    return code;
  }
  if (program)
    fmt::print(stderr, "chainrule: line {}, column {}: {}\n{}\n", program->line(), program->column(), message,
               program->excerpt());
  else
    fmt::print(stderr, "chainrule: {}\n", message);
  return code;
}

}  // namespace chainrule
