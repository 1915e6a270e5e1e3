// Dropout, embedding and attention beyond the table of rows: masks, padding, what is refused, and attention against
// loops over plain numbers.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "ops/ops.h"
#include "tests/ops/checks.h"
#include "tests/ops/numeric.h"

using namespace chainrule;
using namespace chainrule::testing;
using chainrule::cases::Array;

namespace {

using Indices = std::vector<std::int64_t>;

/// softmax(q k^T / sqrt(E) + mask) v for (B, L, E), (B, S, E), (B, S, D); masks (L, S), -inf to hide.
Array attention_by_hand(const std::vector<Array>& in, const std::function<double(std::int64_t, std::int64_t)>& mask) {
  const Array &q = in[0], &k = in[1], &v = in[2];
  const std::int64_t batches = q.shape[0], rows = q.shape[1], width = q.shape[2], keys = k.shape[1];
  Array z({batches, rows, v.shape[2]});
  for (std::int64_t b = 0; b < batches; ++b) {
    for (std::int64_t i = 0; i < rows; ++i) {
      Numbers p(static_cast<std::size_t>(keys));
      double total = 0;
      for (std::int64_t j = 0; j < keys; ++j) {
        double s = 0;
        for (std::int64_t e = 0; e < width; ++e) s += q.at({b, i, e}) * k.at({b, j, e});
        p[static_cast<std::size_t>(j)] = std::exp(s / std::sqrt(static_cast<double>(width)) + mask(i, j));
        total += p[static_cast<std::size_t>(j)];
      }
      for (std::int64_t j = 0; j < keys; ++j)
        for (std::int64_t d = 0; d < v.shape[2]; ++d)
          z.at({b, i, d}) += p[static_cast<std::size_t>(j)] / total * v.at({b, j, d});
    }
  }
  return z;
}

}  // namespace

TEST_CASE("dropout: the share, the scale, the seed, and nothing when not training") {
  manual_seed(1);
  const Tensor x = ones({200, 100});
  const Numbers v = dropout(x, 0.3).to_vector();
  const auto zeros_seen = static_cast<double>(std::count(v.begin(), v.end(), 0.0)) / static_cast<double>(v.size());
  CHECK(zeros_seen == doctest::Approx(0.3).epsilon(0.03));
  for (const double one : v) CHECK((one == 0 || one == static_cast<double>(1 / 0.7f)));
  CHECK(dropout(x, 0.3).to_vector() != v);
  manual_seed(1);
  CHECK(dropout(x, 0.3).to_vector() == v);
  manual_seed(1);
  CHECK(transpose(dropout(transpose(dense(transpose(x))), 0.3)).to_vector() ==
        transpose(from_vector(v, {200, 100}, {})).to_vector());
  CHECK(dropout(x, 0.3, false).is(x));
  CHECK(dropout(x, 0).to_vector() == Numbers(20000, 1.0));
  CHECK(dropout(x, 1).to_vector() == Numbers(20000, 0.0));
  CHECK(message([&] { dropout(x, 1.5); }) == "dropout: p is 1.5, it must be from 0 to 1");
  CHECK_THROWS_AS(dropout(x, std::nan("")), ValueError);
}

