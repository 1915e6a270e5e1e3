// What pictures of a training show: counts, filters, errors, spreads. What the drawings look like is not tested here.
#include "optim/trainer/pictures.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>

#include "engine/factory.h"
#include "nn/layers.h"
#include "ops/ops.h"
#include "optim/adam.h"
#include "optim/sgd.h"
#include "optim/trainer/trainer.h"
#include "tests/engine/files/array_bytes.h"
#include "tests/optim/trainer/small_training.h"
#include "tests/temporary_folder.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace

TEST_CASE("pictures: a confusion matrix") {
  ConfusionMatrix confusion(2);
  confusion.update(tensor({{2., 1}, {0, 1}, {0, 1}}), tensor({0, 0, 1}));
  HeatMap map = confusion_map(confusion, {"<cat>", "犬"}, "pets");
  CHECK(map.counts == std::vector<std::vector<std::int64_t>>{{1, 1}, {0, 1}});
  const std::string svg = heat_map_svg(map);
  CHECK(svg == heat_map_svg(map));
  CHECK(count_of(svg, "class=\"cell\"") == 4);
  CHECK(contains(svg, "&lt;cat&gt;, 犬: 1 (50.0 %)"));
  CHECK(!contains(svg, "<cat>"));
  confusion.update(tensor({{std::nan(""), 1}}), tensor({1}));
  map = confusion_map(confusion);
  CHECK(map.columns == std::vector<std::string>{"0", "1", "none"});
  CHECK(map.counts[1] == std::vector<std::int64_t>{0, 1, 1});
  CHECK(contains(fault([&] { confusion_map(confusion, {"one"}); }), "1 names for 2 classes"));
  map.rows.pop_back();
  CHECK(contains(fault([&] { heat_map_svg(map); }), "heat map: 1 names for 2 rows"));
  CHECK(contains(fault([&] { heat_map_svg(HeatMap()); }), "there is no cell to draw"));
}

TEST_CASE("pictures: histograms count every number once") {
  CHECK(count_in_bins({0, 0.5, 1, 1, 0.24, 0.26, -1, 2}, 0, 1, 4) == std::vector<std::int64_t>{2, 1, 1, 2});
  CHECK(count_in_bins({3, 3}, 3, 3, 3) == std::vector<std::int64_t>{0, 2, 0});
  CHECK(count_in_bins({-1e308, 1e308}, -1e308, 1e308, 2) == std::vector<std::int64_t>{1, 1});
  const std::vector<Histogram> plots{{"a & b", {1, 2, 3, 4, NAN, INFINITY}}, {"none", {}}, {"one", {5}}};
  const std::string svg = histograms_svg("layers", plots, 10);
  CHECK(svg == histograms_svg("layers", plots, 10));
  CHECK(contains(svg, "a &amp; b"));
  CHECK(contains(svg, "mean 2.5  std 1.118  \u00d7 2 not drawn"));
  CHECK(contains(svg, "no numbers"));
  CHECK(contains(fault([] { histograms_svg("x", {}); }), "there is no plot to draw"));
  CHECK(contains(fault([&] { histograms_svg("x", plots, 0); }), "bins are from 1 to 200, not 0"));
}

TEST_CASE("pictures: filters from paper to ink") {
  const auto pictures = filter_pictures(tensor({{{{-1., 1}, {0, 3}}}, {{{2, 2}, {2, 2}}}}));
  REQUIRE(pictures.size() == 2);
  CHECK(pictures[0].pixels == std::vector<float>{0, 0.5F, 0.25F, 1});
  CHECK(pictures[1].pixels == std::vector<float>(4, 0.5F));
  CHECK(pictures[1].caption == std::vector<std::string>{"1"});
  CHECK(filter_pictures(zeros({2, 3, 1, 1}))[4].caption == std::vector<std::string>{"1, 1"});
  CHECK(filter_pictures(zeros({9, 9, 1, 1}), 7).size() == 7);
  CHECK(contains(fault([] { filter_pictures(zeros({2, 3})); }), "(out, in, height, width), not (2, 3)"));
}

