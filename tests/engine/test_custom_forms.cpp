// Operations of users in other forms: inside a function, with several results, at the line that records them.
#include <doctest/doctest.h>

#include <array>

#include "engine/backward.h"
#include "engine/check/gradcheck.h"
#include "engine/record_several.h"
#include "engine/types/error.h"
#include "ops/ops.h"
#include "tests/engine/leaf.h"

using namespace chainrule;
using chainrule::testing::leaf;

namespace {

// r = sqrt(x^2 + y^2),  a = atan2(y, x)
struct Polar {
  static constexpr OpInfo info{.name = "polar"};
  static constexpr Uses uses[] = {kX | kY, kX | kY};
  int* runs = nullptr;
  std::array<Tensor, 2> forward(const Tensor& x, const Tensor& y) const {
    if (runs) ++*runs;
    return {hypot(x, y), atan2(y, x)};
  }
  void backward(GradContext& c, std::span<const Tensor> g) const {
    const Tensor x = c.input(0), y = c.input(1), r = hypot(x, y);
    c.send(0, [&] { return g[0] * x / r - g[1] * y / (r * r); });
    c.send(1, [&] { return g[0] * y / r + g[1] * x / (r * r); });
  }
};

}  // namespace

TEST_CASE("custom op: a struct inside a function") {
  struct Cube {  // z = x^3      dx = g * 3 x^2
    static constexpr OpInfo info() { return {.name = "cube"}; }
    static constexpr std::array<Uses, 1> uses() { return {kX}; }
    Tensor forward(const Tensor& x) const { return x * x * x; }
    void backward(GradContext& c, const Tensor& g) const {
      const Tensor x = c.input(0);
      c.send(0, [&] { return g * 3 * x * x; });
    }
  };
  const Tensor x = leaf({1, -2});
  const Tensor z = record(Cube{}, x);
  CHECK(z.node()->title().starts_with("cube#"));
  CHECK(to_string(z.node()->where) == "test_custom_forms.cpp:" + std::to_string(__LINE__ - 2));
  sum(z).backward();
  CHECK(x.grad().to_vector() == std::vector<double>{3, 12});
  CHECK(gradcheck([](const Tensor& t) { return record(Cube{}, t); }, {x}, {.order = 2}).ok());
}

TEST_CASE("custom op: kept is what the words of its derivatives name") {
  struct Ratio {  // z = x / y      dx = g / y,  dy = -g z / y
    static constexpr OpInfo info() {
      return {.name = "ratio", .elementwise = true, .formula = "z = x / y", .derivatives = {"1 / y", "-z / y"}};
    }
    Tensor forward(const Tensor& x, const Tensor& y) const { return x / y; }
    void backward(GradContext& c, const Tensor& g) const {
      const Tensor y = c.input(1);
      c.send([&] { return g / y; }, [&] { return -g * c.output() / y; });
    }
  };
  const Tensor x = leaf({1, -2}), y = leaf({4, 8});
  const Tensor by_x = record(Ratio{}, x, y.detach());
  CHECK_FALSE(by_x.node()->edges()[0].saved);
  CHECK(by_x.node()->edges()[1].saved);
  CHECK_FALSE(by_x.node()->saved_result()->saved);
  const Tensor z = record(Ratio{}, x, y);
  CHECK_FALSE(z.node()->edges()[0].saved);
  CHECK(z.node()->saved_result()->saved);
  sum(z).backward();
  CHECK(x.grad().to_vector() == std::vector<double>{0.25, 0.125});
  CHECK(y.grad().to_vector() == std::vector<double>{-0.0625, 0.03125});
  CHECK(gradcheck([](const Tensor& a, const Tensor& b) { return record(Ratio{}, a, b); }, {x, y}, {.order = 2}).ok());

  constexpr OpInfo of_any_number{.name = "op", .derivatives = {"z"}, .inputs = ""};
  CHECK(uses_in_words(of_any_number, 7) == kOutput);
  constexpr OpInfo words{.name = "op", .derivatives = {"ex * y1 (z)", nullptr, "w"}, .inputs = "x y w"};
  CHECK(uses_in_words(words, 0) == kOutput);
  CHECK(uses_in_words(words, 1) == kNothing);
  CHECK(uses_in_words(words, 2) == kW);
  CHECK(uses_in_words(words, 3) == kNothing);
}

TEST_CASE("custom op: a function of an operand is at its caller's line") {
  struct Twice {
    static constexpr OpInfo info() { return {.name = "twice"}; }
    static constexpr std::array<Uses, 1> uses() { return {kNothing}; }
    Tensor forward(const Tensor& x) const { return x * 2; }
    void backward(GradContext& c, const Tensor& g) const {
      c.send(0, [&] { return g * 2; });
    }
  };
  const auto twice = [](const Operand& x) { return record(Twice{}, x); };
  const Tensor z = twice(leaf({1, -2}));
  CHECK(z.node()->where.line() == __LINE__ - 1);
  const Tensor twin = record(Twice{}, std::span<const Tensor>(&z, 1).front());
  CHECK(twin.node()->where.line() == __LINE__ - 1);
}

TEST_CASE("custom op: several results, together and alone") {
  const Tensor x = leaf({3, -1}), y = leaf({4, 2});
  int runs = 0;
  auto [r, a] = record_several(Polar{&runs}, x, y);
  CHECK(r.node()->where.line() == __LINE__ - 1);
  CHECK(runs == 1);
  CHECK(r.to_vector()[0] == 5);
  CHECK(a.node()->attributes() == "result=1");
  const Tensor both = sum(r * a);
  const auto same = [&](const Tensor& ours, const Tensor& theirs) {
    const auto g = grad({ours}, {x, y}), h = grad({theirs}, {x, y});
    for (std::size_t i = 0; i < 2; ++i)
      for (std::size_t k = 0; k < 2; ++k)
        CHECK(g[i].to_vector()[k] == doctest::Approx(h[i].to_vector()[k]).epsilon(1e-12));
  };
  same(both, sum(hypot(x, y) * atan2(y, x)));
  auto [r1, a1] = record_several(Polar{}, x, y);
  same(sum(r1), sum(hypot(x, y)));
  same(sum(a1), sum(atan2(y, x)));
  const auto mixed = [](std::span<const Tensor> in) {
    auto [p, q] = record_several(Polar{}, in[0], in[1]);
    return sum(exp(p * 0.1) * q);
  };
  CHECK(gradcheck(mixed, {x, y}, {.order = 2}).ok());
  const auto constant = record_several(Polar{}, x.detach(), y.detach());
  CHECK_FALSE(constant[0].requires_grad());
}
