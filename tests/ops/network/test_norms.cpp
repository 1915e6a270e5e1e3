// Normalisation beyond the table of rows: running values, one value for each channel (N8), sizes that cross the blocks
// of the kernels, numbers far from 0, memory layouts and threads.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "engine/scopes.h"
#include "ops/kernels/parallel.h"
#include "ops/ops.h"
#include "tests/ops/checks.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

Tensor channels_last(const Tensor& x) { return permute(dense(permute(x, {0, 2, 3, 1}).detach()), {0, 3, 1, 2}); }

/// (x - mean) / sqrt(var + eps) over the given axes, each number on its own in double.
Numbers by_hand(const Tensor& x, const Axes& axes, double eps) {
  const NoGrad values_only;
  const Tensor wide = to(x, DType::float64), d = wide - mean(wide, axes, true);
  return (d / sqrt(mean(square(d), axes, true) + eps)).to_vector();
}

double worst(const Numbers& a, const Numbers& b) {
  double error = 0;
  for (std::size_t i = 0; i < a.size(); ++i) error = std::max(error, std::abs(a[i] - b[i]));
  return error;
}

bool same_bits(const Numbers& a, const Numbers& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

}  // namespace

TEST_CASE("batch_norm: running values move by momentum, the variance unbiased; without training they are used") {
  const Tensor x = numbers({1, 10, 3, 10, 5, 40}, {3, 2});
  const Tensor mean = numbers({0, 1}, {2}, DType::float64, false), var = numbers({1, 1}, {2}, DType::float64, false);
  const Tensor z = batch_norm(x, mean, var, {}, {}, {.training = true, .momentum = 0.25, .eps = 0});
  check_close(mean.to_vector(), {0.75, 0.75 + 5});
  check_close(var.to_vector(), {0.75 + 0.25 * 4, 0.75 + 0.25 * 300});
  const double s = std::sqrt(8.0 / 3), t = std::sqrt(200.0);  // biased
  check_close(z.to_vector(), {-2 / s, -10 / t, 0, -10 / t, 2 / s, 20 / t});
  const Tensor w = numbers({2, 3}, {2}), b = numbers({1, -1}, {2});
  const Tensor y = batch_norm(x, mean, var, w, b, {.eps = 0});
  const double r = 1 / std::sqrt(1.75), q = 1 / std::sqrt(75.75);
  check_close(y.to_vector(), {0.25 * r * 2 + 1, 4.25 * q * 3 - 1, 2.25 * r * 2 + 1, 4.25 * q * 3 - 1, 4.25 * r * 2 + 1,
                              34.25 * q * 3 - 1});
  // The graph holds what the running values were: a later step of training does not change it.
  batch_norm(x, mean, var, w, b, {.training = true});
  check_close(slopes(y, x), {2 * r, 3 * q, 2 * r, 3 * q, 2 * r, 3 * q});
  check_close(slopes(y, w), {(0.25 + 2.25 + 4.25) * r, (4.25 + 4.25 + 34.25) * q});
  check_close(slopes(y, b), {3, 3});
}

TEST_CASE("batch_norm: a graph that saved a running value notices that it was overwritten") {
  const Tensor x = numbers({1, 2, 4, 8}, {4, 1});
  const Tensor mean = numbers({1}, {1}, DType::float32, false), var = numbers({2}, {1}, DType::float32, false);
  const Tensor scale = numbers({3}, {1}, DType::float32);
  const Tensor product = scale * mean;
  batch_norm(x, mean, var, {}, {}, {.training = true});
  CHECK(mean.to_vector()[0] == doctest::Approx(0.9 + 0.1 * 3.75));
  CHECK(message([&] { product.backward(); }).find("batch_norm") != std::string::npos);
}

