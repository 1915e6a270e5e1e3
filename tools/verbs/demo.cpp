// The verb demo, the main job on real input: from a graph of three multiplications to a network that reads handwriting.
// Results go to stdout, progress to stderr.
#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <numeric>

#include "engine/check/gradcheck.h"
#include "engine/draw/diagram.h"
#include "engine/factory.h"
#include "engine/format.h"
#include "engine/pictures/chart.h"
#include "engine/pictures/sheet.h"
#include "engine/scopes.h"
#include "engine/system/interrupt.h"
#include "engine/system/progress.h"
#include "engine/types/error.h"
#include "ops/kernels/parallel.h"
#include "ops/ops.h"
#include "tools/program/option_values.h"
#include "tools/verbs/digits_net.h"
#include "tools/verbs/verbs.h"

namespace chainrule {
namespace {

struct DemoOptions {
  std::string out = "out";  ///< folder for the pictures; made when missing
  std::uint64_t seed = 0;
  int epochs = 20;
  int threads = 0;
  std::string progress = "auto";
};

constexpr double kPromisedAccuracy = 0.975;
constexpr std::size_t kShownMistakes = 24;

void make_folder(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error || !std::filesystem::is_directory(path))
    throw EnvironmentError(fmt::format("demo: cannot make the folder {}: {}", path,
                                       error ? error.message() : "a file of that name is in the way"));
}

class Demo {
 public:
  explicit Demo(const DemoOptions& options) : options_(options), generator_(options.seed) {}

  int run() {
    make_folder(options_.out);
    price();
    if (!train()) return stopped();
    const bool right = check();
    draw_network();
    draw_mistakes();
    fmt::print("\nWritten to {}/:\n{}", options_.out, written_);
    if (!missing_.empty()) fmt::print(stderr, "chainrule: {}\n", missing_);
    if (!missing_.empty()) return 4;
    return right && history_.back().test_accuracy >= kPromisedAccuracy ? 0 : 1;
  }

 private:
  std::string path(const char* name) const { return (std::filesystem::path(options_.out) / name).string(); }

  void note(const char* name, const char* what) { written_ += fmt::format("  {:<14} {}\n", name, what); }

  // A graph can be drawn only where Graphviz is; without it the DOT file stays and the rest of the demo goes on.
  void draw(const char* name, const Tensor& result, const GraphOptions& options, const char* what) {
    try {
      write_graph(path(name), result, options);
      note(name, what);
    } catch (const EnvironmentError& e) {
      missing_ = e.what();
    }
  }

  void price() {
    fmt::print("1. The chain rule on a shopping bill: 2 apples of 100, 3 oranges of 150, tax 1.1\n");
    const Tensor apple = variable(100, "apple"), apples = variable(2, "apples");
    const Tensor orange = variable(150, "orange"), oranges = variable(3, "oranges"), tax = variable(1.1, "tax");
    const Tensor price = ((apple * apples + orange * oranges) * tax).label("price");
    price.backward();
    fmt::print("   price = (apple * apples + orange * oranges) * tax = {}\n", price);
    for (const Tensor& x : {apple, apples, orange, oranges, tax})
      fmt::print("   d price / d {:<8} {:>5}\n", x.label(), to_string(x.grad()));
    draw("price.svg", price, {.title = "price = (apple × apples + orange × oranges) × tax"},
         "the bill as a graph: values, local derivatives, gradients");
  }

  bool train() {
    digits_ = load_digits();
    parameters_ = make_digits_net(generator_);
    const std::int64_t numbers = std::accumulate(parameters_.begin(), parameters_.end(), std::int64_t{0},
                                                 [](std::int64_t n, const Tensor& p) { return n + p.numel(); });
    fmt::print("\n2. A convolutional network of {} parameters learns {} real handwritten digits (seed {})\n", numbers,
               digits_.train.size(), options_.seed);
    std::fflush(stdout);
    Progress progress("epoch", options_.epochs, {.mode = parse_progress_mode(options_.progress)});
    auto facts = [](double loss, const EpochRecord* r) {
      return r ? fmt::format("loss {:.4f}  test {:.1f} %", loss, 100 * r->test_accuracy)
               : fmt::format("loss {:.4f}", loss);
    };
    history_ = train_digits(digits_, parameters_, generator_, {.epochs = options_.epochs},
                            [&](double done, const EpochRecord* last, double loss) {
                              progress.update(done, facts(loss, last));
                              return interrupted() == 0;
                            });
    if (interrupted()) return false;
    progress.finish(facts(history_.back().loss, &history_.back()));
    fmt::print("   accuracy: {:.2f} % of the digits it trained on, {:.2f} % of {} it never saw\n",
               100 * history_.back().train_accuracy, 100 * history_.back().test_accuracy, digits_.test.size());
    draw_curves();
    return true;
  }

