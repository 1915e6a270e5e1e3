// GoogLeNet: Szegedy et al., "Going deeper with convolutions", CVPR 2015: without batch norm, as published.
#pragma once

#include "nn/layers.h"

namespace chainrule {

/// The filters of an Inception block: of 1 x 1; of the 1 x 1 before the 3 x 3 and of the 3 x 3; the same for 5 x 5; of
/// the 1 x 1 after the pool.
struct InceptionSizes {
  std::int64_t one, reduce_three, three, reduce_five, five, pool;
  std::int64_t out() const { return one + three + five + pool; }
};

/// Four branches side by side, joined on the channels. Inception(192, {64, 96, 128, 16, 32, 32}) has 163,696 parameters
/// and gives 256 channels.
class Inception : public Branch {
 public:
  Inception(std::int64_t in_channels, const InceptionSizes& sizes, const Init& init = kaiming_normal);
};

struct GoogLeNetOptions {
  std::int64_t num_classes = 1000, in_channels = 3;
  bool aux_heads = true;
  Init init = kaiming_normal;
};

/// For 224 x 224. 6,998,552 parameters, and 6,379,728 in the two auxiliary heads, which only training uses.
class GoogLeNet : public Module {
 public:
  using Options = GoogLeNetOptions;
  struct Output {
    Tensor logits, aux1, aux2;  ///< the last two are empty without heads
  };
  explicit GoogLeNet(const Options& options = {});
  /// What training needs; a plain call gives the logits alone.
  Output outputs(const Tensor& x, SourceLocation where = SourceLocation::current());
  /// Cross entropy of the logits, plus 0.3 times that of each head.
  Tensor loss(const Tensor& x, const Tensor& target, SourceLocation where = SourceLocation::current());

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Output run_through(const Tensor& x, bool heads);
  Child<Sequential> stem_, inception3_, inception4a_, inception4bcd_, inception4e_, inception5_, classifier_;
  std::optional<Child<Sequential>> aux1_, aux2_;
};

/// For 28 x 28 and 32 x 32: a convolution and three Inception blocks.
class SmallGoogLeNet : public Module {
 public:
  using Options = GoogLeNetOptions;
  explicit SmallGoogLeNet(const Options& options = {.num_classes = 10, .in_channels = 1, .aux_heads = false});

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Child<Sequential> layers_;
};

}  // namespace chainrule
