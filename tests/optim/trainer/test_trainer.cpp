// The trainer: its loop against one written by hand, accumulation, events, metrics of whole sets, and that it learns
// real digits where a control does not.
#include "optim/trainer/trainer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <memory>
#include <optional>

#include "engine/factory.h"
#include "engine/memory/pool.h"
#include "engine/types/threads.h"
#include "nn/files/state.h"
#include "optim/adam.h"
#include "optim/lbfgs.h"
#include "optim/sgd.h"
#include "optim/trainer/handlers.h"
#include "tests/engine/files/array_bytes.h"
#include "tests/optim/trainer/small_training.h"
#include "tests/temporary_folder.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

/// The share of the most frequent label.
double majority(const Tensor& labels) {
  std::map<std::int64_t, int> counts;
  int most = 0;
  for (const std::int64_t label : labels.values<std::int64_t>()) most = std::max(most, ++counts[label]);
  return static_cast<double>(most) / static_cast<double>(labels.numel());
}

double trained_accuracy(const ImageSet& train, const ImageSet& test) {
  manual_seed(1);
  SmallNet net;
  Adam optimizer{net.parameters(), {.lr = 5e-3}};
  Trainer::Options options = quiet(8);
  options.metrics = {Accuracy()};
  Trainer trainer{net, optimizer, cross_entropy, options};
  return trainer.fit(few_batches(train), test).back().at("test_accuracy");
}

}  // namespace

TEST_CASE("trainer: learns real digits, which neither the most frequent digit nor shuffled labels reach") {
  const ImageSplit digits = load_digits();
  const double bar = 0.9;
  CHECK(trained_accuracy(digits.train, digits.test) > bar);
  CHECK(majority(digits.test.labels) < 0.2);
  ImageSet shuffled = digits.train;
  Generator random(5);
  shuffled.labels =
      index_select(shuffled.labels, 0, from_vector(random.permutation(shuffled.size()), {shuffled.size()}));
  CHECK(trained_accuracy(shuffled, digits.test) < 0.3);
}

TEST_CASE("trainer: the same bits as the loop written by hand, for any number of threads") {
  const ImageSplit digits = few_digits();
  const DataLoader loader = few_batches(digits.train);
  std::vector<double> by_hand;
  {
    manual_seed(3);
    SmallNet net;
    Adam optimizer{net.parameters()};
    for (int epoch = 0; epoch < 3; ++epoch)
      for (const Batch& batch : loader.epoch(epoch)) {
        const Tensor loss = cross_entropy(net(batch.inputs), batch.targets);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
      }
    by_hand = numbers_of(net);
  }
  for (const int threads : {1, 3}) {
    set_num_threads(threads);
    manual_seed(3);
    SmallNet net;
    Adam optimizer{net.parameters()};
    Trainer trainer{net, optimizer, cross_entropy, quiet(3)};
    const History history = trainer.fit(loader);
    CHECK(numbers_of(net) == by_hand);
    CHECK(history.back().step == 21);
    CHECK(trainer.fit(loader).size() == 3);  // nothing more to do
    CHECK(numbers_of(net) == by_hand);
  }
  set_num_threads(0);
}

TEST_CASE("trainer: accumulated batches are one large batch, also unequal ones") {
  const ImageSplit digits = few_digits();
  const auto weights = [&](std::int64_t batch_size, std::int64_t accumulate) {
    manual_seed(3);
    SmallNet net;
    net.rate = 0;
    net.normalised = false;
    Sgd optimizer{net.parameters(), {.lr = 0.1}};
    Trainer::Options options = quiet(2);
    options.accumulate = accumulate;
    Trainer trainer{net, optimizer, cross_entropy, options};
    const History history = trainer.fit(DataLoader(digits.train, {.batch_size = batch_size}));
    CHECK(history.back().step == 2 * 3);
    return numbers_of(net);
  };
  const auto large = weights(96, 1), small = weights(32, 3);  // 96 + 96 + 8 samples
  REQUIRE(large.size() == small.size());
  double apart = 0, length = 0;
  for (std::size_t i = 0; i < large.size(); ++i) {
    apart += (large[i] - small[i]) * (large[i] - small[i]);
    length += large[i] * large[i];
  }
  CHECK(std::sqrt(apart / length) < 1e-6);
}

