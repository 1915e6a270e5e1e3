// Random search, with ranges that narrow.
#include "optim/search/random_search.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/random.h"
#include "engine/types/error.h"

namespace chainrule {

RandomSearch::RandomSearch(std::vector<SearchRange> ranges, RandomSearchOptions o)
    : Search("RandomSearch", std::move(ranges)), options_(o) {
  if (o.round < 0) throw ValueError(fmt::format("RandomSearch: round must be at least 0, not {}", o.round));
  if (o.keep < 2) throw ValueError(fmt::format("RandomSearch: keep must be at least 2, not {}", o.keep));
  if (!(o.margin >= 0) || !std::isfinite(o.margin))
    throw ValueError(fmt::format("RandomSearch: margin must be a finite number of at least 0, not {}", o.margin));
}

std::vector<double> RandomSearch::propose(std::int64_t number, const std::vector<Trial>& trials) const {
  // A stream for each trial: what it draws depends on no other.
  Generator numbers(options_.seed, static_cast<std::uint64_t>(number));
  std::vector<double> places;
  for (std::size_t i = 0; i < ranges().size(); ++i) places.push_back(numbers.uniform());
  if (options_.round == 0) return places;
  // The best of all rounds before this one.
  std::vector<const Trial*> done;
  for (const Trial& t : trials)
    if (t.number < number / options_.round * options_.round && t.finished && !t.failed()) done.push_back(&t);
  if (std::ssize(done) < options_.keep) return places;
  std::stable_sort(done.begin(), done.end(), [](const Trial* a, const Trial* b) { return a->result < b->result; });
  done.resize(static_cast<std::size_t>(options_.keep));
  for (std::size_t i = 0; i < places.size(); ++i) {
    double low = 1, high = 0;
    for (const Trial* t : done) {
      const double place = places_of(*t)[i];
      low = std::min(low, place);
      high = std::max(high, place);
    }
    const double more = options_.margin * (high - low);
    low = std::max(low - more, 0.0);
    high = std::min(high + more, 1.0);
    places[i] = low + places[i] * (high - low);
  }
  return places;
}

}  // namespace chainrule
