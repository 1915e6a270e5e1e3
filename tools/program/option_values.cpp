// Numbers are read strictly, and the same in every locale.
#include "tools/program/option_values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <optional>
#include <utility>

#include "engine/system/text.h"

namespace chainrule {
namespace {

std::optional<double> read_number(std::string_view text) {
  const LeadingNumber number = leading_number(text);
  if (number.length == 0 || number.length != text.size() || number.out_of_range) return {};
  return number.value;
}

std::optional<std::uint64_t> read_whole(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (status != std::errc{} || end != text.data() + text.size()) return {};
  return number;
}

/// "'abc' is not a number above 0".
std::string is_not(const std::string& given, const std::string& wanted) {
  return fmt::format("'{}' is not {}", shorten(printable(given), 60), wanted);
}

CLI::Validator number(const std::string& wanted, bool (*fits)(double, double, double), double low, double high) {
  return {[wanted, fits, low, high](std::string& text) {
            const auto given = read_number(text);
            return given && std::isfinite(*given) && fits(*given, low, high) ? std::string() : is_not(text, wanted);
          },
          ""};
}

/// What a unit stands for: b, k, kb (1000), ki, kib (1024) and so on, in either case.
std::optional<double> bytes_of_unit(std::string unit) {
  for (char& c : unit) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (unit.empty() || unit == "b") return 1;
  constexpr std::string_view kPowers = "kmgtpe";
  const std::size_t power = kPowers.find(unit[0]);
  if (power == std::string_view::npos) return {};
  const std::string rest = unit.substr(1);
  if (!rest.empty() && rest != "b" && rest != "i" && rest != "ib") return {};
  return std::pow(rest.starts_with('i') ? 1024.0 : 1000.0, static_cast<double>(power + 1));
}

}  // namespace

CLI::Validator whole_number(std::uint64_t low, std::uint64_t high) {
  const bool open = high >= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const std::string wanted =
      open ? fmt::format("a whole number, {} or more", low) : fmt::format("a whole number from {} to {}", low, high);
  return {[wanted, low, high](std::string& text) {
            const auto given = read_whole(text);
            if (!given || *given < low || *given > high) return is_not(text, wanted);
            text = fmt::format("{}", *given);
            return std::string();
          },
          open ? "" : fmt::format("{}..{}", low, high)};
}

CLI::Validator number_above(double low) {
  return number(
      fmt::format("a number above {}", low), [](double given, double from, double) { return given > from; }, low, 0);
}

CLI::Validator number_from(double low, double high) {
  return number(
      fmt::format("a number from {:.15g} to {:.15g}", low, high),
      [](double given, double from, double to) { return given >= from && given <= to; }, low, high);
}

CLI::Validator byte_count() {
  return {[](std::string& text) {
            const std::size_t end = std::min(text.find_first_not_of("0123456789."), text.size());
            const auto count = read_number(std::string_view(text).substr(0, end));
            const auto unit = bytes_of_unit(text.substr(end));
            if (!count || !unit) return is_not(text, "a number of bytes such as 1000000, 500MB or 2GiB");
            constexpr double kMost = 9e18;  // what an int64 holds
            if (*count * *unit > kMost) return is_not(text, "a number of bytes that a machine can have");
            text = fmt::format("{}", static_cast<std::uint64_t>(std::ceil(*count * *unit)));
            return std::string();
          },
          "BYTES"};
}

CLI::Validator one_of(std::vector<std::string> words) {
  const std::string list = fmt::format("{{{}}}", fmt::join(words, ","));
  return {[words = std::move(words)](std::string& text) {
            if (std::find(words.begin(), words.end(), text) != words.end()) return std::string();
            return is_not(text, fmt::format("one of {}", fmt::join(words, ", ")));
          },
          list};
}

CLI::Validator file_name() {
  return {[](std::string& text) { return std::string(text.empty() ? "the name is empty" : ""); }, ""};
}

std::string usage_sentence(const CLI::ParseError& wrong, const std::vector<std::string>& options) {
  std::string what = wrong.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&wrong)) {
    const std::string extra = what.substr(what.find(": ") + 2);
    std::string hint = did_you_mean(similar_names(extra.substr(0, extra.find_first_of(" =")), options));
    if (hint.empty()) hint = "; a program that begins with - stands after --, as in chainrule eval -- '-x' x=2";
    return fmt::format("not expected here: {}{}", printable(extra), hint);
  }
  if (what == "A subcommand is required") return "a verb is missing";
  if (what == "program is required")
    return "a program is missing; one that begins with - stands after --, as in chainrule eval -- '-x' x=2";
  if (!dynamic_cast<const CLI::ArgumentMismatch*>(&wrong)) return what;
  const std::string option = what.substr(0, what.find_first_of(": "));
  if (what.ends_with("missing")) return option + ": its value is missing";
  if (what.find("At Most") != std::string::npos) return option + ": it is given more than once";
  if (what.find("flag override") != std::string::npos)
    return (option.starts_with('-') ? option : "--" + option) + ": it takes no value";
  return what;
}

}  // namespace chainrule