TEST_CASE("trainer: metrics are those of the whole set, whatever the batches") {
  const ImageSplit digits = few_digits();
  SmallNet net;
  Sgd optimizer{net.parameters()};
  Trainer::Options options = quiet(1);
  options.metrics = {Accuracy(), TopK(3)};
  Trainer trainer{net, optimizer, cross_entropy, options};
  net.eval();
  const NoGrad only_values;
  const Tensor scores = net(digits.test.images);
  Accuracy accuracy;
  accuracy.update(scores, digits.test.labels);
  for (const std::int64_t size : {100, 7}) {
    const Record record = trainer.evaluate(DataLoader(digits.test, {.batch_size = size}));
    CHECK(record.at("accuracy") == accuracy.value());
    CHECK(record.at("loss") == doctest::Approx(cross_entropy(scores, digits.test.labels).item()).epsilon(1e-6));
  }
  CHECK(!net.is_training());
  CHECK(contains(fault([&] { trainer.evaluate(DataLoader(digits.test)).at("f1"); }),
                 "there is no 'f1' among loss, accuracy, top3"));
}

TEST_CASE("trainer: events come in their order, and a handler may end the training") {
  struct Notes : Handler {
    std::string text;
    void before_training(Training&) override { text += "("; }
    void before_epoch(Training&) override { text += "["; }
    void before_step(Training& t) override { text += t.current.inputs.defined() ? "b" : "?"; }
    void after_forward(Training& t) override { text += t.loss.node() ? "f" : "?"; }
    void after_backward(Training& t) override { text += t.optimizer.parameters()[0].tensor.has_grad() ? "g" : "?"; }
    void after_step(Training& t) override {
      text += "s ";
      if (t.step == 7 + 3) t.end("enough");
    }
    void after_epoch(Training& t) override { text += "]" + std::to_string(t.record.epoch); }
    void after_training(Training&) override { text += ")"; }
  };
  const ImageSplit digits = few_digits();
  SmallNet net;
  Sgd optimizer{net.parameters()};
  Trainer trainer{net, optimizer, cross_entropy, quiet(5)};
  const auto notes = std::make_shared<Notes>();
  trainer.add(notes);
  const History history = trainer.fit(few_batches(digits.train), digits.test);
  CHECK(notes->text == "([bfgs bfgs bfgs bfgs bfgs bfgs bfgs ]1[bfgs bfgs bfgs )");
  CHECK(history.why == "enough");
  CHECK(history.size() == 1);
  CHECK(trainer.training().batch == 3);
}

TEST_CASE("trainer: any loss by its name, or a function") {
  const Tensor x = tensor({{0.2, 0.8}}), classes = tensor({1}), y = tensor({{0.5, 0.5}});
  CHECK(Loss(cross_entropy)(x, classes).item() == cross_entropy(x, classes).item());
  CHECK(Loss(mse_loss)(x, y).item() == mse_loss(x, y).item());
  CHECK(Loss(nll_loss)(x, classes).item() == nll_loss(x, classes).item());
  CHECK(Loss(binary_cross_entropy)(x, y).item() == binary_cross_entropy(x, y).item());
  CHECK(Loss(cross_entropy_error)(x, classes).item() == cross_entropy_error(x, classes).item());
  const Loss own = [](const Tensor& a, const Tensor& b) { return sum(a - b); };
  CHECK(own(x, y).item() == doctest::Approx(0));
}