TEST_CASE("one value for each channel is refused before anything changes") {
  const Tensor mean = zeros({3}), var = ones({3});
  CHECK(message([&] {
          batch_norm(ones({1, 3}), mean, var, {}, {}, {.training = true});
        }) ==
        "batch_norm: training needs more than one value for each channel, x of shape (1, 3) has one; use a larger "
        "batch, or training=False");
  CHECK_THROWS_AS(batch_norm(ones({1, 3, 1, 1}), mean, var, {}, {}, {.training = true}), ValueError);
  CHECK_THROWS_AS(instance_norm(ones({4, 3, 1}), mean, var), ValueError);
  CHECK(mean.to_vector() == Numbers{0, 0, 0});
  CHECK(var.to_vector() == Numbers{1, 1, 1});
  CHECK(std::isfinite(sum(batch_norm(ones({1, 3}), mean, var)).item()));
  CHECK(std::isfinite(sum(batch_norm(ones({1, 3, 2, 2}), mean, var, {}, {}, {.training = true})).item()));
  // No samples: nothing to learn from.
  CHECK(batch_norm(ones({0, 3}), mean, ones({3}), {}, {}, {.training = true}).shape() == Shape{0, 3});
  CHECK(std::isfinite(sum(mean).item()));
}

TEST_CASE("101 samples in batches of 10: the last one is skipped by the error, or larger, and nothing becomes NaN") {
  Generator generator(3);
  const Tensor x = randn({101, 4}, {}, generator), mean = zeros({4}), var = ones({4});
  for (std::int64_t at = 0; at < 101; at += 10) {
    const Tensor batch = slice(x, 0, at, std::min<std::int64_t>(at + 10, 101));
    if (batch.size(0) == 1)
      CHECK_THROWS_AS(batch_norm(batch, mean, var, {}, {}, {.training = true}), ValueError);
    else
      batch_norm(batch, mean, var, {}, {}, {.training = true});
  }
  for (const Tensor& t : {mean, var})
    for (const double v : t.to_vector()) CHECK(std::isfinite(v));
}

TEST_CASE("instance_norm: running values are the means over samples") {
  const Tensor x = numbers({1, 3, 2, 6, 5, 5, 0, 4}, {2, 2, 2});
  const Tensor mean = numbers({0, 0}, {2}, DType::float64, false), var = numbers({1, 1}, {2}, DType::float64, false);
  const Tensor z = instance_norm(x, mean, var, {}, {}, {.momentum = 0.5, .eps = 0.25});
  check_close(mean.to_vector(), {0.5 * (2 + 5) / 2, 0.5 * (4 + 2) / 2});
  check_close(var.to_vector(), {0.5 + 0.5 * (2 + 0) / 2, 0.5 + 0.5 * (8 + 8) / 2});
  const double a = std::sqrt(1.25), b = std::sqrt(4.25);
  check_close(z.to_vector(), {-1 / a, 1 / a, -2 / b, 2 / b, 0, 0, -2 / b, 2 / b});
  const Tensor fixed = instance_norm(x, mean, var, {}, {}, {.use_input_stats = false, .eps = 0});
  CHECK(fixed.to_vector()[0] == doctest::Approx((1 - 1.75) / std::sqrt(1.0)));
}

TEST_CASE("sizes that cross every block, row-major and channels-last, in both dtypes") {
  Generator generator(5);
  for (const DType dtype : {DType::float32, DType::float64}) {
    const double allowed = dtype == DType::float32 ? 2e-5 : 1e-11;
    auto check = [&](const Tensor& z, const Tensor& x, const Axes& axes) {
      CHECK(worst(z.to_vector(), by_hand(x, axes, 1e-5)) < allowed);
    };
    for (const std::int64_t width : {1, 3, 16, 37}) {
      const Tensor x = randn({1300, width}, {.dtype = dtype}, generator) * 3 + 2;
      check(batch_norm(x, {}, {}, {}, {}, {.training = true}), x, {0});
      check(layer_norm(x, {width}), x, {1});
    }
    const Tensor images = randn({3, 5, 70, 71}, {.dtype = dtype}, generator) + 4;
    check(batch_norm(images, {}, {}, {}, {}, {.training = true}), images, {0, 2, 3});
    check(instance_norm(images), images, {2, 3});
    check(group_norm(reshape(images, {3, 5, 4970}), 1), reshape(images, {3, 5, 4970}), {1, 2});
    check(layer_norm(images, {5, 70, 71}), images, {1, 2, 3});
    const Tensor last = channels_last(images);
    const Tensor z = batch_norm(last, {}, {}, {}, {}, {.training = true});
    check(z, images, {0, 2, 3});
    CHECK(z.strides() == last.strides());
  }
}

