// Memory stays flat over thousands of steps and of loaded states; what keeps graphs or lists is noticed by the same
// measure.
#include <doctest/doctest.h>
#include <unistd.h>

#include <fstream>
#include <vector>

#include "engine/memory/pool.h"
#include "nn/data/dataset.h"
#include "nn/files/state.h"
#include "optim/adam.h"
#include "optim/trainer/trainer.h"
#include "tests/optim/trainer/small_training.h"
#include "tests/sanitized.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

constexpr double kMiB = 1024 * 1024;

/// Bytes of the process that are in memory; 0 where the system does not say, and with sanitizers, which keep what is
/// freed for a while.
double resident_bytes() {
  if (sanitized()) return 0;
  std::ifstream file("/proc/self/statm");
  double all = 0, resident = 0;
  file >> all >> resident;
  return resident * static_cast<double>(::sysconf(_SC_PAGESIZE));
}

struct Memory {
  double nodes = static_cast<double>(live_nodes());
  double buffers = static_cast<double>(memory_stats().buffer_bytes);
  double resident = resident_bytes();
};

/// More nodes or bytes of tensors than before, or more than 1 MiB more of the process.
bool grew(const Memory& before, const Memory& now) {
  return now.nodes > before.nodes || now.buffers > before.buffers || now.resident > before.resident + kMiB;
}

/// Is there more after `steps` steps than after the first tenth of them?
bool training_grows(std::int64_t steps, bool keep_losses) {
  constexpr std::int64_t kBatches = 100;
  Generator random(1);
  const Tensor x = randn({kBatches * 8, 64}, {}, random);
  const DataLoader loader(TensorDataset(x, randint(0, 10, {kBatches * 8}, random)), {.batch_size = 8, .shuffle = true});
  SmallNet net;
  Adam optimizer{net.parameters()};
  Trainer::Options options = quiet(steps / kBatches);
  options.metrics = {Accuracy()};
  options.clip_norm = 1;
  options.average = WeightAverageOptions{.decay = 0.99};
  Trainer trainer{net, optimizer, cross_entropy, options};
  struct Watch : Handler {
    std::int64_t warm = 0, last = 0;
    bool keep = false;
    std::vector<Tensor> losses;
    Memory before, after;
    void after_forward(Training& t) override {
      if (keep) losses.push_back(t.loss);  // with its graph: the mistake that everybody makes once
    }
    void after_step(Training& t) override {
      if (t.step == warm) before = Memory();
      if (t.step == last) after = Memory();
    }
  };
  const auto watch = std::make_shared<Watch>();
  watch->warm = steps / 10;
  watch->last = steps - kBatches + watch->warm % kBatches;  // at the same place of an epoch
  watch->keep = keep_losses;
  trainer.add(watch);
  trainer.fit(loader);
  REQUIRE(trainer.training().step == steps);
  if (keep_losses && !sanitized()) CHECK(watch->after.resident > watch->before.resident + kMiB);
  return grew(watch->before, watch->after);
}

}  // namespace

TEST_CASE("memory: flat over 10,000 steps, and a training that keeps its losses is noticed") {
  CHECK(!training_grows(sanitized() ? 2000 : 10000, false));
  CHECK(training_grows(sanitized() ? 500 : 2000, true));
}

TEST_CASE("memory: flat while states are loaded 10,000 times, and lists that are kept are noticed") {
  SmallNet net;
  Adam optimizer{net.parameters()};
  Trainer trainer{net, optimizer, cross_entropy, quiet(1)};
  trainer.fit(few_batches(few_digits().train));
  const Checkpoint c = trainer.checkpoint();
  const auto loading_grows = [&](int times, bool keep) {
    std::vector<std::vector<NamedTensor>> lists;
    Memory before;
    for (int i = 0; i < times; ++i) {
      if (i == times / 10) before = Memory();
      optimizer.load_state(c.optimizer);
      load_state(net, c.weights);
      trainer.resume(c);
      const auto state = optimizer.state();
      if (keep) lists.push_back(state);
    }
    return grew(before, Memory());
  };
  CHECK(!loading_grows(sanitized() ? 1000 : 10000, false));
  CHECK(loading_grows(200, true));
}
