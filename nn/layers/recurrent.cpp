// The rules of the steps, one line each, and the walk over steps, layers and directions that they share.
#include "nn/layers/recurrent.h"

#include <fmt/format.h>

#include <cmath>

#include "nn/layers/checks.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

using internal::RecurrentRule;
using State = LstmState;

// --- the rules: x = W_ih x_t + b_ih, u = W_hh h + b_hh ---------------------------------------------------------------

// h' = tanh(x + u)
State tanh_step(const Tensor& x, const Tensor& u, const State&) { return {tanh(x + u), {}}; }

// h' = relu(x + u)
State relu_step(const Tensor& x, const Tensor& u, const State&) { return {relu(x + u), {}}; }

// i f g o = x + u      c' = sigmoid(f) c + sigmoid(i) tanh(g)      h' = sigmoid(o) tanh(c')
State lstm_step(const Tensor& x, const Tensor& u, const State& s) {
  const auto gates = chunk(x + u, 4, 1);
  const Tensor &i = gates[0], &f = gates[1], &g = gates[2], &o = gates[3];
  const Tensor c = sigmoid(f) * s.c + sigmoid(i) * tanh(g);
  return {sigmoid(o) * tanh(c), c};
}

// r = sigmoid(x_r + u_r)      z = sigmoid(x_z + u_z)      n = tanh(x_n + r u_n)      h' = (1 - z) n + z h
State gru_step(const Tensor& x, const Tensor& u, const State& s) {
  const std::int64_t size = s.h.size(1);
  const auto xs = split(x, {2 * size, size}, 1), us = split(u, {2 * size, size}, 1);
  const auto rz = chunk(sigmoid(xs[0] + us[0]), 2, 1);
  const Tensor &r = rz[0], &z = rz[1];
  const Tensor n = tanh(xs[1] + r * us[1]);
  return {lerp(n, s.h, z), {}};
}

RecurrentRule rnn_rule(const char* layer, Nonlinearity nonlinearity) {
  if (nonlinearity != Nonlinearity::tanh && nonlinearity != Nonlinearity::relu)
    throw ValueError(fmt::format("{}: nonlinearity must be tanh or relu", layer));
  return {layer, 1, false, nonlinearity == Nonlinearity::tanh ? tanh_step : relu_step};
}

// --- the walk --------------------------------------------------------------------------------------------------------

/// x[0], x[1], ... along axis 0. Cut by halves: the gradient of each cut is as large as what it is cut from, so that
/// cutting every step from the whole would take time by the square of the steps.
void append_steps(const Tensor& x, std::vector<Tensor>& steps) {
  const std::int64_t n = x.size(0);
  if (n == 1) return steps.push_back(squeeze(x, {0}));
  append_steps(slice(x, 0, 0, n / 2), steps);
  append_steps(slice(x, 0, n / 2), steps);
}
std::vector<Tensor> steps_of(const Tensor& x) {
  std::vector<Tensor> steps;
  append_steps(x, steps);
  return steps;
}

RecurrentOptions common(const RnnOptions& o) {
  return {o.num_layers, o.bias, o.batch_first, o.dropout, o.bidirectional};
}

/// The state that was given, or zeros. Throws unless it has this shape.
Tensor state_or_zeros(const Tensor& given, const Shape& shape, const Tensor& weight, const char* layer,
                      const char* name) {
  if (!given.defined()) return zeros(shape, weight.dtype());
  if (given.shape() != shape)
    throw ShapeError(fmt::format("{}: {} is {} for this x, not of shape {}", layer, name, to_string(shape),
                                 to_string(given.shape())));
  expect_type_of(given, weight, layer);
  return given;
}

void expect_whole(const State& before, const RecurrentRule& rule) {
  if (rule.has_c && before.h.defined() != before.c.defined())
    throw ValueError(fmt::format("{}: a state has both h and c", rule.layer));
}

void expect_features(const Tensor& x, std::int64_t input_size, const char* layer) {
  if (x.size(-1) != input_size)
    throw ShapeError(fmt::format("{}: x {} has {} features on its last axis, the layer {}", layer, to_string(x.shape()),
                                 x.size(-1), input_size));
}

}  // namespace

