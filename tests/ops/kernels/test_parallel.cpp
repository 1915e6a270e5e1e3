// The splitting of ranges over threads: every element once, exceptions arrive, nesting works.
#include <doctest/doctest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

#include "ops/kernels/parallel.h"
#include "tests/ops/kernels/support.h"

using namespace chainrule;
using namespace chainrule::test;
using kernels::parallel_for;

TEST_CASE("parallel_for visits every element exactly once") {
  for (const int threads : {1, 2, 5}) {
    with_threads(threads, [&] {
      for (const std::int64_t n : {0, 1, 2, 3, 7, 64, 1001}) {
        for (const std::int64_t grain : {0, 1, 3, 100, 5000}) {
          std::vector<int> seen(static_cast<std::size_t>(n), 0);
          std::atomic<int> calls{0};
          parallel_for(n, grain, [&](std::int64_t begin, std::int64_t end) {
            ++calls;
            CHECK(begin < end);
            for (std::int64_t i = begin; i < end; ++i) ++seen[i];
          });
          CHECK(seen == std::vector<int>(static_cast<std::size_t>(n), 1));
          CHECK(calls <= threads);
        }
      }
    });
  }
}

TEST_CASE("small work stays in one piece") {
  with_threads(4, [] {
    std::atomic<int> calls{0};
    parallel_for(100, 51, [&](std::int64_t, std::int64_t) { ++calls; });
    CHECK(calls == 1);
  });
}

TEST_CASE("an exception in a piece reaches the caller") {
  for (const int threads : {1, 3}) {
    with_threads(threads, [] {
      const auto bad = [](std::int64_t begin, std::int64_t end) {
        if (begin <= 70 && 70 < end) throw std::out_of_range("seventy");
      };
      CHECK_THROWS_AS(parallel_for(100, 1, bad), std::out_of_range);
    });
  }
}

TEST_CASE("a parallel loop inside a parallel loop runs where it is called") {
  with_threads(2, [] {
    std::vector<int> seen(100, 0);
    parallel_for(10, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t i = begin; i < end; ++i) {
        parallel_for(10, 1, [&](std::int64_t from, std::int64_t to) {
          for (std::int64_t j = from; j < to; ++j) ++seen[i * 10 + j];
        });
      }
    });
    CHECK(seen == std::vector<int>(100, 1));
  });
}

TEST_CASE("the number of threads is at least one and comes back to the default") {
  const int normal = num_threads();
  CHECK(normal >= 1);
  set_num_threads(3);
  CHECK((num_threads() == 3 || num_threads() == 1));  // 1 where OpenMP is absent
  set_num_threads(-7);
  CHECK(num_threads() == normal);
}
