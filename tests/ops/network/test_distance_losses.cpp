// Losses that are made of other operations, and yes-or-no losses: values and derivatives of order one and two against
// formulas over plain numbers, kinks, awkward numbers, and what is refused.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "ops/ops.h"
#include "tests/ops/checks.h"
#include "tests/ops/numeric.h"

using namespace chainrule;
using namespace chainrule::testing;
using chainrule::cases::Array;

namespace {

/// One loss of pairs of numbers, mean over all.
struct Pairwise {
  std::string name;
  cases::TensorFunction f;
  double (*one)(double x, double y);
  cases::Input x, y;
};

double distance(const Array& a, const Array& b, std::int64_t at, double p, double eps) {
  double s = 0, largest = 0;
  for (std::int64_t k = 0; k < a.shape[1]; ++k) {
    const double d = std::abs(a.at({at, k}) - b.at({at, k}) + eps);
    s += std::pow(d, p);
    largest = std::max(largest, d);
  }
  return std::isinf(p) ? largest : std::pow(s, 1 / p);
}

}  // namespace

TEST_CASE("squared error") {
  const Tensor x = numbers({1, 2, 3, 4}, {2, 2}), y = numbers({0, 2, 5, 1}, {2, 2});
  CHECK(mse_loss(x, y).item() == 14.0 / 4);
  CHECK(mse_loss(x, y, Reduction::sum).item() == 14);
  CHECK(mse_loss(x, y, Reduction::none).to_vector() == Numbers{1, 0, 4, 9});
  CHECK(grad(mse_loss(x, y), x).to_vector() == Numbers{0.5, 0, -1, 1.5});
  CHECK(grad(mse_loss(x, y), y).to_vector() == Numbers{-0.5, 0, 1, -1.5});
  CHECK(mse_loss(x, ones({2, 2}, {.dtype = DType::int64})).dtype() == DType::float64);
  CHECK(message([&] {
          mse_loss(x, numbers({1, 2}, {2}));
        }) ==
        "mse_loss: the prediction has shape (2, 2), the target (2,); they must be the same, nothing is broadcast");
  CHECK_THROWS_AS(mse_loss(x, numbers({1, 2}, {2, 1})), ShapeError);
  CHECK_THROWS_AS(mse_loss(x, Tensor()), ValueError);
}

TEST_CASE("losses of pairs: mean over all, derivatives of order one and two") {
  const Shape s{3, 4};
  const cases::Input any{.shape = s, .grid = 0.5}, shifted{.shape = s, .grid = 0.5, .shift = 0.3};
  const cases::Input logs{.shape = s, .low = -3, .high = -0.1}, share{.shape = s, .low = 0.1, .high = 0.9};
  const Pairwise list[] = {
      {"l1", [](const auto& t) { return l1_loss(t[0], t[1]); }, [](double x, double y) { return std::abs(x - y); }, any,
       shifted},
      {"smooth l1", [](const auto& t) { return smooth_l1_loss(t[0], t[1], Reduction::mean, 0.4); },
       [](double x, double y) {
         const double d = std::abs(x - y);
         return d < 0.4 ? d * d / 0.8 : d - 0.2;
       },
       any, shifted},
      {"smooth l1 without a round part", [](const auto& t) { return smooth_l1_loss(t[0], t[1], Reduction::mean, 0); },
       [](double x, double y) { return std::abs(x - y); }, any, shifted},
      {"huber", [](const auto& t) { return huber_loss(t[0], t[1], Reduction::mean, 1.1); },
       [](double x, double y) {
         const double d = std::abs(x - y);
         return d < 1.1 ? d * d / 2 : 1.1 * (d - 0.55);
       },
       any, shifted},
      {"kl", [](const auto& t) { return kl_div(t[0], t[1]); }, [](double x, double y) { return y * (std::log(y) - x); },
       logs, share},
      {"kl of logarithms", [](const auto& t) { return kl_div(t[0], t[1], {.log_target = true}); },
       [](double x, double y) { return std::exp(y) * (y - x); }, logs, logs},
      {"binary cross entropy", [](const auto& t) { return binary_cross_entropy(t[0], t[1]); },
       [](double x, double y) { return -(y * std::log(x) + (1 - y) * std::log(1 - x)); }, share, share},
      {"with logits, weighed",
       [](const auto& t) {
         return binary_cross_entropy_with_logits(
             t[0], t[1], {.weight = full({}, 0.5), .pos_weight = full({4}, 3, {.dtype = t[0].dtype()})});
       },
       [](double x, double y) {
         const double p = 1 / (1 + std::exp(-x));
         return -0.5 * (3 * y * std::log(p) + (1 - y) * std::log(1 - p));
       },
       any, share},
  };
  for (const Pairwise& l : list) {
    CAPTURE(l.name);
    const std::vector<Array> in{cases::random_values(l.x, 1), cases::random_values(l.y, 2)};
    double total = 0;
    for (std::size_t i = 0; i < 12; ++i) total += l.one(in[0].values[i], in[1].values[i]);
    CHECK(l.f(cases::leaves(in, DType::float64)).item() == doctest::Approx(total / 12).epsilon(1e-12));
    CHECK(l.f(cases::leaves(in, DType::float32)).item() == doctest::Approx(total / 12).epsilon(1e-5));
    CHECK(cases::check_gradient(l.f, in, 3) == "");
    CHECK(cases::check_second(l.f, in, 4) == "");
  }
}