namespace internal {

RecurrentWeights::RecurrentWeights(ModuleBase& owner, const std::string& suffix, std::int64_t gates,
                                   std::int64_t input_size, std::int64_t hidden_size, bool bias)
    : weight_ih(owner, "weight_ih" + suffix,
                uniform(-1 / std::sqrt(hidden_size), 1 / std::sqrt(hidden_size))({gates * hidden_size, input_size})),
      weight_hh(owner, "weight_hh" + suffix,
                uniform(-1 / std::sqrt(hidden_size), 1 / std::sqrt(hidden_size))({gates * hidden_size, hidden_size})) {
  if (!bias) return;
  const Init init = uniform(-1 / std::sqrt(hidden_size), 1 / std::sqrt(hidden_size));
  bias_ih.emplace(owner, "bias_ih" + suffix, init({gates * hidden_size}));
  bias_hh.emplace(owner, "bias_hh" + suffix, init({gates * hidden_size}));
}

RecurrentLayers::RecurrentLayers(ModuleBase& owner, const RecurrentRule& rule, std::int64_t input_size,
                                 std::int64_t hidden_size, const RecurrentOptions& options)
    : rule_(rule),
      input_size_(positive(input_size, rule.layer, "input_size")),
      hidden_size_(positive(hidden_size, rule.layer, "hidden_size")),
      options_(options) {
  positive(options.num_layers, rule.layer, "num_layers");
  between(options.dropout, 0, 1, rule.layer, "dropout");
  if (options.dropout > 0 && options.num_layers == 1)
    throw ValueError(fmt::format("{}: dropout acts between layers, and there is only one", rule.layer));
  const int directions = options.bidirectional ? 2 : 1;
  for (std::int64_t k = 0; k < options.num_layers; ++k)
    for (int d = 0; d < directions; ++d)
      weights.emplace_back(owner, fmt::format("_l{}{}", k, d == 0 ? "" : "_reverse"), rule.gates,
                           k == 0 ? input_size : directions * hidden_size, hidden_size, options.bias);
}

RecurrentLayers::Result RecurrentLayers::run(const Tensor& x, const LstmState& before, bool training) const {
  expect_axes(
      x, {2, 3}, rule_.layer,
      fmt::format("({}, {}) or (T, {})", options_.batch_first ? "N, T" : "T, N", input_size_, input_size_).c_str());
  expect_features(x, input_size_, rule_.layer);
  expect_type_of(x, weights[0].weight_ih, rule_.layer);
  const bool is_batch = x.dim() == 3, is_turned = is_batch && options_.batch_first;
  Tensor y = is_turned ? transpose(x, 0, 1) : is_batch ? x : unsqueeze(x, 1);  // (T, N, features)
  const auto steps = static_cast<std::size_t>(y.size(0));
  if (steps == 0) throw ShapeError(fmt::format("{}: x {} has no steps", rule_.layer, to_string(x.shape())));

  const LstmState start = first(y, before, is_batch);
  const auto h_0 = steps_of(start.h), c_0 = rule_.has_c ? steps_of(start.c) : std::vector<Tensor>(h_0.size());
  std::vector<Tensor> h_n, c_n;
  const std::size_t directions = options_.bidirectional ? 2 : 1;
  std::vector<Tensor> hs[2];  // of every step, in each direction
  const auto output = [&] { return directions == 1 ? stack(hs[0], 0) : cat({stack(hs[0], 0), stack(hs[1], 0)}, 2); };
  for (std::size_t at = 0; at < weights.size(); at += directions) {
    if (at > 0) y = output();
    if (at > 0 && options_.dropout > 0) y = dropout(y, options_.dropout, training);
    for (std::size_t d = 0; d < directions; ++d) {
      const RecurrentWeights& w = weights[at + d];
      const auto xs = steps_of(linear(y, w.weight_ih, or_none(w.bias_ih)));  // all steps in one product
      hs[d].resize(steps);
      LstmState s{h_0[at + d], c_0[at + d]};
      for (std::size_t i = 0; i < steps; ++i) {
        const std::size_t t = d == 0 ? i : steps - 1 - i;
        s = rule_.step(xs[t], linear(s.h, w.weight_hh, or_none(w.bias_hh)), s);
        hs[d][t] = s.h;
      }
      h_n.push_back(s.h);
      c_n.push_back(s.c);
    }
  }
  const auto joined = [&](const std::vector<Tensor>& states) {
    const Tensor all = stack(states, 0);
    return is_batch ? all : squeeze(all, {1});
  };
  const LstmState state{joined(h_n), rule_.has_c ? joined(c_n) : Tensor()};
  y = output();  // last, because a summary shows the shape of the last operation
  return {is_turned ? transpose(y, 0, 1) : is_batch ? y : squeeze(y, {1}), state};
}

LstmState RecurrentLayers::first(const Tensor& x, const LstmState& before, bool is_batch) const {
  expect_whole(before, rule_);
  const auto count = static_cast<std::int64_t>(weights.size());
  const auto state = [&](const Tensor& given, const char* name) {
    const Shape shape = is_batch ? Shape{count, x.size(1), hidden_size_} : Shape{count, hidden_size_};
    const Tensor h = state_or_zeros(given, shape, weights[0].weight_hh, rule_.layer, name);
    return is_batch ? h : unsqueeze(h, 1);
  };
  return {state(before.h, "h"), rule_.has_c ? state(before.c, "c") : Tensor()};
}

std::string RecurrentLayers::arguments(const std::string& further) const {
  std::string text = fmt::format("{}, {}", input_size_, hidden_size_);
  if (options_.num_layers != 1) text += fmt::format(", num_layers={}", options_.num_layers);
  text += further;
  if (!options_.bias) text += ", bias=False";
  if (options_.batch_first) text += ", batch_first=True";
  if (options_.dropout != 0) text += fmt::format(", dropout={}", options_.dropout);
  if (options_.bidirectional) text += ", bidirectional=True";
  return text;
}

RecurrentCell::RecurrentCell(ModuleBase& owner, const RecurrentRule& rule, std::int64_t input_size,
                             std::int64_t hidden_size, bool bias)
    : weights(owner, "", rule.gates, positive(input_size, rule.layer, "input_size"),
              positive(hidden_size, rule.layer, "hidden_size"), bias),
      rule_(rule) {}

LstmState RecurrentCell::run(const Tensor& x, const LstmState& before) const {
  const std::int64_t inputs = weights.weight_ih.size(1), size = weights.weight_hh.size(1);
  expect_axes(x, {1, 2}, rule_.layer, fmt::format("(N, {}) or ({})", inputs, inputs).c_str());
  expect_features(x, inputs, rule_.layer);
  expect_type_of(x, weights.weight_ih, rule_.layer);
  expect_whole(before, rule_);
  const bool is_batch = x.dim() == 2;
  const auto rows = [&](const Tensor& v) { return is_batch ? v : unsqueeze(v, 0); };
  const auto state = [&](const Tensor& given, const char* name) {
    const Shape shape = is_batch ? Shape{x.size(0), size} : Shape{size};
    return rows(state_or_zeros(given, shape, weights.weight_hh, rule_.layer, name));
  };
  const LstmState s{state(before.h, "h"), rule_.has_c ? state(before.c, "c") : Tensor()};
  LstmState next = rule_.step(linear(rows(x), weights.weight_ih, or_none(weights.bias_ih)),
                              linear(s.h, weights.weight_hh, or_none(weights.bias_hh)), s);
  if (is_batch) return next;
  return {squeeze(next.h, {0}), rule_.has_c ? squeeze(next.c, {0}) : Tensor()};
}

std::string RecurrentCell::arguments(const std::string& further) const {
  return fmt::format("{}, {}{}{}", weights.weight_ih.size(1), weights.weight_hh.size(1),
                     weights.bias_ih ? "" : ", bias=False", further);
}

}  // namespace internal

