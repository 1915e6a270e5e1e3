// One loop over the steps. Errors of the library are passed on with the place of the step that failed.
#include "ops/language/evaluate.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <new>

#include "engine/scopes.h"
#include "engine/system/text.h"
#include "ops/function.h"
#include "ops/language/folding.h"
#include "ops/ops.h"

namespace chainrule::language {
namespace {

class Run {
 public:
  Run(const Program& program, Names& names, const EvaluateOptions& options)
      : program_(program), names_(names), options_(options), values_(program.steps.size()) {}

  Value run() {
    for (std::size_t i = 0; i < program_.steps.size(); ++i) {
      const Step& step = program_.steps[i];
      if (options_.deadline && std::chrono::steady_clock::now() > *options_.deadline)
        fail("limit", "the time allowed is over", step.at);
      const CalledFrom caller(step.where);
      try {
        values_[i] = compute(step);
      } catch (const ProgramError&) {
        throw;
      } catch (const Error& e) {
        throw ProgramError(kind_of_error(e), e.what(), program_.text, step.span, e.exit_code());
      } catch (const std::bad_alloc&) {
        throw ProgramError("limit", "there is not enough memory for this value", program_.text, step.span, 4);
      }
    }
    return std::move(result_);
  }

 private:
  using Kind = Step::Kind;

  [[noreturn]] void fail(const char* kind, const std::string& message, TextSpan span) const {
    throw ProgramError(kind, message, program_.text, span);
  }
  Value take(const Step& step, std::size_t i) { return std::move(values_[step.operands[i]]); }

  Value compute(const Step& step) {
    switch (step.kind) {
      case Kind::constant:
        return constant(step);
      case Kind::name:
        return lookup(step);
      case Kind::list: {
        Value::List list;
        list.reserve(step.operands.size());
        for (std::size_t i = 0; i < step.operands.size(); ++i) list.push_back(take(step, i));
        return list;
      }
      case Kind::call:
        return call(step);
      case Kind::op:
        return apply(step);
      case Kind::chain:
        return chain(step);
      case Kind::subscript:
        return subscript(step);
      case Kind::range:
      case Kind::ellipsis:
        return None;
      case Kind::reversed:
        return transposed(step);
      case Kind::bind:
        return bind(step);
      case Kind::result:
        return result_ = take(step, 0), None;
    }
    return None;
  }

  Value constant(const Step& step) const {
    if (step.text.empty()) return step.value;
    const auto bound = names_.find(step.text);
    return bound == names_.end() ? step.value : bound->second;
  }

  Value lookup(const Step& step) const {
    const auto at = names_.find(step.text);
    if (at != names_.end()) return at->second;
    if (find_function(step.text))
      fail("name", fmt::format("{} is a function; call it as in {}(...)", step.text, step.text), step.at);
    std::vector<std::string> known;
    for (const auto& [name, value] : names_) known.push_back(name);
    std::string hint = did_you_mean(similar_names(step.text, known));
    if (hint.empty()) hint = fmt::format("; give it one, as in {}=2", printable(step.text));
    fail("name", fmt::format("{} has no value{}", printable(step.text), hint), step.at);
  }

  const Function& function(const Step& step) const {
    if (const Function* f = find_function(step.text)) return *f;
    std::string hint = did_you_mean(similar_functions(step.text));
    if (hint.empty() && names_.contains(step.text)) hint = "; it is a value, and * multiplies";
    fail("name", fmt::format("there is no function {}{}", printable(step.text), hint), step.at);
  }

  Value call(const Step& step) {
    const Function& f = function(step);
    const std::size_t unnamed = step.operands.size() - step.keywords.size();
    std::vector<Value> positional;
    positional.reserve(unnamed);
    std::vector<std::pair<std::string, Value>> keywords;
    keywords.reserve(step.keywords.size());
    for (std::size_t i = 0; i < step.operands.size(); ++i) {
      if (i < unnamed)
        positional.push_back(take(step, i));
      else
        keywords.emplace_back(step.keywords[i - unnamed], take(step, i));
    }
    return f.call(Arguments(f, std::move(positional), std::move(keywords)));
  }

