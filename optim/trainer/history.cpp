// Records as text and as JSON.
#include "optim/trainer/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

const double* find(const Record& record, std::string_view name) {
  for (const auto& [known, value] : record.values)
    if (known == name) return &value;
  return nullptr;
}

}  // namespace

bool Record::has(std::string_view name) const { return find(*this, name) != nullptr; }

double Record::at(std::string_view name) const {
  if (const double* value = find(*this, name)) return *value;
  std::string known;
  for (const auto& [n, v] : values) known += (known.empty() ? "" : ", ") + n;
  throw ValueError(fmt::format("Record: there is no '{}' among {}", printable(name), known));
}

const Record& History::back() const {
  if (records.empty()) throw ValueError("History: no epoch is finished");
  return records.back();
}

std::vector<double> History::column(std::string_view name) const {
  std::vector<double> numbers;
  for (const Record& record : records) {
    const double* value = find(record, name);
    numbers.push_back(value ? *value : std::numeric_limits<double>::quiet_NaN());
  }
  return numbers;
}

std::string to_string(const Record& record) {
  std::string text = fmt::format("epoch {}  step {}", record.epoch, record.step);
  for (const auto& [name, value] : record.values) text += fmt::format("  {} {}", name, format_number(value));
  return text + fmt::format("  {} s", format_number(record.seconds));
}

std::string to_string(const History& history) {
  std::vector<std::vector<std::string>> rows{{"epoch", "step"}};
  if (!history.empty())
    for (const auto& [name, value] : history.records.back().values) rows[0].push_back(name);
  rows[0].push_back("seconds");
  for (const Record& record : history.records) {
    std::vector<std::string> row{std::to_string(record.epoch), std::to_string(record.step)};
    for (const auto& [name, value] : record.values) row.push_back(format_number(value));
    row.push_back(format_number(record.seconds));
    rows.push_back(row);
  }
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < std::min(row.size(), widths.size()); ++i)
      widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i)
      text += fmt::format("{}{:>{}}", i == 0 ? "" : "  ", row[i], i < widths.size() ? widths[i] : 0);
    text += "\n";
  }
  return text;
}

std::string history_json(const std::vector<Record>& records) {
  nlohmann::ordered_json list = nlohmann::ordered_json::array();
  for (const Record& record : records) {
    nlohmann::ordered_json values = nlohmann::ordered_json::array();
    for (const auto& [name, value] : record.values) values.push_back({name, format_exact(value)});
    list.push_back({{"epoch", record.epoch},
                    {"step", record.step},
                    {"seconds", format_exact(record.seconds)},
                    {"values", values}});
  }
  return list.dump();
}

std::vector<Record> parse_history(const std::string& json) {
  const auto number = [](const nlohmann::ordered_json& text) {
    return leading_number(text.get_ref<const std::string&>()).value;
  };
  std::vector<Record> records;
  try {
    for (const auto& one : nlohmann::ordered_json::parse(json)) {
      Record record;
      record.epoch = one.at("epoch").get<std::int64_t>();
      record.step = one.at("step").get<std::int64_t>();
      record.seconds = number(one.at("seconds"));
      for (const auto& pair : one.at("values"))
        record.values.emplace_back(pair.at(0).get<std::string>(), number(pair.at(1)));
      records.push_back(std::move(record));
    }
  } catch (const nlohmann::json::exception& error) {
    throw ValueError(fmt::format("history: it is not as it should be: {}", printable(error.what())));
  }
  return records;
}

}  // namespace chainrule
