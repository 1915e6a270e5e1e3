#include "tools/bench/training.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <map>
#include <optional>

#include "engine/backward.h"
#include "engine/memory/pool.h"
#include "engine/scopes.h"
#include "engine/system/process.h"
#include "engine/types/error.h"
#include "engine/types/threads.h"
#include "nn/data/image_set.h"
#include "nn/data/loader.h"
#include "ops/ops.h"
#include "optim/trainer/trainer.h"
#include "tools/bench/measure.h"
#include "tools/bench/recipes.h"
#include "tools/bench/report.h"

namespace chainrule::bench {
namespace {

using OnBatch = std::function<double(const Batch&)>;

/// Our side, written as a user would write it.
class OurLearner {
 public:
  explicit OurLearner(const Recipe& recipe) : net_(recipe.make()), optimizer_(make_optimizer(recipe.learning, *net_)) {}
  double loss(const Batch& batch) {
    const NoGrad only_values;
    net_->eval();
    const double value = cross_entropy((*net_)(batch.inputs), batch.targets).item();
    net_->train();
    return value;
  }
  double step(const Batch& batch) {
    const Tensor loss = cross_entropy((*net_)(batch.inputs), batch.targets);
    optimizer_->zero_grad();
    loss.backward();
    optimizer_->step();
    return loss.item();
  }
  std::vector<FirstNumbers> parameters() const {
    std::vector<FirstNumbers> list;
    for (const NamedTensor& p : net_->parameters()) {
      const float* values = p.tensor.data<float>();
      list.push_back({{p.tensor.shape().begin(), p.tensor.shape().end()}, {values, values + p.tensor.numel()}});
    }
    return list;
  }
  std::int64_t size() const {
    std::int64_t numbers = 0;
    for (const NamedTensor& p : net_->parameters()) numbers += p.tensor.numel();
    return numbers;
  }

 private:
  std::shared_ptr<Module> net_;
  std::unique_ptr<Optimizer> optimizer_;
};

Samples samples_of(const Batch& batch) {
  return {batch.inputs.data<float>(), batch.targets.data<std::int64_t>(), batch.size()};
}

/// Goes through the batches of a loader, epoch after epoch, and keeps apart how long it waits for them.
class Walk {
 public:
  Walk(const DataLoader& loader, OnBatch step) : loader_(loader), step_(std::move(step)) {}
  /// The next batches; their seconds.
  double run(std::int64_t batches) {
    const double start = now();
    double loss = 0;
    for (std::int64_t i = 0; i < batches; ++i) loss = step_(next());
    if (!std::isfinite(loss)) throw NumericError("bench: the loss of a measured network is not finite");
    const double seconds = now() - start;
    all_ += seconds;
    return seconds;
  }
  double share_of_waiting() const { return all_ > 0 ? waited_ / all_ : 0; }