TEST_CASE("gradients of large inputs in float32 agree with float64, in any layout") {
  Generator generator(6);
  const Tensor x = randn({4, 19, 33, 31}, {}, generator), g = randn({4, 19, 33, 31}, {}, generator);
  const Tensor w = rand({19}, {}, generator), b = randn({19}, {}, generator);
  using F = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);
  const F batch = [](const Tensor& t, const Tensor& v, const Tensor& c) {
    return batch_norm(t, {}, {}, v, c, {.training = true});
  };
  const F instance = [](const Tensor& t, const Tensor& v, const Tensor& c) { return instance_norm(t, {}, {}, v, c); };
  const F group = [](const Tensor& t, const Tensor& v, const Tensor& c) { return group_norm(t, 19, v, c); };
  const F layer = [](const Tensor& t, const Tensor& v, const Tensor& c) {
    return layer_norm(permute(t, {0, 2, 3, 1}), {19}, v, c);
  };
  const F rms = [](const Tensor& t, const Tensor& v, const Tensor&) {
    return rms_norm(permute(t, {0, 2, 3, 1}), {19}, v);
  };
  for (const F f : {batch, instance, group, layer, rms}) {
    auto gradients = [&](const Tensor& from, DType dtype) {
      std::vector<Tensor> leaves;
      for (const Tensor& t : {from, w, b})
        leaves.push_back((dtype == t.dtype() ? internal::alias(t) : to(t.detach(), dtype)).set_requires_grad());
      const Tensor z = f(leaves[0], leaves[1], leaves[2]),
                   h = z.dim() == 4 && z.size(1) == 19 ? g : permute(g, {0, 2, 3, 1});
      return grad(std::vector{z}, leaves, {.allow_unused = true, .cotangents = {to(h.detach(), dtype)}});
    };
    const auto wanted = gradients(x, DType::float64);
    for (const Tensor& layout : {x, channels_last(x)}) {
      const auto got = gradients(layout, DType::float32);
      CHECK(worst(got[0].to_vector(), wanted[0].to_vector()) < 1e-4);
      for (const std::size_t i : {1, 2})
        if (got[i].defined()) CHECK(worst(got[i].to_vector(), wanted[i].to_vector()) < 2e-3);
    }
  }
}

TEST_CASE("far from 0 the deviations keep their digits") {
  Generator generator(8);
  const Tensor x = to(randn({2000, 6}, {.dtype = DType::float64}, generator) + 4096, DType::float32);
  CHECK(worst(batch_norm(x, {}, {}, {}, {}, {.training = true}).to_vector(), by_hand(x, {0}, 1e-5)) < 1e-3);
  const Tensor rows = dense(transpose(x));
  CHECK(worst(layer_norm(rows, {2000}).to_vector(), by_hand(rows, {1}, 1e-5)) < 1e-3);
  const Tensor same = full({8, 3}, 1e6);
  CHECK(batch_norm(same, {}, {}, {}, {}, {.training = true}).to_vector() == Numbers(24, 0.0));
}

