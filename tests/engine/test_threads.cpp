// Threads: separate graphs, shared parameters, one graph walked by two, static initialisers, fork.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <barrier>
#include <cmath>
#include <thread>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/types/error.h"
#include "tests/engine/custom_rule.h"
#include "tests/engine/leaf.h"

using namespace chainrule;
using chainrule::testing::leaf;
using namespace chainrule::testing;

namespace {

// Before main, in an order that nobody knows; destroyed after it, with its graph.
const Tensor static_leaf = leaf(3);
const Tensor static_result = static_leaf * static_leaf;
const double static_slope = grad(static_result, static_leaf, {.retain_graph = true}).item();

template <class F>
void on_two_threads(F f) {
  std::barrier start(2);
  auto run = [&](int who) {
    start.arrive_and_wait();
    f(who);
  };
  std::thread one(run, 0), two(run, 1);
  one.join();
  two.join();
}

const int kRounds = sanitized() ? 100 : 2000;

}  // namespace

TEST_CASE("threads: use from a static initialiser") {
  CHECK(static_slope == 6);
  CHECK(grad(static_result, static_leaf, {.retain_graph = true}).item() == 6);
}

TEST_CASE("threads: two build and differentiate graphs of their own") {
  const auto before = live_nodes();
  std::atomic<int> wrong{0};
  on_two_threads([&](int who) {
    for (int i = 0; i < kRounds; ++i) {
      const double at = 0.5 + who;
      const Tensor x = leaf({at, at + 1});
      const Tensor y = sum(exp(x) * x);
      const Tensor slope = grad(y, x, {.create_graph = true});
      const auto second = grad(sum(slope), x).to_vector();  // e^x (x + 2)
      wrong += std::abs(second[0] - std::exp(at) * (at + 2)) > 1e-12;
    }
  });
  CHECK(wrong == 0);
  CHECK(live_nodes() == before);
}

TEST_CASE("threads: graphs that end at one parameter") {
  const Tensor w = leaf({1, 2});
  std::atomic<int> wrong{0};
  on_two_threads([&](int who) {
    for (int i = 0; i < kRounds; ++i) {
      const Tensor g = grad(sum(w * w * (who + 1.0)), w);
      wrong += g.to_vector() != std::vector<double>{2.0 * (who + 1), 4.0 * (who + 1)};
    }
  });
  CHECK(wrong == 0);
  CHECK_FALSE(w.has_grad());
  on_two_threads([&](int) {
    for (int i = 0; i < kRounds; ++i) sum(w * 2).backward();
  });
  const double total = 2.0 * 2 * kRounds;
  CHECK(w.grad().to_vector() == std::vector<double>{total, total});
}

TEST_CASE("threads: a result without history is shared freely") {
  const Tensor shared = exp(rand({50}, {.dtype = DType::float64}));
  std::atomic<int> wrong{0};
  on_two_threads([&](int) {
    for (int i = 0; i < kRounds; ++i) {
      const Tensor x = leaf(2);
      wrong += grad(sum(shared * x), x).item() != sum(shared).item();
    }
  });
  CHECK(wrong == 0);
}

TEST_CASE("threads: one graph walked by two is right or refused") {
  const Tensor x = leaf({1, 2, 3});
  Tensor y = x;
  for (int i = 0; i < 50; ++i) y = y * 1.0 + x * 0.01;
  const Tensor loss = sum(y);
  const auto expected = grad(loss, x, {.retain_graph = true}).to_vector();
  std::atomic<int> right{0}, refused{0}, wrong{0};
  on_two_threads([&](int) {
    for (int i = 0; i < kRounds / 10; ++i) {
      try {
        const auto g = grad(loss, x, {.retain_graph = true}).to_vector();
        ++(g == expected ? right : wrong);
      } catch (const GraphError& e) {
        ++(contains(e.what(), "walked by another thread") ? refused : wrong);
      }
    }
  });
  CHECK(wrong == 0);
  CHECK(right + refused == 2 * (kRounds / 10));
  CHECK(right > 0);
  CHECK(grad(loss, x, {.retain_graph = true}).to_vector() == expected);  // no mark is left behind
}

TEST_CASE("threads: a second walk inside a hook of the first, from another thread, is refused") {
  const Tensor x = leaf(2);
  const Tensor h = x * x;
  std::string text;
  const auto hook = h.register_hook([&](const Tensor&) {
    std::thread([&] { text = message_of<GraphError>([&] { (void)grad(h, x); }); }).join();
    return Tensor();
  });
  (h * 3).backward();
  CHECK_MESSAGE(contains(text, "is being walked by another thread"), text);
  CHECK(x.grad().item() == 12);
}

TEST_CASE("threads: tensors travel") {
  const auto before = live_nodes();
  Tensor y;
  std::thread([&] { y = exp(leaf(1)) * 2; }).join();  // its maker has ended
  y.backward();
  std::thread([z = std::move(y)] { CHECK(z.item() == doctest::Approx(2 * std::exp(1.0))); }).join();
  CHECK(live_nodes() == before);
}

TEST_CASE("threads: a fork after use") {
  const Tensor x = leaf(3);
  (x * x).backward();
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    const Tensor y = leaf(4);
    const bool right = grad(y * y * x, y).item() == 24 && x.grad().item() == 6;
    _exit(right ? 0 : 1);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  CHECK(WIFEXITED(status));
  CHECK(WEXITSTATUS(status) == 0);
}
