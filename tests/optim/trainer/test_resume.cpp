// Going on where a training stopped: 2N epochs are N, a file, a new process and N more, bit for bit.
#include <doctest/doctest.h>
#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <memory>

#include "engine/files/array_files.h"
#include "engine/system/process.h"
#include "nn/files/state.h"
#include "optim/adam.h"
#include "optim/adaptive.h"
#include "optim/lbfgs.h"
#include "optim/lion.h"
#include "optim/sgd.h"
#include "optim/trainer/handlers.h"
#include "tests/engine/files/array_bytes.h"
#include "tests/optim/trainer/small_training.h"
#include "tests/temporary_folder.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

/// Every optimizer that there is, with options that keep most state.
const std::vector<std::string> kOptimizers = {"Sgd",     "Adam",    "AdamW",    "NAdam", "RAdam", "Adamax",
                                              "Adagrad", "RMSprop", "Adadelta", "Lion",  "LBFGS"};

std::unique_ptr<Optimizer> make_optimizer(const std::string& name, SmallNet& net) {
  const auto p = net.parameters();
  if (name == "Sgd") return std::make_unique<Sgd>(p, Sgd::Options{.lr = 0.05, .momentum = 0.9});
  if (name == "Adam") return std::make_unique<Adam>(p, Adam::Options{.amsgrad = true});
  if (name == "AdamW") return std::make_unique<AdamW>(p);
  if (name == "NAdam") return std::make_unique<NAdam>(p);
  if (name == "RAdam") return std::make_unique<RAdam>(p);
  if (name == "Adamax") return std::make_unique<Adamax>(p);
  if (name == "Adagrad") return std::make_unique<Adagrad>(p);
  if (name == "RMSprop") return std::make_unique<RMSprop>(p, RMSprop::Options{.momentum = 0.9, .centered = true});
  if (name == "Adadelta") return std::make_unique<Adadelta>(p);
  if (name == "LBFGS")
    return std::make_unique<LBFGS>(p, LBFGS::Options{.lr = 0.5, .max_iter = 4, .strong_wolfe = true});
  return std::make_unique<Lion>(p);
}

Trainer::Options options_for(const std::string& name, std::int64_t epochs, const std::string& folder) {
  Trainer::Options options = quiet(epochs);
  options.metrics = {Accuracy()};
  options.schedule = inverse_time(1);
  if (name != "LBFGS") options.clip_norm = 5;
  if (name == "Adam") options.average = WeightAverageOptions{.decay = 0.9};
  if (name == "Sgd") options.average = WeightAverageOptions{}, options.average_from = 1.5;
  options.run_folder = folder;
  options.statistics = true;
  options.resume = true;
  return options;
}

/// Trains until `epochs` epochs are done, or until `stop_at` steps are, from what is in the folder or from the start.
History train(const std::string& name, std::int64_t epochs, const std::string& folder, std::vector<double>* weights,
              std::int64_t stop_at = -1) {
  const ImageSplit digits = few_digits();
  manual_seed(6);
  SmallNet net;
  const auto optimizer = make_optimizer(name, net);
  Trainer trainer{net, *optimizer, cross_entropy, options_for(name, epochs, folder)};
  struct Stop : Handler {
    std::int64_t at = 0;
    void after_step(Training& t) override {
      if (t.step == at) t.end("stop");
    }
  };
  const auto stop = std::make_shared<Stop>();
  stop->at = stop_at;
  trainer.add(stop);
  const History history = trainer.fit(few_batches(digits.train), digits.test);
  if (weights) *weights = numbers_of(net);
  return history;
}

std::string environment(const char* name) {
  const char* value = ::getenv(name);
  return value ? value : "";
}

}  // namespace

