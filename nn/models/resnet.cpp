#include "nn/models/resnet.h"

namespace chainrule {
namespace {

Conv2d::Options filters(std::int64_t size, std::int64_t stride, const Init& init) {
  return {.kernel_size = size, .stride = stride, .padding = size / 2, .bias = false, .init = init};
}

/// The projection of a shortcut, where one is needed.
void set_shortcut(std::optional<Child<Sequential>>& downsample, Module& block, std::int64_t from, std::int64_t to,
                  std::int64_t stride, const Init& init) {
  if (stride == 1 && from == to) return;
  downsample.emplace(block, "downsample");
  downsample->append(make<Conv2d>(from, to, filters(1, stride, init)));
  downsample->append(make<BatchNorm2d>(to));
}

template <class Block>
std::int64_t add_stage(Sequential& stage, std::int64_t from, std::int64_t channels, std::int64_t count,
                       std::int64_t stride, const Init& init) {
  for (std::int64_t i = 0; i < count; ++i) {
    stage.append(make<Block>(from, channels, i == 0 ? stride : 1, init));
    from = channels * Block::expansion;
  }
  return from;
}

}  // namespace

BasicBlock::BasicBlock(std::int64_t in_channels, std::int64_t channels, std::int64_t stride, const Init& init)
    : conv1_(*this, "conv1", in_channels, channels, filters(3, stride, init)),
      bn1_(*this, "bn1", channels),
      conv2_(*this, "conv2", channels, channels, filters(3, 1, init)),
      bn2_(*this, "bn2", channels) {
  set_shortcut(downsample_, *this, in_channels, channels, stride, init);
}

Tensor BasicBlock::forward(const Tensor& x) {
  const Tensor y = bn2_(conv2_(relu(bn1_(conv1_(x)))));
  return relu(y + (downsample_ ? (*downsample_)(x) : x));
}

Bottleneck::Bottleneck(std::int64_t in_channels, std::int64_t channels, std::int64_t stride, const Init& init)
    : conv1_(*this, "conv1", in_channels, channels, filters(1, 1, init)),
      bn1_(*this, "bn1", channels),
      conv2_(*this, "conv2", channels, channels, filters(3, stride, init)),
      bn2_(*this, "bn2", channels),
      conv3_(*this, "conv3", channels, channels * expansion, filters(1, 1, init)),
      bn3_(*this, "bn3", channels * expansion) {
  set_shortcut(downsample_, *this, in_channels, channels * expansion, stride, init);
}

Tensor Bottleneck::forward(const Tensor& x) {
  const Tensor y = bn3_(conv3_(relu(bn2_(conv2_(relu(bn1_(conv1_(x))))))));
  return relu(y + (downsample_ ? (*downsample_)(x) : x));
}

ResNet::ResNet(Block block, const std::vector<std::int64_t>& blocks, std::int64_t channels, bool small,
               const Options& o)
    : conv1_(*this, "conv1", o.in_channels, channels, small ? filters(3, 1, o.init) : filters(7, 2, o.init)),
      bn1_(*this, "bn1", channels),
      small_(small) {
  std::int64_t from = channels, stage_channels = channels;
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    const auto stage = add_child("layer" + std::to_string(i + 1), make<Sequential>());
    const std::int64_t stride = i == 0 ? 1 : 2;
    from = block == Block::basic ? add_stage<BasicBlock>(*stage, from, stage_channels, blocks[i], stride, o.init)
                                 : add_stage<Bottleneck>(*stage, from, stage_channels, blocks[i], stride, o.init);
    stages_.push_back(stage);
    stage_channels *= 2;
  }
  fc_.emplace(*this, "fc", from, o.num_classes, Linear::Options{.init = o.init});
}

Tensor ResNet::forward(const Tensor& x) {
  Tensor y = relu(bn1_(conv1_(x)));
  if (!small_) y = max_pool2d(y, 3, {.stride = 2, .padding = 1});
  for (const auto& stage : stages_) y = (*stage)(y);
  return (*fc_)(mean(y, {2, 3}));
}

}  // namespace chainrule
