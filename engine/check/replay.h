// Inner header: for our own sources, not installed.
// Evaluations of a function that are watched operation by operation: the first is kept, later ones are held to it and
// have single results exchanged.
#pragma once

#include <map>
#include <unordered_map>
#include <vector>

#include "engine/check/gradcheck.h"
#include "engine/node.h"
#include "engine/profile.h"

namespace chainrule::internal {

using Values = std::vector<double>;

/// What a function computed, in order. Operations are numbered from 0.
class Recording final : public Observer {
 public:
  Recording(const CheckedFunction& evaluate, const std::vector<Tensor>& x);
  void computed(const OpInfo& info, std::span<const Tensor* const> inputs, Tensor& result) override;

  std::size_t size() const { return results_.size(); }
  const OpInfo& info(std::size_t k) const { return *infos_[k]; }
  const Tensor& result(std::size_t k) const { return results_[k]; }
  std::span<const Tensor> inputs(std::size_t k) const { return inputs_[k]; }
  /// The operation's node, or null when it was not recorded.
  Node* node(std::size_t k) const { return results_[k].node(); }
  static constexpr std::size_t npos = ~std::size_t{0};
  std::size_t place_of(const Node* node) const;
  /// Elements that one evaluation computes.
  double cost() const { return cost_; }

 private:
  std::vector<const OpInfo*> infos_;
  std::vector<Tensor> results_, outputs_;
  std::vector<std::vector<Tensor>> inputs_;
  std::unordered_map<const Node*, std::size_t> places_;
  double cost_ = 0;
};

/// What became of one operation in another evaluation.
struct Replayed {
  Tensor result;         // undefined when the function took another course than the recording, or threw
  bool refused = false;  // the function threw: the value lies outside what it takes
  int changed = -1;      // an input that `moved` does not name, and that differs from the recording's
};
/// Operation `target` when the results in `held` are put in place of what is computed; `moved` are the inputs of the
/// target that may change.
Replayed replay(const Recording& base, const CheckedFunction& evaluate, const std::vector<Tensor>& x,
                const std::map<std::size_t, Tensor>& held, std::size_t target, std::span<const int> moved);

/// base + t * direction, element by element in row-major order.
Tensor shifted(const Tensor& base, const Values& direction, double t);

/// Gives a leaf other numbers while it lives, without a trace in its version.
class ShiftedLeaf {
 public:
  ShiftedLeaf(const Tensor& leaf, const Tensor& values);
  ~ShiftedLeaf();
  ShiftedLeaf(const ShiftedLeaf&) = delete;
  ShiftedLeaf& operator=(const ShiftedLeaf&) = delete;

 private:
  TensorImpl& leaf_;
  void* data_;
  Ref<Storage> storage_;
  Strides strides_;
};

}  // namespace chainrule::internal
