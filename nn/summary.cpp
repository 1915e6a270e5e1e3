// Running the network and gathering what its operations are. The table and JSON are in summary_text.cpp.
#include "nn/summary.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <memory>

#include "engine/factory.h"
#include "engine/op_info.h"
#include "engine/profile.h"
#include "engine/tensor_impl.h"
#include "nn/containers.h"
#include "ops/language/cost.h"

namespace chainrule {
namespace {

/// Adds every operation to the row of the module that calls it.
class Gather : public Observer {
 public:
  explicit Gather(std::vector<SummaryRow>& rows) : rows_(rows) {}
  virtual ~Gather() = default;
  void start() { last_ = internal::profile_clock(); }

  void computed(const OpInfo& info, std::span<const Tensor* const> inputs, Tensor& result) override {
    const double now = internal::profile_clock();
    const ModulePath* module = thread_state().module;
    const auto [at, is_new] = places_.try_emplace(module, rows_.size());
    if (is_new) rows_.push_back({.name = module ? module->full() : "", .kind = module ? module->kind : ""});
    SummaryRow& row = rows_[at->second];
    row.output = result.shape();
    row.seconds += now - last_;
    std::vector<Shape> shapes;
    bool is_view = false;
    for (const Tensor* x : inputs) {
      shapes.push_back(x->shape());
      is_view |= result.impl().storage && result.impl().storage.get() == x->impl().storage.get();
    }
    row.flops += language::flops_of(info, shapes, result.shape());
    if (!is_view) row.bytes += result.numel() * static_cast<std::int64_t>(item_size(result.dtype()));
    last_ = internal::profile_clock();
  }

 private:
  std::vector<SummaryRow>& rows_;
  std::map<const ModulePath*, std::size_t> places_;
  double last_ = 0;
};

/// Modes of all modules, put back at the end.
class Evaluation {
 public:
  explicit Evaluation(ModuleBase& model) : modules_(model.modules()) {
    for (const NamedModule& m : modules_) modes_.push_back(m.module->is_training());
    model.eval();
  }
  ~Evaluation() {
    // train() reaches everything inside, so that parents come before their children, as modules() has them.
    for (std::size_t i = 0; i < modules_.size(); ++i) modules_[i].module->train(modes_[i]);
  }
  Evaluation(const Evaluation&) = delete;
  Evaluation& operator=(const Evaluation&) = delete;

 private:
  std::vector<NamedModule> modules_;
  std::vector<bool> modes_;
};

/// "0" is the network inside the Sequential that calls it.
std::string without_caller(const std::string& name) { return name.size() > 2 ? name.substr(2) : ""; }

void add_parameters(Summary& s, ModuleBase& model) {
  for (const NamedTensor& p : model.parameters()) {
    const auto dot = p.name.rfind('.');
    const std::string owner = dot == std::string::npos ? "" : p.name.substr(0, dot);
    auto row = std::find_if(s.rows.begin(), s.rows.end(), [&](const SummaryRow& r) { return r.name == owner; });
    if (row == s.rows.end()) {
      std::string kind;
      for (const NamedModule& m : model.modules())
        if (m.name == owner) kind = m.module->kind();
      row = s.rows.insert(row, {.name = owner, .kind = kind, .called = false});
    }
    row->parameters += p.tensor.numel();
    s.parameters += p.tensor.numel();
    if (p.tensor.requires_grad()) s.trainable += p.tensor.numel();
    s.parameter_bytes += p.tensor.numel() * static_cast<std::int64_t>(item_size(p.tensor.dtype()));
  }
}

}  // namespace

Summary summary(ModuleBase& model, const Shape& shape, const SummaryOptions& options, SourceLocation where) {
  const CalledFrom user(where);
  if (options.batch_size < 1)
    throw ValueError(fmt::format("summary: batch_size must be at least 1, not {}", options.batch_size));
  Summary s{.kind = model.kind(), .timed = options.time};
  s.input.push_back(options.batch_size);
  for (const auto size : shape) s.input.push_back(size);
  const auto parameters = model.parameters();
  const DType dtype = options.dtype.value_or(parameters.empty() ? default_dtype() : parameters.front().tensor.dtype());

  const NoGrad forward_only;
  const Evaluation mode(model);
  const internal::Scope<const ModulePath*> outside(&ThreadState::module, nullptr);
  // A Sequential calls modules of any kind, and names inside begin at it. It does not own the network.
  Sequential caller;
  caller.append(std::shared_ptr<ModuleBase>(std::shared_ptr<void>(), &model));
  const Tensor x = zeros(s.input, dtype);
  const auto run = [&] {
    s.rows.clear();
    Gather gather(s.rows);
    const internal::Scope<Observer*> watched(&ThreadState::observer, &gather);
    gather.start();
    s.output = caller(x, where).shape();
  };
  run();
  if (options.time) {
    run();  // with warm caches
    for (int i = 0; i < 3; ++i) {
      const double begin = internal::profile_clock();
      (void)caller(x, where);
      const double seconds = internal::profile_clock() - begin;
      s.seconds = i == 0 ? seconds : std::min(s.seconds, seconds);
    }
  }
  for (SummaryRow& row : s.rows) {
    row.name = without_caller(row.name);
    if (!options.time) row.seconds = 0;
    s.flops += row.flops;
    s.activation_bytes += row.bytes;
  }
  add_parameters(s, model);
  return s;
}

}  // namespace chainrule
