// What is drawn of a training, out of the pictures of pictures.h.
#include "optim/trainer/run_pictures.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "engine/pictures/chart.h"
#include "engine/scopes.h"
#include "nn/files/json_text.h"
#include "optim/trainer/metrics.h"
#include "optim/trainer/pictures.h"
#include "optim/trainer/run_folder.h"

namespace chainrule {
namespace {

constexpr std::size_t kMostPlots = 24;
constexpr std::size_t kMostPoints = 2000;

void keep_first(std::vector<Histogram>& plots) {
  if (plots.size() > kMostPlots) plots.resize(kMostPlots);
}

/// Points between equal neighbours say nothing.
void add_rate(std::vector<double>& steps, std::vector<double>& rates, double step, double rate) {
  const std::size_t n = rates.size();
  if (n >= 2 && rates[n - 1] == rate && rates[n - 2] == rate)
    steps.back() = step;
  else
    steps.push_back(step), rates.push_back(rate);
}

/// Every so many points, and the last.
std::vector<double> thinned(const std::vector<double>& all) {
  const std::size_t stride = (all.size() + kMostPoints - 1) / kMostPoints;
  std::vector<double> some;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i % stride == 0 || i + 1 == all.size()) some.push_back(all[i]);
  return some;
}

bool are_classes(const Tensor& output, const Tensor& target) {
  return output.dim() == 2 && target.defined() && target.dim() == 1 && target.dtype() == DType::int64;
}

}  // namespace

// The steps before a resumed training are in the lines of the run folder, which has been told before.
void DrawPictures::before_training(Training&) {
  steps_.clear();
  rates_.clear();
  for (const std::string& line : internal::lines_of(file("metrics.jsonl"))) {
    if (!line.starts_with(R"({"event":"step",)")) continue;
    const internal::JsonTree json = internal::parse_json(line);  // whole: the run folder has left out others
    const internal::JsonTree* rate = json.find("lr");
    if (rate) add_rate(steps_, rates_, json.at("step").number, rate->number);
  }
}

void DrawPictures::after_step(Training& t) { add_rate(steps_, rates_, static_cast<double>(t.step), t.optimizer.lr()); }

void DrawPictures::after_epoch(Training& t) {
  draw_rates();
  std::vector<Histogram> parameters = parameter_histograms(t.net);
  keep_first(parameters);
  if (!parameters.empty()) write_histograms(file("histograms.svg"), "parameters", parameters);
  for (const NamedTensor& p : t.net.parameters())
    if (p.tensor.dim() == 4) {
      write_picture_sheet(file("filters.png"), filter_pictures(p.tensor), p.name);
      break;
    }
  draw_answers(t);
}

void DrawPictures::draw_rates() const {
  write_chart(file("learning_rate.svg"),
              {.title = "learning rate",
               .x_label = "step",
               .panels = {{.label = "rate", .unit = {}, .series = {{"rate", thinned(steps_), thinned(rates_)}}}}});
}

void DrawPictures::draw_answers(Training& t) const {
  const DataLoader& loader = t.test_data ? *t.test_data : *t.train_data;
  // A loader of our own: that of a training may shuffle.
  const DataLoader data(loader.dataset(), {.batch_size = loader.options().batch_size});
  const bool was_training = t.net.is_training();
  std::optional<ConfusionMatrix> confusion;
  bool grey = false;
  try {
    const NoGrad only_values;
    t.net.eval();
    for (const Batch& batch : data.epoch(0)) {
      const Tensor output = t.net(batch.inputs);
      if (!are_classes(output, batch.targets)) break;
      if (!confusion) {
        confusion.emplace(output.size(1));
        grey = batch.inputs.dim() == 4 && batch.inputs.size(1) == 1;
      }
      confusion->update(output, batch.targets);
    }
    for (const Batch& batch : data.epoch(0)) {
      std::vector<Histogram> given = activation_histograms(t.net, batch.inputs);
      keep_first(given);
      if (!given.empty()) write_histograms(file("activations.svg"), "activations", given);
      break;
    }
    if (confusion) write_heat_map(file("confusion.svg"), confusion_map(*confusion));
    if (grey) write_picture_sheet(file("mistakes.png"), wrong_pictures(t.net, loader.dataset()), "read wrongly");
  } catch (...) {
    t.net.train(was_training);
    throw;
  }
  t.net.train(was_training);
}

}  // namespace chainrule