// What the new process does; alone it does nothing.
TEST_CASE("resume: the second half in a process of its own") {
  const std::string folder = environment("CHAINRULE_TEST_RESUME"), name = environment("CHAINRULE_TEST_OPTIMIZER");
  if (folder.empty()) return;
  ::unsetenv("CHAINRULE_TEST_RESUME");
  train(name, 4, folder, nullptr);
}

TEST_CASE("resume: 2N epochs are N epochs, a file, a new process and N more, for every optimizer") {
  for (const std::string& name : kOptimizers) {
    CAPTURE(name);
    std::vector<double> whole;
    const TemporaryFolder straight, halves;
    const History history = train(name, 4, straight / "run", &whole);
    train(name, 2, halves / "run", nullptr);
    ::setenv("CHAINRULE_TEST_RESUME", (halves / "run").c_str(), 1);
    ::setenv("CHAINRULE_TEST_OPTIMIZER", name.c_str(), 1);
    const ProcessResult process =
        run_process({"/proc/self/exe", "--test-case=resume: the second half in a process of its own"});
    ::unsetenv("CHAINRULE_TEST_RESUME");
    CHECK(process.exit_code == 0);
    for (const char* file : {"/last.safetensors"}) {
      const Checkpoint a = load_checkpoint((straight / "run") + file), b = load_checkpoint((halves / "run") + file);
      CHECK((a.epoch == 4 && b.epoch == 4 && a.step == b.step));
      CHECK(a.generators == b.generators);
      CHECK(a.averages.empty() == (name != "Adam" && name != "Sgd"));
      for (const auto& [left, right] : {std::pair(&a.weights, &b.weights), std::pair(&a.optimizer, &b.optimizer),
                                        std::pair(&a.averages, &b.averages)}) {
        REQUIRE(left->size() == right->size());
        for (std::size_t i = 0; i < left->size(); ++i) {
          CHECK((*left)[i].name == (*right)[i].name);
          CHECK((*left)[i].tensor.to_vector() == (*right)[i].tensor.to_vector());
        }
      }
    }
    SmallNet net;
    load_state(net, (halves / "run") + "/last.safetensors");
    CHECK(numbers_of(net) == whole);
    // What was written down is the same, too, but for the time that it took.
    const Checkpoint last = load_checkpoint((halves / "run") + "/last.safetensors");
    const std::vector<Record> records = parse_history(last.texts.at("history"));
    REQUIRE(records.size() == history.size());
    for (std::size_t i = 0; i < records.size(); ++i) CHECK(records[i].values == history[i].values);
  }
}

TEST_CASE("resume: from the middle of an epoch") {
  std::vector<double> whole, parts;
  const TemporaryFolder straight, stopped;
  train("Adam", 3, straight / "run", &whole);
  const History first = train("Adam", 3, stopped / "run", nullptr, 10);  // epochs have 7 steps
  CHECK(first.why == "stop");
  CHECK(load_checkpoint((stopped / "run") + "/last.safetensors").batch == 3);
  const History second = train("Adam", 3, stopped / "run", &parts);
  CHECK(parts == whole);
  CHECK(second.back().step == 21);
}

