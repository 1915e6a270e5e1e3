// L-BFGS, which asks for the loss several times a step.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <optional>

#include "optim/optimizer.h"

namespace chainrule {

struct LBFGSOptions {
  double lr = 1;                           ///< at least 0; with strong_wolfe the first length that is tried
  std::int64_t max_iter = 20;              ///< at least 1: iterations in one step
  std::optional<std::int64_t> max_eval{};  ///< at least 1: calls of the closure in one step; default max_iter * 5 / 4
  double tolerance_grad = 1e-7;            ///< at least 0: done when no gradient is larger
  double tolerance_change = 1e-9;          ///< at least 0: done when loss or parameters change by less
  std::int64_t history_size = 100;         ///< at least 1: pairs of changes that are kept
  bool strong_wolfe = false;               ///< search along the direction until the strong Wolfe conditions hold
};

/// L-BFGS (Nocedal, "Updating quasi-Newton matrices with limited storage", Mathematics of Computation 1980; the search
/// is that of Schmidt's minFunc), as torch.optim.LBFGS. All parameters are one vector, kept in double, so that there is
/// one group. step() takes the loss as a function:
///   optimizer.step([&] { optimizer.zero_grad(); Tensor loss = ...; loss.backward(); return loss; });
class LBFGS : public OptimizerOf<LBFGS, LBFGSOptions> {
 public:
  /// Throws ValueError for more than one group.
  LBFGS(Groups<LBFGSOptions> groups, LBFGSOptions options = {});
  static constexpr const char* kName = "LBFGS";
  using Optimizer::step;  // without a function it throws ValueError
  /// When the closure throws, parameters and state are as before.
  Tensor step(const std::function<Tensor()>& closure, SourceLocation where = SourceLocation::current()) override;
  bool needs_closure() const override { return true; }
  /// `lbfgs.step`, the iterations so far, and from the first one on the direction, its length, the last gradient, and
  /// the changes of gradients and parameters that are kept, one in a row.
  std::vector<NamedTensor> state() const override;
  void load_state(const std::vector<NamedTensor>& state) override;

 private:
  friend OptimizerOf;
  using Numbers = std::vector<double>;
  static void check(const Options& o);
  static std::vector<Slot> kept(const Options&) { return {}; }
  static void change(const Update& u, const Options& o);

  std::size_t size() const;
  Numbers gradient() const;
  Numbers values() const;
  /// Parameters become start + length direction.
  void move(const Numbers& start, double length, const Numbers& direction, const SourceLocation& where);
  Tensor search(const std::function<Tensor()>& closure, const SourceLocation& where);
  void remember(const Numbers& gradient_now);
  Numbers next_direction(const Numbers& gradient_now) const;

  using Kept = std::deque<std::shared_ptr<const Numbers>>;  // shared with the copy that a failed step goes back to
  struct Memory {
    std::int64_t iterations = 0;
    double length = 0;
    Numbers direction, gradient;       // of the last iteration
    Kept gradient_steps, value_steps;  // PyTorch's old_dirs and old_stps
  } memory_;
};

}  // namespace chainrule
