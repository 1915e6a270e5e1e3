// Time and memory of one piece of work: warm-up apart from measuring, medians with their spread, the peak of a process.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bench/workloads.h"

namespace chainrule::bench {

/// Samples in order of size, read off at the quartiles.
struct Spread {
  double least = 0, lower = 0, median = 0, upper = 0;
  int samples = 0;
};
Spread spread_of(std::vector<double> samples);

/// Wall time; or processor time of the whole process, which other programs on the machine disturb less: for work of one
/// thread.
enum class Clock { wall, processor };
/// Seconds since some moment.
double now(Clock clock = Clock::wall);

/// Both sides begin with the same numbers, so what they give tells whether they do the same work. Throws NumericError
/// where they do not.
void check_same(const std::string& work, double ours, double theirs);

/// Runs one side's step again and again and collects seconds per step.
class Timer {
 public:
  /// Warms up (builds caches, starts threads) and finds how many steps fill `sample_seconds`. Throws NumericError when
  /// the step's result is not finite.
  Timer(Step step, double sample_seconds, Clock clock = Clock::wall);
  /// One more sample.
  void sample();
  Spread spread() const { return spread_of(samples_); }
  double first_result() const { return first_result_; }  ///< of the very first step: the loss before any training

 private:
  double run(std::int64_t count);
  Step step_;
  Clock clock_;
  double first_result_;
  std::int64_t repeats_ = 1;
  std::vector<double> samples_;
};

/// Bytes of memory that the process came to hold above what it held when this object was made, not counting program
/// text. Linux only; 0 elsewhere.
class PeakMemory {
 public:
  PeakMemory();
  /// Call when all code has run once: forgets the peak of starting up.
  void forget();
  std::int64_t bytes() const;

 private:
  std::int64_t before_;
};

/// Largest memory that this process ever held, text included; 0 where the system does not tell.
std::int64_t process_peak();

}  // namespace chainrule::bench
