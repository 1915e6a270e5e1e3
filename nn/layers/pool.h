// Layers that give one number for each window of an image, (N, C, H, W) or (C, H, W), or a signal, (N, C, L) or (C, L).
#pragma once

#include "nn/layers/applied.h"

namespace chainrule {

struct Pool1dOptions {
  std::optional<std::int64_t> stride{};  ///< default: the kernel size
  std::int64_t padding = 0, dilation = 1;
  bool ceil_mode = false;
};
class MaxPool1d : public Module {
 public:
  using Options = Pool1dOptions;
  explicit MaxPool1d(std::int64_t kernel_size, Options options = {});
  std::string arguments() const override;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Size2 kernel_size_;
  PoolOptions options_;
};

struct AveragePool1dOptions {
  std::optional<std::int64_t> stride{};  ///< default: the kernel size
  std::int64_t padding = 0;
  bool ceil_mode = false, count_include_pad = true;
};
class AvgPool1d : public Module {
 public:
  using Options = AveragePool1dOptions;
  explicit AvgPool1d(std::int64_t kernel_size, Options options = {});
  std::string arguments() const override;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Size2 kernel_size_;
  AveragePoolOptions options_;
};

class MaxPool2d : public Module {
 public:
  using Options = PoolOptions;
  MaxPool2d(Size2 kernel_size, Options options = {});
  /// Where each maximum stands: what MaxUnpool2d takes.
  Tensor indices(const Tensor& x) const;
  std::string arguments() const override;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Size2 kernel_size_;
  Options options_;
};

class AvgPool2d : public Module {
 public:
  using Options = AveragePoolOptions;
  explicit AvgPool2d(Size2 kernel_size, Options options = {});
  std::string arguments() const override;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Size2 kernel_size_;
  Options options_;
};

/// unpool(x, indices): puts the maxima back where they stood, zeros elsewhere.
class MaxUnpool2d : public ModuleOf<MaxUnpool2d> {
 public:
  using Options = UnpoolOptions;
  explicit MaxUnpool2d(Size2 kernel_size, Options options = {});
  Tensor forward(const Tensor& x, const Tensor& indices);
  std::string arguments() const override;

 private:
  Size2 kernel_size_;
  Options options_;
};

/// Images of any size to output_size.
struct AdaptiveAvgPool2d : internal::Applied<adaptive_avg_pool2d> {
  explicit AdaptiveAvgPool2d(const OutputSize& output_size);
};
struct AdaptiveMaxPool2d : internal::Applied<adaptive_max_pool2d> {
  explicit AdaptiveMaxPool2d(const OutputSize& output_size);
};

/// The mean, or the largest, of each channel: (N, C, H, W) to (N, C), (N, C, L) too. No layer of PyTorch, which writes
/// AdaptiveAvgPool2d(1) and Flatten.
class GlobalAvgPool : public Module {
 protected:
  Tensor forward(const Tensor& x) override;

 public:
  GlobalAvgPool() = default;
};
class GlobalMaxPool : public Module {
 protected:
  Tensor forward(const Tensor& x) override;

 public:
  GlobalMaxPool() = default;
};

}  // namespace chainrule
