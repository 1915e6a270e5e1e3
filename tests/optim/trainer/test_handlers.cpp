// Each handler alone: numbers that are not finite, clipping, rates, early stop, live nodes, statistics.
#include "optim/trainer/handlers.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/factory.h"
#include "nn/layers.h"
#include "ops/ops.h"
#include "optim/adam.h"
#include "optim/sgd.h"
#include "optim/trainer/statistics.h"
#include "tests/engine/files/array_bytes.h"
#include "tests/optim/trainer/small_training.h"
#include "tests/temporary_folder.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

/// log(w x): not finite for an input of 0 or below. It counts its training steps in a buffer.
struct Logarithm : Module {
  Parameter w{*this, "w", ones({1})};
  Parameter b{*this, "b", zeros({1})};
  Buffer seen{*this, "seen", zeros({1})};
  Tensor forward(const Tensor& x) override {
    if (is_training()) {
      const NoGrad in_place;
      seen.copy_(seen + 1);
      dropout(x, 0.5);  // draws random numbers
    }
    return log(x * w) + b;
  }
};

DataLoader column(const std::vector<double>& inputs) {
  const auto count = static_cast<std::int64_t>(inputs.size());
  const Tensor x = from_vector(inputs, {count, 1}, DType::float32);
  return DataLoader(TensorDataset(x, zeros({count, 1})), {.batch_size = 1});
}

/// Never gets better; gives the rates that its epochs had at their end.
struct TrainingOfNothing {
  static std::vector<double> run(std::int64_t epochs, const std::string& folder) {
    struct Still : Module {
      Parameter w{*this, "w", ones({1})};
      Tensor forward(const Tensor& x) override { return x + w * 0; }
    } net;
    Sgd optimizer{net.parameters(), {.lr = 1}};
    Trainer::Options options = quiet(epochs);
    options.plateau = PlateauOptions{.factor = 0.5, .patience = 1};
    options.run_folder = folder;
    options.resume = !folder.empty();
    Trainer trainer{net, optimizer, mse_loss, options};
    return trainer.fit(column({2, 3})).column("lr");
  }
};

}  // namespace

TEST_CASE("nonfinite: the training stops, names parameters, operation and place, and nothing of the step remains") {
  manual_seed(2);
  Logarithm net;
  Adam optimizer{net.parameters(), {.lr = 0.01}};
  Trainer trainer{net, optimizer, mse_loss, quiet(1)};
  struct Snapshot : Handler {
    std::vector<double> numbers;
    std::vector<NamedTensor> state;
    Generator::State random{};
    void before_step(Training& t) override {
      numbers = numbers_of(t.net);
      state = t.optimizer.state();
      random = default_generator().state();
    }
  };
  const auto before = std::make_shared<Snapshot>();
  trainer.add(before);
  std::string text;
  try {
    trainer.fit(column({2, 3, 0, 4}));
  } catch (const NumericError& error) {
    CHECK(error.exit_code() == 3);
    text = error.what();
  }
  CHECK(contains(text, "training: epoch 1, batch 3: the gradient of 'w', 'b' is not finite; the loss is inf; first: "));
  CHECK(contains(text, "log"));
  CHECK(contains(text, "test_handlers.cpp"));
  CHECK(contains(text, "the step is left out"));
  CHECK(numbers_of(net) == before->numbers);
  CHECK(net.seen.item() == 2);
  CHECK(default_generator().state() == before->random);
  const auto now = optimizer.state();
  REQUIRE(now.size() == before->state.size());
  for (std::size_t i = 0; i < now.size(); ++i) CHECK(now[i].tensor.to_vector() == before->state[i].tensor.to_vector());
  CHECK(!net.w.has_grad());
}

TEST_CASE("nonfinite: with skip the training is that of the other batches") {
  const auto run = [](const std::vector<double>& inputs, std::int64_t skipped) {
    manual_seed(2);
    Logarithm net;
    Sgd optimizer{net.parameters(), {.lr = 0.01, .momentum = 0.9}};
    Trainer::Options options = quiet(2);
    std::vector<std::string> said;
    options.on_nonfinite = OnNonfinite::skip;
    options.message = [&](const std::string& text) { said.push_back(text); };
    Trainer trainer{net, optimizer, mse_loss, options};
    const History history = trainer.fit(column(inputs));
    CHECK(history.skipped == skipped);
    CHECK(static_cast<std::int64_t>(said.size()) == skipped);
    CHECK(history.back().step == 6);
    return numbers_of(net);
  };
  CHECK(run({2, 3, 0, 4}, 2) == run({2, 3, 4}, 0));
  CHECK(run({-1, 2, std::nan(""), 3, 4}, 4) == run({2, 3, 4}, 0));
}

