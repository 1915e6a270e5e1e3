// Values as text and as tensors.
#include "ops/value.h"

#include <fmt/format.h>

#include <optional>

#include "engine/factory.h"
#include "engine/operand.h"
#include "engine/types/error.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

bool holds_tensor(const Value& value) {
  if (value.is<Tensor>()) return true;
  if (!value.is<Value::List>()) return false;
  for (const Value& v : value.as<Value::List>())
    if (holds_tensor(v)) return true;
  return false;
}

constexpr std::int64_t kExact = std::int64_t{1} << 53;  // whole numbers up to here are exact in float64

/// The numbers of a nested list in row-major order.
struct Flat {
  Shape shape;
  std::vector<double> numbers;
  std::vector<std::int64_t> whole;     // the same, as long as all are whole
  std::optional<std::int64_t> beyond;  // the first whole number that float64 may not hold
};

/// Appends them, and checks that every row has the shape of the first.
void flatten_list(const Value& value, const std::string& who, int depth, Flat& flat, bool first) {
  Shape& shape = flat.shape;
  if (value.is<Value::List>()) {
    const auto& rows = value.as<Value::List>();
    const auto n = static_cast<std::int64_t>(rows.size());
    if (first) {
      if (depth >= kMaxRank)
        throw ShapeError(fmt::format("{}: lists nest {} deep at most, one for each axis", who, kMaxRank));
      shape.push_back(n);
    } else if (depth >= shape.rank() || shape[static_cast<std::size_t>(depth)] != n) {
      throw ShapeError(fmt::format(
          "{}: the rows of a list differ in length: {} beside {}", who,
          depth < shape.rank() ? fmt::to_string(shape[static_cast<std::size_t>(depth)]) : std::string("a number"), n));
    }
    for (std::size_t i = 0; i < rows.size(); ++i) flatten_list(rows[i], who, depth + 1, flat, first && i == 0);
    return;
  }
  if (depth != shape.rank()) throw ShapeError(fmt::format("{}: a list holds a number beside a list", who));
  if (value.is<double>()) {
    flat.numbers.push_back(value.as<double>());
    return;
  }
  if (!value.is<std::int64_t>() && !value.is<bool>())
    throw ValueError(fmt::format("{}: a list of numbers holds {}", who, describe(value)));
  const std::int64_t v = value.is<bool>() ? value.as<bool>() : value.as<std::int64_t>();
  if (!flat.beyond && (v > kExact || v < -kExact)) flat.beyond = v;
  if (flat.whole.size() == flat.numbers.size()) flat.whole.push_back(v);
  flat.numbers.push_back(static_cast<double>(v));
}

/// True when the innermost values are all true or false.
bool is_mask(const Value& value) {
  if (value.is<bool>()) return true;
  if (!value.is<Value::List>() || value.as<Value::List>().empty()) return false;
  for (const Value& v : value.as<Value::List>())
    if (!is_mask(v)) return false;
  return true;
}

}  // namespace

std::string describe(const Value& value) {
  if (value.is<NoneType>()) return "None";
  if (value.is<bool>()) return value.as<bool>() ? "True" : "False";
  if (value.is<std::int64_t>()) return fmt::to_string(value.as<std::int64_t>());
  if (value.is<double>()) return fmt::format("{:g}", value.as<double>());
  if (value.is<std::string>()) return fmt::format("'{}'", value.as<std::string>());
  if (value.is<Tensor>()) {
    const Tensor& t = value.as<Tensor>();
    return fmt::format("a tensor of shape {}, {}", to_string(t.shape()), name_of(t.dtype()));
  }
  return fmt::format("a list of {}", value.as<Value::List>().size());
}

Tensor to_tensor(const Value& value, const std::string& who) {
  if (value.is<Tensor>()) return value.as<Tensor>();
  if (value.is<Value::List>() && holds_tensor(value)) {  // [x, 2 * x]: stacked, and recorded
    std::vector<Tensor> rows;
    for (const Value& v : value.as<Value::List>()) {
      const Tensor row = to_tensor(v, who);
      Shape wide{1};
      wide.insert(wide.end(), row.shape().begin(), row.shape().end());
      rows.push_back(reshape(row, wide));
    }
    for (const Tensor& row : rows)
      if (row.shape() != rows[0].shape())
        throw ShapeError(fmt::format("{}: the rows of a list have different shapes, {} and {}", who,
                                     to_string(rows[0].shape()), to_string(row.shape())));
    return cat(std::span<const Tensor>(rows), 0);
  }
  if (value.is_number() || value.is<bool>() || value.is<Value::List>()) {
    Flat flat;
    flatten_list(value, who, 0, flat, true);
    if (flat.beyond && flat.whole.size() == flat.numbers.size()) return from_vector(flat.whole, flat.shape);
    if (flat.beyond)
      throw ValueError(fmt::format("{}: {} beside a fraction: float64 does not hold every whole number above 2^53", who,
                                   *flat.beyond));
    const Tensor floating = from_vector(flat.numbers, flat.shape, default_dtype());
    return is_mask(value) ? ne(floating, 0) : floating;
  }
  throw ValueError(fmt::format("{}: wants a tensor, a number or a list of numbers, not {}", who, describe(value)));
}

}  // namespace chainrule