  Value apply(const Step& step) {
    std::vector<Value> operands;
    for (std::size_t i = 0; i < step.operands.size(); ++i) operands.push_back(take(step, i));
    if (operands.size() == 1 && operands[0].is_number() && step.text == "neg") return negated(operands[0]);
    if (step.text.starts_with("logical_"))
      for (const Value& operand : operands) expect_mask(operand, step);
    if (operands.size() == 2)
      return known_by_text(pair(step.text, std::move(operands[0]), std::move(operands[1]), step), step);
    const Function& f = function(step);
    return known_by_text(f.call(Arguments(f, std::move(operands))), step);
  }

  /// A mask is no operation of the graph: it is known by its text, "a>0".
  Value known_by_text(Value result, const Step& step) const {
    constexpr std::size_t kLongestText = 20;
    const std::string_view text =
        std::string_view(program_.text).substr(step.span.begin, step.span.end - step.span.begin);
    const bool mask = result.is<Tensor>() && result.as<Tensor>().dtype() == DType::boolean;
    if (options_.label_names && mask && text.size() <= kLongestText && takes_name(result.as<Tensor>()))
      result = result.as<Tensor>().label(std::string(text));
    return result;
  }

  Value pair(const std::string& name, Value x, Value y, const Step& step) {
    if (x.is_number() && y.is_number())
      if (auto folded = fold_numbers(name, x, y)) return std::move(*folded);
    const Function* f = find_function(name);
    if (!f) fail("name", fmt::format("there is no function {}", name), step.at);
    std::vector<Value> operands;
    operands.push_back(std::move(x));
    operands.push_back(std::move(y));
    return f->call(Arguments(*f, std::move(operands)));
  }

  Value chain(const Step& step) {
    Value all;
    for (std::size_t i = 0; i + 1 < step.operands.size(); ++i) {
      Value one = pair(step.keywords[i], values_[step.operands[i]], values_[step.operands[i + 1]], step);
      if (i == 0)
        all = std::move(one);
      else if (all.is<bool>() && one.is<bool>())
        all = Value(all.as<bool>() && one.as<bool>());
      else
        all = pair("logical_and", std::move(all), std::move(one), step);
    }
    return known_by_text(std::move(all), step);
  }

  /// The symbols & | ^ ~ are for masks; what else they could mean (bits, powers) is refused.
  void expect_mask(const Value& v, const Step& step) const {
    if (v.is<bool>() || (v.is<Value::List>() && to_tensor(v, "mask").dtype() == DType::boolean)) return;
    if (v.is<Tensor>() && v.as<Tensor>().dtype() == DType::boolean) return;
    const std::string symbol = program_.text.substr(step.at.begin, step.at.end - step.at.begin);
    fail("value",
         fmt::format(
             "{} is for masks, as in {}; here it meets {}{}", symbol,
             symbol == "~" ? "~(x > 0)" : fmt::format("(x > 0) {} (y > 0)", symbol), describe(v),
             symbol == "^" ? "; a power is written x ** 2" : "; comparisons bind looser, so they need parentheses"),
         step.span);
  }

  Value subscript(const Step& step) {
    Value from = take(step, 0);
    std::size_t first = 1;
    if (from.is<Value::List>() && program_.steps[step.operands[1]].kind != Kind::range &&
        values_[step.operands[1]].is<std::int64_t>()) {  // an element of a list, such as a part of split(x, 2)
      const auto& list = from.as<Value::List>();
      const auto size = static_cast<std::int64_t>(list.size());
      const std::int64_t i = values_[step.operands[1]].as<std::int64_t>();
      if (i < -size || i >= size)
        throw ValueError(fmt::format("subscript: index {} is out of range for a list of {}", i, size));
      Value element = list[static_cast<std::size_t>(i < 0 ? i + size : i)];
      from = std::move(element);
      first = 2;
      if (step.operands.size() == first) return from;
    }
    const Tensor x = to_tensor(from, "subscript");
    std::vector<Index> subscripts;
    for (std::size_t i = first; i < step.operands.size(); ++i) subscripts.push_back(index_of(step, i));
    return index(x, subscripts);
  }