TEST_CASE("nonfinite: a gradient alone, where the loss is finite") {
  struct Root : Module {
    Parameter w{*this, "w", zeros({1})};
    Tensor forward(const Tensor& x) override { return sqrt(w * x); }  // slope at 0: infinite
  } net;
  Sgd optimizer{net.parameters()};
  Trainer trainer{net, optimizer, [](const Tensor& y, const Tensor&) { return sum(y); }, quiet(1)};
  std::string text;
  try {
    trainer.fit(column({1}));
  } catch (const NumericError& error) {
    text = error.what();
  }
  CHECK(contains(text, "the gradient of 'w' is not finite; first: "));
  CHECK(contains(text, "sqrt"));
  CHECK(net.w.item() == 0);
}

TEST_CASE("clip: as torch.nn.utils.clip_grad_norm_ and clip_grad_value_") {
  struct Two : Module {
    Parameter a{*this, "a", zeros({2})};
    Parameter b{*this, "b", zeros({1})};
    Tensor forward(const Tensor& x) override { return sum(a * tensor({3., -4}, DType::float32)) + sum(b * 12) + x; }
  };
  const auto step = [](double norm, double value) {
    Two net;
    Sgd optimizer{net.parameters(), {.lr = 1}};
    Trainer::Options options = quiet(1);
    options.clip_norm = norm;
    options.clip_value = value;
    Trainer trainer{net, optimizer, [](const Tensor& y, const Tensor&) { return sum(y); }, options};
    trainer.fit(column({1}));
    return numbers_of(net);
  };
  const auto near = [](const std::vector<double>& numbers, const std::vector<double>& expected) {
    REQUIRE(numbers.size() == expected.size());
    for (std::size_t i = 0; i < numbers.size(); ++i) CHECK(numbers[i] == doctest::Approx(expected[i]).epsilon(1e-6));
  };
  near(step(0, 0), {-3, 4, -12});
  near(step(14, 0), {-3, 4, -12});  // their norm is 13
  near(step(1.3, 0), {-0.3, 0.4, -1.2});
  near(step(0, 3.5), {-3, 3.5, -3.5});
  near(step(1, 3), {-3 / std::sqrt(27), 3 / std::sqrt(27), -3 / std::sqrt(27)});
}

TEST_CASE("schedule: the rate is a function of the time in epochs") {
  struct Rates : Handler {
    std::vector<double> seen;
    void after_step(Training& t) override { seen.push_back(t.optimizer.lr()); }
  };
  Logarithm net;
  Sgd optimizer{net.parameters(), {.lr = 0.1}};
  Trainer::Options options = quiet(2);
  options.schedule = Schedule("line", [](double time) { return 1 - time / 2; });
  Trainer trainer{net, optimizer, mse_loss, options};
  const auto rates = std::make_shared<Rates>();
  trainer.add(rates);
  trainer.fit(column({2, 3}));
  REQUIRE(rates->seen.size() == 4);
  for (int i = 0; i < 4; ++i)
    CHECK(rates->seen[static_cast<std::size_t>(i)] == doctest::Approx(0.1 * (1 - i * 0.25)).epsilon(1e-12));
}

TEST_CASE("plateau: the rate falls when nothing improves, and a resumed training knows how far it is") {
  const TrainingOfNothing training;
  CHECK(training.run(5, "") == std::vector<double>{1, 1, 1, 0.5, 0.5});
  const TemporaryFolder folder;
  training.run(3, folder / "run");
  CHECK(training.run(5, folder / "run") == std::vector<double>{1, 1, 1, 0.5, 0.5});
  Logarithm net;
  Sgd optimizer{net.parameters()};
  Trainer::Options both = quiet(1);
  both.schedule = cosine(3);
  both.plateau = PlateauOptions();
  CHECK(contains(fault([&] { Trainer(net, optimizer, mse_loss, both); }), "schedule and plateau both set the rate"));
}

