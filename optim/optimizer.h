// The base of all optimizers: groups of parameters, learning rates, and what is kept beside each parameter, by name.
// The optimizers themselves stand in sgd.h, adam.h, adaptive.h, lion.h and lbfgs.h.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engine/tensor.h"
#include "optim/trainables.h"

namespace chainrule {

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  /// Changes every trainable parameter that has a gradient; the others are left alone, with their state. One fused pass
  /// for each; gradients are read and never written. Whoever finds a value changed is told the line of this call. When
  /// it throws, no parameter has changed.
  virtual void step(SourceLocation where = SourceLocation::current());
  /// Calls `closure`, which clears the gradients, computes the loss, calls backward and returns the loss; then steps.
  /// LBFGS calls it several times. Returns the first loss.
  virtual Tensor step(const std::function<Tensor()>& closure, SourceLocation where = SourceLocation::current());
  /// Does step() ask for the loss several times, so that it needs the closure? As LBFGS does.
  virtual bool needs_closure() const { return false; }
  /// Forgets the gradients, so that the next backward starts from nothing.
  void zero_grad();
  const std::vector<NamedTensor>& parameters() const { return parameters_; }
  /// Names of the parameters that are not trainable now, which step() skips.
  std::vector<std::string> frozen() const;

  /// "Adam": how errors and checkpoints call it.
  const std::string& name() const { return name_; }
  /// Names of the groups, in order; one empty name where the parameters came as one list.
  std::vector<std::string> groups() const;
  /// The learning rate of the first group, or of the one of that name.
  double lr() const { return rate(0); }
  double lr(std::string_view group) const { return rate(index_of(group)); }
  /// The learning rate of all groups, or of one, from the next step on. Throws ValueError where the constructor would.
  void set_lr(double lr);
  void set_lr(double lr, std::string_view group);
  /// For schedules: every group's rate becomes `factor` times the one that it was made with or that set_lr gave it.
  /// Throws ValueError for a factor below 0 or not finite.
  void scale_lr(double factor);

  /// Copies of what is kept beside the parameters: `<parameter>.step`, an int64 number that counts its steps, and after
  /// the first one `<parameter>.<slot>` under PyTorch's names (`fc.weight.exp_avg`). Options and rates are not in it.
  virtual std::vector<NamedTensor> state() const;
  /// Puts back what state() gave, so that training goes on bit for bit. Everything is compared first: where anything is
  /// missing, unexpected, or of another shape or type, throws ValueError that lists all of it, and changes nothing.
  virtual void load_state(const std::vector<NamedTensor>& state);

 protected:
  /// What is kept beside a parameter, from its first step on.
  struct Slot {
    std::string name;
    double first = 0;        ///< what it starts from
    bool is_number = false;  ///< one float64 number and not one for each element
  };
  /// A parameter's step.
  struct Update {
    Tensor& parameter;       ///< dense
    const Tensor& gradient;  ///< dense, of the same dtype
    std::vector<Tensor>& slots;
    std::int64_t step;  ///< counts from 1
    const SourceLocation& where;
  };
  struct GroupOfParameters {
    std::string name;
    std::vector<NamedTensor> parameters;
  };
  /// Throws ValueError when two groups or parameters have one name, one stands there twice, or one is no dense floating
  /// leaf.
  Optimizer(std::string name, std::vector<GroupOfParameters> groups);
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  virtual double rate(std::size_t group) const = 0;
  virtual void set_rate(std::size_t group, double lr) = 0;
  virtual std::vector<Slot> slots(std::size_t group) const = 0;
  virtual void update(std::size_t group, const Update& update) = 0;

  std::size_t index_of(std::string_view group) const;
  std::size_t group_count() const { return group_names_.size(); }

 private:
  struct State {
    std::int64_t step = 0;
    std::vector<Tensor> slots;
  };
  std::vector<Tensor> fresh_slots(std::size_t parameter) const;

  std::string name_;
  std::vector<std::string> group_names_;
  std::vector<double> full_rates_;  // what scale_lr multiplies; empty until it is called
  std::vector<NamedTensor> parameters_;
  std::vector<std::size_t> group_of_;  // for each parameter, as is the next
  std::vector<State> states_;
  std::vector<Tensor> gradients_;  // within step(): what each parameter takes, none for one that is skipped
};

/// An optimizer with options for each group. `Self` says all that is its own, in static members: `kName`;
/// `check(options)`, which throws ValueError for what is out of range; `kept(options)`, the slots; and
/// `change(update, options)`, one parameter's step.
template <class Self, class O>
class OptimizerOf : public Optimizer {
 public:
  using Options = O;
  OptimizerOf(Groups<O> groups, O options = {}) : Optimizer(Self::kName, named(groups)) {
    for (const auto& group : groups.list()) options_.push_back(group.options.value_or(options));
    for (const O& o : options_) Self::check(o);
  }
  /// Of the first group, or of the one of that name.
  const O& options() const { return options_[0]; }
  const O& options(std::string_view group) const { return options_[index_of(group)]; }

 protected:
  double rate(std::size_t group) const override { return options_[group].lr; }
  void set_rate(std::size_t group, double lr) override {
    O changed = options_[group];
    changed.lr = lr;
    Self::check(changed);
    options_[group] = changed;
  }
  std::vector<Slot> slots(std::size_t group) const override { return Self::kept(options_[group]); }
  void update(std::size_t group, const Update& u) override { Self::change(u, options_[group]); }

 private:
  static std::vector<GroupOfParameters> named(const Groups<O>& groups) {
    std::vector<GroupOfParameters> list;
    for (const auto& group : groups.list()) list.push_back({group.name, group.parameters});
    return list;
  }
  std::vector<O> options_;
};

}  // namespace chainrule
