// One pass over a tensor's elements each, and none over tensors so large that drawing would take noticeable time.
#include "engine/draw/numbers.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/system/text.h"

namespace chainrule {
namespace {

struct Limits {
  int digits = GraphOptions{}.digits;
  std::int64_t elements = static_cast<std::int64_t>(GraphOptions{}.max_elements);
};
thread_local Limits limits;

constexpr std::int64_t kMostElements = 1 << 20;
constexpr double kHuge = 1e6;
constexpr std::int64_t kLongestRow = 8;  // wider than the box of any operation, were it longer

bool worth_a_pass(const Tensor& t) { return t.defined() && t.numel() > 0 && t.numel() <= kMostElements; }

}  // namespace

NumberStyle::NumberStyle(const GraphOptions& options) : digits_(limits.digits), most_(limits.elements) {
  limits = {options.digits, static_cast<std::int64_t>(options.max_elements)};
}
NumberStyle::~NumberStyle() { limits = {digits_, most_}; }

std::string number_text(double value) {
  const bool whole = value == std::trunc(value) && std::abs(value) < 1e6;  // nan and inf are not
  return whole || !std::isfinite(value) ? format_number(value) : fmt::format("{:.{}g}", value, limits.digits);
}

bool shown_whole(const Tensor& t) {
  if (!t.defined() || t.numel() > limits.elements) return false;
  const bool more_is_asked = limits.elements > Limits{}.elements;
  return t.dim() == 0 || t.size(-1) <= kLongestRow || more_is_asked;
}

bool has_one_element(const Tensor& t) { return t.defined() && t.numel() == 1; }

std::size_t grid_columns(const Tensor& t) {
  if (!shown_whole(t) || t.numel() == 0 || t.dim() == 0 || t.dim() > 2) return 0;
  return static_cast<std::size_t>(t.size(-1));
}

std::vector<std::string> grid_cells(const Tensor& t) {
  std::vector<std::string> cells;
  for (const double v : t.to_vector()) cells.push_back(number_text(v));
  return cells;
}

std::string flat_text(const Tensor& t) {
  std::string text = to_string(t, limits.digits);
  std::replace(text.begin(), text.end(), '\n', ' ');
  std::string single;
  for (const char c : text)
    if (c != ' ' || (!single.empty() && single.back() != ' ' && single.back() != '[')) single += c;
  return single;
}

std::string spread_text(const Tensor& t) {
  if (!worth_a_pass(t) || !is_floating(t.dtype())) return {};
  const auto values = t.to_vector();
  const double n = static_cast<double>(values.size());
  double sum = 0, squares = 0;
  for (const double v : values) sum += v;
  for (const double v : values) squares += (v - sum / n) * (v - sum / n);
  return fmt::format("mean {} ± {}", number_text(sum / n), number_text(std::sqrt(squares / n)));
}

std::string norm_text(const Tensor& t) {
  if (!worth_a_pass(t) || !is_floating(t.dtype())) return {};
  double norm = 0;
  for (const double v : t.to_vector()) norm = std::hypot(norm, v);  // its square may overflow
  return number_text(norm);
}

std::string exact_text(const Tensor& t) {
  if (!shown_whole(t)) {
    const std::string spread = spread_text(t);
    return spread.empty() ? "of " + to_string(t.shape()) : fmt::format("{}, norm {}", spread, norm_text(t));
  }
  std::string text;
  for (const double v : t.to_vector()) {
    if (!text.empty()) text += ", ";
    text += t.dtype() == DType::float32 ? format_exact(static_cast<float>(v)) : format_exact(v);
  }
  return text;
}

std::string_view trouble_of(const Tensor& gradient) {
  if (!worth_a_pass(gradient)) return {};
  double largest = 0;
  for (const double v : gradient.to_vector()) {
    if (!std::isfinite(v)) return "not finite";
    largest = std::max(largest, std::abs(v));
  }
  return largest == 0 ? "zero" : largest > kHuge ? "huge" : "";
}

bool differs_from_one(const Tensor& t) {
  if (!worth_a_pass(t)) return false;
  const auto values = t.to_vector();
  return std::any_of(values.begin(), values.end(), [](double v) { return v != 1; });
}

std::string bytes_text(double bytes) {
  if (bytes < 1000) return fmt::format("{} B", bytes);
  int power = 0;
  for (; bytes >= 999.5 && power < 4; ++power) bytes /= 1000;
  return fmt::format("{:.{}f} {}B", bytes, bytes < 9.95 ? 1 : 0, " kMGT"[power]);
}

std::string count_text(std::size_t n) { return grouped_digits(static_cast<std::int64_t>(n)); }

std::string in_parentheses(const std::string& number) { return number[0] == '-' ? "(" + number + ")" : number; }

}  // namespace chainrule
