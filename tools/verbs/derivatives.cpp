// The verbs eval, grad, jacobian, hessian and jvp.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <memory>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/system/text.h"
#include "ops/ops.h"
#include "tools/program/file_values.h"
#include "tools/program/option_values.h"
#include "tools/verbs/verbs.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

struct Options : ProgramOptions {
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

/// Gradients by each input; empty handles where no path leads.
std::vector<Tensor> gradients(const Tensor& result, const std::vector<Tensor>& inputs, const Tensor& cotangent,
                              bool create_graph = false) {
  if (!result.requires_grad()) return std::vector<Tensor>(inputs.size());
  return grad(std::vector{result}, inputs,
              {.create_graph = create_graph, .retain_graph = true, .allow_unused = true, .cotangents = {cotangent}});
}

int run_eval(const Options& o) {
  const LoadedProgram loaded = load_program(o);
  const NoGrad values_only;
  Names names;
  const Tensor result = loaded.run(names);
  save_results(o.save, {{"result", result}});
  if (o.json)
    print_json({{"result", to_json(result)}});
  else
    fmt::print("{}\n", to_string(result.detach()));
  return 0;
}

int run_grad(const Options& o) {
  const LoadedProgram loaded = load_program(o);
  Names names;
  const Tensor result = loaded.run(names);
  const auto inputs = wanted_inputs(loaded, names, o.wrt);
  const auto found = gradients(result, tensors_of(inputs), cotangent_for(result, o.cotangent, o));
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

/// The derivative of every number of z by every number of x: shape z + x. Zero where no path leads.
Tensor jacobian_of(const Tensor& z, const Tensor& x) {
  Shape shape = z.shape();
  for (const auto s : x.shape()) {
    if (shape.size() == static_cast<std::size_t>(kMaxRank))
      throw ShapeError(fmt::format("jacobian: {} by {} has more than {} axes; reshape one of them",
                                   to_string(z.shape()), to_string(x.shape()), kMaxRank));
    shape.push_back(s);
  }
  std::vector<double> rows;
  std::vector<double> one_hot(static_cast<std::size_t>(z.numel()), 0);
  for (std::size_t i = 0; i < one_hot.size(); ++i) {
    one_hot[i] = 1;
    const Tensor g = gradients(z, {x}, from_vector(one_hot, z.shape(), {.dtype = z.dtype()}))[0];
    const auto row = g.defined() ? g.to_vector() : std::vector<double>(static_cast<std::size_t>(x.numel()), 0);
    rows.insert(rows.end(), row.begin(), row.end());
    one_hot[i] = 0;
  }
  return from_vector(rows, shape, {.dtype = z.dtype()});
}

int run_jacobian(const Options& o) {
  const LoadedProgram loaded = load_program(o);
  Names names;
  const Tensor result = loaded.run(names);
  const auto inputs = wanted_inputs(loaded, names, o.wrt);
  Json all = Json::object();
  std::string text = value_line("result", width_of(inputs), result);
  std::vector<NamedTensor> saved{{"result", result}};
  saved.reserve(inputs.size() + 1);
  for (const NamedTensor& input : inputs) {
    const Tensor j = jacobian_of(result, input.tensor);
    all[input.name] = to_json(j);
    saved.push_back({"jacobian." + input.name, j});
    text += value_line("∂" + input.name, width_of(inputs), j);
  }
  save_results(o.save, std::move(saved));
  if (o.json)
    print_json({{"result", to_json(result)}, {"jacobian", all}});
  else
    fmt::print("{}", text);
  return 0;
}

int run_hessian(const Options& o) {
  const LoadedProgram loaded = load_program(o);
  Names names;
  const Tensor result = loaded.run(names);
  if (result.numel() != 1)
    throw GraphError(fmt::format("hessian: the result has shape {}, it must be one number, as sum(...) gives",
                                 to_string(result.shape())));
  const auto inputs = wanted_inputs(loaded, names, o.wrt);
  const auto first = gradients(result, tensors_of(inputs), ones(result.shape(), {.dtype = result.dtype()}), true);
  Json all = Json::object();
  std::string text = value_line("result", 6, result);
  std::vector<NamedTensor> saved{{"result", result}};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    for (const NamedTensor& by : inputs) {
      // No path at all means that nothing changes: zeros.
      const Tensor g = first[i].defined() ? first[i] : zeros(inputs[i].tensor.shape(), {.dtype = result.dtype()});
      const Tensor h = jacobian_of(g, by.tensor);
      all[inputs[i].name][by.name] = to_json(h);
      saved.push_back({fmt::format("hessian.{}.{}", inputs[i].name, by.name), h});
      text += value_line(fmt::format("∂²/∂{} ∂{}", inputs[i].name, by.name), 6, h);
    }
  }
  save_results(o.save, std::move(saved));
  if (o.json)
    print_json({{"result", to_json(result)}, {"hessian", all}});
  else
    fmt::print("{}", text);
  return 0;
}

int run_jvp(const Options& o) {
  const LoadedProgram loaded = load_program(o);
  Names names;
  const Tensor result = loaded.run(names);
  std::vector<Tensor> inputs, tangents;
  for (const std::string& one : o.tangents) {
    const auto equals = one.find('=');
    if (equals == std::string::npos) throw ValueError(fmt::format("--tangent: '{}' is not NAME=VALUE", printable(one)));
    const std::string name = one.substr(0, equals);
    const Tensor x = wanted_inputs(loaded, names, name)[0].tensor;
    const Tensor t = to(to_tensor(value_of(std::string_view(one).substr(equals + 1), o), "--tangent"), x.dtype());
    if (t.shape() != x.shape())
      throw ShapeError(fmt::format("--tangent: {} has shape {}, its tangent {}", printable(name), to_string(x.shape()),
                                   to_string(t.shape())));
    inputs.push_back(x);
    tangents.push_back(t);
  }
  if (inputs.empty()) throw ValueError("jvp: give the direction of each input, as in --tangent x=1");
  // Two reverse passes: the gradient is linear in the cotangent u, and its derivative by u along the tangents is J v.
  const Tensor u = zeros(result.shape(), {.dtype = result.dtype(), .requires_grad = true});
  Tensor product;
  const auto first = gradients(result, inputs, u, true);
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!first[i].defined() || !first[i].requires_grad()) continue;
    const Tensor term = sum(first[i] * tangents[i]);
    product = product.defined() ? product + term : term;
  }
  const Tensor jvp = product.defined() ? grad(product, u) : zeros(result.shape(), {.dtype = result.dtype()});
  save_results(o.save, {{"result", result}, {"jvp", jvp}});
  if (o.json)
    print_json({{"result", to_json(result)}, {"jvp", to_json(jvp)}});
  else
    fmt::print("{}{}", value_line("result", 6, result), value_line("jvp", 6, jvp));
  return 0;
}

}  // namespace