TEST_CASE("triplets and cosines against loops, with derivatives") {
  std::vector<Array> in;
  for (const std::uint64_t seed : {1, 2, 3}) in.push_back(cases::random_values({.shape = {5, 3}}, seed));
  for (const double p : {1.0, 2.0, 3.0, kInf}) {
    for (const bool swap : {false, true}) {
      const cases::TensorFunction f = [=](const std::vector<Tensor>& t) {
        return triplet_margin_loss(t[0], t[1], t[2],
                                   {.margin = 0.5, .p = p, .eps = 1e-3, .swap = swap, .reduction = Reduction::none});
      };
      Array wanted({5});
      for (std::int64_t i = 0; i < 5; ++i) {
        double far = distance(in[0], in[2], i, p, 1e-3);
        if (swap) far = std::min(far, distance(in[1], in[2], i, p, 1e-3));
        wanted.at({i}) = std::max(0.0, distance(in[0], in[1], i, p, 1e-3) - far + 0.5);
      }
      CHECK(cases::difference(f(cases::leaves(in, DType::float64)), wanted, 1e-12) == "");
      CHECK(cases::check_gradient(f, in, 4) == "");
      CHECK(cases::check_second(f, in, 5) == "");
    }
  }
  const cases::TensorFunction cosine = [](const std::vector<Tensor>& t) { return cosine_similarity(t[0], t[1], -1); };
  Array wanted({5});
  for (std::int64_t i = 0; i < 5; ++i) {
    double ab = 0, aa = 0, bb = 0;
    for (std::int64_t k = 0; k < 3; ++k) {
      const double a = in[0].at({i, k}), b = in[1].at({i, k});
      ab += a * b, aa += a * a, bb += b * b;
    }
    wanted.at({i}) = ab / std::sqrt(aa * bb);
  }
  in.pop_back();
  CHECK(cases::difference(cosine(cases::leaves(in, DType::float64)), wanted, 1e-12) == "");
  CHECK(cases::check_gradient(cosine, in, 6) == "");
  CHECK(cases::check_second(cosine, in, 7) == "");
  CHECK(cosine_similarity(ones({3}), ones({5, 3}), 1).shape() == Shape{5});
  const Tensor zero = numbers({0, 0}, {1, 2}), other = numbers({3, 4}, {1, 2});
  CHECK(cosine_similarity(zero, other).item() == 0);
  check_close(slopes(cosine_similarity(zero, other), zero), {0.6e8, 0.8e8});
  // A distance of exactly 0 has slope 0.
  const Tensor a = numbers({1, 2}, {1, 2});
  CHECK(slopes(triplet_margin_loss(a, a.detach(), zero.detach(), {.margin = 9, .eps = 0}), a)[0] ==
        doctest::Approx(-1 / std::sqrt(5.0)));
}

