// Memory runs out at every allocation of a small training, one after the other: a clean error, everything as after the
// last whole step, and the training that goes on ends as one that never failed.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <new>

#include "engine/factory.h"
#include "engine/files/array_files.h"
#include "engine/memory/pool.h"
#include "engine/types/error.h"
#include "engine/types/threads.h"
#include "nn/data/dataset.h"
#include "nn/files/state.h"
#include "ops/kernels/parallel.h"
#include "optim/adam.h"
#include "optim/lbfgs.h"
#include "optim/trainer/trainer.h"
#include "tests/engine/files/array_bytes.h"
#include "tests/optim/failing_allocation.h"
#include "tests/optim/trainer/small_training.h"
#include "tests/sanitized.h"
#include "tests/temporary_folder.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

struct TinyNet : Module {
  Child<Linear> hidden{*this, "hidden", 5, 4};
  Child<BatchNorm1d> norm{*this, "norm", 4};
  Child<Linear> out{*this, "out", 4, 3};
  Tensor forward(const Tensor& x) override { return out(dropout(relu(norm(hidden(x))), 0.25, is_training())); }
};

TensorDataset tiny_data() {
  Generator random(3);
  const Tensor x = randn({14, 5}, {}, random);
  return TensorDataset(x, randint(0, 3, {14}, random));
}

/// What a training holds, as the bytes of a checkpoint without what it wrote down about itself.
std::string bits_of(const Checkpoint& c) {
  return checkpoint_bytes({.weights = c.weights,
                           .optimizer = c.optimizer,
                           .averages = c.averages,
                           .step = c.step,
                           .generators = c.generators});
}

std::vector<double> numbers_of(const History& history) {
  std::vector<double> all;
  for (const Record& record : history.records)
    for (const auto& [name, value] : record.values) all.push_back(value);
  return all;
}

/// Everything of a training that begins from the same numbers each time.
struct Run {
  TensorDataset data = tiny_data();
  DataLoader loader{data, {.batch_size = 4, .shuffle = true, .seed = 2}};  // 4, 4, 4 and 2 samples
  TinyNet net;
  std::unique_ptr<Optimizer> optimizer;
  std::unique_ptr<Trainer> trainer;
  std::map<std::int64_t, std::string>* seen = nullptr;

  struct Note : Handler {
    Run& run;
    explicit Note(Run& r) : run(r) {}
    void after_step(Training& t) override { (*run.seen)[t.step] = bits_of(run.trainer->checkpoint()); }
  };

  explicit Run(const std::string& kind, const std::string& folder = {}) {
    if (kind == "LBFGS")
      optimizer = std::make_unique<LBFGS>(net.parameters(), LBFGS::Options{.max_iter = 3, .strong_wolfe = true});
    else
      optimizer = std::make_unique<Adam>(net.parameters(), Adam::Options{.amsgrad = true});
    Trainer::Options options = quiet(2);
    options.metrics = {Accuracy()};
    options.schedule = inverse_time(1);
    options.average = WeightAverageOptions{.decay = 0.9};
    options.accumulate = kind == "accumulated" ? 2 : 1;
    options.run_folder = folder;
    options.patience = 5;
    trainer = std::make_unique<Trainer>(net, *optimizer, Loss(cross_entropy), options);
  }
  History fit() { return trainer->fit(loader, loader); }
};

/// A fresh one with the generator where it belongs.
std::unique_ptr<Run> fresh(const std::string& kind, const std::string& folder = {}) {
  manual_seed(8);
  return std::make_unique<Run>(kind, folder);
}

void forget_caches() {
  clear_kernel_caches();
  empty_cache();
}

/// The bits after each step of a training that does not fail, step 0 included.
std::map<std::int64_t, std::string> bits_by_step(const std::string& kind) {
  std::map<std::int64_t, std::string> bits;
  const auto run = fresh(kind);
  bits[0] = bits_of(run->trainer->checkpoint());
  run->seen = &bits;
  run->trainer->add(std::make_shared<Run::Note>(*run));
  run->fit();
  return bits;
}

