// What the comparison with PyTorch does not show of attention: names and first values, what masks hide, weights,
// dropout, threads, what is refused, and how it prints.
#include <doctest/doctest.h>

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

TEST_CASE("parameters of attention have torch's names, order, shapes and first values") {
  manual_seed(2);
  const MultiheadAttention plain(40, 4);
  CHECK(state_names(plain) ==
        std::vector<std::string>{"in_proj_weight", "in_proj_bias", "out_proj.weight", "out_proj.bias"});
  CHECK(plain.in_proj_weight->shape() == Shape{120, 40});
  CHECK(amax(abs(*plain.in_proj_bias)).item() == 0);
  const double bound = std::sqrt(6. / 160), largest = amax(abs(*plain.in_proj_weight)).item();  // Xavier of (120, 40)
  CHECK(largest <= bound);
  CHECK(largest > 0.98 * bound);
  CHECK(amax(abs(plain.out_proj->weight)).item() <= 1 / std::sqrt(40.));
  const MultiheadAttention other(4, 2, {.kdim = 3, .vdim = 5});
  CHECK(state_names(other) == std::vector<std::string>{"q_proj_weight", "k_proj_weight", "v_proj_weight",
                                                       "in_proj_bias", "out_proj.weight", "out_proj.bias"});
  CHECK(other.v_proj_weight->shape() == Shape{4, 5});
  CHECK(state_names(TransformerEncoderLayer(4, 2, {.dim_feedforward = 5})) ==
        std::vector<std::string>{"self_attn.in_proj_weight", "self_attn.in_proj_bias", "self_attn.out_proj.weight",
                                 "self_attn.out_proj.bias", "linear1.weight", "linear1.bias", "linear2.weight",
                                 "linear2.bias", "norm1.weight", "norm1.bias", "norm2.weight", "norm2.bias"});
}

TEST_CASE("what a mask hides has no weight, no influence and no gradient") {
  manual_seed(3);
  MultiheadAttention attention(6, 2, {.batch_first = true});
  Tensor x = randn({2, 3, 6}).set_requires_grad();
  const Tensor padding = tensor({{0, 0, 1}, {0, 0, 0}}) > 0;
  const auto [y, weights] = attention(x, x, x, {.key_padding_mask = padding});
  CHECK(weights.shape() == Shape{2, 3, 3});
  CHECK(amax(abs(sum(weights, {-1}) - 1)).item() < 1e-6);
  for (std::int64_t i = 0; i < 3; ++i) CHECK(weights.to_vector()[static_cast<std::size_t>(3 * i + 2)] == 0);
  sum(slice(slice(y, 0, 0, 1), 1, 0, 2)).backward();  // of what the first sequence's true steps give
  CHECK(amax(abs(slice(slice(x.grad(), 0, 0, 1), 1, 2, 3))).item() == 0);

  // The same as numbers, and for every head of every sequence.
  const double never = -INFINITY;
  const Tensor added = where(padding, never, zeros({2, 3}));
  CHECK(farthest(attention(x, x, x, {.key_padding_mask = added}).output, y) == 0);
  const Tensor each = reshape(expand(reshape(padding, {2, 1, 1, 3}), {2, 2, 3, 3}), {4, 3, 3});
  CHECK(farthest(attention(x, x, x, {.attn_mask = each}).output, y) == 0);
  // A query that may read nothing reads 0.
  const Tensor nothing = ones({3, 3}) > 0;
  const auto blind = attention(x, x, x, {.attn_mask = nothing});
  CHECK(amax(abs(blind.weights)).item() == 0);
  CHECK(farthest(blind.output, expand(*attention.out_proj->bias, {2, 3, 6})) == 0);
}

TEST_CASE("weights are those of each head, their mean, or none") {
  manual_seed(4);
  MultiheadAttention attention(6, 3);
  const Tensor q = randn({4, 2, 6}), k = randn({5, 2, 6});
  const auto each = attention(q, k, k, {.average_attn_weights = false});
  CHECK(each.weights.shape() == Shape{2, 3, 4, 5});
  const auto mean_of = attention(q, k, k);
  CHECK(mean_of.weights.shape() == Shape{2, 4, 5});
  CHECK(farthest(mean(each.weights, {1}), mean_of.weights) == 0);
  CHECK_FALSE(attention(q, k, k, {.need_weights = false}).weights.defined());
  // One product for all three gives what three products give.
  CHECK(farthest(attention(q, q, q).output, attention(q, clone(q), clone(q)).output) < 1e-6);
  const auto one =
      attention(squeeze(slice(q, 1, 0, 1), {1}), squeeze(slice(k, 1, 0, 1), {1}), squeeze(slice(k, 1, 0, 1), {1}));
  CHECK(one.weights.shape() == Shape{4, 5});
  CHECK(farthest(one.output, squeeze(slice(mean_of.output, 1, 0, 1), {1})) < 1e-6);
}

