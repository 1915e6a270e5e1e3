// Numbers of networks turned into what engine/pictures draws.
#include "optim/trainer/pictures.h"

#include <fmt/format.h>

#include <algorithm>

#include "engine/profile.h"
#include "engine/scopes.h"
#include "engine/types/error.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

/// Keeps the last result of each module that runs operations.
struct LastResults final : Observer {
  std::vector<NamedTensor> found;
  void computed(const OpInfo&, std::span<const Tensor* const>, Tensor& result) override {
    const ModulePath* module = thread_state().module;
    if (!module || !is_floating(result.dtype())) return;
    const std::string name = module->full();
    const auto known = std::find_if(found.begin(), found.end(), [&](const NamedTensor& r) { return r.name == name; });
    if (known == found.end())
      found.push_back({name, result});
    else
      known->tensor = result;
  }
};

/// Evaluation without recording, for as long as it lives.
class Evaluation {
 public:
  explicit Evaluation(Module& net) : net_(net), before_(net.is_training()) { net_.eval(); }
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;
  ~Evaluation() { net_.train(before_); }

 private:
  NoGrad only_values_;
  Module& net_;
  bool before_;
};

std::vector<float> floats(const Tensor& tensor) {
  std::vector<float> numbers;
  for (const double v : tensor.to_vector()) numbers.push_back(static_cast<float>(v));
  return numbers;
}

}  // namespace

HeatMap confusion_map(const ConfusionMatrix& confusion, std::vector<std::string> classes, const std::string& title) {
  const std::int64_t count = confusion.classes();
  if (classes.empty())
    for (std::int64_t c = 0; c < count; ++c) classes.push_back(std::to_string(c));
  if (static_cast<std::int64_t>(classes.size()) != count)
    throw ValueError(fmt::format("confusion_map: {} names for {} classes", classes.size(), count));
  HeatMap map{.title = title,
              .row_label = "truth",
              .column_label = "answer",
              .rows = classes,
              .columns = classes,
              .counts = {}};
  bool unanswered = false;
  for (std::int64_t t = 0; t < count; ++t) unanswered = unanswered || confusion.at(t, count) > 0;
  if (unanswered) map.columns.push_back("none");
  for (std::int64_t t = 0; t < count; ++t) {
    map.counts.emplace_back();
    for (std::int64_t a = 0; a < count + unanswered; ++a) map.counts.back().push_back(confusion.at(t, a));
  }
  return map;
}

std::vector<Picture> filter_pictures(const Tensor& weight, std::size_t most) {
  if (weight.dim() != 4)
    throw ShapeError(
        fmt::format("filter_pictures: a weight is (out, in, height, width), not {}", to_string(weight.shape())));
  const std::int64_t inputs = weight.size(1), height = weight.size(2), width = weight.size(3);
  const std::vector<float> all = floats(weight);
  const auto size = static_cast<std::size_t>(height * width);
  std::vector<Picture> pictures;
  for (std::size_t at = 0; size > 0 && at < all.size() && pictures.size() < most; at += size) {
    Picture picture{
        .pixels = {all.begin() + static_cast<std::ptrdiff_t>(at), all.begin() + static_cast<std::ptrdiff_t>(at + size)},
        .height = static_cast<int>(height),
        .width = static_cast<int>(width),
        .caption = {}};
    const auto [least, greatest] = std::minmax_element(picture.pixels.begin(), picture.pixels.end());
    const float low = *least, range = *greatest - low;
    for (float& v : picture.pixels) v = range > 0 ? (v - low) / range : 0.5F;
    const std::size_t number = at / size;
    picture.caption = {inputs == 1 ? fmt::format("{}", number)
                                   : fmt::format("{}, {}", number / static_cast<std::size_t>(inputs),
                                                 number % static_cast<std::size_t>(inputs))};
    pictures.push_back(std::move(picture));
  }
  return pictures;
}

std::vector<Picture> wrong_pictures(Module& net, const AnyDataset& data, std::size_t most) {
  const Evaluation evaluation(net);
  std::vector<Picture> pictures;
  constexpr std::int64_t kAtOnce = 256;
  for (std::int64_t from = 0; from < data.size() && pictures.size() < most; from += kAtOnce) {
    Indices indices;
    for (std::int64_t i = from; i < std::min(data.size(), from + kAtOnce); ++i) indices.push_back(i);
    const Batch batch = data.get(indices);
    if (batch.inputs.dim() != 4 || batch.inputs.size(1) != 1)
      throw ShapeError(fmt::format("wrong_pictures: samples are (1, height, width), these come as {}",
                                   to_string(batch.inputs.shape())));
    const Tensor chances = softmax(net(batch.inputs), 1);
    const auto answers = argmax(chances, 1).values<std::int64_t>();
    const auto truth = batch.targets.values<std::int64_t>();
    const std::vector<double> chance = chances.to_vector();
    const auto classes = static_cast<std::size_t>(chances.size(1));
    const std::vector<float> pixels = floats(batch.inputs);
    const std::int64_t height = batch.inputs.size(2), width = batch.inputs.size(3);
    for (std::size_t i = 0; i < answers.size() && pictures.size() < most; ++i) {
      if (answers[i] == truth[i]) continue;
      const auto first = pixels.begin() + static_cast<std::ptrdiff_t>(i) * height * width;
      pictures.push_back({.pixels = {first, first + height * width},
                          .height = static_cast<int>(height),
                          .width = static_cast<int>(width),
                          .caption = {fmt::format("{}, read as {}", truth[i], answers[i]),
                                      fmt::format("{:.0f} % sure",
                                                  100 * chance[i * classes + static_cast<std::size_t>(answers[i])])}});
    }
  }
  return pictures;
}

std::vector<Histogram> parameter_histograms(const ModuleBase& net) {
  std::vector<Histogram> plots;
  for (const NamedTensor& p : net.parameters()) plots.push_back({p.name, p.tensor.to_vector()});
  return plots;
}

std::vector<Histogram> activation_histograms(Module& net, const Tensor& input) {
  const Evaluation evaluation(net);
  LastResults results;
  {
    const internal::Scope<Observer*> watching(&ThreadState::observer, &results);
    static_cast<void>(net(input));
  }
  std::vector<Histogram> plots;
  for (const NamedTensor& r : results.found) plots.push_back({r.name, r.tensor.to_vector()});
  return plots;
}

}  // namespace chainrule
