// One random generator of our own: counter-based Philox 4x32-10 (Salmon et al., "Parallel random numbers: as easy as
// 1, 2, 3", SC 2011), with our own distributions. The same seed gives the same bits on every machine.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace chainrule {

class Generator {
 public:
  explicit Generator(std::uint64_t seed = 0, std::uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  /// 32 random bits.
  std::uint32_t next_u32();
  std::uint64_t next_u64();
  /// Uniform on [0, 1): 53 random bits.
  double uniform();
  /// Standard normal, by inversion (Wichura's AS 241): one uniform number each.
  double normal();
  /// Uniform on [0, n). Throws ValueError for n <= 0.
  std::int64_t below(std::int64_t n);
  /// 0 ... n-1 in random order (Fisher-Yates).
  std::vector<std::int64_t> permutation(std::int64_t n);

  std::uint64_t seed() const { return seed_; }
  /// Everything needed to continue: seed, stream, numbers drawn.
  struct State {
    std::uint64_t seed, stream, drawn;
    bool operator==(const State&) const = default;
  };
  State state() const { return {seed_, stream_, counter_ * 4 - left_}; }
  void set_state(const State& state);

 private:
  void refill();
  std::uint64_t seed_, stream_, counter_ = 0;
  unsigned left_ = 0;
  std::array<std::uint32_t, 4> block_{};
};

/// The calling thread's generator. It starts from seed 0 and a stream of its own: 0 on the thread that loaded the
/// library, 1, 2, ... on others in the order in which they first ask. So no two threads draw the same numbers unasked.
Generator& default_generator();
/// Starts the calling thread's generator anew. Threads that shall give the same numbers in each run take one seed and a
/// stream each, say the number of the worker.
void manual_seed(std::uint64_t seed, std::uint64_t stream = 0);

/// The block function itself: 10 rounds of Philox 4x32.
std::array<std::uint32_t, 4> philox(std::array<std::uint32_t, 4> counter, std::array<std::uint32_t, 2> key);

}  // namespace chainrule