TEST_CASE("attention and the encoder leave out numbers while training, and only then") {
  manual_seed(5);
  MultiheadAttention attention(8, 2, {.dropout = 0.5});
  TransformerEncoderLayer layer(8, 2, {.dim_feedforward = 16});
  const Tensor x = randn({5, 2, 8});
  CHECK(farthest(attention(x, x, x).output, attention(x, x, x).output) > 0);
  CHECK(farthest(layer(x), layer(x)) > 0);
  attention.eval();
  layer.eval();
  CHECK(farthest(attention(x, x, x).output, attention(x, x, x).output) == 0);
  CHECK(farthest(layer(x), layer(x)) == 0);
}

TEST_CASE("threads do not change a bit of the encoder") {
  const int before = num_threads();
  std::vector<double> first;
  for (int threads = 1; threads <= 4; ++threads) {
    set_num_threads(threads);
    manual_seed(6);
    TransformerEncoderLayer layer(48, 3, {.dim_feedforward = 100, .batch_first = true});
    const Tensor x = randn({7, 33, 48});
    const Tensor padding = rand({7, 33}) > 0.8, y = layer(x, {.src_key_padding_mask = padding});
    sum(y * y * x).backward();
    std::vector<double> all = y.to_vector();
    for (const NamedTensor& p : layer.parameters()) {
      const auto g = p.tensor.grad().to_vector();
      all.insert(all.end(), g.begin(), g.end());
    }
    if (threads == 1) first = all;
    CHECK(all == first);
  }
  set_num_threads(before);
}

TEST_CASE("inputs and masks that do not fit are refused with a sentence") {
  MultiheadAttention attention(4, 2);
  TransformerEncoderLayer layer(4, 2, {.dim_feedforward = 8});
  const Tensor q = zeros({3, 2, 4}), k = zeros({5, 2, 4});
  CHECK_THROWS_WITH_AS(attention(zeros({3, 2, 5}), k, k),
                       doctest::Contains("MultiheadAttention: query (3, 2, 5), key (5, 2, 4) and value (5, 2, 4) have "
                                         "4, 4 and 4 features on their last axis and two axes, or three with a batch"),
                       ShapeError);
  CHECK_THROWS_AS(attention(zeros({4}), zeros({4}), zeros({4})), ShapeError);
  CHECK_THROWS_AS(attention(q, zeros({5, 4}), zeros({5, 4})), ShapeError);
  CHECK_THROWS_WITH_AS(attention(q, zeros({5, 3, 4}), zeros({5, 3, 4})),
                       doctest::Contains("differ in their batch, or key and value in length"), ShapeError);
  CHECK_THROWS_WITH_AS(attention(q, k, q), doctest::Contains("differ in their batch, or key and value in length"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(attention(q, zeros({0, 2, 4}), zeros({0, 2, 4})),
                       doctest::Contains("query (3, 2, 4) and key (0, 2, 4) have at least one step"), ShapeError);
  CHECK_THROWS_WITH_AS(attention(q, k, k, {.attn_mask = zeros({5, 3})}),
                       doctest::Contains("attn_mask is (3, 5) or (4, 3, 5) for this call, not of shape (5, 3)"),
                       ShapeError);
  CHECK_THROWS_WITH_AS(attention(q, k, k, {.key_padding_mask = zeros({5, 2})}),
                       doctest::Contains("key_padding_mask is (2, 5) for this call, not of shape (5, 2)"), ShapeError);
  CHECK_THROWS_WITH_AS(attention(q, k, k, {.attn_mask = zeros({3, 5}, DType::int64)}),
                       doctest::Contains("attn_mask is boolean or floating, not int64"), ValueError);
  CHECK_THROWS_WITH_AS(attention(q, k, to(k, DType::float64)),
                       doctest::Contains("MultiheadAttention: x holds float64, the weight float32"), ValueError);
  CHECK_THROWS_WITH_AS(layer(zeros({3, 2, 5})),
                       doctest::Contains("TransformerEncoderLayer: src is (L, N, 4) or (L, 4), not of shape (3, 2, 5)"),
                       ShapeError);
}

TEST_CASE("attention prints, is a step of a Sequential, and has a summary") {
  Sequential net(MultiheadAttention(8, 2, {.dropout = 0.1, .batch_first = true}),
                 TransformerEncoderLayer(8, 2, {.dim_feedforward = 16, .batch_first = true}));
  const std::string text = to_string(net);
  CHECK(text.find("0: MultiheadAttention(8, 2, dropout=0.1, batch_first=True)") != std::string::npos);
  CHECK(text.find("1: TransformerEncoderLayer(8, 2, dim_feedforward=16, batch_first=True)") != std::string::npos);
  CHECK(text.find("    self_attn: MultiheadAttention(8, 2, dropout=0.1, batch_first=True)") != std::string::npos);
  const Summary s = summary(net, {5, 8}, {.batch_size = 3});
  CHECK(s.output == Shape{3, 5, 8});
  CHECK(s.parameters == 288 + 600);  // as many numbers as in torch's
}