/// What came out of fit() when it failed: the sentence of a clean error, or what is wrong.
template <class F>
std::string failure(F&& f) {
  try {
    f();
  } catch (const EnvironmentError& error) {
    return contains(error.what(), "out of memory") ? "clean" : error.what();
  } catch (const std::bad_alloc&) {
    return "bad_alloc";
  } catch (const std::exception& error) {
    return error.what();
  }
  return "none";
}

struct OneThread {
  OneThread() { set_num_threads(1); }  // OpenMP itself ends the process when it has no memory for a team
  ~OneThread() { set_num_threads(0); }
};

struct InDouble {
  DType before = default_dtype();
  InDouble() { set_default_dtype(DType::float64); }
  ~InDouble() { set_default_dtype(before); }
};

}  // namespace

TEST_CASE("out of memory: the plan fails where it is told, once or from then on") {
  const auto fails = [] {
    try {
      void* volatile block = ::operator new(10);  // a compiler may leave out what nobody sees
      ::operator delete(block);
      return false;
    } catch (const std::bad_alloc&) {
      return true;
    }
  };
  {
    FailingAllocation plan(2, Fails::once);
    const bool first = fails(), early = plan.failed(), second = fails(), late = plan.failed(), third = fails();
    plan.stop();  // CHECK allocates, too
    CHECK((!first && !early && second && late && !third));
  }
  {
    FailingAllocation plan(1, Fails::from_then_on);
    const bool first = fails(), second = fails();
    plan.stop();
    CHECK((first && second));
  }
  CHECK(!fails());
}

TEST_CASE("out of memory: at every allocation of a training, which then goes on as if nothing had been") {
  const OneThread one_thread;
  const InDouble in_double;
  for (const std::string kind : {"Adam", "accumulated", "LBFGS"})
    for (const Fails how : {Fails::once, Fails::from_then_on}) {
      CAPTURE(kind);
      const auto bits = bits_by_step(kind);
      const auto whole = fresh(kind);
      const std::vector<double> history = numbers_of(whole->fit());
      CHECK(bits_of(whole->trainer->checkpoint()) == bits.rbegin()->second);
      // Sanitized, everything is slower and more is asked of the system: some of the places, others for each kind.
      const std::int64_t stride = sanitized() ? 23 : 1;
      std::int64_t failures = 0;
      const std::int64_t nodes = live_nodes();
      for (std::int64_t k = 1;; k += stride) {
        CAPTURE(k);
        auto run = fresh(kind);
        forget_caches();
        FailingAllocation plan(k, how);
        const std::string what = failure([&] { run->fit(); });
        plan.stop();
        if (!plan.failed()) {
          CHECK(what == "none");
          break;
        }
        ++failures;
        if (what == "none") continue;  // it did without: a cache that was given back
        CHECK((what == "clean" || (how == Fails::from_then_on && what == "bad_alloc")));
        const Checkpoint c = run->trainer->checkpoint();
        REQUIRE(bits.contains(c.step));
        CHECK(bits_of(c) == bits.at(c.step));
        CHECK(numbers_of(run->fit()) == history);
        CHECK(bits_of(run->trainer->checkpoint()) == bits.rbegin()->second);
        CHECK(!run->net.parameters()[0].tensor.has_grad());
        run.reset();
        CHECK(live_nodes() == nodes);
      }
      CHECK(failures > 100 / stride);
    }
}