TEST_CASE("resume: what does not fit is refused and changes nothing") {
  const TemporaryFolder folder;
  train("Adam", 1, folder / "run", nullptr);
  const Checkpoint c = load_checkpoint((folder / "run") + "/last.safetensors");
  SmallNet net;
  const auto before = numbers_of(net);
  Sgd sgd{net.parameters()};
  Trainer other{net, sgd, cross_entropy, quiet(1)};
  CHECK(fault([&] { other.resume(c); }) == "Trainer: the checkpoint is of Adam, not of Sgd");
  Adam with_amsgrad{net.parameters(), {.amsgrad = true}};
  Trainer plain{net, with_amsgrad, cross_entropy, quiet(1)};
  CHECK(contains(fault([&] { plain.resume(c); }), "this training has none; give it the option average"));
  Adam adam{net.parameters()};  // without amsgrad: another state
  Trainer::Options averaging = quiet(1);
  averaging.average = WeightAverageOptions{.decay = 0.9};
  averaging.patience = 3;
  Trainer less{net, adam, cross_entropy, averaging};
  CHECK(contains(fault([&] { less.resume(c); }), "max_exp_avg_sq"));
  CHECK(less.checkpoint().averages.empty());
  // What is found last, in the texts of a handler, is found before anything has changed, too.
  Trainer last{net, with_amsgrad, cross_entropy, averaging};
  Checkpoint odd = c;
  odd.texts["stop_early.waited"] = "-1";
  CHECK(fault([&] { last.resume(odd); }) == "Trainer: 'stop_early.waited' in the checkpoint is -1, which is no count");
  odd = c;
  odd.texts["average.updates"] = "two";
  CHECK(contains(fault([&] { last.resume(odd); }), "'average.updates' in the checkpoint is 'two', which is no number"));
  CHECK(last.checkpoint().averages.empty());
  CHECK(with_amsgrad.state().size() == net.parameters().size());
  CHECK(numbers_of(net) == before);
  Trainer again{net, adam, cross_entropy, [&] {
                  Trainer::Options options = quiet(1);
                  options.run_folder = folder / "run";
                  return options;
                }()};
  const ImageSplit digits = few_digits();
  CHECK(contains(fault([&] { again.fit(few_batches(digits.train)); }), "go on with it by {.resume = true}"));
}

TEST_CASE("run folder: every file, and they agree") {
  const TemporaryFolder folder;
  const std::string run = folder / "runs/first";
  const History history = train("Adam", 3, run, nullptr);
  for (const char* name :
       {"last.safetensors", "model.safetensors", "metrics.csv", "metrics.jsonl", "curves.svg", "run.json", "log.txt"}) {
    CAPTURE(name);
    CHECK(!content(run + "/" + name).empty());
  }
  CHECK((!content(run + "/network.svg").empty() || !content(run + "/network.dot").empty()));
  const Table table = read_csv(run + "/metrics.csv");
  CHECK(table.columns ==
        std::vector<std::string>{"epoch", "step", "seconds", "loss", "accuracy", "test_loss", "test_accuracy", "lr"});
  CHECK(table.values.shape() == Shape{3, 8});
  CHECK(table.values[{2, 6}].item() == history.back().at("test_accuracy"));
  const std::string lines = content(run + "/metrics.jsonl");
  CHECK(std::count(lines.begin(), lines.end(), '\n') == 21 + 3);
  CHECK(contains(lines, R"({"event":"step","epoch":3,"step":21,"loss":)"));
  const std::string facts = content(run + "/run.json");
  for (const char* fact :
       {R"("library": ")", R"("checkpoint_format": 1)", R"("compiler": ")", R"("parameters": 1242)",
        R"("optimizer": "Adam")", R"("seed": 6)", R"x("schedule":"inverse_time(1)")x", R"("clip_norm":5.0)",
        R"("decay":0.9)", R"("samples":200)", R"("batches":7)", R"("batch_size":32)", R"("seed":4)",
        R"("drop_last":false)", R"("prefetch":0)", R"("samples":100)"}) {
    CAPTURE(fact);
    CHECK(contains(facts, fact));
  }
  CHECK(contains(content(run + "/log.txt"), "epoch 3  step 21  loss "));
  const std::string statistics = content(run + "/statistics.csv");
  CHECK(std::count(statistics.begin(), statistics.end(), '\n') == 1 + 3 * (3 + 6 + 6));
  // Resumed after a kill within the third epoch, lines of it are not there twice.
  train("Adam", 3, run, nullptr);
  CHECK(content(run + "/metrics.jsonl") == lines);
  CHECK(content(run + "/statistics.csv") == statistics);

  // The best epoch's weights are in model.safetensors.
  const auto accuracies = history.column("test_accuracy");
  const auto best = std::max_element(accuracies.begin(), accuracies.end()) - accuracies.begin();
  CHECK(load_checkpoint(run + "/model.safetensors").epoch == best + 1);
}

