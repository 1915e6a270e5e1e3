// Binding of arguments to parameters, the kinds that functions ask for, and the search by name.
#include "ops/function.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <utility>

#include "engine/system/text.h"
#include "engine/types/error.h"
#include "ops/families.h"
#include "ops/ops.h"
#include "ops/signature.h"

namespace chainrule {
namespace {

bool whole(double v) { return std::floor(v) == v && std::abs(v) < 9e15; }

}  // namespace

Arguments::Arguments(const Function& function, std::vector<Value> positional,
                     std::vector<std::pair<std::string, Value>> keywords)
    : function_(&function) {
  const auto& parameters = parameters_of(function);
  values_.resize(parameters.size());
  std::vector<bool> given(parameters.size(), false);
  std::size_t next = 0;
  for (std::size_t i = 0; i < parameters.size() && next < positional.size(); ++i) {
    given[i] = true;
    if (parameters[i].takes_rest && !positional[next].is<Value::List>()) {
      values_[i] = Value(Value::List(std::make_move_iterator(positional.begin() + static_cast<std::ptrdiff_t>(next)),
                                     std::make_move_iterator(positional.end())));
      next = positional.size();
    } else {
      values_[i] = std::move(positional[next++]);
    }
  }
  if (next < positional.size())
    throw ValueError(fmt::format("{}: takes {} arguments at most, got {}; it is {}({})", function.name,
                                 parameters.size(), positional.size(), function.name, function.signature));
  for (auto& keyword : keywords) {  // no structured binding: clang 14 cannot capture one
    const std::string& name = keyword.first;
    const auto at = std::find_if(parameters.begin(), parameters.end(), [&](const auto& p) { return p.name == name; });
    if (at == parameters.end())
      throw ValueError(fmt::format("{}: has no argument '{}'; it is {}({})", function.name, name, function.name,
                                   function.signature));
    const auto i = static_cast<std::size_t>(at - parameters.begin());
    if (given[i]) throw ValueError(fmt::format("{}: argument '{}' is given twice", function.name, name));
    given[i] = true;
    values_[i] = std::move(keyword.second);
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    if (given[i]) continue;
    if (!parameters[i].has_default)
      throw ValueError(fmt::format("{}: argument '{}' is missing; it is {}({})", function.name, parameters[i].name,
                                   function.name, function.signature));
    values_[i] = parameters[i].default_value;
  }
}

std::string Arguments::name_of_argument(int i) const {
  return parameters_of(*function_)[static_cast<std::size_t>(i)].name;
}

void Arguments::wrong(int i, const char* wanted) const {
  throw ValueError(
      fmt::format("{}: {} must be {}, not {}", function_->name, name_of_argument(i), wanted, describe(value(i))));
}

Operand Arguments::operand(int i) const {
  const Value& v = value(i);
  if (v.is<std::int64_t>()) return v.as<std::int64_t>();
  if (v.is<double>()) return v.as<double>();
  (void)tensor(i);  // a list turns into one
  return value(i).as<Tensor>();
}

Tensor Arguments::tensor(int i) const {
  Value& v = values_[static_cast<std::size_t>(i)];
  if (v.is<NoneType>() || v.is<std::string>()) wrong(i, "a tensor");
  if (!v.is<Tensor>()) v = to_tensor(v, fmt::format("{}: {}", function_->name, name_of_argument(i)));
  return v.as<Tensor>();
}

Tensor Arguments::optional_tensor(int i) const { return is_none(i) ? Tensor() : tensor(i); }

Tensor Arguments::indices(int i) const {
  return to_indices(tensor(i), fmt::format("{}: {}", function_->name, name_of_argument(i)));
}

Tensor Arguments::to_indices(const Tensor& t, const std::string& who) {
  if (!t.defined() || t.dtype() == DType::int64) return t;  // what is empty the function refuses by name
  if (t.dtype() == DType::boolean)
    throw ValueError(
        fmt::format("{} must hold whole numbers, not bool; a mask selects in a subscript, as in x[mask]", who));
  if (is_floating(t.dtype()))
    for (const double v : t.to_vector())
      if (!whole(v)) throw ValueError(fmt::format("{} must hold whole numbers; it holds {:g}", who, v));
  return to(t.detach(), DType::int64);
}

std::vector<Tensor> Arguments::tensors(int i) const {
  const Value& v = value(i);
  if (v.is<Tensor>()) {
    if (v.as<Tensor>().dim() > 0) wrong(i, "a list of tensors, as in [x, y]");
    return {v.as<Tensor>()};
  }
  if (!v.is<Value::List>()) wrong(i, "a list of tensors, as in [x, y]");
  std::vector<Tensor> list;
  for (const Value& one : v.as<Value::List>()) list.push_back(chainrule::to_tensor(one, std::string(function_->name)));
  return list;
}

std::int64_t Arguments::integer(int i) const {
  const Value& v = value(i);
  if (v.is<std::int64_t>()) return v.as<std::int64_t>();
  if (v.is<double>() && whole(v.as<double>())) return static_cast<std::int64_t>(v.as<double>());
  if (v.is<Tensor>() && v.as<Tensor>().dim() == 0 && v.as<Tensor>().dtype() == DType::int64)
    return v.as<Tensor>().values<std::int64_t>()[0];
  if (v.is<Tensor>() && v.as<Tensor>().dim() == 0 && is_floating(v.as<Tensor>().dtype()) &&
      whole(v.as<Tensor>().item()))
    return static_cast<std::int64_t>(v.as<Tensor>().item());
  wrong(i, "a whole number");
}

std::optional<std::int64_t> Arguments::optional_integer(int i) const {
  if (is_none(i)) return std::nullopt;
  return integer(i);
}

std::vector<std::int64_t> Arguments::integers(int i) const {
  const Value& v = value(i);
  if (!v.is<Value::List>()) return {integer(i)};
  std::vector<std::int64_t> list;
  for (const Value& one : v.as<Value::List>()) {
    if (one.is<std::int64_t>())
      list.push_back(one.as<std::int64_t>());
    else if (one.is<double>() && whole(one.as<double>()))
      list.push_back(static_cast<std::int64_t>(one.as<double>()));
    else
      throw ValueError(
          fmt::format("{}: {} must hold whole numbers, not {}", function_->name, name_of_argument(i), describe(one)));
  }
  return list;
}

double Arguments::number(int i) const {
  const Value& v = value(i);
  if (v.is<std::int64_t>()) return static_cast<double>(v.as<std::int64_t>());
  if (v.is<double>()) return v.as<double>();
  if (v.is<Tensor>() && v.as<Tensor>().dim() == 0 && !v.as<Tensor>().requires_grad()) return v.as<Tensor>().item();
  wrong(i, "a plain number");
}

std::optional<double> Arguments::optional_number(int i) const {
  if (is_none(i)) return std::nullopt;
  return number(i);
}

bool Arguments::flag(int i) const {
  if (!value(i).is<bool>()) wrong(i, "True or False");
  return value(i).as<bool>();
}

std::string Arguments::mode(int i) const {
  if (!value(i).is<std::string>()) wrong(i, "a mode in quotes");
  return value(i).as<std::string>();
}

Axes Arguments::axes(int i) const {
  if (is_none(i)) return {};
  return integers(i);
}

Shape Arguments::shape(int i) const {
  const auto sizes = integers(i);
  if (sizes.size() > static_cast<std::size_t>(kMaxRank))
    throw ShapeError(fmt::format("{}: {} axes; a tensor has {} at most", function_->name, sizes.size(), kMaxRank));
  return {sizes.begin(), sizes.end()};
}

Size2 Arguments::size2(int i) const {
  const auto sizes = integers(i);
  if (sizes.size() == 1) return sizes[0];
  if (sizes.size() == 2) return {sizes[0], sizes[1]};
  wrong(i, "one whole number, or two as in (2, 3)");
}

std::optional<Size2> Arguments::optional_size2(int i) const {
  if (is_none(i)) return std::nullopt;
  return size2(i);
}

Reduction Arguments::reduction(int i) const {
  const std::string name = mode(i);
  if (name == "none") return Reduction::none;
  if (name == "mean") return Reduction::mean;
  if (name == "sum") return Reduction::sum;
  wrong(i, "'none', 'mean' or 'sum'");
}

DType Arguments::dtype(int i) const {
  const std::string name = mode(i);
  for (const DType t : {DType::float32, DType::float64, DType::int64, DType::boolean})
    if (name == name_of(t)) return t;
  wrong(i, "float32, float64, int64 or bool");
}

std::span<const Function* const> functions() {
  static const std::vector<const Function*> all = [] {
    std::vector<const Function*> list;
    for (const Family& family : families())
      for (const Function& f : family.functions) list.push_back(&f);
    return list;
  }();
  return all;
}

const Function* find_function(std::string_view name) {
  static const std::map<std::string_view, const Function*> by_name = [] {
    std::map<std::string_view, const Function*> map;
    for (const Function* f : functions()) map.emplace(f->name, f);
    return map;
  }();
  const auto at = by_name.find(name);
  return at == by_name.end() ? nullptr : at->second;
}

std::vector<std::string> similar_functions(std::string_view name) {
  // What mathematics, NumPy and older PyTorch call them.
  static constexpr std::pair<std::string_view, const char*> other_names[] = {
      {"ln", "log"},        {"lg", "log10"},      {"tg", "tan"},        {"arcsin", "asin"},
      {"arccos", "acos"},   {"arctan", "atan"},   {"arctan2", "atan2"}, {"arcsinh", "asinh"},
      {"arccosh", "acosh"}, {"arctanh", "atanh"}, {"absolute", "abs"},  {"fabs", "abs"},
      {"power", "pow"},     {"multiply", "mul"},  {"divide", "div"},    {"true_divide", "div"},
      {"subtract", "sub"},  {"negative", "neg"},  {"concat", "cat"},    {"concatenate", "cat"},
      {"average", "mean"},  {"expit", "sigmoid"}, {"swish", "silu"},    {"fix", "trunc"},
      {"less", "lt"},       {"greater", "gt"},    {"less_equal", "le"}, {"greater_equal", "ge"},
      {"not_equal", "ne"},  {"equal", "eq"},      {"inv", "inverse"},   {"clip", "clamp"},
      {"identity", "eye"},  {"mm", "matmul"},     {"bmm", "matmul"},    {"broadcast_to", "expand"}};
  for (const auto& [other, ours] : other_names)
    if (other == name && find_function(ours)) return {ours};
  std::vector<std::string> all;
  all.reserve(functions().size());
  for (const Function* f : functions()) all.emplace_back(f->name);
  return similar_names(name, all);
}

}  // namespace chainrule
