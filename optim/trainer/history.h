// What a training wrote down: a record for each epoch.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace chainrule {

/// One epoch: named numbers in the order of their columns, "loss", "accuracy", "test_loss", "test_accuracy", "lr".
struct Record {
  std::int64_t epoch = 0;  ///< counts from 1
  std::int64_t step = 0;   ///< steps of the optimizer so far
  double seconds = 0;      ///< of this epoch, evaluation included
  std::vector<std::pair<std::string, double>> values{};
  bool has(std::string_view name) const;
  /// Throws ValueError, with the names that there are, for another one.
  double at(std::string_view name) const;
};

struct History {
  std::vector<Record> records{};
  int signal = 0;            ///< of a Ctrl-C or a kill that ended the training, else 0
  std::string why{};         ///< what ended it before its last epoch: "no better test_loss for 5 epochs"
  std::int64_t skipped = 0;  ///< steps that were left out, because they were not finite

  std::size_t size() const { return records.size(); }
  bool empty() const { return records.empty(); }
  const Record& operator[](std::size_t i) const { return records[i]; }
  /// The last epoch. Throws ValueError when there is none.
  const Record& back() const;
  /// A number over the epochs; NaN where a record does not have it.
  std::vector<double> column(std::string_view name) const;
  /// What a program returns: 128 + the signal that ended the training, as shells do, else 0.
  int exit_code() const { return signal == 0 ? 0 : 128 + signal; }
};

/// "epoch 3  step 45  loss 0.1234  accuracy 0.9713  1.2 s"
std::string to_string(const Record& record);
/// A row for each epoch, aligned.
std::string to_string(const History& history);
/// As JSON, exactly; and back. Throws ValueError for a text that is none.
std::string history_json(const std::vector<Record>& records);
std::vector<Record> parse_history(const std::string& json);

}  // namespace chainrule

template <>
struct fmt::formatter<chainrule::Record> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const chainrule::Record& record, fmt::format_context& context) const {
    return fmt::format_to(context.out(), "{}", chainrule::to_string(record));
  }
};
template <>
struct fmt::formatter<chainrule::History> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const chainrule::History& history, fmt::format_context& context) const {
    return fmt::format_to(context.out(), "{}", chainrule::to_string(history));
  }
};
