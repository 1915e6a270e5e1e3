// Random search, with ranges that narrow.
#pragma once

#include "optim/search/search.h"

namespace chainrule {

struct RandomSearchOptions {
  std::uint64_t seed = 0;
  std::int64_t round = 0;  ///< trials after which the ranges are narrowed, again and again; 0: never
  std::int64_t keep = 5;   ///< at least 2: the narrowed ranges are those of so many best trials
  double margin = 0.5;     ///< at least 0: and this share of their width more on each side
};

/// Independent points, uniform on each range or its logarithm (Bergstra and Bengio, "Random search for hyper-parameter
/// optimization", JMLR 2012). Narrowing is the book's: look at the best trials, and search again where they lie.
class RandomSearch : public Search {
 public:
  explicit RandomSearch(std::vector<SearchRange> ranges, RandomSearchOptions options = {});

 protected:
  std::vector<double> propose(std::int64_t number, const std::vector<Trial>& trials) const override;

 private:
  RandomSearchOptions options_;
};

}  // namespace chainrule
