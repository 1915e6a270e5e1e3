// A formula is a program of the language over plain numbers; only its two functions are its own.
#include "ops/language/cost.h"

#include <fmt/format.h>

#include <cmath>
#include <map>
#include <mutex>

#include "ops/language/program.h"

namespace chainrule::language {
namespace {

const Program& formula_of(const OpInfo& info) {
  static std::mutex guard;
  static std::map<const OpInfo*, Program> parsed;
  const std::lock_guard lock(guard);
  const auto at = parsed.find(&info);
  return at != parsed.end() ? at->second : parsed.emplace(&info, parse(info.flops)).first->second;
}

[[noreturn]] void wrong(const OpInfo& info, const std::string& what) {
  throw ValueError(fmt::format("{}: the formula '{}' {}", info.name, info.flops, what));
}

}  // namespace

double flops_of(const OpInfo& info, std::span<const Shape> inputs, const Shape& output) {
  using Kind = Step::Kind;
  const Program& program = formula_of(info);
  std::map<std::string, const Shape*> shapes{{"z", &output}};
  for (std::size_t i = 0; i < inputs.size(); ++i) shapes[input_letter(info, static_cast<int>(i))] = &inputs[i];
  const auto shape_of = [&](const Step& s) -> const Shape& {
    const auto at = shapes.find(s.text);
    if (s.kind != Kind::name || at == shapes.end()) wrong(info, fmt::format("asks for {}", s.text));
    return *at->second;
  };
  std::vector<double> values(program.steps.size());
  double result = 0;
  for (std::size_t i = 0; i < program.steps.size(); ++i) {
    const Step& s = program.steps[i];
    const auto operand = [&](std::size_t k) { return values[s.operands.at(k)]; };
    if (s.kind == Kind::constant && s.value.is_number()) {
      values[i] = s.value.is<double>() ? s.value.as<double>() : static_cast<double>(s.value.as<std::int64_t>());
    } else if (s.kind == Kind::call) {
      const Shape& shape = shape_of(program.steps[s.operands.at(0)]);
      if (s.text == "numel") {
        values[i] = static_cast<double>(numel(shape));
      } else if (s.text == "size") {
        auto axis = static_cast<std::int64_t>(operand(1));
        if (axis < 0) axis += shape.rank();
        // A vector beside a matrix has no such axis: it counts once.
        values[i] = axis < 0 || axis >= shape.rank() ? 1 : static_cast<double>(shape[static_cast<std::size_t>(axis)]);
      } else {
        wrong(info, fmt::format("calls {}", s.text));
      }
    } else if (s.kind == Kind::op) {
      const double x = operand(0), y = s.operands.size() > 1 ? operand(1) : 0;
      values[i] = s.text == "add"   ? x + y
                  : s.text == "sub" ? x - y
                  : s.text == "mul" ? x * y
                  : s.text == "div" ? x / y
                  : s.text == "pow" ? std::pow(x, y)
                                    : -x;
    } else if (s.kind == Kind::result) {
      result = operand(0);
    } else if (s.kind != Kind::name) {
      wrong(info, "is not arithmetic");
    }
  }
  return result;
}

}  // namespace chainrule::language
