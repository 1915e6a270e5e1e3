// Two convolutions and one linear layer, as expressions on tensors.
#include "tools/verbs/digits_net.h"

#include "engine/scopes.h"
#include "nn/init.h"
#include "ops/ops.h"
#include "optim/adam.h"

namespace chainrule {
namespace {

constexpr std::int64_t kFilters1 = 16, kFilters2 = 32, kClasses = 10;
constexpr const char* kNames[] = {"w1", "b1", "w2", "b2", "w3", "b3"};

}  // namespace

std::vector<Tensor> make_digits_net(Generator& generator) {
  std::vector<Tensor> p{
      kaiming_normal({kFilters1, 1, 3, 3}, generator),          zeros({kFilters1}),
      kaiming_normal({kFilters2, kFilters1, 3, 3}, generator),  zeros({kFilters2}),
      kaiming_normal({kClasses, kFilters2 * 2 * 2}, generator), zeros({kClasses}),
  };
  for (std::size_t i = 0; i < p.size(); ++i) p[i].set_requires_grad().label(kNames[i]);
  return p;
}

Tensor digits_net(const Tensor& images, const std::vector<Tensor>& p) {
  Tensor h = images;
  {
    const ModuleScope scope("conv1", "16 filters 3x3");
    h = max_pool2d(relu(conv2d(h, p[0], p[1], {.padding = 1})), 2);  // (N, 16, 4, 4)
  }
  {
    const ModuleScope scope("conv2", "32 filters 3x3");
    h = max_pool2d(relu(conv2d(h, p[2], p[3], {.padding = 1})), 2);  // (N, 32, 2, 2)
  }
  const ModuleScope scope("scores", "linear");
  return linear(flatten(h, 1), p[4], p[5]);  // (N, 10)
}

double accuracy(const ImageSet& set, const std::vector<Tensor>& parameters) {
  const NoGrad only_values;
  const auto answers = argmax(digits_net(set.images, parameters), 1).values<std::int64_t>();
  const auto truth = set.labels.values<std::int64_t>();
  std::int64_t right = 0;
  for (std::size_t i = 0; i < truth.size(); ++i) right += answers[i] == truth[i];
  return static_cast<double>(right) / static_cast<double>(truth.size());
}

std::vector<EpochRecord> train_digits(const ImageSplit& digits, std::vector<Tensor>& parameters, Generator& generator,
                                      const DigitsTraining& options,
                                      const std::function<bool(double, const EpochRecord*, double)>& after_batch) {
  std::vector<NamedTensor> named;
  named.reserve(parameters.size());
  for (const Tensor& p : parameters) named.push_back({p.label(), p});
  Adam optimizer(named, {.lr = options.lr});
  std::vector<EpochRecord> history;
  const std::int64_t count = digits.train.size();
  for (int epoch = 0; epoch < options.epochs; ++epoch) {
    const auto order = generator.permutation(count);
    double total = 0;
    for (std::int64_t start = 0; start < count; start += options.batch) {
      const std::int64_t end = std::min(start + options.batch, count);
      const ImageSet batch = digits.train.select({order.begin() + start, order.begin() + end});
      const Tensor loss = cross_entropy(digits_net(batch.images, parameters), batch.labels);
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
      total += loss.item() * static_cast<double>(end - start);
      const double done = epoch + static_cast<double>(end) / static_cast<double>(count);
      if (end < count && !after_batch(done, history.empty() ? nullptr : &history.back(), loss.item())) return history;
    }
    history.push_back(
        {total / static_cast<double>(count), accuracy(digits.train, parameters), accuracy(digits.test, parameters)});
    if (!after_batch(epoch + 1, &history.back(), history.back().loss)) return history;
  }
  return history;
}

}  // namespace chainrule
