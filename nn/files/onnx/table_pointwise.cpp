// Rows of the table: arithmetic, functions of one value, comparisons, choices.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "engine/factory.h"
#include "nn/files/onnx/reader.h"
#include "nn/files/onnx/table.h"
#include "nn/files/onnx/writer.h"
#include "ops/ops.h"

namespace chainrule::internal {
namespace {

/// The second operand of arithmetic. Up to version 6 it was laid along `axis` of the first when `broadcast` said so.
Tensor second_of(OnnxReader& r) {
  const Tensor &x = r.in(0), &y = r.in(1);
  if (r.opset() >= 7) {
    if (r.has("broadcast") || r.has("axis")) r.refuse("from opset 7 on it has no attributes 'broadcast' and 'axis'");
    return y;
  }
  if (r.integer("broadcast", 0) == 0) {
    if (x.shape() != y.shape()) r.refuse("its inputs differ in shape, and it has no attribute broadcast=1");
    return y;
  }
  const std::int64_t axis = r.integer("axis", x.dim() - y.dim());
  const std::int64_t behind = x.dim() - (axis < 0 ? axis + x.dim() : axis) - y.dim();
  if (behind < 0) r.refuse("its second input does not fit along the axis");
  Shape shape = y.shape();
  for (std::int64_t i = 0; i < behind; ++i) shape.push_back(1);
  return reshape(y, shape);
}

/// ONNX computes in the type of the operands.
Tensor in_type_of(const Tensor& x, const Tensor& z) { return z.dtype() == x.dtype() ? z : to(z, x.dtype()); }

Tensor read_div(OnnxReader& r) {
  const Tensor y = second_of(r);
  return is_floating(r.in(0).dtype()) ? div(r.in(0), y) : div(r.in(0), y, Rounding::trunc);
}

Tensor read_mod(OnnxReader& r) {
  return r.integer("fmod", 0) != 0 ? fmod(r.in(0), r.in(1)) : remainder(r.in(0), r.in(1));
}

using Two = Tensor (*)(const Operand&, const Operand&);
/// Max, Min and Sum take any number of inputs.
Tensor joined_by(OnnxReader& r, Two f) {
  Tensor z = r.in(0);
  for (std::size_t i = 1; i < r.inputs(); ++i) z = f(z, r.in(i));
  return in_type_of(r.in(0), z);
}

std::optional<DType> dtype_of_code(std::int64_t code) {
  switch (code) {
    case 1:
      return DType::float32;
    case 11:
      return DType::float64;
    case 7:
      return DType::int64;
    case 9:
      return DType::boolean;
    default:
      return std::nullopt;
  }
}

Tensor read_cast(OnnxReader& r) {
  const auto dtype = dtype_of_code(r.integer("to"));
  if (!dtype) r.refuse("it makes an element type other than float, double, int64 and bool");
  return to(r.in(0), *dtype);
}

std::string write_to(OnnxWriter& w) {
  const std::string name = w.word("dtype");
  const std::int64_t code = name == "float32" ? 1 : name == "float64" ? 11 : name == "int64" ? 7 : 9;
  return w.add("Cast", {w.in(0)}, {{"to", code}});
}

Tensor read_clip(OnnxReader& r) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  double low = -kFar, high = kFar;
  if (r.opset() < 11) {
    low = r.number("min", low), high = r.number("max", high);
  } else {
    if (r.has("min") || r.has("max")) r.refuse("from opset 11 on its bounds are inputs");
    if (r.has(1)) low = r.number(1);
    if (r.has(2)) high = r.number(2);
  }
  if (low == -kFar && high == kFar) return clone(r.in(0));
  return in_type_of(r.in(0), clamp(r.in(0), low, high));
}

std::string write_clip(OnnxWriter& w, double low, double high) {
  const std::string least = std::isfinite(low) ? w.scalar(low) : "";
  const std::string most = std::isfinite(high) ? w.scalar(high) : "";
  std::vector<std::string> inputs{w.in(0), least};
  if (!most.empty()) inputs.push_back(most);
  return w.add("Clip", std::move(inputs));
}

Tensor read_isinf(OnnxReader& r) {
  constexpr double kFar = std::numeric_limits<double>::infinity();
  const bool up = r.integer("detect_positive", 1) != 0, down = r.integer("detect_negative", 1) != 0;
  const Tensor above = eq(r.in(0), kFar), below = eq(r.in(0), -kFar);
  if (up && down) return logical_or(above, below);
  return up ? above : down ? below : logical_and(above, below);
}

/// x times a number: logarithms to other bases and the like.
std::string scaled(OnnxWriter& w, const std::string& x, double factor) { return w.add("Mul", {x, w.scalar(factor)}); }

std::string write_trunc(OnnxWriter& w, const std::string& x) {
  return w.add("Mul", {w.add("Sign", {x}), w.add("Floor", {w.add("Abs", {x})})});
}

}  // namespace