TEST_CASE("trainer: nothing of a step stays alive, and options are checked") {
  const ImageSplit digits = few_digits();
  SmallNet net;
  Sgd optimizer{net.parameters()};
  const std::int64_t before = live_nodes();
  Trainer trainer{net, optimizer, cross_entropy, quiet(2)};
  trainer.fit(few_batches(digits.train));
  CHECK(live_nodes() == before);
  const auto refused = [&](auto change) {
    Trainer::Options options = quiet(1);
    change(options);
    return fault([&] { Trainer(net, optimizer, cross_entropy, options); });
  };
  CHECK(refused([](auto& o) { o.epochs = 0; }) == "Trainer: epochs must be at least 1, not 0");
  CHECK(refused([](auto& o) { o.accumulate = 0; }) == "Trainer: accumulate must be at least 1, not 0");
  CHECK(refused([](auto& o) { o.clip_norm = -1; }) ==
        "Trainer: clip_norm must be a finite number of at least 0, not -1");
  CHECK(contains(refused([](auto& o) { o.clip_value = std::nan(""); }), "clip_value must be a finite"));
  CHECK(contains(refused([](auto& o) { o.patience = -1; }), "patience"));
  CHECK(contains(refused([](auto& o) { o.average_from = -1; }), "average_from must be a finite number of at least 0"));
  CHECK(contains(refused([](auto& o) { o.average = WeightAverageOptions{.decay = 1}; }), "decay must be in [0, 1)"));
  CHECK(contains(refused([](auto& o) { o.average_from = 2; }), "give average, too"));
  CHECK(contains(refused([](auto& o) { o.resume = true; }), "resume goes on from a run_folder, and none is given"));
  CHECK(contains(refused([](auto& o) { o.statistics = true; }), "go into a run_folder"));
}

TEST_CASE("trainer: LBFGS is asked for the loss several times a step, as by hand") {
  const ImageSplit digits = few_digits();
  const DataLoader loader(digits.train, {.batch_size = 50, .shuffle = true, .seed = 4});
  const auto make = [](SmallNet& net) {
    net.rate = 0;  // by hand, each evaluation of a step draws its own dropout and counts for the buffers
    net.normalised = false;
    return std::make_unique<LBFGS>(net.parameters(), LBFGS::Options{.max_iter = 5, .strong_wolfe = true});
  };
  manual_seed(3);
  SmallNet net;
  const auto optimizer = make(net);
  for (int epoch = 0; epoch < 2; ++epoch)
    for (const Batch& batch : loader.epoch(epoch))
      optimizer->step([&] {
        optimizer->zero_grad();
        Tensor loss = cross_entropy(net(batch.inputs), batch.targets);
        loss.backward();
        return loss;
      });
  manual_seed(3);
  SmallNet other;
  const auto same = make(other);
  Trainer trainer{other, *same, cross_entropy, quiet(2)};
  const History history = trainer.fit(loader);
  CHECK(numbers_of(other) == numbers_of(net));
  CHECK(history.back().step == 8);
  CHECK(history.back().at("loss") < history[0].at("loss"));

  const auto refused = [&](auto change) {
    Trainer::Options options = quiet(1);
    change(options);
    return fault([&] { Trainer(other, *same, cross_entropy, options); });
  };
  CHECK(
      contains(refused([](auto& o) { o.accumulate = 2; }),
               "Trainer: LBFGS asks for the loss of a step several times, which batches that are accumulated do not"));
  CHECK(contains(refused([](auto& o) { o.clip_norm = 1; }), "leave out clip_norm and clip_value"));
}

TEST_CASE("trainer: within a step of LBFGS dropout and buffers are the same, and nothing not finite is stepped to") {
  const ImageSplit digits = few_digits();
  const DataLoader loader = few_batches(digits.train);
  SmallNet net;
  LBFGS optimizer{net.parameters(), {.max_iter = 4, .strong_wolfe = true}};
  std::vector<double> losses;
  const Loss noted = [&](const Tensor& output, const Tensor& target) {
    const Tensor loss = cross_entropy(output, target);
    losses.push_back(loss.item());
    return loss;
  };
  Trainer trainer{net, optimizer, noted, quiet(1)};
  trainer.fit(loader);
  CHECK(net.norm.num_batches_tracked->item() == 7);  // one for each step, not for each evaluation
  CHECK(losses.size() > 14);

  for (const OnNonfinite what : {OnNonfinite::stop, OnNonfinite::skip}) {
    SmallNet fresh;
    LBFGS search{fresh.parameters(), {.max_iter = 4, .strong_wolfe = true}};
    int calls = 0;
    const Loss breaks = [&](const Tensor& output, const Tensor& target) {  // from the second evaluation of each step on
      const Tensor loss = cross_entropy(output, target);
      return ++calls % 2 == 0 ? loss * std::nan("") : loss;
    };
    Trainer::Options options = quiet(1);
    options.on_nonfinite = what;
    std::string said;
    options.message = [&](const std::string& text) { said = text; };
    const auto before = numbers_of(fresh);
    const auto state = search.state().size();
    Trainer broken{fresh, search, breaks, options};
    const std::string sentence = "came to a loss or a gradient that is not finite on its search along a direction";
    if (what == OnNonfinite::stop) {
      CHECK(contains(fault([&] { broken.fit(loader); }), sentence));
      CHECK(broken.training().step == 0);
    } else {
      CHECK(broken.fit(loader).skipped == 7);
      CHECK(contains(said, sentence));
    }
    CHECK(numbers_of(fresh) == before);
    CHECK(search.state().size() == state);
  }
}

