// Layers that read a sequence step by step and keep a state, and their single steps as cells. Parameters, names and
// rules are torch.nn's: weights and biases start uniform within 1 / sqrt(hidden_size).
//
//   LSTM lstm(10, 20, {.num_layers = 2});
//   const auto [output, state] = lstm(x);       // x (T, N, 10), output (T, N, 20); state.h and state.c (2, N, 20)
//   const auto [more, last] = lstm(y, state);   // goes on from there
//
// As a step of a Sequential each gives its output, without the state.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "nn/child.h"
#include "nn/init.h"

namespace chainrule {

struct RecurrentOptions {
  std::int64_t num_layers = 1;  ///< each reads the output of the one before
  bool bias = true;
  bool batch_first = false;  ///< x and output are (N, T, ...) instead of (T, N, ...); states stay as they are
  double dropout = 0;        ///< leaves numbers out between layers, while training
  bool bidirectional = false;
};
struct RnnOptions {
  std::int64_t num_layers = 1;
  Nonlinearity nonlinearity = Nonlinearity::tanh;  ///< or relu
  bool bias = true, batch_first = false;
  double dropout = 0;
  bool bidirectional = false;
};
struct RecurrentCellOptions {
  bool bias = true;
};
struct RnnCellOptions {
  bool bias = true;
  Nonlinearity nonlinearity = Nonlinearity::tanh;  ///< or relu
};

/// What a recurrent layer knows of the steps before; without tensors it is 0.
struct LstmState {
  Tensor h, c;
};

namespace internal {

/// The parameters of one direction of one layer; the rows of all gates stand below each other.
struct RecurrentWeights {
  RecurrentWeights(ModuleBase& owner, const std::string& suffix, std::int64_t gates, std::int64_t input_size,
                   std::int64_t hidden_size, bool bias);
  Parameter weight_ih;                        ///< (gates hidden_size, input_size)
  Parameter weight_hh;                        ///< (gates hidden_size, hidden_size)
  std::optional<Parameter> bias_ih, bias_hh;  ///< (gates hidden_size)
};

/// What distinguishes the kinds of layers: the state after a step, of x = W_ih x_t + b_ih, u = W_hh h + b_hh and the
/// state before.
struct RecurrentRule {
  const char* layer;
  std::int64_t gates;
  bool has_c;
  LstmState (*step)(const Tensor& x, const Tensor& u, const LstmState& before);
};

/// All layers and directions of RNN, LSTM or GRU: weights[k * directions + d] are those of layer k in direction d.
class RecurrentLayers {
 public:
  RecurrentLayers(ModuleBase& owner, const RecurrentRule& rule, std::int64_t input_size, std::int64_t hidden_size,
                  const RecurrentOptions& options);
  struct Result {
    Tensor output;
    LstmState state;
  };
  Result run(const Tensor& x, const LstmState& before, bool training) const;
  std::string arguments(const std::string& further = "") const;

  std::vector<RecurrentWeights> weights;

 private:
  LstmState first(const Tensor& x, const LstmState& before, bool is_batch) const;
  RecurrentRule rule_;
  std::int64_t input_size_, hidden_size_;
  RecurrentOptions options_;
};

/// One step alone.
class RecurrentCell {
 public:
  RecurrentCell(ModuleBase& owner, const RecurrentRule& rule, std::int64_t input_size, std::int64_t hidden_size,
                bool bias);
  LstmState run(const Tensor& x, const LstmState& before) const;
  std::string arguments(const std::string& further = "") const;

  RecurrentWeights weights;

 private:
  RecurrentRule rule_;
};

}  // namespace internal

// x is (T, N, input_size), or (T, input_size) for one sequence, then all others lack N too; T is at least 1. The output
// is (T, N, D hidden_size), D directions beside each other; states are (num_layers D, N, hidden_size). Constructors
// throw ValueError for sizes below 1, for dropout outside [0, 1] and for dropout with a single layer; calls ShapeError
// for x and states of other shapes.

/// h' = tanh(W_ih x + b_ih + W_hh h + b_hh), or relu. Elman, "Finding structure in time", Cognitive Science 1990.
class RNN : public ModuleOf<RNN> {
 public:
  using Options = RnnOptions;
  struct Result {
    Tensor output, h;
  };
  RNN(std::int64_t input_size, std::int64_t hidden_size, const Options& options = {});
  Result forward(const Tensor& x, const Tensor& h = {});
  std::string arguments() const override;

