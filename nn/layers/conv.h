// Layers of filters that slide over images and signals. Weights start from He's initialisation unless told otherwise,
// biases from 0. `same_padding` is PyTorch's padding='same'. `padding_mode` says what stands in the padding: zeros
// (PadMode::constant), or what torch calls 'reflect', 'replicate', 'circular'.
#pragma once

#include <optional>

#include "nn/child.h"
#include "nn/init.h"
#include "ops/ops.h"

namespace chainrule {

/// (N, C, L) or (C, L) with `out_channels` filters.
class Conv1d : public Module {
 public:
  struct Options {
    std::int64_t kernel_size = 3;
    std::int64_t stride = 1, padding = 0, dilation = 1, groups = 1;
    bool bias = true, same_padding = false;
    PadMode padding_mode = PadMode::constant;
    Init init = kaiming_normal;
  };
  Conv1d(std::int64_t in_channels, std::int64_t out_channels, const Options& options);

  Parameter weight;               ///< (out, in / groups, kernel_size)
  std::optional<Parameter> bias;  ///< (out)
  std::string arguments() const override;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Options options_;
};

/// (N, C, H, W) or (C, H, W) with `out_channels` filters.
class Conv2d : public Module {
 public:
  struct Options {
    Size2 kernel_size = 3;
    Size2 stride = 1, padding = 0, dilation = 1;
    std::int64_t groups = 1;
    bool bias = true;
    Init init = kaiming_normal;
    bool same_padding = false;
    PadMode padding_mode = PadMode::constant;
  };
  Conv2d(std::int64_t in_channels, std::int64_t out_channels, const Options& options);

  Parameter weight;               ///< (out, in / groups, kernel_h, kernel_w)
  std::optional<Parameter> bias;  ///< (out)
  std::string arguments() const override;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Options options_;
};

/// The adjoint of Conv2d, which makes images larger: (N, C, H, W) to
/// (N, out, (H - 1) * stride - 2 * padding + dilation * (kernel - 1) + output_padding + 1, ...).
class ConvTranspose2d : public Module {
 public:
  struct Options {
    Size2 kernel_size = 3;
    Size2 stride = 1, padding = 0, output_padding = 0;
    std::int64_t groups = 1;
    bool bias = true;
    Size2 dilation = 1;
    Init init = kaiming_normal;
  };
  ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, const Options& options);

  Parameter weight;               ///< (in, out / groups, kernel_h, kernel_w)
  std::optional<Parameter> bias;  ///< (out)
  std::string arguments() const override;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Options options_;
};

}  // namespace chainrule
