// The machine, as the operating system and a loop of fused multiply-adds describe it. The loop is compiled once per
// instruction set, as our kernels are.
#include "tools/bench/machine.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <fstream>

#include "ops/kernels/parallel.h"
#include "ops/kernels/simd/simd_targets.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "tools/bench/machine.cpp"
#include <hwy/foreach_target.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace chainrule::bench {
namespace HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;

// Twelve independent chains hide the latency of four cycles in two units, and fit sixteen registers.
double multiply_add(std::int64_t rounds, float* sink) {
  const hn::ScalableTag<float> d;
  const auto a = hn::Set(d, 0.999f), b = hn::Set(d, 0.001f);
  auto c0 = hn::Iota(d, 0.0f), c1 = hn::Add(c0, a), c2 = hn::Add(c1, a), c3 = hn::Add(c2, a);
  auto c4 = hn::Add(c3, a), c5 = hn::Add(c4, a), c6 = hn::Add(c5, a), c7 = hn::Add(c6, a);
  auto c8 = hn::Add(c7, a), c9 = hn::Add(c8, a), c10 = hn::Add(c9, a), c11 = hn::Add(c10, a);
  for (std::int64_t i = 0; i < rounds; ++i) {
    c0 = hn::MulAdd(c0, a, b), c1 = hn::MulAdd(c1, a, b), c2 = hn::MulAdd(c2, a, b), c3 = hn::MulAdd(c3, a, b);
    c4 = hn::MulAdd(c4, a, b), c5 = hn::MulAdd(c5, a, b), c6 = hn::MulAdd(c6, a, b), c7 = hn::MulAdd(c7, a, b);
    c8 = hn::MulAdd(c8, a, b), c9 = hn::MulAdd(c9, a, b), c10 = hn::MulAdd(c10, a, b), c11 = hn::MulAdd(c11, a, b);
  }
  const auto low = hn::Add(hn::Add(hn::Add(c0, c1), hn::Add(c2, c3)), hn::Add(c4, c5));
  const auto high = hn::Add(hn::Add(hn::Add(c6, c7), hn::Add(c8, c9)), hn::Add(c10, c11));
  *sink = hn::GetLane(hn::SumOfLanes(d, hn::Add(low, high)));
  return 12 * 2 * static_cast<double>(rounds) * static_cast<double>(hn::Lanes(d));
}

const char* target_name() { return hwy::TargetName(HWY_TARGET); }

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace chainrule::bench
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace chainrule::bench {
namespace {
HWY_EXPORT(multiply_add);
HWY_EXPORT(target_name);

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value ? fmt::format("{}={}", name, value) : fmt::format("{} not set", name);
}

constexpr bool kSanitized =
#if defined(CHAINRULE_PLAIN_ALLOCATION)
    true;
#else
    false;
#endif
constexpr bool kOptimised =
#if defined(__OPTIMIZE__)
    true;
#else
    false;
#endif
constexpr bool kAssertions =
#if defined(NDEBUG)
    false;
#else
    true;
#endif

}  // namespace

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    const auto colon = line.find(": ");
    if (line.starts_with("model name") && colon != std::string::npos) return line.substr(colon + 2);
  }
  return "unknown processor";
}

std::string instruction_set() { return HWY_DYNAMIC_DISPATCH(target_name)(); }

std::string build_type() {
  std::string text = kAssertions ? "debug" : kOptimised ? "release" : "not optimised";
  if (kSanitized) text += " with sanitizers";
  return text;
}

bool is_release_build() { return kOptimised && !kAssertions && !kSanitized; }

std::string wait_policy() { return setting("OMP_WAIT_POLICY") + ", " + setting("GOMP_SPINCOUNT"); }

void settle_environment(char** argv, const std::string& blas_core) {
  bool changed = false;
  const auto set = [&changed](const char* name, const char* value) {
    if (std::getenv(name) == nullptr) changed = setenv(name, value, 1) == 0 || changed;
  };
  // Between two pieces of work threads spin for some microseconds, then sleep. Spinning for long, the default, makes
  // two threads on a busy machine many times slower and tells nothing about either side.
  if (!std::getenv("OMP_WAIT_POLICY") && !std::getenv("GOMP_SPINCOUNT")) {
    set("OMP_WAIT_POLICY", "passive");
    set("GOMP_SPINCOUNT", "20000");
  }
  // OpenBLAS takes its oldest kernels for a processor that it does not know. That would flatter us.
  if (blas_core == "Prescott" && instruction_set() == "AVX3") set("OPENBLAS_CORETYPE", "SkylakeX");
  if (blas_core == "Prescott" && instruction_set() == "AVX2") set("OPENBLAS_CORETYPE", "Haswell");
  if (changed) execv("/proc/self/exe", argv);  // where that fails, go on
}

double fma_peak(int threads) {
  const auto multiply = HWY_DYNAMIC_DISPATCH(multiply_add);
  const int before = num_threads();
  set_num_threads(threads);
  constexpr std::int64_t kRounds = 200'000;  // about a millisecond
  double best = 0;
  for (int burst = 0; burst < 20; ++burst) {
    std::atomic<double> flops{0};
    const auto start = std::chrono::steady_clock::now();
    kernels::parallel_for(threads, 1, [&](std::int64_t begin, std::int64_t end) {
      volatile float sink = 0;
      for (std::int64_t i = begin; i < end; ++i) {
        float value = 0;
        flops += multiply(kRounds, &value);
        sink = sink + value;
      }
    });
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    best = std::max(best, flops / seconds);
  }
  set_num_threads(before);
  return best;
}

std::string machine_text(int threads, double peak) {
  return fmt::format("{}, {} thread{}, {}, multiply-add peak {:.0f} GFLOP/s\n{} build, {}\n", cpu_name(), threads,
                     threads == 1 ? "" : "s", instruction_set(), peak * 1e-9, build_type(), wait_policy());
}

void warn_off_release() {
  if (is_release_build()) return;
  fmt::print(stderr,
             "WARNING: this is a {} build. Its times say nothing about chainrule's speed; measure with "
             "cmake -DCMAKE_BUILD_TYPE=Release.\n",
             build_type());
}

}  // namespace chainrule::bench
#endif
