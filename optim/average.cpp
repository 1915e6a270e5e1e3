// Averages of parameters over the steps of a training.
#include "optim/average.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <set>

#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/tensor_impl.h"
#include "engine/types/error.h"
#include "optim/arguments.h"

namespace chainrule {

WeightAverage::WeightAverage(Trainables parameters, WeightAverageOptions options)
    : parameters_(std::move(parameters).take()), options_(options) {
  if (options.decay) optim::expect_fraction("WeightAverage", "decay", *options.decay);
  std::set<std::string> names;
  for (const NamedTensor& p : parameters_) {
    if (!names.insert(p.name).second)
      throw ValueError(
          fmt::format("WeightAverage: two parameters are named '{}', and averages are kept by name", p.name));
    if (!p.tensor.is_leaf() || !p.tensor.is_contiguous())
      throw ValueError(fmt::format("WeightAverage: '{}' is no dense leaf", p.name));
    averages_.push_back(internal::copied(p.tensor));
  }
}

void WeightAverage::expect_usable(const char* what) const {
  if (swapped_) throw ValueError(fmt::format("WeightAverage: {} while the averages stand in the parameters", what));
}

void WeightAverage::update() {
  expect_usable("update");
  for (std::size_t i = 0; i < averages_.size(); ++i)
    if (parameters_[i].tensor.dtype() != averages_[i].dtype())
      throw ValueError(fmt::format("WeightAverage: '{}' is {} now, its average is {}; make a new one",
                                   parameters_[i].name, name_of(parameters_[i].tensor.dtype()),
                                   name_of(averages_[i].dtype())));
  ++updates_;
  const double share = updates_ == 1 ? 1 : options_.decay ? 1 - *options_.decay : 1 / static_cast<double>(updates_);
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    const Tensor& now = parameters_[i].tensor;
    if (updates_ == 1 || !is_floating(now.dtype())) {
      // Into the buffer that is there, so that nothing can fail halfway.
      std::memcpy(averages_[i].impl().data, now.data(), static_cast<std::size_t>(now.numel()) * item_size(now.dtype()));
      continue;
    }
    dispatch_floating(now.dtype(), [&](auto zero) {
      using T = decltype(zero);
      const T* p = now.data<T>();
      T* a = static_cast<T*>(averages_[i].impl().data);
      for (std::int64_t k = 0; k < now.numel(); ++k)
        a[k] = static_cast<T>(a[k] + share * (static_cast<double>(p[k]) - static_cast<double>(a[k])));
    });
  }
}

std::vector<NamedTensor> WeightAverage::values() const {
  expect_usable("values");
  std::vector<NamedTensor> list;
  for (std::size_t i = 0; i < averages_.size(); ++i)
    list.push_back({parameters_[i].name, internal::copied(averages_[i])});
  return list;
}

void WeightAverage::exchange() {
  const NoGrad in_place;
  for (const NamedTensor& p : parameters_) internal::move_outside(p.tensor.impl());  // what can fail comes first
  for (std::size_t i = 0; i < averages_.size(); ++i) {
    auto* p = static_cast<unsigned char*>(parameters_[i].tensor.mutable_data("WeightAverage::swap_in"));
    auto* a = static_cast<unsigned char*>(averages_[i].impl().data);
    const std::size_t bytes = static_cast<std::size_t>(averages_[i].numel()) * item_size(parameters_[i].tensor.dtype());
    std::swap_ranges(p, p + bytes, a);
  }
  swapped_ = !swapped_;
}

WeightAverage::Swapped WeightAverage::swap_in() {
  expect_usable("swap_in");
  if (updates_ == 0) throw ValueError("WeightAverage: swap_in before the first update");
  return Swapped(*this);
}

void WeightAverage::copy_to_parameters() {
  expect_usable("copy_to_parameters");
  if (updates_ == 0) throw ValueError("WeightAverage: copy_to_parameters before the first update");
  const NoGrad in_place;
  for (std::size_t i = 0; i < averages_.size(); ++i) parameters_[i].tensor.copy_(averages_[i]);
}

std::vector<NamedTensor> WeightAverage::state() const {
  expect_usable("state");
  std::vector<NamedTensor> list{{"average.updates", from_vector({updates_}, {})}};
  for (std::size_t i = 0; i < averages_.size(); ++i)
    list.push_back({parameters_[i].name + ".average", internal::copied(averages_[i])});
  return list;
}

void WeightAverage::load_state(const std::vector<NamedTensor>& given) {
  expect_usable("load_state");
  optim::expect_same("WeightAverage", state(), given);
  std::vector<Tensor> loaded;
  std::int64_t updates = 0;
  for (const NamedTensor& expected : state())
    for (const NamedTensor& t : given)
      if (t.name == expected.name) {
        if (t.name == "average.updates")
          updates = *t.tensor.data<std::int64_t>();
        else
          loaded.push_back(internal::copied(t.tensor));
      }
  if (updates < 0)
    throw ValueError(fmt::format("WeightAverage: 'average.updates' is {}; nothing was changed", updates));
  averages_ = std::move(loaded);
  updates_ = updates;
}

}  // namespace chainrule