TEST_CASE("embedding: repeated rows add up, the padding row gets none") {
  const Tensor w = from_vector(Numbers{1, 2, 3, 4, 5, 6}, {3, 2}, {.dtype = DType::float64, .requires_grad = true});
  const Tensor i = from_vector(Indices{2, 0, 2, 2}, {2, 2});
  const Tensor z = embedding(i, w);
  CHECK(z.shape() == Shape{2, 2, 2});
  CHECK(z.to_vector() == Numbers{5, 6, 1, 2, 5, 6, 5, 6});
  const Numbers g{1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(slopes(z, w, g) == Numbers{3, 4, 0, 0, 13, 16});
  for (const std::int64_t padding : {2, -1}) {
    const Tensor padded = embedding(i, w, padding);
    CHECK(padded.to_vector() == z.to_vector());
    CHECK(slopes(padded, w, g) == Numbers{3, 4, 0, 0, 0, 0});
    // The gradient is linear in the cotangent, and its own gradient skips the padding too.
    const Tensor c = from_vector(g, z.shape(), {.dtype = DType::float64, .requires_grad = true});
    const Tensor dw = grad(std::vector{padded}, std::vector{w}, {.create_graph = true, .cotangents = {c}})[0];
    CHECK(slopes(dw, c, {1, 2, 3, 4, 5, 6}) == Numbers{0, 0, 1, 2, 0, 0, 0, 0});
  }
  CHECK(embedding(from_vector(Indices{}, {0, 3}), w).shape() == Shape{0, 3, 2});
  CHECK(embedding(from_vector(Indices{1}, {}), w).to_vector() == Numbers{3, 4});
}

TEST_CASE("embedding refuses what it cannot look up") {
  const Tensor w = zeros({3, 2});
  CHECK(message([&] {
          embedding(from_vector(Indices{0, 3}, {2}), w);
        }) == "embedding: the index at position 1 of shape (2,) is 3, the weight has 3 rows");
  CHECK_THROWS_AS(embedding(from_vector(Indices{-1}, {1}), w), ValueError);
  CHECK_THROWS_AS(embedding(zeros({2}), w), ValueError);
  CHECK_THROWS_AS(embedding(from_vector(Indices{0}, {1}), zeros({3})), ShapeError);
  CHECK_THROWS_AS(embedding(from_vector(Indices{0}, {1}), w, 3), ValueError);
  CHECK_THROWS_AS(embedding(Tensor(), w), ValueError);
}

TEST_CASE("attention against loops, with derivatives of order one and two") {
  std::vector<Array> in;
  for (const Shape& shape : {Shape{2, 3, 4}, Shape{2, 5, 4}, Shape{2, 5, 2}})
    in.push_back(cases::random_values({.shape = shape}, 3 + in.size()));
  const Tensor hidden = from_vector(Numbers{1, 0, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 0, 0, 0}, {3, 5}, {});
  const Tensor added = from_vector(Numbers{0, 1, 2, 0, -kInf, 1, 1, 0, 0, 0, -1, 0, 1, 0, 2}, {3, 5}, {});
  struct Way {
    std::function<AttentionOptions()> options;
    std::function<double(std::int64_t, std::int64_t)> mask;
  };
  auto number = [](const Tensor& t, std::int64_t i, std::int64_t j) {
    return t.to_vector()[static_cast<std::size_t>(i * 5 + j)];
  };
  const Way ways[] = {
      {[] { return AttentionOptions{}; }, [](std::int64_t, std::int64_t) { return 0.0; }},
      {[] { return AttentionOptions{.is_causal = true}; },
       [](std::int64_t i, std::int64_t j) { return j <= i ? 0 : -kInf; }},
      {[&] { return AttentionOptions{.attn_mask = gt(hidden, 0)}; },
       [&](std::int64_t i, std::int64_t j) { return number(hidden, i, j) > 0 ? 0 : -kInf; }},
      {[&] { return AttentionOptions{.attn_mask = to(added, DType::float64)}; },
       [&](std::int64_t i, std::int64_t j) { return number(added, i, j); }},
  };
  for (const Way& way : ways) {
    const cases::TensorFunction f = [&](const std::vector<Tensor>& t) {
      return scaled_dot_product_attention(t[0], t[1], t[2], way.options());
    };
    CHECK(cases::difference(f(cases::leaves(in, DType::float64)), attention_by_hand(in, way.mask), 1e-12) == "");
    CHECK(cases::check_gradient(f, in, 1) == "");
    CHECK(cases::check_second(f, in, 2) == "");
  }
  const Tensor q = zeros({3, 4}), never = gt(zeros({3, 3}), 0);
  for (const double v : scaled_dot_product_attention(q, q, q, {.attn_mask = never}).to_vector()) CHECK(v == 0);
  manual_seed(2);
  CHECK(scaled_dot_product_attention(q, q, q + 1, {.dropout_p = 0.5}).to_vector() != Numbers(12, 1.0));
  CHECK_THROWS_AS(scaled_dot_product_attention(q, zeros({3, 5}), q), ShapeError);
  CHECK_THROWS_AS(scaled_dot_product_attention(q, q, zeros({2, 4})), ShapeError);
  CHECK_THROWS_AS(scaled_dot_product_attention(q, q, q, {.attn_mask = never, .is_causal = true}), ValueError);
}

TEST_CASE("a query that may see no key gives 0, and so do its gradients") {
  const Tensor q = numbers({1, 2, 3, 4}, {2, 2}), k = numbers({1, 2, 3, 4}, {2, 2}), v = numbers({1, 2, 3, 4}, {2, 2});
  const Tensor seen = gt(numbers({1, 0, 0, 0}, {2, 2}, DType::float64, false), 0);
  const Tensor added = where(seen, zeros({2, 2}, {.dtype = DType::float64}), -kInf);
  for (const Tensor& mask : {seen, added}) {
    const Tensor z = scaled_dot_product_attention(q, k, v, {.attn_mask = mask});
    CHECK(z.to_vector() == Numbers{1, 2, 0, 0});
    CHECK(slopes(z, v) == Numbers{1, 1, 0, 0});
    CHECK(slopes(z, q) == Numbers{0, 0, 0, 0});
    CHECK(slopes(z, k) == Numbers{0, 0, 0, 0});
  }
}

TEST_CASE("AnomalyMode lets attention's own -inf pass, and a user's") {
  const AnomalyMode watch;
  const Tensor q = numbers({1, 2, 3, 4}, {2, 2});
  const Tensor seen = gt(numbers({1, 0, 0, 0}, {2, 2}, DType::float64, false), 0);
  const Tensor added = where(seen, zeros({2, 2}, {.dtype = DType::float64}), -kInf);
  for (const AttentionOptions& o :
       {AttentionOptions{.is_causal = true}, AttentionOptions{.attn_mask = seen}, AttentionOptions{.attn_mask = added}})
    for (const double g : slopes(scaled_dot_product_attention(q, q, q, o), q)) CHECK(std::isfinite(g));
  const Tensor scores = masked_fill(matmul(q, q), ~seen, -kInf);
  CHECK(softmax(scores[0], 0).to_vector() == Numbers{1, 0});
  // The softmax of a row that is hidden whole is a finding.
  CHECK_THROWS_AS((void)softmax(scores, 1), NumericError);
}