TEST_CASE("out of memory: the files of a training stay whole, and end as those of one that never failed") {
  const OneThread one_thread;
  const InDouble in_double;
  const TemporaryFolder folder;
  const auto start = [&](const std::string& name) {
    std::filesystem::create_directories(folder / name);
    std::ofstream(folder / name + "/network.svg") << "<svg/>";  // it is drawn by another program, which takes its time
    return fresh("Adam", folder / name);
  };
  start("whole")->fit();
  const Checkpoint last = load_checkpoint(folder / "whole/last.safetensors");
  const Checkpoint model = load_checkpoint(folder / "whole/model.safetensors");
  const std::int64_t stride = sanitized() ? 211 : 41;
  int failures = 0;
  for (std::int64_t k = 1;; k += stride) {
    CAPTURE(k);
    const std::string name = std::to_string(k);
    auto run = start(name);
    forget_caches();
    FailingAllocation plan(k, Fails::once);
    const std::string what = failure([&] { run->fit(); });
    plan.stop();
    if (!plan.failed()) break;
    ++failures;
    if (what != "none") {
      CHECK(what == "clean");
      for (const char* file : {"/last.safetensors", "/model.safetensors"})
        if (std::filesystem::exists(folder / name + file)) CHECK(load_checkpoint(folder / name + file).batch == 0);
      run->fit();
    }
    CHECK(bits_of(load_checkpoint(folder / name + "/last.safetensors")) == bits_of(last));
    CHECK(bits_of(load_checkpoint(folder / name + "/model.safetensors")) == bits_of(model));
    const Table table = read_csv(folder / name + "/metrics.csv");
    CHECK(table.values.shape() == Shape{2, 8});
    const std::string lines = content(folder / name + "/metrics.jsonl");
    CHECK(contains(lines, R"({"event":"epoch","epoch":1,)"));
    CHECK(lines.find(R"({"event":"epoch","epoch":2,)") == lines.rfind(R"({"event":"epoch","epoch":2,)"));
    std::filesystem::remove_all(folder / name);
  }
  CHECK(failures > 20);
}

TEST_CASE("out of memory: at every allocation of writing and of reading a checkpoint") {
  const TemporaryFolder folder;
  const std::string path = folder / "c.safetensors";
  auto run = fresh("Adam");
  run->fit();
  const Checkpoint first = run->trainer->checkpoint();
  Checkpoint second = first;
  second.step = 77;
  save_checkpoint(path, first);
  std::int64_t failures = 0;
  for (std::int64_t k = 1;; ++k) {
    CAPTURE(k);
    FailingAllocation plan(k, Fails::once);
    const std::string what = failure([&] { save_checkpoint(path, second); });
    plan.stop();
    const std::int64_t step = load_checkpoint(path).step;
    if (!plan.failed()) {
      CHECK(step == 77);
      break;
    }
    ++failures;
    CHECK((what == "clean" || what == "none"));
    CHECK(step == (what == "none" ? 77 : first.step));
    save_checkpoint(path, first);
  }
  CHECK(failures > 30);
  CHECK(std::distance(std::filesystem::directory_iterator(folder / ""), {}) == 1);  // nothing is left beside it
  for (std::int64_t k = 1;; ++k) {
    CAPTURE(k);
    FailingAllocation plan(k, Fails::once);
    std::int64_t step = 0;
    const std::string what = failure([&] { step = load_checkpoint(path).step; });
    plan.stop();
    CHECK((what == "clean" || (what == "none" && step == 77)));
    if (!plan.failed()) break;
  }
}

TEST_CASE("out of memory: a state is loaded whole or not at all") {
  auto run = fresh("Adam");
  run->fit();
  const Checkpoint trained = run->trainer->checkpoint();
  const auto target = fresh("Adam");
  const std::string before = bits_of(target->trainer->checkpoint());
  for (std::int64_t k = 1;; ++k) {
    CAPTURE(k);
    FailingAllocation plan(k, Fails::once);
    bool threw = false;
    try {
      target->trainer->resume(trained);
    } catch (const std::bad_alloc&) {
      threw = true;
    } catch (const EnvironmentError&) {
      threw = true;
    }
    plan.stop();
    if (!threw) {
      CHECK(bits_of(target->trainer->checkpoint()) == bits_of(trained));
      break;
    }
    CHECK(bits_of(target->trainer->checkpoint()) == before);
  }
}