// --- the layers ------------------------------------------------------------------------------------------------------

namespace {

constexpr RecurrentRule kLstm{"LSTM", 4, true, lstm_step}, kGru{"GRU", 3, false, gru_step};
constexpr RecurrentRule kLstmCell{"LSTMCell", 4, true, lstm_step}, kGruCell{"GRUCell", 3, false, gru_step};

const char* text_of(Nonlinearity n) { return n == Nonlinearity::relu ? ", nonlinearity='relu'" : ""; }

}  // namespace

RNN::RNN(std::int64_t input_size, std::int64_t hidden_size, const Options& options)
    : layers(*this, rnn_rule("RNN", options.nonlinearity), input_size, hidden_size, common(options)),
      nonlinearity_(options.nonlinearity) {}
RNN::Result RNN::forward(const Tensor& x, const Tensor& h) {
  const CalledFrom caller(called_from());
  const auto result = layers.run(x, {h, {}}, is_training());
  return {result.output, result.state.h};
}
std::string RNN::arguments() const { return layers.arguments(text_of(nonlinearity_)); }

LSTM::LSTM(std::int64_t input_size, std::int64_t hidden_size, const Options& options)
    : layers(*this, kLstm, input_size, hidden_size, options) {}
LSTM::Result LSTM::forward(const Tensor& x, const State& before) {
  const CalledFrom caller(called_from());
  return layers.run(x, before, is_training());
}

GRU::GRU(std::int64_t input_size, std::int64_t hidden_size, const Options& options)
    : layers(*this, kGru, input_size, hidden_size, options) {}
GRU::Result GRU::forward(const Tensor& x, const Tensor& h) {
  const CalledFrom caller(called_from());
  const auto result = layers.run(x, {h, {}}, is_training());
  return {result.output, result.state.h};
}

RNNCell::RNNCell(std::int64_t input_size, std::int64_t hidden_size, Options options)
    : cell(*this, rnn_rule("RNNCell", options.nonlinearity), input_size, hidden_size, options.bias),
      nonlinearity_(options.nonlinearity) {}
Tensor RNNCell::forward(const Tensor& x, const Tensor& h) {
  const CalledFrom caller(called_from());
  return cell.run(x, {h, {}}).h;
}
std::string RNNCell::arguments() const { return cell.arguments(text_of(nonlinearity_)); }

LSTMCell::LSTMCell(std::int64_t input_size, std::int64_t hidden_size, Options options)
    : cell(*this, kLstmCell, input_size, hidden_size, options.bias) {}
LSTMCell::State LSTMCell::forward(const Tensor& x, const State& before) {
  const CalledFrom caller(called_from());
  return cell.run(x, before);
}

GRUCell::GRUCell(std::int64_t input_size, std::int64_t hidden_size, Options options)
    : cell(*this, kGruCell, input_size, hidden_size, options.bias) {}
Tensor GRUCell::forward(const Tensor& x, const Tensor& h) {
  const CalledFrom caller(called_from());
  return cell.run(x, {h, {}}).h;
}

}  // namespace chainrule
