// Records as text and as JSON.
#include "optim/trainer/history.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "engine/system/text.h"
#include "engine/types/error.h"
#include "nn/files/json_text.h"

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
  using internal::json_list;
  using internal::json_text;
  std::vector<std::string> list;
  for (const Record& record : records) {
    std::vector<std::string> values;
    for (const auto& [name, value] : record.values)
      values.push_back(json_list({json_text(name), json_text(format_exact(value))}));
    list.push_back(internal::JsonObject()
                       .add("epoch", record.epoch)
                       .add("step", record.step)
                       .add("seconds", json_text(format_exact(record.seconds)))
                       .add("values", json_list(values))
                       .text());
  }
  return json_list(list);
}

std::vector<Record> parse_history(const std::string& json) try {
  using Tree = internal::JsonTree;
  const auto number = [](const Tree& value) {
    const std::string& text = value.expect_text("a number of it");
    const LeadingNumber read = leading_number(text);
    if (text.empty() || read.length != text.size() || read.out_of_range)
      throw ValueError(fmt::format("'{}' is no number", shorten(printable(text), 80)));
    return read.value;
  };
  const auto count = [](const Tree& one, const char* name) {
    const std::uint64_t value = one.at(name).expect_count(name);
    if (value >> 63 != 0) throw ValueError(fmt::format("'{}' is not a count", name));
    return static_cast<std::int64_t>(value);
  };
  std::vector<Record> records;
  const Tree list = internal::parse_json(json);
  for (const auto& [none, one] : list.expect(Tree::Kind::list, "history")) {
    Record record;
    record.epoch = count(one, "epoch");
    record.step = count(one, "step");
    record.seconds = number(one.at("seconds"));
    for (const auto& [nameless, pair] : one.at("values").expect(Tree::Kind::list, "values")) {
      const auto& both = pair.expect(Tree::Kind::list, "a value");
      if (both.size() != 2) throw ValueError("a value is not a name and a number");
      record.values.emplace_back(both[0].second.expect_text("a name"), number(both[1].second));
    }
    records.push_back(std::move(record));
  }
  return records;
} catch (const ValueError& error) {
  throw ValueError(fmt::format("history: it is not as it should be: {}", error.what()));
}

}  // namespace chainrule
