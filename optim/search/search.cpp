// Search for hyper-parameters: trials, their table and their file.
#include "optim/search/search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {

double SearchRange::at(double place) const {
  const double p = std::clamp(place, 0.0, 1.0);
  if (log) {
    const double v = std::exp(std::log(low) + p * (std::log(high) - std::log(low)));
    return std::clamp(whole ? std::round(v) : v, low, high);
  }
  // Whole numbers at the ends have a whole step, too.
  return whole ? std::clamp(std::round(low - 0.5 + p * (high - low + 1)), low, high)
               : std::clamp(low + p * (high - low), low, high);
}

double SearchRange::place_of(double value) const {
  if (high == low) return 0.5;
  if (log) return std::clamp((std::log(value) - std::log(low)) / (std::log(high) - std::log(low)), 0.0, 1.0);
  return whole ? (value - low + 0.5) / (high - low + 1) : (value - low) / (high - low);
}

Search::Search(const char* who, std::vector<SearchRange> ranges) : who_(who), ranges_(std::move(ranges)) {
  if (ranges_.empty()) throw ValueError(fmt::format("{}: there is no range to search", who_));
  std::set<std::string> names;
  for (const SearchRange& r : ranges_) {
    if (!names.insert(r.name).second) throw ValueError(fmt::format("{}: two ranges are named '{}'", who_, r.name));
    if (!std::isfinite(r.low) || !std::isfinite(r.high) || r.low > r.high)
      throw ValueError(fmt::format("{}: the range of '{}' goes from {} to {}", who_, r.name, r.low, r.high));
    if (r.log && !(r.low > 0))
      throw ValueError(
          fmt::format("{}: '{}' has a logarithmic range, which begins above 0, not at {}", who_, r.name, r.low));
    if (r.whole && (r.low != std::round(r.low) || r.high != std::round(r.high)))
      throw ValueError(fmt::format("{}: '{}' is whole, and its range goes from {} to {}", who_, r.name, r.low, r.high));
  }
}

Trial Search::ask() {
  const std::lock_guard lock(mutex_);
  if (!again_.empty()) {
    Trial trial = trials_[again_.front()];
    again_.erase(again_.begin());
    return trial;
  }
  Trial trial{.number = std::ssize(trials_)};
  const std::vector<double> places = propose(trial.number, trials_);
  for (std::size_t i = 0; i < ranges_.size(); ++i) trial.values.push_back(ranges_[i].at(places[i]));
  trials_.push_back(trial);
  return trial;
}

void Search::tell(std::int64_t number, double result) {
  const std::lock_guard lock(mutex_);
  if (number < 0 || number >= std::ssize(trials_))
    throw ValueError(fmt::format("{}: trial {} was not asked for; there are {}", who_, number, trials_.size()));
  Trial& trial = trials_[static_cast<std::size_t>(number)];
  if (trial.finished) throw ValueError(fmt::format("{}: the result of trial {} is known already", who_, number));
  trial.finished = true;
  trial.result = std::isfinite(result) ? result : std::numeric_limits<double>::quiet_NaN();
  std::erase(again_, static_cast<std::size_t>(number));
}

std::vector<Trial> Search::trials() const {
  const std::lock_guard lock(mutex_);
  return trials_;
}

std::vector<double> Search::places_of(const Trial& trial) const {
  std::vector<double> places;
  for (std::size_t i = 0; i < ranges_.size(); ++i) places.push_back(ranges_[i].place_of(trial.values[i]));
  return places;
}

namespace {

/// Finished ones by result, then failed, then running ones.
std::vector<Trial> sorted(std::vector<Trial> trials) {
  const auto rank = [](const Trial& t) { return !t.finished ? 2 : t.failed() ? 1 : 0; };
  std::stable_sort(trials.begin(), trials.end(), [&](const Trial& a, const Trial& b) {
    return rank(a) != rank(b) ? rank(a) < rank(b) : rank(a) == 0 && a.result < b.result;
  });
  return trials;
}

}  // namespace

Trial Search::best() const {
  const auto all = sorted(trials());
  if (all.empty() || !all[0].finished || all[0].failed())
    throw ValueError(fmt::format("{}: no trial is finished yet", who_));
  return all[0];
}

std::string Search::table(std::int64_t rows) const {
  const auto all = sorted(trials());
  std::vector<std::vector<std::string>> cells{{"trial", "result"}};
  for (const SearchRange& r : ranges_) cells[0].push_back(r.name);
  for (const Trial& t : all) {
    if (std::ssize(cells) > rows) break;
    cells.push_back({std::to_string(t.number), !t.finished  ? "running"
                                               : t.failed() ? "failed"
                                                            : format_number(t.result)});
    for (const double v : t.values) cells.back().push_back(format_number(v));
  }
  std::vector<std::size_t> widths(cells[0].size(), 0);
  for (const auto& row : cells)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], text_width(row[i]));
  std::string text;
  for (const auto& row : cells) {
    for (std::size_t i = 0; i < row.size(); ++i)
      text += std::string(widths[i] - text_width(row[i]) + (i > 0 ? 2 : 0), ' ') + row[i];
    text += '\n';
  }
  return text;
}

std::string Search::json_lines() const {
  std::string text;
  for (const Trial& t : trials()) {
    nlohmann::ordered_json values = nlohmann::ordered_json::object(), line;
    for (std::size_t i = 0; i < ranges_.size(); ++i) values[ranges_[i].name] = t.values[i];
    line["trial"] = t.number;
    line["values"] = values;
    if (t.failed()) line["result"] = nullptr;
    if (t.finished && !t.failed()) line["result"] = t.result;
    text += line.dump() + "\n";
  }
  return text;
}

void Search::resume(const std::string& json_lines) {
  std::vector<Trial> read;
  std::vector<std::size_t> running;
  std::istringstream in(json_lines);
  std::int64_t number = 0;
  for (std::string text; std::getline(in, text);) {
    const auto fail = [&](const std::string& why) {
      throw ValueError(fmt::format("{}: line {} of the trials {}", who_, number + 1, why));
    };
    const auto line = nlohmann::json::parse(text, nullptr, false);
    if (!line.is_object() || !line.contains("trial") || !line.contains("values") || !line["values"].is_object())
      fail("is no JSON object with trial and values");
    if (line["trial"] != number) fail(fmt::format("is not trial {}", number));
    Trial trial{.number = number};
    const auto& values = line["values"];
    for (const SearchRange& r : ranges_) {
      if (!values.contains(r.name) || !values[r.name].is_number()) fail(fmt::format("has no number '{}'", r.name));
      const double v = values[r.name].get<double>();
      if (!(v >= r.low && v <= r.high)) fail(fmt::format("has {} = {}, outside [{}, {}]", r.name, v, r.low, r.high));
      trial.values.push_back(v);
    }
    if (values.size() != ranges_.size()) fail(fmt::format("has {} values and not {}", values.size(), ranges_.size()));
    if (const auto result = line.find("result"); result != line.end()) {
      if (!result->is_null() && !result->is_number()) fail("has a result that is no number");
      trial.finished = true;
      trial.result = result->is_null() ? std::numeric_limits<double>::quiet_NaN() : result->get<double>();
    } else {
      running.push_back(read.size());
    }
    read.push_back(std::move(trial));
    ++number;
  }
  const std::lock_guard lock(mutex_);
  if (!trials_.empty())
    throw ValueError(fmt::format("{}: resume into a search that has {} trials already", who_, trials_.size()));
  trials_ = std::move(read);
  again_ = std::move(running);
}

}  // namespace chainrule