TEST_CASE("one thread and two give the same bits") {
  Generator generator(9);
  const int before = num_threads();
  const Tensor images = randn({8, 24, 40, 41}, {}, generator), w = rand({24}, {}, generator),
               b = rand({24}, {}, generator);
  using F = Tensor (*)(const Tensor&, const Tensor&, const Tensor&);
  const F list[] = {
      [](const Tensor& t, const Tensor& v, const Tensor& c) { return batch_norm(t, {}, {}, v, c, {.training = true}); },
      [](const Tensor& t, const Tensor& v, const Tensor& c) { return group_norm(t, 4, v, c); },
      [](const Tensor& t, const Tensor& v, const Tensor& c) {
        return layer_norm(permute(t, {0, 2, 3, 1}), {24}, v, c);
      },
  };
  for (const F f : list) {
    for (const Tensor& layout : {images, channels_last(images)}) {
      std::vector<Numbers> results[2];
      for (const int threads : {1, 2}) {
        set_num_threads(threads);
        std::vector<Tensor> leaves;
        for (const Tensor& t : {layout, w, b}) leaves.push_back(internal::alias(t).set_requires_grad());
        const Tensor z = f(leaves[0], leaves[1], leaves[2]);
        results[threads - 1].push_back(z.to_vector());
        for (const Tensor& t : grad(std::vector{z}, leaves, {.cotangents = {z.detach()}}))
          results[threads - 1].push_back(t.to_vector());
      }
      for (std::size_t i = 0; i < 4; ++i) CHECK(same_bits(results[0][i], results[1][i]));
    }
  }
  set_num_threads(before);
}

TEST_CASE("rms_norm: eps is the dtype's spacing by default") {
  const Tensor zero = numbers({0, 0}, {1, 2}), tiny = numbers({1e-8, 1e-8}, {1, 2});
  CHECK(rms_norm(zero, {2}).to_vector() == Numbers{0, 0});
  check_close(slopes(rms_norm(zero, {2}), zero, {1, 0}), {1 / std::sqrt(std::pow(2.0, -52)), 0});
  check_close(rms_norm(tiny, {2}).to_vector(), Numbers(2, 1e-8 / std::sqrt(1e-16 + std::pow(2.0, -52))));
  CHECK(rms_norm(numbers({3, 4}, {1, 2}), {2}, {}, 0.0).to_vector()[0] == doctest::Approx(3 / std::sqrt(12.5)));
}

TEST_CASE("what does not fit is named") {
  const Tensor x = ones({2, 6, 3});
  CHECK(message([&] { batch_norm(ones({3}), {}, {}, {}, {}, {.training = true}); }) ==
        "batch_norm: x has shape (3,), it must be (N, C) or (N, C, ...)");
  CHECK(message([&] { batch_norm(x); }) == "batch_norm: without training=True it needs running_mean and running_var");
  CHECK(message([&] { batch_norm(x, zeros({6}), {}, {}, {}); }) ==
        "batch_norm: running_mean and running_var must be given together");
  CHECK(message([&] { batch_norm(x, zeros({6}), zeros({5})); }) ==
        "batch_norm: running_var has shape (5,), it must have (6,)");
  CHECK(message([&] { group_norm(x, 4); }) ==
        "group_norm: 6 channels cannot be cut into 4 equal groups, x has shape (2, 6, 3)");
  CHECK_THROWS_AS(group_norm(x, 0), ValueError);
  CHECK(message([&] { layer_norm(x, {6}); }) ==
        "layer_norm: normalized_shape is (6,), x of shape (2, 6, 3) does not end with it");
  CHECK_THROWS_AS(layer_norm(x, {1, 2, 6, 3}), ShapeError);
  CHECK(message([&] { layer_norm(x, {3}, ones({6})); }) == "layer_norm: weight has shape (6,), it must have (3,)");
  CHECK_THROWS_AS(layer_norm(x, {3}, {}, {}, -1), ValueError);
  CHECK_THROWS_AS(batch_norm(x, zeros({6}), ones({6}), {}, {}, {.training = true, .momentum = 2}), ValueError);
  const Tensor leaf = zeros({6}, {.requires_grad = true});
  CHECK(message([&] { batch_norm(x, leaf * 2, ones({6}), {}, {}, {.training = true}); }).find("must be leaves") !=
        std::string::npos);
  CHECK_THROWS_AS(batch_norm(Tensor(), {}, {}, {}, {}, {.training = true}), ValueError);
}
