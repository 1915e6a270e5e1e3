// What the comparison with PyTorch does not show of Embedding and the recurrent layers: names and first values, states
// that are handed on, directions, dropout, threads, what is refused, and how they print.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/types/error.h"
#include "engine/types/threads.h"
#include "nn/layers.h"
#include "nn/print.h"
#include "nn/summary.h"
#include "tests/nn/layers/compare.h"

using namespace chainrule;
using chainrule::testing::farthest;
using chainrule::testing::state_names;

TEST_CASE("parameters of recurrent layers have torch's names, order and shapes") {
  const LSTM lstm(3, 4, {.num_layers = 2, .bidirectional = true});
  CHECK(state_names(lstm) ==
        std::vector<std::string>{"weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0", "weight_ih_l0_reverse",
                                 "weight_hh_l0_reverse", "bias_ih_l0_reverse", "bias_hh_l0_reverse", "weight_ih_l1",
                                 "weight_hh_l1", "bias_ih_l1", "bias_hh_l1", "weight_ih_l1_reverse",
                                 "weight_hh_l1_reverse", "bias_ih_l1_reverse", "bias_hh_l1_reverse"});
  CHECK(lstm.layers.weights[0].weight_ih.shape() == Shape{16, 3});
  CHECK(lstm.layers.weights[3].weight_ih.shape() == Shape{16, 8});
  CHECK(lstm.layers.weights[3].weight_hh.shape() == Shape{16, 4});
  CHECK(GRU(3, 4).layers.weights[0].bias_hh->shape() == Shape{12});
  CHECK(state_names(RNN(3, 4, {.bias = false})) == std::vector<std::string>{"weight_ih_l0", "weight_hh_l0"});
  CHECK(state_names(GRUCell(3, 4)) == std::vector<std::string>{"weight_ih", "weight_hh", "bias_ih", "bias_hh"});
}

TEST_CASE("first values are torch's: uniform within 1 / sqrt(hidden_size), normal for Embedding") {
  manual_seed(4);
  const GRU gru(50, 25);
  for (const NamedTensor& p : gru.parameters()) {
    const auto values = p.tensor.to_vector();
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    CHECK(*low >= -0.2);
    CHECK(*high <= 0.2);
    CHECK(*low < -0.17);
    CHECK(*high > 0.17);
  }
  const Embedding table(400, 50, {.padding_idx = -2});
  CHECK(std::abs(mean(table.weight).item()) < 0.03);
  CHECK(std::abs(chainrule::std(table.weight).item() - 1) < 0.03);
  CHECK(amax(abs(slice(table.weight, 0, 398, 399))).item() == 0);
  CHECK(amax(abs(slice(table.weight, 0, 399, 400))).item() > 0);
}

TEST_CASE("a sequence in two parts with the state handed on is the whole sequence") {
  manual_seed(5);
  const Tensor x = randn({7, 2, 3});
  const Tensor begin = slice(x, 0, 0, 4), end = slice(x, 0, 4);
  LSTM lstm(3, 4, {.num_layers = 2});
  const auto [whole, last] = lstm(x);
  CHECK(whole.shape() == Shape{7, 2, 4});
  CHECK(last.h.shape() == Shape{2, 2, 4});
  const auto first = lstm(begin);
  const auto second = lstm(end, {first.state.h, first.state.c});
  CHECK(farthest(cat({first.output, second.output}), whole) < 1e-6);
  CHECK(farthest(second.state.c, last.c) < 1e-6);
  GRU gru(3, 4);
  const auto half = gru(begin);
  CHECK(farthest(gru(end, half.h).output, slice(gru(x).output, 0, 4)) < 1e-6);
}

TEST_CASE("a cell applied to each step is the layer") {
  manual_seed(6);
  LSTM layer(3, 4);
  LSTMCell cell(3, 4);
  {
    const NoGrad change;
    const auto from = layer.parameters(), to = cell.parameters();
    for (std::size_t i = 0; i < from.size(); ++i) Tensor(to[i].tensor).copy_(from[i].tensor);
  }
  const Tensor x = randn({5, 2, 3});
  const Tensor wanted = layer(x).output;
  LSTMCell::State state;
  for (std::int64_t t = 0; t < 5; ++t) {
    state = cell(squeeze(slice(x, 0, t, t + 1), {0}), state);
    CHECK(farthest(state.h, squeeze(slice(wanted, 0, t, t + 1), {0})) < 1e-6);
  }
}

TEST_CASE("dropout acts between layers while training, and only there") {
  manual_seed(7);
  GRU gru(3, 40, {.num_layers = 2, .dropout = 0.5});
  const Tensor x = randn({4, 2, 3});
  CHECK(farthest(gru(x).output, gru(x).output) > 0);
  CHECK(farthest(slice(gru(x).h, 0, 0, 1), slice(gru(x).h, 0, 0, 1)) == 0);  // the first layer sees all of x
  gru.eval();
  CHECK(farthest(gru(x).output, gru(x).output) == 0);
}

