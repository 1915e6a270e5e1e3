// First values of parameters. Names, defaults and meaning follow torch.nn.init; the fans are read off the weight's
// shape: (out, in) for Linear, (out, in / groups, kernel_h, kernel_w) for Conv2d.
//
//   Child<Linear> fc{*this, "fc", 784, 50, {.init = normal(0, 0.01)}};
//   initialise(net, "conv*.weight", orthogonal());
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "engine/factory.h"
#include "nn/module_base.h"

namespace chainrule {

/// An initialiser with its arguments, as an option of a layer: init(shape, generator) gives a leaf of the default
/// dtype. It is made by the functions below, of their names alone (kaiming_normal, zeros, ones), or of any function
/// that takes a shape and a generator.
class Init {
 public:
  using Draw = Tensor (*)(const Shape& shape, Generator& generator);
  using Fill = Tensor (*)(const Shape& shape, TensorOptions options);
  Init(Draw draw) : draw_(draw) {}
  Init(Fill fill) : draw_([fill](const Shape& shape, Generator&) { return fill(shape, {}); }) {}
  template <class F>
  requires(std::is_class_v<F> && !std::is_same_v<F, Init> &&
           std::is_invocable_r_v<Tensor, const F&, const Shape&, Generator&>) Init(F draw)
      : draw_(std::move(draw)) {}
  Tensor operator()(const Shape& shape, Generator& generator = default_generator()) const {
    return draw_(shape, generator);
  }

 private:
  std::function<Tensor(const Shape&, Generator&)> draw_;
};

/// Draws new values for all parameters whose path fits, in order of declaration: * is any text, ? any character. Each
/// keeps its dtype and whether it is trained. Returns the paths; ValueError when there is none, and whatever the
/// initialiser throws, before anything is changed.
std::vector<std::string> initialise(ModuleBase& net, std::string_view pattern, const Init& init,
                                    Generator& generator = default_generator());

// --- plain numbers ---------------------------------------------------------------------------------------------------

/// The same value everywhere; ValueError unless it is finite. `zeros` and `ones` are initialisers by their names.
Init constant(double value);
/// Uniform on [a, b). ValueError unless a <= b, both finite.
Init uniform(double a = 0, double b = 1);
/// Normal; the book's plain form is normal(0, 0.01). ValueError for std < 0.
Init normal(double mean = 0, double std = 1);
/// Normal, drawn again where outside [a, b]: these are bounds of the values, as in PyTorch, not multiples of std.
/// ValueError for std <= 0, for a >= b, and where less than a thousandth of the distribution lies between.
Init trunc_normal(double mean = 0, double std = 1, double a = -2, double b = 2);

// --- by the number of inputs and outputs -----------------------------------------------------------------------------

enum class FanMode : std::uint8_t { fan_in, fan_out };
enum class Nonlinearity : std::uint8_t { linear, sigmoid, tanh, relu, leaky_relu, selu };
/// By how much a layer's spread must grow to make up for what follows it: 1, 1, 5/3, sqrt(2), sqrt(2 / (1 + a^2)), 3/4.
/// `a` is the slope of a leaky ReLU below 0.
double calculate_gain(Nonlinearity nonlinearity, double a = 0.01);

struct KaimingOptions {
  double a = 0;  ///< slope of the leaky ReLU that follows; 0 is a ReLU
  FanMode mode = FanMode::fan_in;
  Nonlinearity nonlinearity = Nonlinearity::leaky_relu;
};
/// He initialisation: normal with standard deviation gain / sqrt(fan), which is sqrt(2 / fan_in) unless told otherwise.
/// He et al., "Delving deep into rectifiers", ICCV 2015.
Tensor kaiming_normal(const Shape& shape, Generator& generator = default_generator());
Init kaiming_normal(KaimingOptions options);
/// The same spread, uniform on +-gain sqrt(3 / fan).
Tensor kaiming_uniform(const Shape& shape, Generator& generator = default_generator());
Init kaiming_uniform(KaimingOptions options);
/// Xavier initialisation, for sigmoid and tanh: normal with standard deviation gain sqrt(2 / (fan_in + fan_out)).
/// Glorot and Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.
/// ValueError for a gain that is not positive.
Tensor xavier_normal(const Shape& shape, Generator& generator = default_generator());
Init xavier_normal(double gain);
/// The same spread, uniform on +-gain sqrt(6 / (fan_in + fan_out)).
Tensor xavier_uniform(const Shape& shape, Generator& generator = default_generator());
Init xavier_uniform(double gain);
/// LeCun initialisation, for SELU: normal with standard deviation sqrt(1 / fan_in). LeCun et al., "Efficient BackProp",
/// 1998; Klambauer et al., "Self-normalizing neural networks", NeurIPS 2017.
Tensor lecun_normal(const Shape& shape, Generator& generator = default_generator());
/// The same spread, uniform on +-sqrt(3 / fan_in).
Tensor lecun_uniform(const Shape& shape, Generator& generator = default_generator());

// --- matrices with structure -----------------------------------------------------------------------------------------

/// Orthonormal rows or columns, whichever are fewer, times gain, uniformly among all such matrices; axes from 1 on are
/// taken as one. Saxe et al., "Exact solutions to the nonlinear dynamics of learning in deep linear neural networks",
/// ICLR 2014.
Init orthogonal(double gain = 1);
/// Normal, with the share `sparsity` of each column (rounded up) 0; matrices only. Martens, "Deep learning via
/// Hessian-free optimization", ICML 2010. ValueError unless 0 <= sparsity <= 1, std >= 0.
Init sparse(double sparsity, double std = 0.01);
/// 1 on the diagonal; matrices only, ShapeError for others.
Tensor identity(const Shape& shape, Generator& generator = default_generator());
/// The identity for convolutions, weights (out, in / groups, ...): channel i of each group gives channel i, as long as
/// there are inputs. ValueError when the groups do not divide the outputs; ShapeError for less than three axes.
Init dirac(std::int64_t groups = 1);

}  // namespace chainrule
