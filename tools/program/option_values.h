// What the value of an option may be: each check says in one plain sentence what is wrong, and help shows the range.
// Which options there are is not here.
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <limits>
#include <string>
#include <vector>

namespace chainrule {

inline constexpr std::uint64_t kMostThreads = 1024;

/// Digits and nothing else, from `low` to `high`. With transform(), so that CLI11 does not read 010 as 8.
CLI::Validator whole_number(std::uint64_t low = 0, std::uint64_t high = std::numeric_limits<std::uint64_t>::max());
/// A finite number with a point whatever the locale, `low` < number.
CLI::Validator number_above(double low);
/// The same with `low` <= number <= `high`.
CLI::Validator number_from(double low, double high);
/// 500, 500MB, 1.5GiB: becomes the number of bytes, with transform().
CLI::Validator byte_count();
CLI::Validator one_of(std::vector<std::string> words);
/// A path that is not empty.
CLI::Validator file_name();

/// What CLI11 found wrong with the command line, in our words; `options` are those that the verb has ("--step").
std::string usage_sentence(const CLI::ParseError& wrong, const std::vector<std::string>& options);

}  // namespace chainrule