 private:
  const Batch& next() {
    const double start = now();
    if (at_) ++*at_;
    if (!at_ || *at_ == std::default_sentinel) {
      epoch_.emplace(loader_.epoch(number_++));
      at_.emplace(epoch_->begin());
    }
    waited_ += now() - start;
    return **at_;
  }
  const DataLoader& loader_;
  OnBatch step_;
  std::optional<Epoch> epoch_;
  std::optional<Epoch::Iterator> at_;
  std::int64_t number_ = 0;
  double waited_ = 0, all_ = 0;
};

ImageSet first_of(const ImageSet& set, std::int64_t count) {
  std::vector<std::int64_t> places(static_cast<std::size_t>(std::min(count, set.size())));
  for (std::size_t i = 0; i < places.size(); ++i) places[i] = static_cast<std::int64_t>(i);
  return set.select(places);
}

ImageSplit load(const Recipe& recipe, const TrainingOptions& o) {
  // A folder of MNIST's files would also do for Fashion-MNIST, whose files have the same names.
  const std::string fashion = o.data.empty() ? "" : (std::filesystem::path(o.data) / "fashion-mnist").string();
  ImageSplit data = !recipe.fashion                    ? load_mnist(o.data)
                    : std::filesystem::exists(fashion) ? load_fashion_mnist(fashion)
                                                       : load_fashion_mnist();
  return o.quick ? ImageSplit{first_of(data.train, 300), first_of(data.test, 200)} : data;
}

/// The same pictures, each with the label of another: there is nothing to learn.
ImageSet with_shuffled_labels(const ImageSet& set) {
  return {set.images, take_rows(set.labels, Generator(2).permutation(set.size()))};
}

/// How often the commonest class of the training set is right.
double commonest_class(const ImageSplit& data) {
  std::vector<std::int64_t> train(10), test(10);
  for (std::int64_t i = 0; i < data.train.size(); ++i) ++train.at(data.train.labels.data<std::int64_t>()[i]);
  for (std::int64_t i = 0; i < data.test.size(); ++i) ++test.at(data.test.labels.data<std::int64_t>()[i]);
  const auto best = std::max_element(train.begin(), train.end()) - train.begin();
  return static_cast<double>(test[best]) / static_cast<double>(data.test.size());
}

DataLoader loader_of(const TrainingOptions& o, const Recipe& recipe, const ImageSet& train) {
  return {
      train,
      {.batch_size = recipe.batch, .shuffle = true, .seed = 1, .transform = recipe.transform, .prefetch = o.prefetch}};
}

struct Trained {
  double accuracy, seconds;
};

Trained train(const TrainingOptions& o, const Recipe& recipe, const ImageSet& train, const ImageSet& test,
              std::int64_t epochs) {
  manual_seed(1);
  const auto net = recipe.make();
  const auto optimizer = make_optimizer(recipe.learning, *net);
  Trainer trainer{*net,
                  *optimizer,
                  cross_entropy,
                  {.epochs = epochs,
                   .metrics = {Accuracy()},
                   .schedule = cosine(epochs),
                   .progress = o.quick ? ProgressMode::none : ProgressMode::automatic,
                   .interrupts = false}};
  const double start = now();
  const History history = trainer.fit(loader_of(o, recipe, train), test);
  return {history.back().at("test_accuracy"), now() - start};
}

/// A network that begins with the numbers of ours, after three steps on each side: they must have learned the same.
std::unique_ptr<Learner> make_theirs(const TrainingOptions& o, const Recipe& recipe, OurLearner& ours,
                                     const DataLoader& loader) {
  if (!o.theirs) return nullptr;
  auto theirs = o.theirs(recipe.learning, ours.parameters());
  const Epoch epoch = loader.epoch(0);
  auto at = epoch.begin();
  const Batch first = *at;
  check_same(recipe.title, ours.loss(first), theirs->loss(samples_of(first)));
  for (int i = 0; i < 3 && at != std::default_sentinel; ++i, ++at) {
    ours.step(*at);
    theirs->step(samples_of(*at));
  }
  if (!recipe.dropout) check_same(recipe.title, ours.loss(first), theirs->loss(samples_of(first)));
  return theirs;
}

struct Speed {
  Spread ours, theirs;  // seconds per epoch
  double waiting;       // share of ours
};

Speed measure_speed(const TrainingOptions& o, const Recipe& recipe, const ImageSet& set) {
  manual_seed(1);
  const DataLoader loader = loader_of(o, recipe, set);
  OurLearner ours(recipe);
  const auto theirs = make_theirs(o, recipe, ours, loader);
  Walk our_walk(loader, [&](const Batch& batch) { return ours.step(batch); });
  Walk their_walk(loader, [&](const Batch& batch) { return theirs->step(samples_of(batch)); });
  const std::int64_t piece = std::max<std::int64_t>(loader.size() / o.rounds, 1);
  const double pieces = static_cast<double>(loader.size()) / static_cast<double>(piece);
  std::vector<double> our_seconds, their_seconds;
  for (int round = 0; round < o.rounds; ++round) {
    our_seconds.push_back(our_walk.run(piece) * pieces);
    if (theirs) their_seconds.push_back(their_walk.run(piece) * pieces);
  }
  return {spread_of(our_seconds), spread_of(their_seconds), our_walk.share_of_waiting()};
}

std::string memory_text(const TrainingOptions& o, const Recipe& recipe, const char* side) {
  if (o.program.empty()) return "";
  std::vector<std::string> call{o.program,
                                "--memory-of",
                                side,
                                "--net",
                                recipe.learning.network,
                                "--threads",
                                std::to_string(o.threads),
                                "--prefetch",
                                std::to_string(o.prefetch)};
  if (o.quick) call.emplace_back("--quick");
  if (!o.data.empty()) call.insert(call.end(), {"--data", o.data});
  const ProcessResult result = run_process(call, {.time_limit = std::chrono::minutes(10)});
  if (!result.ok()) throw EnvironmentError("bench: measuring memory failed: " + result.err);
  return bytes_text(std::atoll(result.out.c_str()));
}

std::string percent(double share) { return share > 0 ? fmt::format("{:.2f} %", 100 * share) : ""; }

std::vector<std::string> row(const TrainingOptions& o, const Recipe& recipe, const ImageSplit& data) {
  const std::int64_t epochs = o.epochs > 0 ? o.epochs : o.quick ? 1 : recipe.epochs;
  // Speed first: a processor that trained for minutes may be slower than it was.
  const Speed speed = measure_speed(o, recipe, data.train);
  const bool theirs = speed.theirs.samples > 0;
  std::vector<std::string> cells{recipe.title, fmt::format("{}", OurLearner(recipe).size())};
  std::vector<std::string> learned(6);
  if (!o.no_accuracy) {
    const Trained trained = train(o, recipe, data.train, data.test, epochs);
    const Trained control =
        train(o, recipe, with_shuffled_labels(data.train), data.test, std::max<std::int64_t>(epochs / 5, 1));
    learned = {fmt::format("{}", epochs),      percent(trained.accuracy), percent(recipe.accuracy),
               percent(commonest_class(data)), percent(control.accuracy), seconds_text(trained.seconds)};
  }
  cells.insert(cells.end(), learned.begin(), learned.end());
  const std::vector<std::string> times{seconds_text(speed.ours.median),
                                       spread_text(speed.ours),
                                       theirs ? seconds_text(speed.theirs.median) : "",
                                       theirs ? spread_text(speed.theirs) : "",
                                       theirs ? fmt::format("{:.2f}", speed.theirs.median / speed.ours.median) : "",
                                       fmt::format("{:g}", recipe.ratio),
                                       fmt::format("{:.1f} %", 100 * speed.waiting),
                                       memory_text(o, recipe, "ours"),
                                       theirs ? memory_text(o, recipe, "theirs") : ""};
  cells.insert(cells.end(), times.begin(), times.end());
  return cells;
}

std::vector<Recipe> chosen(const TrainingOptions& o) {
  std::vector<Recipe> list;
  std::string known;
  for (const Recipe& recipe : recipes()) {
    known += " " + recipe.learning.network;
    if (o.nets.empty() || std::count(o.nets.begin(), o.nets.end(), recipe.learning.network) > 0) list.push_back(recipe);
  }
  for (const std::string& name : o.nets)
    if (std::none_of(list.begin(), list.end(), [&](const Recipe& r) { return r.learning.network == name; }))
      throw ValueError(fmt::format("bench: there is no network '{}'; known:{}", name, known));
  return list;
}

}  // namespace

std::string training_table(const TrainingOptions& o) {
  const std::vector<Recipe> list = chosen(o);
  std::map<bool, ImageSplit> data;  // of both sets: what is missing is said before the first training
  for (const Recipe& recipe : list)
    if (!data.contains(recipe.fashion)) data.emplace(recipe.fashion, load(recipe, o));
  set_num_threads(o.threads);
  Table table({"network", "parameters", "epochs", "accuracy", "wanted", "commonest class", "shuffled labels",
               "trained in", "an epoch", "+-", "libtorch's", "+-", "ratio", "wanted", "waits for data", "memory",
               "libtorch's"});
  for (const Recipe& recipe : list) {
    table.add(row(o, recipe, data.at(recipe.fashion)));
    const auto& cells = table.last();  // a line on the way: the whole table takes long
    if (!o.quick) fmt::print(stderr, "{}: {}, an epoch {}, ratio {}\n", cells[0], cells[3], cells[8], cells[12]);
  }
  return o.markdown ? table.markdown() : table.text();
}

std::int64_t training_memory(const TrainingOptions& o, const std::string& side) {
  const Recipe recipe = chosen(o).at(0);
  const ImageSplit data = load(recipe, o);
  set_num_threads(o.threads);
  const DataLoader loader = loader_of(o, recipe, data.train);
  manual_seed(1);
  std::optional<OurLearner> ours(recipe);
  const auto parameters = ours->parameters();
  ours.reset();
  empty_cache();  // what made the data would count as the network's
  PeakMemory memory;
  std::unique_ptr<Learner> theirs;
  if (side == "ours")
    ours.emplace(recipe);
  else
    theirs = o.theirs(recipe.learning, parameters);
  Walk walk(loader, [&](const Batch& batch) { return ours ? ours->step(batch) : theirs->step(samples_of(batch)); });
  walk.run(2);
  memory.forget();
  walk.run(20);
  return memory.bytes();
}

}  // namespace chainrule::bench