  void draw_curves() {
    Series loss{.name = "training loss"}, train{.name = "train"}, test{.name = "test"};
    for (std::size_t i = 0; i < history_.size(); ++i) {
      for (Series* s : {&loss, &train, &test}) s->x.push_back(static_cast<double>(i + 1));
      loss.y.push_back(history_[i].loss);
      train.y.push_back(100 * history_[i].train_accuracy);
      test.y.push_back(100 * history_[i].test_accuracy);
    }
    write_chart(path("curves.svg"), {.title = "Learning to read digits",
                                     .x_label = "epoch",
                                     .panels = {{.label = "cross entropy", .series = {loss}},
                                                {.label = "accuracy", .unit = " %", .series = {train, test}}}});
    note("curves.svg", "loss and accuracy, epoch by epoch");
  }

  bool check() {
    fmt::print("\n3. Its gradients against numerical ones (float64, 20 elements of each parameter)\n");
    const ImageSet batch = digits_.train.select({0, 1, 2, 3, 4, 5, 6, 7});
    const Tensor images = to(batch.images, DType::float64);
    const auto loss = [&](const std::vector<Tensor>& p) { return cross_entropy(digits_net(images, p), batch.labels); };
    const GradcheckReport report = gradcheck(loss, parameters_, {.sample = 20});
    fmt::print("{}\n", report);
    return report.ok();
  }

  void draw_network() {
    const TeachingMode keep_everything;
    const ImageSet batch = digits_.test.select({0, 1, 2, 3});
    const Tensor scores = digits_net(batch.images.detach().label("images"), parameters_).label("scores");
    const Tensor loss = cross_entropy(scores, batch.labels).label("loss");
    for (Tensor& p : parameters_) p.zero_grad();
    loss.backward();
    draw("network.svg", loss, {.title = "the digit network: loss of four pictures"},
         "the trained network as a graph, with shapes and gradients");
  }

  void draw_mistakes() {
    const NoGrad only_values;
    const Tensor probabilities = softmax(digits_net(digits_.test.images, parameters_), 1);
    const auto answers = argmax(probabilities, 1).values<std::int64_t>(),
               truth = digits_.test.labels.values<std::int64_t>();
    const auto pixels = digits_.test.images.values<float>(), p = probabilities.values<float>();
    std::vector<Picture> wrong;
    for (std::size_t i = 0; i < truth.size() && wrong.size() < kShownMistakes; ++i) {
      if (answers[i] == truth[i]) continue;
      wrong.push_back({.pixels = {pixels.begin() + i * 64, pixels.begin() + (i + 1) * 64},
                       .height = 8,
                       .width = 8,
                       .caption = {fmt::format("{} read as {}", truth[i], answers[i]),
                                   fmt::format("sure: {:.0f} %", 100 * p[i * 10 + answers[i]])}});
    }
    write_picture_sheet(path("mistakes.png"), wrong, "Digits that the network read wrongly");
    note("mistakes.png", "the test digits it read wrongly, with its answer");
  }

  int stopped() const {
    fmt::print(stderr, "chainrule: stopped by signal {}; the network was not kept\n", interrupted());
    return interrupt_exit_code();
  }

  DemoOptions options_;
  Generator generator_;
  ImageSplit digits_;
  std::vector<Tensor> parameters_;
  std::vector<EpochRecord> history_;
  std::string written_, missing_;
};

/// 0 done, 1 a gradient or the accuracy is not as promised, 4 a picture could not be drawn, 128 + n stopped by a
/// signal.
int run_demo(const DemoOptions& options) {
  set_num_threads(options.threads);
  watch_interrupts();
  return Demo(options).run();
}

}  // namespace

void add_demo_verb(CommandLine& app) {
  add_verb<DemoOptions>(
      app, "demo", "The chain rule on a bill, then a network that learns real handwritten digits",
      "chainrule demo --out out --seed 1",
      [](CLI::App& verb, DemoOptions& o) {
        verb.add_option("--out", o.out, "Folder for the pictures")->capture_default_str();
        verb.add_option("--seed", o.seed, "Seed of every random number")
            ->capture_default_str()
            ->transform(whole_number());
        verb.add_option("--epochs", o.epochs, "Passes over the training digits")
            ->capture_default_str()
            ->transform(whole_number(1, 10000));
        verb.add_option("--threads", o.threads, "Threads that kernels may use; 0: all cores")
            ->capture_default_str()
            ->transform(whole_number(0, kMostThreads));
        verb.add_option("--progress", o.progress, "auto, bar, plain or none")
            ->capture_default_str()
            ->check(one_of({"auto", "bar", "plain", "none"}));
      },
      run_demo);
}

}  // namespace chainrule