TEST_CASE("trainer: an average of the weights is that by hand, is evaluated, and is what the best model holds") {
  const ImageSplit digits = few_digits();
  const DataLoader loader = few_batches(digits.train), test(digits.test, {.batch_size = 40});
  for (const std::optional<double> decay : {std::optional<double>(0.8), std::optional<double>()}) {
    manual_seed(3);
    SmallNet net;
    Adam optimizer{net.parameters()};
    WeightAverage average{net.state(), {.decay = decay}};
    for (int epoch = 0; epoch < 3; ++epoch)
      for (const Batch& batch : loader.epoch(epoch)) {
        const Tensor loss = cross_entropy(net(batch.inputs), batch.targets);
        optimizer.zero_grad();
        loss.backward();
        optimizer.step();
        if (decay || epoch >= 1) average.update();
      }
    const TemporaryFolder folder;
    manual_seed(3);
    SmallNet other;
    Adam same{other.parameters()};
    Trainer::Options options = quiet(3);
    options.average = WeightAverageOptions{.decay = decay};
    options.average_from = decay ? 0 : 1;
    options.run_folder = folder / "run";
    Trainer trainer{other, same, cross_entropy, options};
    const History history = trainer.fit(loader, test);
    CHECK(numbers_of(other) == numbers_of(net));  // the training itself does not see it
    const Checkpoint c = load_checkpoint(folder / "run/last.safetensors");
    const auto by_hand = average.values();
    REQUIRE(c.averages.size() == by_hand.size());
    for (const NamedTensor& one : by_hand)
      for (const NamedTensor& saved : c.averages)
        if (saved.name == one.name) CHECK(saved.tensor.to_vector() == one.tensor.to_vector());
    average.copy_to_parameters();
    Trainer plain{net, optimizer, cross_entropy, quiet(1)};
    CHECK(plain.evaluate(test).at("loss") == history.back().at("test_loss"));
    CHECK(trainer.evaluate(test).at("loss") == history.back().at("test_loss"));
    const Checkpoint model = load_checkpoint(folder / "run/model.safetensors");
    if (model.epoch != 3) continue;
    SmallNet best;
    load_state(best, folder / "run/model.safetensors");
    CHECK(numbers_of(best) == numbers_of(net));
  }
}

TEST_CASE("trainer: an error in the middle of an epoch leaves it after a whole step, and it goes on from there") {
  const ImageSplit digits = few_digits();
  const DataLoader loader = few_batches(digits.train);
  struct Breaks : Handler {
    bool armed = true;
    int failures = 0;
    void after_forward(Training& t) override {
      if (armed && t.step == 2 && t.batch == 5) throw ValueError("stop here");
    }
    void after_failure(Training&) noexcept override { ++failures; }
  };
  const auto train = [&](bool breaks) {
    manual_seed(3);
    SmallNet net;
    Adam optimizer{net.parameters()};
    Trainer::Options options = quiet(2);
    options.metrics = {Accuracy()};
    options.accumulate = 2;
    Trainer trainer{net, optimizer, cross_entropy, options};
    const auto handler = std::make_shared<Breaks>();
    handler->armed = breaks;
    trainer.add(handler);
    if (breaks) {
      CHECK(contains(fault([&] { trainer.fit(loader); }), "stop here"));
      CHECK((trainer.training().step == 2 && trainer.training().batch == 4));
      CHECK(net.norm.num_batches_tracked->item() == 4);
      handler->armed = false;
      trainer.fit(loader);
      CHECK(handler->failures == 1);
    }
    const History history = trainer.fit(loader);
    std::vector<double> all = numbers_of(net);
    for (const Record& record : history.records)
      for (const auto& [name, value] : record.values) all.push_back(value);
    return all;
  };
  CHECK(train(true) == train(false));
}
