// Search for hyper-parameters: what is tried, what came of it, and who asks for the next trial. How the next one is
// chosen stands in random_search.h and bayesian_search.h.
#pragma once

#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace chainrule {

/// A hyper-parameter and where it may lie, both ends included.
struct SearchRange {
  std::string name;
  double low = 0, high = 1;
  bool log = false;    ///< equal ratios are equally likely: rates, decays; low is above 0 then
  bool whole = false;  ///< whole numbers only: layers, batch sizes

  /// The value at a place in [0, 1], and the place of a value.
  double at(double place) const;
  double place_of(double value) const;
};

struct Trial {
  std::int64_t number = 0;       ///< counts from 0
  std::vector<double> values{};  ///< in the order of the ranges
  bool finished = false;
  double result = 0;  ///< lower is better; NaN: it failed

  bool failed() const { return finished && result != result; }
};

/// One search; any number of threads may ask and tell. A trial is a function of the seed, its number and the trials
/// that were finished when it was asked for, so that a search that is taken up again goes on as it would have.
///   RandomSearch search({{"lr", 1e-6, 1e-2, .log = true}, {"weight_decay", 1e-8, 1e-4, .log = true}}, {.seed = 1});
///   for (int i = 0; i < 100; ++i) {
///     const Trial trial = search.ask();
///     search.tell(trial.number, validation_loss(trial.values[0], trial.values[1]));
///   }
///   fmt::print("{}", search.table());
class Search {
 public:
  virtual ~Search() = default;
  Search(const Search&) = delete;
  Search& operator=(const Search&) = delete;

  /// The next trial; first those that were running when the search was saved.
  Trial ask();
  /// What came of a trial. A result that is not finite counts as failed. Throws ValueError for a number that was not
  /// asked for or is told already.
  void tell(std::int64_t number, double result);

  const std::vector<SearchRange>& ranges() const { return ranges_; }
  std::vector<Trial> trials() const;
  /// The finished trial of the lowest result. Throws ValueError when there is none.
  Trial best() const;
  /// The best trials in columns, the best one first.
  std::string table(std::int64_t rows = 20) const;
  /// All trials, one JSON object a line: {"trial":0,"values":{"lr":0.001},"result":0.25}. Without a result it is
  /// running, with null it failed. Numbers are exact.
  std::string json_lines() const;
  /// Puts back what json_lines() gave, into a search of the same ranges without trials. Throws ValueError with the line
  /// of what does not fit, and changes nothing.
  void resume(const std::string& json_lines);

 protected:
  /// Throws ValueError for ranges that hold nothing or have one name.
  explicit Search(const char* who, std::vector<SearchRange> ranges);
  /// Places in [0, 1] for the trial of that number; called under the lock.
  virtual std::vector<double> propose(std::int64_t number, const std::vector<Trial>& trials) const = 0;
  /// A trial's values as places in [0, 1].
  std::vector<double> places_of(const Trial& trial) const;

 private:
  std::string who_;
  std::vector<SearchRange> ranges_;
  mutable std::mutex mutex_;
  std::vector<Trial> trials_;
  std::vector<std::size_t> again_;  // running ones of a search that was taken up, which are asked for first
};

}  // namespace chainrule