  internal::RecurrentLayers layers;

 protected:
  Tensor call_with(const Tensor& x, const SourceLocation& where) override { return (*this)(x, where).output; }

 private:
  Nonlinearity nonlinearity_;
};

/// Long short-term memory, rows in the order i f g o:
///   i, f, o = sigmoid(W_i x + b_i + W_hi h + b_hi), ...    g = tanh(W_ig x + b_ig + W_hg h + b_hg)
///   c' = f c + i g                                         h' = o tanh(c')
/// Hochreiter and Schmidhuber, Neural Computation 1997, with the forget gate of Gers et al., 2000.
class LSTM : public ModuleOf<LSTM> {
 public:
  using Options = RecurrentOptions;
  using State = LstmState;
  using Result = internal::RecurrentLayers::Result;
  LSTM(std::int64_t input_size, std::int64_t hidden_size, const Options& options = {});
  Result forward(const Tensor& x, const State& before = {});
  using ModuleOf::operator();
  /// For a state in braces: lstm(x, {h, c}).
  Result operator()(const Tensor& x, const State& before, SourceLocation where = SourceLocation::current()) {
    return ModuleOf::operator()(x, before, where);
  }
  std::string arguments() const override { return layers.arguments(); }

  internal::RecurrentLayers layers;

 protected:
  Tensor call_with(const Tensor& x, const SourceLocation& where) override { return (*this)(x, where).output; }
};

/// Gated recurrent unit, rows in the order r z n:
///   r, z = sigmoid(W_r x + b_r + W_hr h + b_hr), ...       n = tanh(W_in x + b_in + r (W_hn h + b_hn))
///   h' = (1 - z) n + z h
/// Cho et al., "Learning phrase representations using RNN encoder-decoder", EMNLP 2014; r as in cuDNN and torch.
class GRU : public ModuleOf<GRU> {
 public:
  using Options = RecurrentOptions;
  using Result = RNN::Result;
  GRU(std::int64_t input_size, std::int64_t hidden_size, const Options& options = {});
  Result forward(const Tensor& x, const Tensor& h = {});
  std::string arguments() const override { return layers.arguments(); }

  internal::RecurrentLayers layers;

 protected:
  Tensor call_with(const Tensor& x, const SourceLocation& where) override { return (*this)(x, where).output; }
};

// One step of each: x (N, input_size) or (input_size), states (N, hidden_size) or (hidden_size).

class RNNCell : public ModuleOf<RNNCell> {
 public:
  using Options = RnnCellOptions;
  RNNCell(std::int64_t input_size, std::int64_t hidden_size, Options options = {});
  Tensor forward(const Tensor& x, const Tensor& h = {});
  std::string arguments() const override;

  internal::RecurrentCell cell;

 private:
  Nonlinearity nonlinearity_;
};
class LSTMCell : public ModuleOf<LSTMCell> {
 public:
  using Options = RecurrentCellOptions;
  using State = LstmState;
  LSTMCell(std::int64_t input_size, std::int64_t hidden_size, Options options = {});
  State forward(const Tensor& x, const State& before = {});
  using ModuleOf::operator();
  State operator()(const Tensor& x, const State& before, SourceLocation where = SourceLocation::current()) {
    return ModuleOf::operator()(x, before, where);
  }
  std::string arguments() const override { return cell.arguments(); }

  internal::RecurrentCell cell;
};
class GRUCell : public ModuleOf<GRUCell> {
 public:
  using Options = RecurrentCellOptions;
  GRUCell(std::int64_t input_size, std::int64_t hidden_size, Options options = {});
  Tensor forward(const Tensor& x, const Tensor& h = {});
  std::string arguments() const override { return cell.arguments(); }

  internal::RecurrentCell cell;
};

}  // namespace chainrule
