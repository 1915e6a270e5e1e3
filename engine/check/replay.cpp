// Exchanging values in the middle of an evaluation, through the thread's observer.
#include "engine/check/replay.h"

#include <algorithm>

#include "engine/check/state.h"
#include "engine/types/dtype.h"
#include "engine/types/error.h"

namespace chainrule::internal {

Recording::Recording(const CheckedFunction& evaluate, const std::vector<Tensor>& x) {
  {
    const Scope<Observer*> watched(&ThreadState::observer, this);
    outputs_ = evaluate(x);
  }
  for (std::size_t k = 0; k < results_.size(); ++k)
    if (const Node* node = results_[k].node()) places_.emplace(node, k);
}

void Recording::computed(const OpInfo& info, std::span<const Tensor* const> inputs, Tensor& result) {
  infos_.push_back(&info);
  results_.push_back(result);
  std::vector<Tensor>& values = inputs_.emplace_back();
  values.reserve(inputs.size());
  for (const Tensor* x : inputs) values.push_back(internal::alias(*x));
  cost_ += 50 + static_cast<double>(result.numel());
}

std::size_t Recording::place_of(const Node* node) const {
  const auto found = places_.find(node);
  return found == places_.end() ? npos : found->second;
}

namespace {

class Replay final : public Observer {
 public:
  Replay(const Recording& base, const std::map<std::size_t, Tensor>& held, std::size_t target,
         std::span<const int> moved)
      : base_(base), held_(held), target_(target), moved_(moved) {}
  void computed(const OpInfo& info, std::span<const Tensor* const> inputs, Tensor& result) override {
    const std::size_t k = next_++;
    astray_ |= k >= base_.size() || &base_.info(k) != &info || base_.result(k).shape() != result.shape() ||
               base_.result(k).dtype() != result.dtype();
    if (astray_) return;
    if (const auto other = held_.find(k); other != held_.end()) result = internal::alias(other->second);
    if (k != target_) return;
    seen_.result = internal::alias(result);
    for (int i = 0; i < static_cast<int>(inputs.size()); ++i)
      if (std::find(moved_.begin(), moved_.end(), i) == moved_.end() &&
          !same_bits(*inputs[static_cast<std::size_t>(i)], base_.inputs(k)[static_cast<std::size_t>(i)]))
        seen_.changed = i;
  }
  Replayed seen() const { return astray_ ? Replayed() : seen_; }

 private:
  const Recording& base_;
  const std::map<std::size_t, Tensor>& held_;
  std::size_t target_, next_ = 0;
  std::span<const int> moved_;
  bool astray_ = false;
  Replayed seen_;
};

}  // namespace

Replayed replay(const Recording& base, const CheckedFunction& evaluate, const std::vector<Tensor>& x,
                const std::map<std::size_t, Tensor>& held, std::size_t target, std::span<const int> moved) {
  Replay run(base, held, target, moved);
  const Scope<Observer*> watched(&ThreadState::observer, &run);
  try {
    (void)evaluate(x);
  } catch (const Error&) {
    return {.result = {}, .refused = true};  // a shifted value may be one that the function refuses
  }
  return run.seen();
}

Tensor shifted(const Tensor& base, const Values& direction, double t) {
  Tensor z = internal::copied(base);
  dispatch_floating(z.dtype(), [&](auto zero) {
    using T = decltype(zero);
    T* p = static_cast<T*>(z.impl().data);
    for (std::size_t i = 0; i < direction.size(); ++i)
      if (direction[i] != 0) p[i] = static_cast<T>(static_cast<double>(p[i]) + t * direction[i]);
  });
  return z;
}

ShiftedLeaf::ShiftedLeaf(const Tensor& leaf, const Tensor& values)
    : leaf_(leaf.impl()), data_(leaf_.data), storage_(leaf_.storage), strides_(leaf_.strides()) {
  leaf_.data = values.impl().data;
  leaf_.storage = values.impl().storage;
  leaf_.set_strides(values.strides());
}

ShiftedLeaf::~ShiftedLeaf() {
  leaf_.data = data_;
  leaf_.storage = std::move(storage_);
  leaf_.set_strides(strides_);
}

}  // namespace chainrule::internal
