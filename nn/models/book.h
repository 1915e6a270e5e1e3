// The networks of the book (Saito, "Deep Learning from Scratch", O'Reilly Japan 2016), and the plain MLP. Their
// matrices are the book's, x W + b.
#pragma once

#include <vector>

#include "nn/layers.h"

namespace chainrule {

/// Linear layers with an activation between them: MLP({784, 50, 10}). Named "0", "2", ... as in a Sequential of torch.
class MLP : public Sequential {
 public:
  struct Options {
    std::string activation = "ReLU()";  ///< a layer of the registry
    bool batch_norm = false;            ///< before each activation
    double dropout = 0;                 ///< after each activation
    Init init = kaiming_normal;
  };
  MLP(const std::vector<std::int64_t>& sizes, const Options& options);
  explicit MLP(const std::vector<std::int64_t>& sizes) : MLP(sizes, Options()) {}
};

/// Chapters 4 and 5: affine, ReLU, affine. Weights are normal with standard deviation weight_init_std.
class TwoLayerNet : public Module {
 public:
  TwoLayerNet(std::int64_t input_size, std::int64_t hidden_size, std::int64_t output_size,
              double weight_init_std = 0.01);
  Child<Affine> affine1, affine2;

 protected:
  Tensor forward(const Tensor& x) override;
};

/// Chapter 6: any number of hidden layers.
class MultiLayerNetExtend : public Module {
 public:
  struct Options {
    std::string activation = "ReLU()";
    /// Standard deviation of the weights; none: He's sqrt(2 / n) for ReLU, else Xavier's sqrt(1 / n), n inputs.
    std::optional<double> weight_init_std{};
    double weight_decay_lambda = 0;
    bool use_dropout = false;
    double dropout_ratio = 0.5;
    bool use_batchnorm = false;
  };
  MultiLayerNetExtend(std::int64_t input_size, const std::vector<std::int64_t>& hidden_sizes, std::int64_t output_size,
                      const Options& options);
  MultiLayerNetExtend(std::int64_t input_size, const std::vector<std::int64_t>& hidden_sizes, std::int64_t output_size)
      : MultiLayerNetExtend(input_size, hidden_sizes, output_size, Options()) {}
  /// Cross entropy plus weight_decay_lambda / 2 times the sum of all squared weights.
  Tensor loss(const Tensor& x, const Tensor& t);

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Child<Sequential> layers_;
  std::vector<std::shared_ptr<Affine>> affine_;
  double weight_decay_lambda_;
};

struct MultiLayerNetOptions {
  std::string activation = "ReLU()";
  std::optional<double> weight_init_std{};
  double weight_decay_lambda = 0;
};
/// The same without dropout and batch norm.
class MultiLayerNet : public MultiLayerNetExtend {
 public:
  using Options = MultiLayerNetOptions;
  MultiLayerNet(std::int64_t input_size, const std::vector<std::int64_t>& hidden_sizes, std::int64_t output_size,
                const Options& options = {})
      : MultiLayerNetExtend(input_size, hidden_sizes, output_size,
                            {.activation = options.activation,
                             .weight_init_std = options.weight_init_std,
                             .weight_decay_lambda = options.weight_decay_lambda}) {}
};

/// Chapter 7: convolution, ReLU, pooling, affine, ReLU, affine. 433,890 parameters for MNIST.
class SimpleConvNet : public Module {
 public:
  struct Options {
    std::int64_t in_channels = 1, image_size = 28;
    std::int64_t filter_num = 30, filter_size = 5, pad = 0, stride = 1;
    std::int64_t hidden_size = 100, output_size = 10;
    double weight_init_std = 0.01;
  };
  explicit SimpleConvNet(const Options& options);
  SimpleConvNet() : SimpleConvNet(Options()) {}
  Child<Conv2d> conv1;
  Child<Affine> affine1, affine2;

 protected:
  Tensor forward(const Tensor& x) override;
};

/// Chapter 8: six convolutions of 3 x 3, three pools, two affine layers with dropout. 123,552 parameters, for images of
/// 28 x 28.
class DeepConvNet : public Module {
 public:
  struct Options {
    std::int64_t in_channels = 1, hidden_size = 50, output_size = 10;
    double dropout = 0.5;
  };
  explicit DeepConvNet(const Options& options);
  DeepConvNet() : DeepConvNet(Options()) {}

 protected:
  Tensor forward(const Tensor& x) override;

 private:
  Child<Sequential> layers_;
};

}  // namespace chainrule