  /// A list is a tensor of positions, or a mask when it holds true and false. Numbers bound to names are floating, so
  /// whole ones are positions, too.
  Index index_of(const Step& step, std::size_t i) {
    const Step& s = program_.steps[step.operands[i]];
    if (s.kind == Kind::ellipsis) return Ellipsis;
    if (s.kind == Kind::range) {
      const auto bound = [&](std::size_t k) -> Slice::Bound {
        const Value& v = values_[s.operands[k]];
        if (v.is<NoneType>()) return None;
        return whole(v, program_.steps[s.operands[k]].span);
      };
      return Slice(bound(0), bound(1), bound(2));
    }
    const Value v = take(step, i);
    if (v.is<NoneType>()) return None;
    if (!v.is<Value::List>() && !v.is<Tensor>() && !v.is<bool>()) return whole(v, s.span);
    const Tensor t = to_tensor(v, "subscript");
    if (t.dtype() == DType::boolean) return t;
    if (t.dim() == 0) return whole(v, s.span);
    return Arguments::to_indices(t, "subscript: an index list");
  }

  std::int64_t whole(const Value& v, TextSpan span) const {
    if (v.is<std::int64_t>()) return v.as<std::int64_t>();
    if (v.is<Tensor>() && v.as<Tensor>().dim() == 0 && v.as<Tensor>().dtype() == DType::int64)
      return v.as<Tensor>().values<std::int64_t>()[0];
    const double number = v.is<double>()                                ? v.as<double>()
                          : v.is<Tensor>() && v.as<Tensor>().dim() == 0 ? v.as<Tensor>().item()
                                                                        : std::nan("");
    if (std::floor(number) == number && std::abs(number) < 9e15) return static_cast<std::int64_t>(number);
    fail("value", fmt::format("a subscript must be a whole number, not {}", describe(v)), span);
  }

  Value transposed(const Step& step) {
    const Tensor x = to_tensor(take(step, 0), ".T");
    Axes axes;
    for (int i = x.dim() - 1; i >= 0; --i) axes.push_back(i);
    return permute(x, axes);
  }

  // What is computed, and constants such as zeros(3); their text gives way to a name.
  static bool takes_name(const Tensor& t) {
    return t.label().empty() || (!t.node() && !t.requires_grad() && !is_name(t.label()));
  }

  Value bind(const Step& step) {
    Value value = take(step, 0);
    const bool shown = options_.label_names && step.text[0] != '_';
    if (shown && value.is<Tensor>() && takes_name(value.as<Tensor>())) value = value.as<Tensor>().label(step.text);
    names_.insert_or_assign(step.text, value);
    result_ = std::move(value);
    return None;
  }

  const Program& program_;
  Names& names_;
  const EvaluateOptions& options_;
  std::vector<Value> values_;
  Value result_;
};

}  // namespace

std::optional<std::chrono::steady_clock::time_point> deadline_in(double seconds) {
  using Clock = std::chrono::steady_clock;
  if (seconds <= 0) return {};
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

Value evaluate(const Program& program, Names& names, const EvaluateOptions& options) {
  return Run(program, names, options).run();
}

Tensor evaluate_tensor(const Program& program, Names& names, const EvaluateOptions& options) {
  const Value result = evaluate(program, names, options);
  const CalledFrom caller(program.steps.back().where);  // a list becomes a tensor
  return to_tensor(result, "the result");
}

Tensor evaluate(std::string_view program, Names names) {
  try {
    return evaluate_tensor(parse(program), names);
  } catch (const ProgramError&) {
    throw;
  } catch (const Error& e) {
    throw ProgramError(kind_of_error(e), e.what(), program, {0, program.size()}, e.exit_code());
  }
}

}  // namespace chainrule::language