TEST_CASE("run folder: weights that are not finite are not saved, and a folder that cannot be made is told") {
  const TemporaryFolder folder;
  const ImageSplit digits = few_digits();
  SmallNet net;
  Sgd optimizer{net.parameters()};
  Trainer::Options options = quiet(2);
  options.run_folder = folder / "run";
  Trainer trainer{net, optimizer, cross_entropy, options};
  struct Breaks : Handler {
    void before_epoch(Training& t) override {
      const NoGrad in_place;
      if (t.epoch == 1) t.net.parameters()[1].tensor.fill_(1e38);
    }
    void after_step(Training& t) override {
      const NoGrad in_place;
      if (t.step == 14) t.net.parameters()[3].tensor.fill_(INFINITY);
    }
  };
  trainer.add(std::make_shared<Breaks>());
  CHECK(contains(fault([&] { trainer.fit(few_batches(digits.train)); }), "finite"));
  CHECK(load_checkpoint(folder / "run/last.safetensors").epoch == 1);

  options.run_folder = "/dev/null/run";
  Trainer nowhere{net, optimizer, cross_entropy, options};
  CHECK(contains(fault([&] { nowhere.fit(few_batches(digits.train)); }), "EnvironmentError: run folder: cannot make"));
}

// A process of its own, because the handler stays.
TEST_CASE("signals: Ctrl-C comes") {
  const std::string folder = environment("CHAINRULE_TEST_SIGNAL");
  if (folder.empty()) return;
  ::unsetenv("CHAINRULE_TEST_SIGNAL");
  const ImageSplit digits = few_digits();
  manual_seed(6);
  SmallNet net;
  Adam optimizer{net.parameters()};
  Trainer::Options options = quiet(3);
  options.interrupts = true;
  options.run_folder = folder;
  Trainer trainer{net, optimizer, cross_entropy, options};
  struct Interrupt : Handler {
    void before_step(Training& t) override {
      if (t.step == 9) ::raise(SIGINT);  // in the middle of the tenth step
    }
  };
  trainer.add(std::make_shared<Interrupt>());
  const History history = trainer.fit(few_batches(digits.train));
  ::_exit(history.exit_code());
}

TEST_CASE("signals: after Ctrl-C the step ends, everything is saved, and the exit code is 130") {
  const TemporaryFolder folder;
  ::setenv("CHAINRULE_TEST_SIGNAL", (folder / "run").c_str(), 1);
  const ProcessResult process = run_process({"/proc/self/exe", "--test-case=signals: Ctrl-C comes"});
  ::unsetenv("CHAINRULE_TEST_SIGNAL");
  CHECK(process.exit_code == 130);
  const Checkpoint c = load_checkpoint(folder / "run/last.safetensors");
  CHECK((c.epoch == 1 && c.batch == 3 && c.step == 10));
  CHECK(contains(content(folder / "run/log.txt"), "ended: signal 2"));
}

TEST_CASE("progress: plain lines elsewhere than on a terminal, one for each epoch, without a carriage return") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  const ImageSplit digits = few_digits();
  SmallNet net;
  Adam optimizer{net.parameters()};
  Trainer::Options options = quiet(3);
  options.metrics = {Accuracy()};
  Trainer trainer{net, optimizer, cross_entropy, options};
  trainer.add(
      std::make_shared<ShowProgress>(ProgressOptions{.descriptor = ::fileno(file), .seconds = [] { return 1.0; }}));
  trainer.fit(few_batches(digits.train), digits.test);
  std::string text(4096, '\0');
  std::rewind(file);
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
  CHECK(!contains(text, "\r"));
  CHECK(contains(text, "epoch 1/3  loss "));
  CHECK(contains(text, "test_accuracy "));
  CHECK(contains(text, "took 0 s"));
}
