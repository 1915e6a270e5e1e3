// Groups of parameters with options of their own, their rates, and decay that leaves biases out.
#include <doctest/doctest.h>

#include "engine/types/error.h"
#include "tests/optim/problems.h"

using namespace chainrule;
using namespace chainrule::test;

namespace {

Tensor leaf(const Nested& values) { return tensor(values, {.dtype = DType::float64, .requires_grad = true}); }
void give(const Tensor& p) { Tensor(p).set_grad(ones(p.shape(), p.dtype())); }

}  // namespace

TEST_CASE("groups have options of their own, and the last ones hold for the rest") {
  const Tensor body = leaf({{1, 2}}), head = leaf({3}), tail = leaf({4});
  Sgd sgd{{{"body", {{"weight", body}}, {.lr = 0.5}}, {"head", {{"weight", head}}}, {"", {tail}, {.lr = 0.25}}},
          {.lr = 0.125}};
  CHECK(sgd.groups() == std::vector<std::string>{"body", "head", ""});
  std::vector<std::string> names;
  for (const auto& [name, t] : sgd.parameters()) names.push_back(name);
  CHECK(names == std::vector<std::string>{"body.weight", "head.weight", "0"});
  for (const Tensor& p : {body, head, tail}) give(p);
  sgd.step();
  CHECK(body.to_vector() == std::vector<double>{0.5, 1.5});
  CHECK(head.item() == 2.875);
  CHECK(tail.item() == 3.75);
  CHECK(sgd.lr() == 0.5);
  CHECK(sgd.lr("head") == 0.125);
  CHECK(sgd.options("").lr == 0.25);
}

TEST_CASE("rates are set for all or one group, and scaled from where they were set") {
  const Tensor a = leaf({1}), b = leaf({2});
  Adam adam{{{"a", {a}, {.lr = 0.5}}, {"b", {b}, {.lr = 0.1}}}};
  adam.scale_lr(0.5);
  adam.scale_lr(0.25);
  CHECK(adam.lr("a") == 0.125);
  CHECK(adam.lr("b") == 0.025);
  adam.set_lr(1, "b");
  CHECK(adam.lr("a") == 0.125);
  CHECK(adam.lr("b") == 1);
  adam.scale_lr(0.5);
  CHECK(adam.lr("a") == 0.25);
  CHECK(adam.lr("b") == 0.5);
  adam.set_lr(2);
  CHECK(adam.lr("a") == 2);
  CHECK(adam.lr("b") == 2);
  CHECK_THROWS_WITH_AS(adam.set_lr(1, "c"), "Adam: there is no group 'c'; there are 'a', 'b'", ValueError);
  CHECK_THROWS_WITH_AS(adam.scale_lr(-1),
                       "Adam: the factor of the learning rate must be a finite number of at least 0, not -1",
                       ValueError);
  CHECK_THROWS_WITH_AS(adam.set_lr(-1), "Adam: lr must be a finite number of at least 0, not -1", ValueError);
  CHECK(adam.lr("a") == 2);
}

TEST_CASE("groups that do not fit are refused") {
  const Tensor a = leaf({1}), b = leaf({2});
  CHECK_THROWS_WITH_AS(Adam({{"x", {a}, {}}, {"x", {b}, {}}}), "Adam: two groups are named 'x'", ValueError);
  CHECK_THROWS_WITH_AS(Adam({{"x", {a}, {}}, {"y", {a}, {}}}),
                       "Adam: 'x.0' and 'y.0' are one tensor, which would be changed twice a step", ValueError);
  CHECK_THROWS_WITH_AS(Adam({{"x", {a}, {}}, {"y", {b}, {.beta1 = 1}}}), "Adam: beta1 must be in [0, 1), not 1",
                       ValueError);
}

TEST_CASE("decay leaves biases out where asked, in every optimizer that has one") {
  for (const auto& [kind, make] : kOptimizers) {
    if (kind == "LBFGS") continue;
    const auto& shown_kind = kind;  // clang captures no structured binding
    CAPTURE(shown_kind);
    const auto moved = [&, make = make](const std::string& options) {
      const Tensor w = leaf({{8}}), b = leaf({8});
      const auto optimizer = make({{"w", w}, {"b", b}}, "lr=0.1 " + options);
      for (int i = 0; i < 3; ++i) {
        Tensor(w).set_grad(full({1, 1}, 0.5 + i, DType::float64));
        Tensor(b).set_grad(full({1}, 0.5 + i, DType::float64));
        optimizer->step();
      }
      return std::pair(w.item(), b.item());
    };
    const auto plain = moved("weight_decay=0"), all = moved("weight_decay=0.5"),
               some = moved("weight_decay=0.5 decay_biases=0");
    CHECK(plain.first == plain.second);
    CHECK(all.first == all.second);
    CHECK(all.first != plain.first);
    CHECK(some.first == all.first);
    CHECK(some.second == plain.second);
  }
}
