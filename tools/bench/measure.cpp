// Timing on the steady clock; memory from /proc/self/status.
#include "tools/bench/measure.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

#include "engine/types/error.h"

namespace chainrule::bench {
namespace {

/// A line of /proc/self/status such as "VmHWM:  1234 kB", in bytes.
std::int64_t status(const std::string& field) {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with(field + ":")) return std::atoll(line.c_str() + field.size() + 1) * 1024;
  return 0;
}

}  // namespace

double now(Clock clock) {
  if (clock == Clock::processor) return static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void check_same(const std::string& work, double ours, double theirs) {
  if (std::abs(ours - theirs) <= 1e-3 * std::abs(theirs) + 1e-6) return;
  throw NumericError(fmt::format("bench: {}: chainrule's first result is {}, libtorch's {}", work, ours, theirs));
}

Spread spread_of(std::vector<double> samples) {
  if (samples.empty()) return {};
  std::sort(samples.begin(), samples.end());
  const auto at = [&](double share) {  // linear between neighbours
    const double place = share * static_cast<double>(samples.size() - 1);
    const auto low = static_cast<std::size_t>(place);
    const auto high = std::min(low + 1, samples.size() - 1);
    return samples[low] + (place - static_cast<double>(low)) * (samples[high] - samples[low]);
  };
  return {samples[0], at(0.25), at(0.5), at(0.75), static_cast<int>(samples.size())};
}

Timer::Timer(Step step, double sample_seconds, Clock clock)
    : step_(std::move(step)), clock_(clock), first_result_(step_()) {
  // Twice: caches of kernels and memory settle in the second step.
  double seconds = run(1);
  seconds = run(1);
  while (seconds * static_cast<double>(repeats_) < sample_seconds && repeats_ < 1'000'000) {
    const double enough = std::ceil(sample_seconds / std::max(seconds, 1e-9));
    repeats_ = std::clamp(static_cast<std::int64_t>(enough), repeats_ + 1, repeats_ * 10);
    seconds = run(repeats_);
  }
}

double Timer::run(std::int64_t count) {
  double result = 0;
  const double start = now(clock_);
  for (std::int64_t i = 0; i < count; ++i) result = step_();
  const double seconds = (now(clock_) - start) / static_cast<double>(count);
  if (!std::isfinite(result) || !std::isfinite(first_result_))
    throw NumericError("bench: the result of a measured step is not finite");
  return seconds;
}

void Timer::sample() { samples_.push_back(run(repeats_)); }

PeakMemory::PeakMemory() : before_(status("RssAnon")) {}

void PeakMemory::forget() {
  std::ofstream file("/proc/self/clear_refs");
  file << '5';  // man 5 proc: the peak starts anew from what is held now
}

std::int64_t PeakMemory::bytes() const {
  const std::int64_t peak = status("VmHWM");
  return peak == 0 ? 0 : std::max<std::int64_t>(peak - status("RssFile") - status("RssShmem") - before_, 0);
}

std::int64_t process_peak() { return status("VmHWM"); }

}  // namespace chainrule::bench