TEST_CASE("early stop: after so many epochs without a better record") {
  Logarithm net;
  Sgd optimizer{net.parameters(), {.lr = 0}};  // never better
  Trainer::Options options = quiet(9);
  options.patience = 2;
  Trainer trainer{net, optimizer, mse_loss, options};
  const History history = trainer.fit(column({2, 3}), column({1}));
  CHECK(history.size() == 3);
  CHECK(history.why == "no better test_loss for 2 epochs");

  Trainer::Options accuracy;
  accuracy.metrics = {Accuracy(), MeanSquaredError()};
  Best best(accuracy);
  const auto record = [](double value) { return Record{.values = {{"loss", 9}, {"accuracy", value}}}; };
  CHECK(best.update(record(0.5)));
  CHECK(!best.update(record(0.5)));
  CHECK(!best.update(record(std::nan(""))));
  CHECK(best.update(record(0.6)));
  Best other(accuracy);
  Checkpoint kept;
  best.save(kept, "best");
  other.load(kept, "best");
  CHECK(!other.update(record(0.55)));
  CHECK(other.update(record(0.7)));
  const Record tested{.values = {{"loss", 1}, {"test_loss", 2}, {"test_accuracy", 0}, {"test_mse", 3}}};
  CHECK(monitor_of(accuracy, tested).column == "test_accuracy");
  accuracy.monitor = "test_mse";
  CHECK(!monitor_of(accuracy, tested).higher_is_better);
  accuracy.monitor = "loss";
  CHECK(!monitor_of(accuracy, tested).higher_is_better);
  accuracy.monitor = "f1";
  CHECK(contains(fault([&] { monitor_of(accuracy, tested); }), "there is no 'f1' among loss, test_loss"));
}

TEST_CASE("live nodes: a running total of losses is told once") {
  Logarithm net;
  Sgd optimizer{net.parameters(), {.lr = 0}};
  std::vector<std::string> said;
  Trainer::Options options = quiet(3);
  options.message = [&](const std::string& text) { said.push_back(text); };
  struct Keeps : Handler {
    Tensor total = zeros({});
    void after_forward(Training& t) override { total = total + t.loss; }
  };
  Trainer keeping{net, optimizer, mse_loss, options};
  keeping.add(std::make_shared<Keeps>());
  keeping.fit(column(std::vector<double>(60, 2)));
  REQUIRE(said.size() == 1);
  CHECK(contains(said[0], "live nodes has grown for 100 steps in a row, from "));
  said.clear();
  Trainer clean{net, optimizer, mse_loss, options};
  clean.fit(column(std::vector<double>(60, 2)));
  CHECK(said.empty());
}

TEST_CASE("statistics: activations, gradients and updates of each layer, against formulas") {
  struct Net : Module {
    Child<Linear> first{*this, "first", 1, 2, {.bias = false}};
    Child<ReLU> act{*this, "act"};
    Tensor forward(const Tensor& x) override { return act(first(x)); }
  } net;
  {
    const NoGrad in_place;
    net.first.weight.copy_(tensor({{2.}, {-1}}));
  }
  Sgd optimizer{net.parameters(), {.lr = 0.1}};
  Trainer trainer{net, optimizer, [](const Tensor& y, const Tensor&) { return sum(y); }, quiet(2)};
  const auto statistics = std::make_shared<LayerStatistics>();
  trainer.add(statistics);
  trainer.fit(column({3, 5}));
  const auto& rows = statistics->rows();
  REQUIRE(rows.size() == 8);  // two epochs of four
  const auto check = [&](std::size_t i, const char* kind, const char* name, double mean, double std, double zero_share,
                         double ratio) {
    CHECK(rows[i].epoch == 1);
    CHECK(rows[i].kind == kind);
    CHECK(rows[i].name == name);
    CHECK(rows[i].mean == doctest::Approx(mean).epsilon(1e-6));
    CHECK(rows[i].std == doctest::Approx(std).epsilon(1e-6));
    CHECK(rows[i].zeros == zero_share);
    CHECK(rows[i].ratio == doctest::Approx(ratio).epsilon(1e-6));
  };
  check(0, "activation", "first", 1.5, 4.5, 0, 0);  // 6, -3
  check(1, "activation", "act", 3, 3, 0.5, 0);      // 6, 0
  check(2, "gradient", "first.weight", 1.5, 1.5, 0.5, 0);
  check(3, "update", "first.weight", -0.15, 0.15, 0.5, 0.3 / std::sqrt(5));
  CHECK(rows[4].epoch == 2);
}