TEST_CASE("threads do not change a bit of a recurrent layer") {
  const int before = num_threads();
  std::vector<double> first;
  for (int threads = 1; threads <= 4; ++threads) {
    set_num_threads(threads);
    manual_seed(8);
    LSTM lstm(40, 64, {.num_layers = 2, .dropout = 0.3, .bidirectional = true});
    Embedding table(50, 40);
    const Tensor words = to(floor(rand({17, 33}) * 50), DType::int64);
    const auto [y, state] = lstm(table(words));
    (sum(y * y) + sum(state.c)).backward();
    std::vector<double> all = y.to_vector();
    for (const NamedTensor& p : lstm.parameters()) {
      const auto g = p.tensor.grad().to_vector();
      all.insert(all.end(), g.begin(), g.end());
    }
    const auto g = table.weight.grad().to_vector();
    all.insert(all.end(), g.begin(), g.end());
    if (threads == 1) first = all;
    CHECK(all == first);
  }
  set_num_threads(before);
}

TEST_CASE("inputs and states that do not fit are refused with a sentence") {
  LSTM lstm(3, 4);
  RNN rows(3, 4, {.batch_first = true});
  GRUCell cell(3, 4);
  CHECK_THROWS_WITH_AS(lstm(zeros({3})), doctest::Contains("LSTM: x is (T, N, 3) or (T, 3), not of shape (3,)"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(rows(zeros({1, 2, 3, 3})),
                       doctest::Contains("RNN: x is (N, T, 3) or (T, 3), not of shape (1, 2, 3, 3)"), ShapeError);
  CHECK_THROWS_WITH_AS(lstm(zeros({5, 2, 4})),
                       doctest::Contains("LSTM: x (5, 2, 4) has 4 features on its last axis, the layer 3"), ShapeError);
  CHECK_THROWS_WITH_AS(lstm(zeros({0, 2, 3})), doctest::Contains("LSTM: x (0, 2, 3) has no steps"), ShapeError);
  CHECK_THROWS_WITH_AS(rows(zeros({2, 0, 3})), doctest::Contains("RNN: x (2, 0, 3) has no steps"), ShapeError);
  CHECK_THROWS_WITH_AS(rows(zeros({2, 5, 3}), zeros({1, 5, 4})),
                       doctest::Contains("RNN: h is (1, 2, 4) for this x, not of shape (1, 5, 4)"), ShapeError);
  CHECK_THROWS_WITH_AS(lstm(zeros({5, 3}), {zeros({1, 1, 4}), zeros({1, 4})}),
                       doctest::Contains("LSTM: h is (1, 4) for this x, not of shape (1, 1, 4)"), ShapeError);
  CHECK_THROWS_WITH_AS(lstm(zeros({5, 3}), {zeros({1, 4}), zeros({2, 4})}),
                       doctest::Contains("LSTM: c is (1, 4) for this x, not of shape (2, 4)"), ShapeError);
  CHECK_THROWS_WITH_AS(lstm(zeros({5, 3}), {zeros({1, 4}), {}}), doctest::Contains("LSTM: a state has both h and c"),
                       ValueError);
  CHECK_THROWS_WITH_AS(lstm(zeros({5, 3}, DType::float64)),
                       doctest::Contains("LSTM: x holds float64, the weight float32"), ValueError);
  CHECK_THROWS_WITH_AS(RNN(3, 4, {.nonlinearity = Nonlinearity::selu}), "RNN: nonlinearity must be tanh or relu",
                       ValueError);
  CHECK_THROWS_WITH_AS(cell(zeros({2, 3, 3})), doctest::Contains("GRUCell: x is (N, 3) or (3), not of shape (2, 3, 3)"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(cell(zeros({2, 3}), zeros({4})),
                       doctest::Contains("GRUCell: h is (2, 4) for this x, not of shape (4,)"), ShapeError);

  Embedding table(5, 2);
  CHECK_THROWS_WITH_AS(table(tensor({1., 2.})), doctest::Contains("it must hold int64 indices"), ValueError);
  CHECK_THROWS_WITH_AS(table(from_vector(std::vector<std::int64_t>{1, 5}, {2})),
                       doctest::Contains("the index at position 1 of shape (2,) is 5, the weight has 5 rows"),
                       ValueError);
  CHECK_THROWS_WITH_AS(table(from_vector(std::vector<std::int64_t>{-1}, {1})), doctest::Contains("is -1"), ValueError);
  CHECK(table(zeros({2, 0, 3}, DType::int64)).shape() == Shape{2, 0, 3, 2});
}

TEST_CASE("recurrent layers print, are steps of a Sequential, and have a summary") {
  Sequential net(Embedding(9, 3, {.padding_idx = 0}),
                 LSTM(3, 4, {.num_layers = 2, .batch_first = true, .bidirectional = true}), Linear(8, 9));
  CHECK(to_string(net).find("0: Embedding(9, 3, padding_idx=0)") != std::string::npos);
  CHECK(to_string(net).find("1: LSTM(3, 4, num_layers=2, batch_first=True, bidirectional=True)") != std::string::npos);
  CHECK(to_string(RNNCell(3, 4, {.nonlinearity = Nonlinearity::relu})).find("RNNCell(3, 4, nonlinearity='relu')") !=
        std::string::npos);
  const Tensor words = from_vector(std::vector<std::int64_t>{1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(net(words).shape() == Shape{2, 3, 9});
  const Summary s = summary(net, {5}, {.batch_size = 2, .dtype = DType::int64});
  CHECK(s.output == Shape{2, 5, 9});
  CHECK(s.rows[1].kind == "LSTM");
  CHECK(s.rows[1].output == Shape{2, 5, 8});
  // torch.nn.LSTM(3, 4, num_layers=2, bidirectional=True) has as many numbers.
  CHECK(s.rows[1].parameters == 736);
}
