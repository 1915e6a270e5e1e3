// Inner header: for our own sources, not installed.
// What a forward changes beside its results, buffers and the random generator, at one moment, to go back to it.
#pragma once

#include <cstring>
#include <utility>
#include <vector>

#include "engine/factory.h"
#include "engine/random.h"
#include "engine/scopes.h"
#include "engine/tensor_impl.h"
#include "nn/module.h"

namespace chainrule::internal {

class Moment {
 public:
  /// When it throws, it holds what it held before.
  void take(const ModuleBase& net) {
    std::vector<NamedTensor> buffers = net.buffers();
    std::vector<Tensor> values;
    values.reserve(buffers.size());
    for (const NamedTensor& buffer : buffers) {
      move_outside(buffer.tensor.impl());  // so that putting back takes no memory
      values.push_back(copied(buffer.tensor));
    }
    buffers_ = std::move(buffers);
    values_ = std::move(values);
    random_ = default_generator().state();
  }
  void put_back_buffers() const {
    const NoGrad in_place;
    for (std::size_t i = 0; i < values_.size(); ++i) {
      Tensor buffer = buffers_[i].tensor;
      const std::size_t bytes = static_cast<std::size_t>(buffer.numel()) * item_size(buffer.dtype());
      if (!buffer.is_contiguous())
        buffer.copy_(values_[i]);
      else if (bytes > 0)
        std::memcpy(buffer.mutable_data("training"), values_[i].data(), bytes);
    }
  }
  void put_back_random() const { default_generator().set_state(random_); }

 private:
  std::vector<NamedTensor> buffers_;
  std::vector<Tensor> values_;
  Generator::State random_{};
};

}  // namespace chainrule::internal
