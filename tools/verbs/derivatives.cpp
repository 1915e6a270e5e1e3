// The verbs eval, grad, jacobian, hessian and jvp.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

#include "engine/backward.h"
#include "engine/derivatives.h"
#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/system/text.h"
#include "ops/ops.h"
#include "tools/program/file_values.h"
#include "tools/program/option_values.h"
#include "tools/verbs/nan_note.h"
#include "tools/verbs/verbs.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

struct DerivativeOptions : ProgramOptions {
  std::string wrt, cotangent, save;
  std::vector<std::string> tangents;
};

std::vector<Tensor> tensors_of(const std::vector<NamedTensor>& inputs) {
  std::vector<Tensor> list;
  list.reserve(inputs.size());
  for (const NamedTensor& input : inputs) list.push_back(input.tensor);
  return list;
}

/// Widest of the names, and of "d"-prefixed ones.
std::size_t width_of(const std::vector<NamedTensor>& inputs) {
  std::size_t width = 6;  // "result"
  for (const NamedTensor& input : inputs) width = std::max(width, text_width(input.name) + 2);
  return width;
}

int run_eval(const DerivativeOptions& o) {
  check_save(o.save);
  const LoadedProgram loaded = load_program(o);
  const NoGrad values_only;
  Names names;
  const Tensor result = loaded.run(names);
  tell_nan(loaded, {{"the result", result}});
  save_results(o.save, {{"result", result}});
  if (o.json)
    print_json({{"result", to_json(result)}});
  else
    fmt::print("{}\n", to_string(result.detach()));
  return 0;
}

int run_grad(const DerivativeOptions& o) {
  check_save(o.save);
  const LoadedProgram loaded = load_program(o);
  Names names;
  const Tensor result = loaded.run(names);
  const auto inputs = wanted_inputs(loaded, names, o.wrt);
  // Empty handles where no path leads.
  std::vector<Tensor> found(inputs.size());
  const Tensor cotangent = cotangent_for(result, o.cotangent, o);
  if (result.requires_grad())
    found = grad(std::vector{result}, tensors_of(inputs), {.allow_unused = true, .cotangents = {cotangent}});
  Shown shown;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    shown.push_back({fmt::format("the gradient by {}", printable(inputs[i].name)), found[i]});
  shown.push_back({"the result", result});
  tell_nan(loaded, shown, [&](const Tensor& again, const Names& its) {
    (void)grad(std::vector{again}, tensors_of(wanted_inputs(loaded, its, o.wrt)),
               {.allow_unused = true, .cotangents = {cotangent_for(again, o.cotangent, o)}});
  });
  std::vector<NamedTensor> saved{{"result", result}};
  saved.reserve(inputs.size() + 1);
  for (std::size_t i = 0; i < inputs.size(); ++i) saved.push_back({"grad." + inputs[i].name, found[i]});
  save_results(o.save, std::move(saved));
  if (o.json) {
    Json all = Json::object();
    for (std::size_t i = 0; i < inputs.size(); ++i) all[inputs[i].name] = to_json(found[i]);
    print_json({{"result", to_json(result)}, {"gradients", all}});
    return 0;
  }
  const std::size_t width = width_of(inputs);
  fmt::print("{}", value_line("result", width, result));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    fmt::print("{}", value_line(inputs[i].name, width, inputs[i].tensor));
    fmt::print("{}", value_line("∂" + inputs[i].name, width, found[i]));
  }
  return 0;
}

int run_jacobian(const DerivativeOptions& o) {
  check_save(o.save);
  const LoadedProgram loaded = load_program(o);
  Names names;
  const Tensor result = loaded.run(names);
  const auto inputs = wanted_inputs(loaded, names, o.wrt);
  Json all = Json::object();
  std::string text = value_line("result", width_of(inputs), result);
  std::vector<NamedTensor> saved{{"result", result}};
  saved.reserve(inputs.size() + 1);
  for (const NamedTensor& input : inputs) {
    const Tensor j = jacobian(result, input.tensor);
    all[input.name] = to_json(j);
    saved.push_back({"jacobian." + input.name, j});
    text += value_line("∂" + input.name, width_of(inputs), j);
  }
  Shown shown = saved;
  for (NamedTensor& one : shown) one.name = "the " + printable(one.name);
  tell_nan(loaded, shown, [&](const Tensor& again, const Names& its) {
    for (const NamedTensor& input : wanted_inputs(loaded, its, o.wrt)) (void)jacobian(again, input.tensor);
  });
  save_results(o.save, std::move(saved));
  if (o.json)
    print_json({{"result", to_json(result)}, {"jacobian", all}});
  else
    fmt::print("{}", text);
  return 0;
}

