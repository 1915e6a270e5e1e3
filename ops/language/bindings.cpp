// Names and their values; the examples of the function table.
#include "ops/language/bindings.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/factory.h"
#include "engine/system/text.h"

namespace chainrule::language {
namespace {

/// While it lives, numbers are float64 and random ones start from one seed.
class ExampleNumbers {
 public:
  ExampleNumbers() {
    set_default_dtype(DType::float64);
    manual_seed(7);
  }
  ~ExampleNumbers() {
    set_default_dtype(dtype_);
    default_generator().set_state(random_);
  }
  ExampleNumbers(const ExampleNumbers&) = delete;
  ExampleNumbers& operator=(const ExampleNumbers&) = delete;

 private:
  DType dtype_ = default_dtype();
  Generator::State random_ = default_generator().state();
};

}  // namespace

Value closed_value(std::string_view text) {
  const Program program = parse(text);
  if (!program.inputs.empty()) {
    const std::size_t at = text.find(program.inputs[0]);
    throw ProgramError("name", fmt::format("a value cannot use other names; {} is one", printable(program.inputs[0])),
                       text, {at, at + program.inputs[0].size()});
  }
  Names none;
  return evaluate(program, none, {.label_names = false});
}

void Bindings::bind(std::string name, const Value& value) {
  name = composed(std::move(name));
  if (!is_name(name)) throw ValueError(fmt::format("'{}' cannot be a name", printable(name)));
  if (names.contains(name)) throw ValueError(fmt::format("{} is given twice", printable(name)));
  const bool numbers = value.is_number() || value.is<Tensor>() || value.is<Value::List>();
  if (!numbers) {
    names.emplace(std::move(name), value);
    return;
  }
  Tensor t = to_tensor(value, name);
  if (is_floating(t.dtype())) {
    t = t.detach().set_requires_grad().label(name);
    leaves.push_back(t);
  } else {
    t = t.label(name);
  }
  names.emplace(std::move(name), t);
}

Bindings bind_text(std::string_view assignments) {
  Bindings bindings;
  std::size_t begin = 0;
  int depth = 0;
  for (std::size_t i = 0; i <= assignments.size(); ++i) {
    const char c = i < assignments.size() ? assignments[i] : ' ';
    depth += c == '(' || c == '[' ? 1 : c == ')' || c == ']' ? -1 : 0;
    if (c != ' ' || depth > 0) continue;
    const std::string_view one = assignments.substr(begin, i - begin);
    begin = i + 1;
    if (one.empty()) continue;
    const auto equals = one.find('=');
    if (equals == std::string_view::npos) throw ValueError(fmt::format("{} is not NAME=VALUE", printable(one)));
    bindings.bind(std::string(one.substr(0, equals)), closed_value(one.substr(equals + 1)));
  }
  return bindings;
}

GradcheckReport gradcheck_program(const Program& program, const Bindings& bindings, const GradcheckOptions& options) {
  std::vector<NamedTensor> inputs;
  for (const Tensor& leaf : bindings.leaves) inputs.push_back({leaf.label(), leaf});
  const auto run = [&](const std::vector<Tensor>& t) {
    Names names = bindings.names;
    for (std::size_t i = 0; i < t.size(); ++i) names[inputs[i].name] = t[i];
    return evaluate_tensor(program, names);
  };
  return gradcheck(run, inputs, options);
}

ExampleCheck check_example(const Function& function) {
  const ExampleNumbers numbers;
  const Program program = parse(function.example);
  const Bindings bindings = bind_text(function.with);
  Names names = bindings.names;
  ExampleCheck check;
  check.result = evaluate_tensor(program, names);
  check.leaves = bindings.leaves;
  check.differentiable = std::string_view(function.formula).find("no derivative") == std::string_view::npos;
  if (check.differentiable) check.report = gradcheck_program(program, bindings, {.order = 2, .freeze_random = true});
  return check;
}

}  // namespace chainrule::language
