// One step of an epoch is watched; the others cost nothing.
#include "optim/trainer/statistics.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "engine/scopes.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "optim/trainer/run_folder.h"

namespace chainrule {
namespace {

const std::string kColumns = "epoch,kind,name,mean,std,zeros,ratio\n";

double norm(const std::vector<double>& numbers) {
  double squares = 0;
  for (const double v : numbers) squares += v * v;
  return std::sqrt(squares);
}

}  // namespace

LayerStatistics::~LayerStatistics() { stop_watching(); }
void LayerStatistics::after_failure(Training&) noexcept { stop_watching(); }
void LayerStatistics::stop_watching() noexcept {
  if (watching_) thread_state().observer = outer_;
  watching_ = false;
}

// Not before the training: the run folder is made and judged there.
void LayerStatistics::before_epoch(Training& t) {
  if (path_.empty() || opened_) return;
  opened_ = true;
  std::string kept = kColumns;  // epochs that will come again are left out
  for (const std::string& line : t.epoch > 0 ? internal::lines_of(path_) : std::vector<std::string>())
    if (const LeadingNumber epoch = leading_number(line);
        epoch.length > 0 && epoch.value <= static_cast<double>(t.epoch))
      kept += line + "\n";
  write_file(path_, kept);
}

void LayerStatistics::before_step(Training& t) {
  looking_ = t.epoch != seen_;
  if (!looking_) return;
  activations_.clear();
  outer_ = thread_state().observer;
  thread_state().observer = this;
  watching_ = true;
}

void LayerStatistics::computed(const OpInfo&, std::span<const Tensor* const>, Tensor& result) {
  const ModulePath* module = thread_state().module;
  if (!module || !is_floating(result.dtype())) return;
  const std::string name = module->full();
  const auto known =
      std::find_if(activations_.begin(), activations_.end(), [&](const NamedTensor& a) { return a.name == name; });
  if (known == activations_.end())
    activations_.push_back({name, result});
  else
    known->tensor = result;
}

void LayerStatistics::after_forward(Training& t) {
  if (!watching_) return;
  stop_watching();
  for (const NamedTensor& a : activations_) add(t, "activation", a.name, a.tensor.detach().to_vector());
  activations_.clear();
}

void LayerStatistics::after_backward(Training& t) {
  weights_.clear();
  if (!looking_ || t.skip) return;
  for (const NamedTensor& p : t.optimizer.parameters()) {
    if (!p.tensor.requires_grad() || !p.tensor.has_grad()) continue;
    add(t, "gradient", p.name, p.tensor.grad().to_vector());
    weights_.push_back({p.name, internal::copied(p.tensor)});
  }
}

void LayerStatistics::after_step(Training& t) {
  if (weights_.empty()) return;
  for (const NamedTensor& before : weights_) {
    const auto& all = t.optimizer.parameters();
    const auto now = std::find_if(all.begin(), all.end(), [&](const NamedTensor& p) { return p.name == before.name; });
    std::vector<double> change = now->tensor.to_vector();
    const std::vector<double> old = before.tensor.to_vector();
    for (std::size_t i = 0; i < change.size(); ++i) change[i] -= old[i];
    add(t, "update", before.name, change, norm(change) / norm(old));
  }
  weights_.clear();
  seen_ = t.epoch;
}

void LayerStatistics::add(const Training& t, const char* kind, const std::string& name,
                          const std::vector<double>& numbers, double ratio) {
  LayerRow row{.epoch = t.epoch + 1, .kind = kind, .name = name, .ratio = ratio};
  const auto count = static_cast<double>(numbers.size());
  for (const double v : numbers) {
    row.mean += v / count;
    row.zeros += (v == 0) / count;
  }
  double squares = 0;
  for (const double v : numbers) squares += (v - row.mean) * (v - row.mean);
  row.std = std::sqrt(squares / count);
  rows_.push_back(row);
  if (!path_.empty())
    AppendFile(path_).line(fmt::format("{},{},{},{},{},{},{}", row.epoch, row.kind, printable(row.name),
                                       format_exact(row.mean), format_exact(row.std), format_exact(row.zeros),
                                       format_exact(row.ratio)));
}

}  // namespace chainrule