TEST_CASE("kinks follow torch") {
  const Tensor x = numbers({1, 1, 1}), y = from_vector(Numbers{1, -1, 0}, {3}, {.dtype = DType::float64});
  CHECK(slopes(l1_loss(x, x.detach(), Reduction::none), x) == Numbers{0, 0, 0});
  CHECK(hinge_embedding_loss(x, y, 1, Reduction::none).to_vector() == Numbers{1, 0, 1});
  CHECK(slopes(hinge_embedding_loss(x, y, 1, Reduction::none), x) == Numbers{1, -1, 0});
  CHECK(hinge_embedding_loss(x, y, 3).item() == doctest::Approx((1 + 2 + 3) / 3.0));
  const Tensor edge = numbers({0.5, -0.5});
  CHECK(slopes(smooth_l1_loss(edge, zeros({2}, {.dtype = DType::float64}), Reduction::none, 0.5), edge) ==
        Numbers{1, -1});
  CHECK(slopes(huber_loss(edge, zeros({2}, {.dtype = DType::float64}), Reduction::none, 0.5), edge) ==
        Numbers{0.5, -0.5});
}

TEST_CASE("yes or no: the ends of the interval and the largest logits") {
  const Tensor x = numbers({0, 1, 0, 1}), y = from_vector(Numbers{0, 1, 1, 0}, {4}, {.dtype = DType::float64});
  const Tensor z = binary_cross_entropy(x, y, {.reduction = Reduction::none});
  CHECK(z.to_vector() == Numbers{0, 0, 100, 100});
  CHECK(slopes(z, x) == Numbers{1, -1, -1e12, 1e12});
  const Tensor near = numbers({1e-13, 1e-13}), of = from_vector(Numbers{0, 1}, {2}, {.dtype = DType::float64});
  const Numbers slope = slopes(binary_cross_entropy(near, of, {.reduction = Reduction::none}), near);
  CHECK(slope[0] == doctest::Approx(1).epsilon(1e-12));
  CHECK(slope[1] == doctest::Approx(-1e12).epsilon(1e-12));
  CHECK(message([&] {
          binary_cross_entropy(numbers({0.5, 1.5}), numbers({0, 1}));
        }) ==
        "binary_cross_entropy: x holds 1.5, it must hold probabilities from 0 to 1; for numbers before the sigmoid "
        "there is binary_cross_entropy_with_logits");
  CHECK(std::isnan(binary_cross_entropy(numbers({kNan}), numbers({1})).item()));
  for (const DType dtype : {DType::float32, DType::float64}) {
    const double large = dtype == DType::float32 ? 1e4 : 1e300;
    const Tensor logits = numbers({large, large, -large, -large, 0}, {5}, dtype);
    const Tensor target = from_vector(Numbers{1, 0, 1, 0, 0.5}, {5}, {.dtype = dtype});
    const Tensor loss = binary_cross_entropy_with_logits(logits, target, {.reduction = Reduction::none});
    const double cast = dtype == DType::float32 ? 1e4 : 1e300;
    check_close(loss.to_vector(), {0, cast, cast, 0, std::log(2.0)}, 1e-6);
    CHECK(slopes(loss, logits) == Numbers{0, 1, -1, 0, 0});
    const Tensor weighed =
        binary_cross_entropy_with_logits(logits, target, {.pos_weight = full({}, 2, {.dtype = dtype})});
    CHECK(std::isfinite(weighed.item()));
    for (const double v : slopes(weighed, logits)) CHECK(std::isfinite(v));
  }
  // Confident and right: what is left of the loss keeps its digits.
  const Tensor sure = numbers({40, -40}), right = from_vector(Numbers{1, 0}, {2}, {.dtype = DType::float64});
  check_close(binary_cross_entropy_with_logits(sure, right, {.reduction = Reduction::none}).to_vector(),
              Numbers(2, std::exp(-40.0)));
  CHECK(
      std::isnan(binary_cross_entropy_with_logits(numbers({kNan}), numbers({1}), {.pos_weight = full({}, 2)}).item()));
}

TEST_CASE("the divergence: zeros in the target, and batchmean") {
  const Tensor x = numbers({-1, -2, -3, -4}, {2, 2});
  const Tensor y = from_vector(Numbers{0, 1, 0.5, 0.5}, {2, 2}, {.dtype = DType::float64});
  const double total = 2 + 2 * 0.5 * std::log(0.5) + 0.5 * 3 + 0.5 * 4;
  CHECK(kl_div(x, y, {.reduction = Reduction::sum}).item() == doctest::Approx(total));
  CHECK(kl_div(x, y).item() == doctest::Approx(total / 4));
  CHECK(kl_div(x, y, {.batchmean = true}).item() == doctest::Approx(total / 2));
  CHECK(slopes(kl_div(x, y, {.reduction = Reduction::sum}), x) == Numbers{0, -1, -0.5, -0.5});
}

