// Layers that give their input another shape.
#pragma once

#include "nn/child.h"

namespace chainrule {

/// Joins the axes from start_dim on: (N, C, H, W) to (N, C H W).
class Flatten : public Module {
 public:
  explicit Flatten(std::int64_t start_dim = 1, std::int64_t end_dim = -1) : start_dim_(start_dim), end_dim_(end_dim) {}

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t start_dim_, end_dim_;
};

}  // namespace chainrule