TEST_CASE("pictures: samples that are read wrongly, and what a network's layers give") {
  struct Brighter : Module {  // class 1 for a picture of more than one half in the mean
    Child<ReLU> act{*this, "act"};
    Tensor forward(const Tensor& x) override {
      const Tensor m = act(mean(flatten(x, 1), 1));
      return stack({0.5 - m, m - 0.5}, 1);
    }
  } net;
  net.train();
  const Tensor x = tensor({{{{0., 0}, {0, 0}}}, {{{1, 1}, {1, 1}}}, {{{1, 1}, {1, 0}}}});
  const TensorDataset data(x, tensor({0, 1, 0}));
  const auto wrong = wrong_pictures(net, data);
  REQUIRE(wrong.size() == 1);
  CHECK(wrong[0].pixels == std::vector<float>{1, 1, 1, 0});
  CHECK(wrong[0].caption == std::vector<std::string>{"0, read as 1", "62 % sure"});
  CHECK(net.is_training());
  CHECK(contains(fault([&] {
                   wrong_pictures(net, TensorDataset(zeros({2, 4}), tensor({0, 1})));
                 }),
                 "samples are (1, height, width)"));
  const auto given = activation_histograms(net, x);
  REQUIRE(given.size() == 1);
  CHECK(given[0].label == "act");
  CHECK(given[0].values == std::vector<double>{0, 1, 0.75});
  Linear linear(2, 3);
  CHECK(parameter_histograms(linear)[0].values == linear.weight.to_vector());
}

TEST_CASE("pictures: those of a run folder are the same bytes again, also of a training that was resumed") {
  struct Cnn : Module {
    Child<Conv2d> conv{*this, "conv", 1, 4, Conv2d::Options{.kernel_size = 3, .padding = 1}};
    Child<Linear> out{*this, "out", 4 * 16, 10};
    Tensor forward(const Tensor& x) override { return out(flatten(max_pool2d(relu(conv(x)), 2), 1)); }
  };
  const ImageSplit digits = few_digits();
  const TemporaryFolder folder;
  const auto train = [&](std::int64_t epochs, const std::string& name) {
    manual_seed(5);
    Cnn net;
    Adam optimizer{net.parameters(), {.lr = 0.01}};
    Trainer::Options options = quiet(epochs);
    options.metrics = {Accuracy()};
    options.schedule = cosine(4);
    options.run_folder = folder / name;
    options.resume = true;
    options.pictures = true;
    Trainer trainer{net, optimizer, cross_entropy, options};
    trainer.fit(few_batches(digits.train), digits.test);
  };
  train(4, "once");
  train(4, "again");
  train(2, "halves");
  train(4, "halves");
  for (const std::string name :
       {"learning_rate.svg", "histograms.svg", "activations.svg", "confusion.svg", "mistakes.png", "filters.png"}) {
    CAPTURE(name);
    const std::string bytes = content(folder / "once/" + name);
    CHECK(bytes.size() > 500);
    CHECK(content(folder / "again/" + name) == bytes);
    CHECK(content(folder / "halves/" + name) == bytes);
  }
  // What they show is what metrics and weights say.
  const std::string confusion = content(folder / "once/confusion.svg");
  CHECK(contains(confusion, "confusion"));
  CHECK(contains(content(folder / "once/histograms.svg"), "conv.weight"));
  CHECK(contains(content(folder / "once/activations.svg"), "conv"));
  Linear flat(2, 2);
  Sgd optimizer{flat.parameters()};
  Trainer::Options options = quiet(1);
  options.pictures = true;
  CHECK(contains(fault([&] { Trainer(flat, optimizer, mse_loss, options); }), "pictures go into a run_folder"));
  // Without classes and convolutions there are those that apply.
  options.run_folder = folder / "flat";
  Trainer trainer{flat, optimizer, mse_loss, options};
  trainer.fit(DataLoader(TensorDataset(ones({4, 2}), ones({4, 2})), {.batch_size = 2}));
  CHECK(!content(folder / "flat/learning_rate.svg").empty());
  CHECK(!std::filesystem::exists(folder / "flat/confusion.svg"));
  CHECK(!std::filesystem::exists(folder / "flat/filters.png"));
}
