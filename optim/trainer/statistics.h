// How numbers look inside a network: what vanishes, explodes, dies or stands still, layer by layer, once an epoch.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "engine/profile.h"
#include "optim/trainer/events.h"

namespace chainrule {

/// One tensor at one moment.
struct LayerRow {
  std::int64_t epoch = 0;    ///< counts from 1
  std::string kind;          ///< "activation" of a module, "gradient" or "update" of a parameter
  std::string name;          ///< its path
  double mean = 0, std = 0;  ///< over all elements; std is that of the numbers at hand, divided by their count
  double zeros = 0;          ///< share of exact zeros
  double ratio = 0;          ///< of an update: its norm over that of the weights before it
};

/// In the first step of each epoch: the last result of each module that runs operations, the gradient of each parameter
/// (as the optimizer gets it), and what the step added to it. Appended to a CSV file as it comes.
class LayerStatistics : public Handler, private Observer {
 public:
  /// An empty path: no file.
  explicit LayerStatistics(std::string path = {}) : path_(std::move(path)) {}
  LayerStatistics(const LayerStatistics&) = delete;
  LayerStatistics& operator=(const LayerStatistics&) = delete;
  ~LayerStatistics() override;
  const std::vector<LayerRow>& rows() const { return rows_; }

  void before_epoch(Training& t) override;
  void before_step(Training& t) override;
  void after_forward(Training& t) override;
  void after_backward(Training& t) override;
  void after_step(Training& t) override;
  void after_failure(Training& t) noexcept override;

 private:
  void stop_watching() noexcept;
  void computed(const OpInfo& info, std::span<const Tensor* const> inputs, Tensor& result) override;
  void add(const Training& t, const char* kind, const std::string& name, const std::vector<double>& numbers,
           double ratio = 0);
  std::string path_;
  std::vector<LayerRow> rows_;
  std::vector<NamedTensor> activations_, weights_;
  std::int64_t seen_ = -1;  // epoch of the last look
  bool opened_ = false, looking_ = false, watching_ = false;
  Observer* outer_ = nullptr;
};

}  // namespace chainrule