std::span<const OnnxRow> onnx_pointwise_rows() {
  static const OnnxRow rows[] = {
      {"add", "Add", nullptr, [](OnnxReader& r) { return r.in(0) + second_of(r); }, "broadcast axis"},
      {"sub", "Sub", nullptr, [](OnnxReader& r) { return r.in(0) - second_of(r); }, "broadcast axis"},
      {"mul", "Mul", nullptr, [](OnnxReader& r) { return r.in(0) * second_of(r); }, "broadcast axis"},
      {"div", "Div", nullptr, read_div, "broadcast axis"},
      {"pow", "Pow", nullptr, [](OnnxReader& r) { return in_type_of(r.in(0), pow(r.in(0), second_of(r))); },
       "broadcast axis"},
      {"fmod", "",
       [](OnnxWriter& w) {
         return w.add("Mod", {w.in(0), w.in(1)}, {{"fmod", std::int64_t{1}}});
       }},
      {"remainder", "",
       [](OnnxWriter& w) {
         const std::string x = w.in(0), y = w.in(1);
         return w.add("Sub", {x, w.add("Mul", {y, w.add("Floor", {w.add("Div", {x, y})})})});
       }},
      {"", "Mod", nullptr, read_mod, "fmod"},
      {"maximum", "Max", nullptr, [](OnnxReader& r) { return joined_by(r, maximum); }},
      {"minimum", "Min", nullptr, [](OnnxReader& r) { return joined_by(r, minimum); }},
      {"", "Sum", nullptr,
       [](OnnxReader& r) { return joined_by(r, [](const Operand& x, const Operand& y) { return add(x, y); }); }},
      {"", "Mean", nullptr,
       [](OnnxReader& r) {
         return joined_by(r, [](const Operand& x, const Operand& y) { return add(x, y); }) /
                static_cast<double>(r.inputs());
       }},
      {"lerp", "",
       [](OnnxWriter& w) {
         return w.add("Add", {w.in(0), w.add("Mul", {w.in(2), w.add("Sub", {w.in(1), w.in(0)})})});
       }},
      {"neg", "Neg", nullptr, [](OnnxReader& r) { return neg(r.in(0)); }},
      {"abs", "Abs", nullptr, [](OnnxReader& r) { return abs(r.in(0)); }},
      {"sign", "Sign", nullptr, [](OnnxReader& r) { return sign(r.in(0)); }},
      {"square", "",
       [](OnnxWriter& w) {
         return w.add("Mul", {w.in(0), w.in(0)});
       }},
      {"sqrt", "Sqrt", nullptr, [](OnnxReader& r) { return sqrt(r.in(0)); }},
      {"rsqrt", "", [](OnnxWriter& w) { return w.add("Reciprocal", {w.add("Sqrt", {w.in(0)})}); }},
      {"reciprocal", "Reciprocal", nullptr, [](OnnxReader& r) { return reciprocal(r.in(0)); }},
      {"exp", "Exp", nullptr, [](OnnxReader& r) { return exp(r.in(0)); }},
      {"exp2", "",
       [](OnnxWriter& w) {
         return w.add("Pow", {w.scalar(2), w.in(0)});
       }},
      {"log", "Log", nullptr, [](OnnxReader& r) { return log(r.in(0)); }},
      {"log2", "", [](OnnxWriter& w) { return scaled(w, w.add("Log", {w.in(0)}), std::numbers::log2e); }},
      {"log10", "", [](OnnxWriter& w) { return scaled(w, w.add("Log", {w.in(0)}), std::numbers::log10e); }},
      {"erf", "Erf", nullptr, [](OnnxReader& r) { return erf(r.in(0)); }},
      {"sin", "Sin", nullptr, [](OnnxReader& r) { return sin(r.in(0)); }},
      {"cos", "Cos", nullptr, [](OnnxReader& r) { return cos(r.in(0)); }},
      {"tan", "Tan", nullptr, [](OnnxReader& r) { return tan(r.in(0)); }},
      {"asin", "Asin", nullptr, [](OnnxReader& r) { return asin(r.in(0)); }},
      {"acos", "Acos", nullptr, [](OnnxReader& r) { return acos(r.in(0)); }},
      {"atan", "Atan", nullptr, [](OnnxReader& r) { return atan(r.in(0)); }},
      {"sinh", "Sinh", nullptr, [](OnnxReader& r) { return sinh(r.in(0)); }},
      {"cosh", "Cosh", nullptr, [](OnnxReader& r) { return cosh(r.in(0)); }},
      {"tanh", "Tanh", nullptr, [](OnnxReader& r) { return tanh(r.in(0)); }},
      {"asinh", "Asinh", nullptr, [](OnnxReader& r) { return asinh(r.in(0)); }},
      {"acosh", "Acosh", nullptr, [](OnnxReader& r) { return acosh(r.in(0)); }},
      {"atanh", "Atanh", nullptr, [](OnnxReader& r) { return atanh(r.in(0)); }},
      {"floor", "Floor", nullptr, [](OnnxReader& r) { return floor(r.in(0)); }},
      {"ceil", "Ceil", nullptr, [](OnnxReader& r) { return ceil(r.in(0)); }},
      {"", "Round", nullptr, [](OnnxReader& r) { return round(r.in(0)); }},
      {"round", "",
       [](OnnxWriter& w) {
         if (w.integer("decimals") != 0) w.refuse("Round of ONNX rounds to whole numbers");
         return w.add("Round", {w.in(0)});
       }},
      {"trunc", "", [](OnnxWriter& w) { return write_trunc(w, w.in(0)); }},
      {"frac", "",
       [](OnnxWriter& w) {
         return w.add("Sub", {w.in(0), write_trunc(w, w.in(0))});
       }},
      {"to", "", write_to},
      {"", "Cast", nullptr, read_cast, "to"},
      {"", "CastLike", nullptr, [](OnnxReader& r) { return to(r.in(0), r.in(1).dtype()); }},
      {"clamp", "", [](OnnxWriter& w) { return write_clip(w, w.number("min"), w.number("max")); }},
      {"hardtanh", "", [](OnnxWriter& w) { return write_clip(w, w.number("min_val"), w.number("max_val")); }},
      {"relu6", "", [](OnnxWriter& w) { return write_clip(w, 0, 6); }},
      {"", "Clip", nullptr, read_clip, "min max", 6},
      {"where", "Where", nullptr, [](OnnxReader& r) { return where(r.in(0), r.in(1), r.in(2)); }},
      {"", "Equal", nullptr, [](OnnxReader& r) { return eq(r.in(0), second_of(r)); }, "broadcast axis"},
      {"", "Greater", nullptr, [](OnnxReader& r) { return gt(r.in(0), second_of(r)); }, "broadcast axis"},
      {"", "Less", nullptr, [](OnnxReader& r) { return lt(r.in(0), second_of(r)); }, "broadcast axis"},
      {"", "GreaterOrEqual", nullptr, [](OnnxReader& r) { return ge(r.in(0), r.in(1)); }},
      {"", "LessOrEqual", nullptr, [](OnnxReader& r) { return le(r.in(0), r.in(1)); }},
      {"", "And", nullptr, [](OnnxReader& r) { return logical_and(r.in(0), second_of(r)); }, "broadcast axis"},
      {"", "Or", nullptr, [](OnnxReader& r) { return logical_or(r.in(0), second_of(r)); }, "broadcast axis"},
      {"", "Xor", nullptr, [](OnnxReader& r) { return logical_xor(r.in(0), second_of(r)); }, "broadcast axis"},
      {"", "Not", nullptr, [](OnnxReader& r) { return logical_not(r.in(0)); }},
      {"", "IsNaN", nullptr, [](OnnxReader& r) { return ne(r.in(0), r.in(0)); }},
      {"", "IsInf", nullptr, read_isinf, "detect_negative detect_positive"},
  };
  return rows;
}

}  // namespace chainrule::internal