TEST_CASE("the book's forms") {
  const Tensor y = numbers({0.1, 0.05, 0.6, 0, 0.05, 0.1, 0, 0.1, 0, 0});
  const Tensor t = from_vector(Numbers{0, 0, 1, 0, 0, 0, 0, 0, 0, 0}, {10}, {.dtype = DType::float64});
  CHECK(sum_squared_error(y, t).item() == doctest::Approx(0.0975));
  CHECK(cross_entropy_error(y, t).item() == doctest::Approx(0.510825457099338));
  CHECK(cross_entropy_error(y, from_vector(std::vector<std::int64_t>{2}, {})).item() ==
        doctest::Approx(0.510825457099338));
  const Tensor batch = numbers({0.25, 0.75, 1, 0}, {2, 2});
  const double wanted = -(std::log(0.75 + 1e-7) + std::log(1e-7)) / 2;
  CHECK(cross_entropy_error(batch, from_vector(std::vector<std::int64_t>{1, 1}, {2})).item() ==
        doctest::Approx(wanted));
  CHECK(std::isfinite(slopes(cross_entropy_error(batch, from_vector(std::vector<std::int64_t>{1, 1}, {2})), batch)[3]));
  CHECK_THROWS_AS(cross_entropy_error(batch, from_vector(std::vector<std::int64_t>{1, -100}, {2})), ValueError);
}

TEST_CASE("nothing is broadcast, and options are checked") {
  const Tensor x = zeros({2, 3}), y = zeros({3});
  using F = Tensor (*)(const Tensor&, const Tensor&);
  for (const F f : {F([](const Tensor&a, const Tensor&b) { return l1_loss(a, b); }),
                    F([](const Tensor&a, const Tensor&b) { return huber_loss(a, b); }),
                    F([](const Tensor&a, const Tensor&b) { return kl_div(a, b); }),
                    F([](const Tensor&a, const Tensor&b) { return binary_cross_entropy(a, b); }),
                    F([](const Tensor&a, const Tensor&b) { return hinge_embedding_loss(a, b); }),
                    F([](const Tensor&a, const Tensor&b) { return triplet_margin_loss(a, a, b); })}) {
    CHECK(message([&] { f(x, y); }).ends_with("they must be the same, nothing is broadcast"));
    CHECK_THROWS_AS(f(x, Tensor()), ValueError);
  }
  CHECK(message([&] { huber_loss(x, x, Reduction::mean, 0); }) == "huber_loss: delta is 0, it must be larger than 0");
  CHECK_THROWS_AS(smooth_l1_loss(x, x, Reduction::mean, -1), ValueError);
  CHECK_THROWS_AS(triplet_margin_loss(x, x, x, {.p = 0}), ValueError);
  CHECK(message([&] { binary_cross_entropy(x, x, {.weight = zeros({2})}); }) ==
        "binary_cross_entropy: the weight has shape (2,), it must broadcast to (2, 3)");
}

TEST_CASE("lengths neither overflow nor vanish on the way") {
  for (const double v : {1e200, 1e-6}) {
    const Tensor x = numbers({v, v}, {1, 2});
    CHECK(cosine_similarity(x, x).item() == doctest::Approx(1).epsilon(1e-14));
    for (const double d : slopes(cosine_similarity(x, numbers({v, -v}, {1, 2})), x)) CHECK(std::isfinite(d));
  }
  const Tensor far = numbers({1e200, 1e200}, {1, 2}), zero = numbers({0, 0}, {1, 2});
  CHECK(triplet_margin_loss(far, zero, far, {.eps = 0}).item() == doctest::Approx(std::sqrt(2.0) * 1e200));
  CHECK(cosine_similarity(zero, far).item() == 0);
  CHECK(slopes(cosine_similarity(zero, zero), zero) == Numbers{0, 0});
}

TEST_CASE("probabilities are from 0 to 1, in the target too") {
  const Tensor x = numbers({0.5}), y = numbers({2});
  CHECK(message([&] { binary_cross_entropy(x, y); }) ==
        "binary_cross_entropy: the target holds 2, it must hold probabilities from 0 to 1");
  CHECK(message([&] { binary_cross_entropy(y, x); }).starts_with("binary_cross_entropy: x holds 2"));
}
