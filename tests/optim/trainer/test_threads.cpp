// The number of threads does not change a bit of a training.
#include <doctest/doctest.h>

#include "engine/types/threads.h"
#include "optim/adam.h"
#include "optim/trainer/trainer.h"
#include "tests/optim/trainer/small_training.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

/// Large enough that its convolutions, norms and steps are split among threads.
struct SmallCnn : Module {
  Child<Conv2d> first{*this, "first", 1, 16, Conv2d::Options{.kernel_size = 3, .padding = 1}};
  Child<BatchNorm2d> norm{*this, "norm", 16};
  Child<Conv2d> second{*this, "second", 16, 24, Conv2d::Options{.kernel_size = 3, .padding = 1}};
  Child<BatchNorm2d> last_norm{*this, "last_norm", 24};
  Child<Linear> hidden{*this, "hidden", 24 * 16, 50};
  Child<Dropout> drop{*this, "drop", 0.3};
  Child<Linear> out{*this, "out", 50, 10};
  Tensor forward(const Tensor& x) override {
    const Tensor h = relu(norm(first(x)));
    return out(drop(relu(hidden(flatten(max_pool2d(relu(last_norm(second(h))), 2), 1)))));
  }
};

struct Outcome {
  std::vector<double> losses;  // of each step
  std::string bits;            // of everything that a checkpoint holds but for the time that it took
  bool operator==(const Outcome&) const = default;
};

Outcome train(int threads, DType dtype) {
  set_num_threads(threads);
  const DType before = default_dtype();
  set_default_dtype(dtype);
  ImageSplit digits = few_digits();
  digits.train.images = to(digits.train.images, dtype);
  digits.test.images = to(digits.test.images, dtype);
  manual_seed(12);
  SmallCnn net;
  Adam optimizer{net.parameters()};
  Trainer::Options options = quiet(2);
  options.metrics = {Accuracy()};
  options.clip_norm = 2;
  options.average = WeightAverageOptions{};
  Trainer trainer{net, optimizer, cross_entropy, options};
  struct Losses : Handler {
    std::vector<double> all;
    void after_step(Training& t) override { all.push_back(t.last_loss); }
  };
  const auto losses = std::make_shared<Losses>();
  trainer.add(losses);
  const DataLoader loader(digits.train, {.batch_size = 64, .shuffle = true, .seed = 4, .prefetch = threads % 2});
  const History history = trainer.fit(loader, digits.test);  // 64, 64, 64 and 8 samples
  for (const Record& record : history.records)
    for (const auto& [name, value] : record.values) losses->all.push_back(value);
  Checkpoint c = trainer.checkpoint();
  c.texts.erase("history");
  set_default_dtype(before);
  set_num_threads(0);
  return {losses->all, checkpoint_bytes(c)};
}

}  // namespace

TEST_CASE("threads: 1, 2, 3, 5 and 8 train the same bits, in float32 and float64") {
  for (const DType dtype : {DType::float32, DType::float64}) {
    CAPTURE(name_of(dtype));
    const Outcome one = train(1, dtype);
    CHECK(one.losses.size() == 8 + 2 * 5);
    for (const int threads : {2, 3, 5, 8}) {
      CAPTURE(threads);
      const Outcome many = train(threads, dtype);
      CHECK(many.losses == one.losses);
      CHECK(many.bits == one.bits);
    }
  }
}