void add_derivative_verbs(CLI::App& app, std::vector<Verb>& verbs) {
  struct Entry {
    const char *name, *help, *example;
    int (*run)(const Options&);
  };
  static constexpr Entry entries[] = {
      {"eval", "The value of a program", "chainrule eval 'a = [1, 2, 3]; sum(a ** 2)'", run_eval},
      {"grad", "The value and the gradients by its inputs", "chainrule grad 'tanh(w * x + b)' x=0.5 w=2 b=-1",
       run_grad},
      {"jacobian", "Every derivative of every number of the result", "chainrule jacobian 'softmax(x, dim=0)' x=[1,2,3]",
       run_jacobian},
      {"hessian", "The second derivatives of one number", "chainrule hessian 'sum(x ** 3)' x=[1,2]", run_hessian},
      {"jvp", "The derivative in one direction", "chainrule jvp 'x ** 2' x=[1,2] --tangent x=[1,0]", run_jvp}};
  for (const Entry& entry : entries) {
    CLI::App* verb = app.add_subcommand(entry.name, entry.help);
    const auto options = std::make_shared<Options>();
    add_program_options(*verb, *options);
    verb->add_option("--save", options->save, "FILE.npz: the results, as result, grad.NAME and so on")
        ->check(file_name());
    const std::string name = entry.name;
    if (name != "eval" && name != "jvp")
      verb->add_option("--wrt", options->wrt, "Names to differentiate by, a,b; default: every floating input");
    if (name == "grad")
      verb->add_option(
          "--cotangent", options->cotangent,
          "Weights of the result's numbers, in its shape, or 'ones'; needed unless the result is one number");
    if (name == "jvp")
      verb->add_option("--tangent", options->tangents, "NAME=VALUE: the direction in which an input moves")
          ->allow_extra_args(false);
    verb->footer(std::string("Example: ") + entry.example);
    verbs.push_back({verb, [options, run = entry.run] {
                       try {
                         check_save(options->save);
                         return run(*options);
                       } catch (const std::exception& e) {
                         return report_error(e, options->json);
                       }
                     }});
  }
}

}  // namespace chainrule
