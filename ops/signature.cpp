// Reads signatures such as "input, dim=-1, keepdim=False". They are part of the program, so that a fault in one is a
// bug; a test reads them all.
#include "ops/signature.h"

#include <fmt/format.h>

#include <limits>
#include <map>
#include <mutex>

#include "engine/types/error.h"

namespace chainrule {
namespace {

Value read_default(std::string_view text) {
  if (text == "None") return None;
  if (text == "True") return true;
  if (text == "False") return false;
  if (text == "inf") return std::numeric_limits<double>::infinity();
  if (text == "-inf") return -std::numeric_limits<double>::infinity();
  if (text == "[]") return Value::List{};
  if (text.size() >= 2 && text.front() == '\'') return std::string(text.substr(1, text.size() - 2));
  const std::string number(text);
  if (number.find_first_of(".e") == std::string::npos) return static_cast<std::int64_t>(std::stoll(number));
  return std::stod(number);
}

std::vector<FunctionParameter> read_signature(std::string_view text) {
  std::vector<FunctionParameter> list;
  while (!text.empty()) {
    const auto comma = text.find(", ");
    std::string_view one = text.substr(0, comma);
    text = comma == std::string_view::npos ? std::string_view() : text.substr(comma + 2);
    FunctionParameter p;
    if (one.front() == '*') {
      p.takes_rest = true;
      one.remove_prefix(1);
    }
    const auto equals = one.find('=');
    p.name = std::string(one.substr(0, equals));
    if (equals != std::string_view::npos) {
      p.has_default = true;
      p.default_value = read_default(one.substr(equals + 1));
    }
    list.push_back(std::move(p));
  }
  return list;
}

}  // namespace

const std::vector<FunctionParameter>& parameters_of(const Function& function) {
  static std::mutex guard;
  static std::map<const Function*, std::vector<FunctionParameter>> read;
  const std::lock_guard lock(guard);
  const auto at = read.find(&function);
  if (at != read.end()) return at->second;
  return read.emplace(&function, read_signature(function.signature)).first->second;
}

}  // namespace chainrule
