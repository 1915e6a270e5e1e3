// ResNet: He, Zhang, Ren and Sun, "Deep residual learning for image recognition", CVPR 2016. Where a block changes the
// number of channels or the size, its shortcut is a 1 x 1 convolution (their option B).
#pragma once

#include <vector>

#include "nn/layers.h"

namespace chainrule {

/// Two 3 x 3 convolutions and the shortcut.
class BasicBlock : public Module {
 public:
  BasicBlock(std::int64_t in_channels, std::int64_t channels, std::int64_t stride, const Init& init = kaiming_normal);
  static constexpr std::int64_t expansion = 1;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Child<Conv2d> conv1_;
  Child<BatchNorm2d> bn1_;
  Child<Conv2d> conv2_;
  Child<BatchNorm2d> bn2_;
  std::optional<Child<Sequential>> downsample_;
};

/// 1 x 1, 3 x 3 and 1 x 1 to four times the channels. The stride is that of the 3 x 3, as in torchvision.
class Bottleneck : public Module {
 public:
  Bottleneck(std::int64_t in_channels, std::int64_t channels, std::int64_t stride, const Init& init = kaiming_normal);
  static constexpr std::int64_t expansion = 4;

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Child<Conv2d> conv1_;
  Child<BatchNorm2d> bn1_;
  Child<Conv2d> conv2_;
  Child<BatchNorm2d> bn2_;
  Child<Conv2d> conv3_;
  Child<BatchNorm2d> bn3_;
  std::optional<Child<Sequential>> downsample_;
};

struct ResNetOptions {
  std::int64_t num_classes = 1000, in_channels = 3;
  Init init = kaiming_normal;
};

class ResNet : public Module {
 public:
  using Options = ResNetOptions;
  enum class Block { basic, bottleneck };
  /// `blocks` of each stage; the channels double from stage to stage. `small`: a 3 x 3 convolution in front, no pool.
  ResNet(Block block, const std::vector<std::int64_t>& blocks, std::int64_t channels, bool small,
         const Options& options);

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Child<Conv2d> conv1_;
  Child<BatchNorm2d> bn1_;
  std::vector<std::shared_ptr<Sequential>> stages_;
  std::optional<Child<Linear>> fc_;
  bool small_;
};

/// For 224 x 224. 11,689,512 parameters.
struct ResNet18 : ResNet {
  explicit ResNet18(const Options& o = {}) : ResNet(Block::basic, {2, 2, 2, 2}, 64, false, o) {}
};
/// 21,797,672 parameters.
struct ResNet34 : ResNet {
  explicit ResNet34(const Options& o = {}) : ResNet(Block::basic, {3, 4, 6, 3}, 64, false, o) {}
};
/// 25,557,032 parameters.
struct ResNet50 : ResNet {
  explicit ResNet50(const Options& o = {}) : ResNet(Block::bottleneck, {3, 4, 6, 3}, 64, false, o) {}
};
/// Their network for CIFAR-10 (section 4.2), for 28 x 28 and 32 x 32: three stages of 16, 32 and 64 channels. 272,474
/// parameters for three channels.
struct ResNet20 : ResNet {
  explicit ResNet20(const Options& o = {.num_classes = 10, .in_channels = 1})
      : ResNet(Block::basic, {3, 3, 3}, 16, true, o) {}
};

}  // namespace chainrule