int run_hessian(const DerivativeOptions& o) {
  check_save(o.save);
  const LoadedProgram loaded = load_program(o);
  Names names;
  const Tensor result = loaded.run(names);
  const auto inputs = wanted_inputs(loaded, names, o.wrt);
  const auto blocks = hessian(result, tensors_of(inputs));
  Json all = Json::object();
  std::string text = value_line("result", 6, result);
  std::vector<NamedTensor> saved{{"result", result}};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (std::size_t k = 0; k < inputs.size(); ++k) {
      const NamedTensor& by = inputs[k];
      const Tensor& h = blocks[i][k];
      all[inputs[i].name][by.name] = to_json(h);
      saved.push_back({fmt::format("hessian.{}.{}", inputs[i].name, by.name), h});
      text += value_line(fmt::format("∂²/∂{} ∂{}", inputs[i].name, by.name), 6, h);
    }
  }
  Shown shown = saved;
  for (NamedTensor& one : shown) one.name = "the " + printable(one.name);
  tell_nan(loaded, shown, [&](const Tensor& again, const Names& its) {
    (void)hessian(again, tensors_of(wanted_inputs(loaded, its, o.wrt)));
  });
  save_results(o.save, std::move(saved));
  if (o.json)
    print_json({{"result", to_json(result)}, {"hessian", all}});
  else
    fmt::print("{}", text);
  return 0;
}

int run_jvp(const DerivativeOptions& o) {
  check_save(o.save);
  std::set<std::string> bound;
  for (const std::string& value : o.values) {
    const std::string name = composed(value.substr(0, value.find('=')));
    if (!bound.insert(name).second)
      throw ValueError(fmt::format(
          "{0} is given twice; each direction needs --tangent before it, as in --tangent {0}=1", printable(name)));
  }
  const LoadedProgram loaded = load_program(o);
  Names names;
  const Tensor result = loaded.run(names);
  std::vector<Tensor> inputs, tangents;
  for (const std::string& one : o.tangents) {
    const auto equals = one.find('=');
    if (equals == std::string::npos) throw ValueError(fmt::format("--tangent: '{}' is not NAME=VALUE", printable(one)));
    const std::string name = one.substr(0, equals);
    const Tensor x = wanted_inputs(loaded, names, name, "--tangent")[0].tensor;
    const Tensor t = to(to_tensor(value_of(std::string_view(one).substr(equals + 1), o), "--tangent"), x.dtype());
    if (t.shape() != x.shape())
      throw ShapeError(fmt::format("--tangent: {} has shape {}, its tangent {}", printable(name), to_string(x.shape()),
                                   to_string(t.shape())));
    inputs.push_back(x);
    tangents.push_back(t);
  }
  if (inputs.empty()) throw ValueError("jvp: give the direction of each input, as in --tangent x=1");
  const Tensor product = jvp(result, inputs, tangents);
  tell_nan(loaded, {{"the result", result}, {"the jvp", product}},
           [&](const Tensor& again, const Names&) { (void)jvp(again, inputs, tangents); });
  save_results(o.save, {{"result", result}, {"jvp", product}});
  if (o.json)
    print_json({{"result", to_json(result)}, {"jvp", to_json(product)}});
  else
    fmt::print("{}{}", value_line("result", 6, result), value_line("jvp", 6, product));
  return 0;
}

}  // namespace

void add_derivative_verbs(CommandLine& app) {
  struct Entry {
    const char *name, *help, *example;
    int (*run)(const DerivativeOptions&);
    bool wrt = true;
  };
  static constexpr Entry entries[] = {
      {"eval", "The value of a program", "chainrule eval 'a = [1, 2, 3]; sum(a ** 2)'", run_eval, false},
      {"grad", "The value and the gradients by its inputs", "chainrule grad 'tanh(w * x + b)' x=0.5 w=3 b=-1",
       run_grad},
      {"jacobian", "Every derivative of every number of the result",
       "chainrule jacobian 'softmax(x, dim=0)' 'x=[1,2,3]'", run_jacobian},
      {"hessian", "The second derivatives of one number", "chainrule hessian 'sum(x ** 3)' 'x=[1,2]'", run_hessian},
      {"jvp", "The derivative in one direction", "chainrule jvp 'x ** 2' 'x=[1,2]' --tangent 'x=[1,0]'", run_jvp,
       false}};
  for (const Entry& entry : entries)
    add_verb<DerivativeOptions>(
        app, entry.name, entry.help, entry.example,
        [&entry](CLI::App& verb, DerivativeOptions& o) {
          add_program_options(verb, o);
          verb.add_option("--save", o.save, "FILE.npz: the results, as result, grad.NAME and so on")
              ->check(file_name());
          if (entry.wrt)
            verb.add_option("--wrt", o.wrt, "Names to differentiate by, a,b; default: every floating input");
          if (entry.run == run_grad)
            verb.add_option(
                "--cotangent", o.cotangent,
                "Weights of the result's numbers, in its shape, or 'ones'; needed unless the result is one number");
          if (entry.run == run_jvp)
            verb.add_option("--tangent", o.tangents, "NAME=VALUE: the direction in which an input moves")
                ->allow_extra_args(false);
        },
        entry.run);
}

}  // namespace chainrule
