// Averages against their formulas, swapped in and out, saved and loaded.
#include "optim/average.h"

#include <doctest/doctest.h>

#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/types/error.h"

using namespace chainrule;

namespace {

void set(Tensor p, double value) {
  const NoGrad in_place;
  p.fill_(value);
}

}  // namespace

TEST_CASE("the moving average and the mean follow their formulas") {
  const Tensor p = zeros({2, 3}, {.dtype = DType::float64, .requires_grad = true});
  WeightAverage ema({{"p", p}}, {.decay = 0.75}), swa({{"p", p}});
  double moving = 0, sum = 0;
  for (int t = 1; t <= 20; ++t) {
    const double now = t * t % 7 - 2.5;
    set(p, now);
    ema.update();
    swa.update();
    moving = t == 1 ? now : 0.75 * moving + 0.25 * now;
    sum += now;
    for (const double v : ema.values()[0].tensor.to_vector()) CHECK(v == doctest::Approx(moving).epsilon(1e-14));
    for (const double v : swa.values()[0].tensor.to_vector()) CHECK(v == doctest::Approx(sum / t).epsilon(1e-13));
  }
  CHECK(ema.updates() == 20);
  CHECK(p.to_vector()[0] == 20 * 20 % 7 - 2.5);
}

TEST_CASE("averages stand in the parameters for a while, bit for bit, or for good") {
  const Tensor p = full({5}, 0.1F, {.requires_grad = true}), count = arange(3);
  WeightAverage average({{"p", p}, {"count", count}}, {.decay = 0.5});
  CHECK_THROWS_WITH_AS(average.swap_in(), "WeightAverage: swap_in before the first update", ValueError);
  average.update();
  set(p, 0.3);
  set(count, 7);
  average.update();
  const auto own = p.values<float>(), averaged = average.values()[0].tensor.values<float>();
  CHECK(averaged[0] == doctest::Approx(0.2));
  {
    const auto swapped = average.swap_in();
    CHECK(p.values<float>() == averaged);
    CHECK(count.to_vector() == std::vector<double>{7, 7, 7});
    CHECK_THROWS_WITH_AS(average.update(), "WeightAverage: update while the averages stand in the parameters",
                         ValueError);
    CHECK_THROWS_AS(average.swap_in(), ValueError);
  }
  CHECK(p.values<float>() == own);
  CHECK(average.values()[0].tensor.values<float>() == averaged);
  average.copy_to_parameters();
  CHECK(p.values<float>() == averaged);
}

TEST_CASE("a state goes on bit for bit, and one that does not fit changes nothing") {
  const Tensor p = zeros({3}, {.requires_grad = true});
  WeightAverage a({{"p", p}}, {.decay = 0.9}), b({{"p", p}}, {.decay = 0.9});
  for (int t = 0; t < 4; ++t) {
    set(p, t * 0.3);
    a.update();
  }
  b.load_state(a.state());
  set(p, 5);
  a.update();
  b.update();
  CHECK(a.values()[0].tensor.values<float>() == b.values()[0].tensor.values<float>());
  CHECK(b.updates() == 5);
  CHECK_THROWS_WITH_AS(
      b.load_state({{"average.updates", from_vector({std::int64_t{1}}, {})}, {"q.average", p}}),
      "WeightAverage: this state does not fit, and nothing was changed; missing: p.average; unexpected: "
      "q.average",
      ValueError);
  CHECK(b.updates() == 5);
  CHECK_THROWS_WITH_AS(WeightAverage({{"p", p}}, {.decay = 1}), "WeightAverage: decay must be in [0, 1), not 1",
                       ValueError);
  CHECK_THROWS_WITH_AS(WeightAverage({{"p", p}, {"p", p}}),
                       "WeightAverage: two parameters are named 'p', and averages are kept by name", ValueError);
}
