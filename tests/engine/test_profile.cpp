// The profile: what it counts, under which name, and what it leaves out.
#include "engine/profile.h"

#include <doctest/doctest.h>

#include <numeric>
#include <sstream>
#include <stdexcept>
#include <thread>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/node.h"
#include "engine/types/error.h"
#include "tests/engine/custom_rule.h"
#include "tests/engine/leaf.h"

using namespace chainrule;
using chainrule::testing::leaf;
using namespace chainrule::testing;

namespace {

std::uint64_t calls(const Profile& profile, const std::string& name, ProfilePhase phase) {
  std::uint64_t n = 0;
  for (const ProfileRow& row : profile.rows())
    if (row.name == name && row.phase == phase) n += row.calls;
  return n;
}

constexpr auto kForward = ProfilePhase::forward, kBackward = ProfilePhase::backward;

void wait(double seconds) {
  for (const double start = internal::profile_clock(); internal::profile_clock() - start < seconds;) {}
}

}  // namespace

TEST_CASE("profile: calls, shapes and bytes, forward and backward") {
  const Tensor x = leaf({{1, 2, 3}, {4, 5, 6}}), y = leaf({1, 2, 3});
  const Profile profile;
  for (int i = 0; i < 4; ++i) sum(x * y).backward();
  const Tensor other = y * y;
  CHECK(calls(profile, "mul", kForward) == 5);
  CHECK(calls(profile, "mul", kBackward) == 4);
  CHECK(calls(profile, "sum", kForward) == 4);
  CHECK(calls(profile, "sum", kBackward) == 4);
  CHECK(calls(profile, "expand", kForward) == 0);  // a part of sum's rule
  int found = 0;
  for (const ProfileRow& row : profile.rows()) {
    if (row.name != "mul") continue;
    CHECK(row.info->name == std::string("mul"));
    CHECK(row.shapes_known);
    if (row.phase == kForward && row.output == Shape{2, 3}) {
      ++found;
      CHECK(row.inputs == std::vector<Shape>{{2, 3}, {3}});
      CHECK(row.calls == 4);
      CHECK(row.input_bytes == 4 * (6 + 3) * 8);
      CHECK(row.output_bytes == 4 * 6 * 8);
    } else if (row.phase == kForward) {
      ++found;
      CHECK(row.inputs == std::vector<Shape>{{3}, {3}});
      CHECK(row.calls == 1);
    } else {
      ++found;
      CHECK(row.inputs == std::vector<Shape>{{2, 3}, {3}});  // the gradients, after the broadcast is undone
      CHECK(row.output == Shape{2, 3});
    }
  }
  CHECK(found == 3);
}

TEST_CASE("profile: the same numbers with and without") {
  auto gradient = [] {
    const Tensor x = leaf(0.7);
    Tensor z = x;
    for (int i = 0; i < 20; ++i) z = z * x + x / 3 - z;
    z.backward();
    return x.grad().item();
  };
  const double plain = gradient();
  const Profile profile;
  CHECK(gradient() == plain);
  CHECK(calls(profile, "mul", kBackward) == 20);
  CHECK(calls(profile, "accumulate", kBackward) > 20);
}

TEST_CASE("profile: time is that of the operation, and its own") {
  const Tensor x = leaf({1, 2});
  const Rule1 slow{[](const Tensor& t) {
                     wait(0.02);
                     return t * 2;  // inside, so a part of custom1
                   },
                   [](const Tensor& g, const Tensor&, const Tensor&) {
                     wait(0.04);
                     return g * 2;
                   }};
  const Profile profile;
  const double start = internal::profile_clock();
  sum(apply(slow, x)).backward();
  const double total = internal::profile_clock() - start;
  const auto rows = profile.rows();
  REQUIRE(rows.size() >= 2);
  // The longest first; which of the two that is, a busy machine may decide.
  CHECK(rows[0].name == "custom1");
  CHECK(rows[1].name == "custom1");
  CHECK(rows[0].seconds >= rows[1].seconds);
  const ProfileRow& backward = rows[0].phase == kBackward ? rows[0] : rows[1];
  const ProfileRow& forward = rows[0].phase == kBackward ? rows[1] : rows[0];
  CHECK(backward.phase == kBackward);
  CHECK(backward.seconds >= 0.04);
  CHECK(forward.phase == kForward);
  CHECK(forward.seconds >= 0.02);
  CHECK(calls(profile, "mul", kForward) == 0);
  CHECK(std::accumulate(rows.begin(), rows.end(), 0.0, [](double s, const auto& r) { return s + r.seconds; }) <= total);
}

TEST_CASE("profile: a limit of rows") {
  Profile profile(3);
  for (int n = 1; n <= 10; ++n) {
    const Tensor x = zeros({n});
    const Tensor y = x + x;
  }
  const auto rows = profile.rows();
  CHECK(rows.size() == 4);
  CHECK(calls(profile, "add", kForward) == 10);
  for (const ProfileRow& row : rows) {
    CHECK(row.calls == (row.shapes_known ? 1 : 7));
    if (!row.shapes_known) CHECK(row.output_bytes == 4 * (4 + 5 + 6 + 7 + 8 + 9 + 10));
  }
}

TEST_CASE("profile: ends with its scope, nests, and belongs to its thread") {
  const Tensor x = leaf(2);
  Profile outer;
  {
    const Profile inner;
    const Tensor y = x * x;
    CHECK(calls(inner, "mul", kForward) == 1);
    CHECK(calls(outer, "mul", kForward) == 0);
  }
  std::thread([&] { const Tensor y = x * x; }).join();
  CHECK(calls(outer, "mul", kForward) == 0);
  const Tensor z = x * x;
  CHECK(calls(outer, "mul", kForward) == 1);
}

TEST_CASE("profile: an operation that throws is left out, and the next is counted") {
  const Tensor x = leaf({1, 2}), y = leaf({1, 2, 3});
  const Profile profile;
  CHECK_THROWS_AS(x * y, ShapeError);
  CHECK(calls(profile, "mul", kForward) == 0);
  const Tensor z = x * x;
  CHECK(calls(profile, "mul", kForward) == 1);
}

TEST_CASE("profile: beside the watch for values that are not finite") {
  const Tensor x = leaf(-1);
  const Profile profile;
  const AnomalyMode watch;
  CHECK_THROWS_AS(log(x), NumericError);
  const Tensor z = x * x;
  z.backward();
  CHECK(calls(profile, "mul", kForward) == 1);
  CHECK(calls(profile, "mul", kBackward) == 1);
}

TEST_CASE("profile: its table") {
  const Tensor x = leaf({{1, 2, 3}, {4, 5, 6}}), y = leaf({1, 2, 3});
  const Profile profile;
  for (int i = 0; i < 4; ++i) sum(x * y).backward();
  const std::string text = fmt::format("{}", profile);
  std::ostringstream stream;
  stream << profile;
  CHECK(stream.str() == text);
  std::istringstream lines(text);
  std::string line;
  std::getline(lines, line);
  for (const char* head : {"operation", "phase", "calls", "ms", "share", "MB", "shapes"}) CHECK(contains(line, head));
  std::size_t rows = 0;
  double shares = 0;
  while (std::getline(lines, line) && !contains(line, "in all")) {
    ++rows;
    std::istringstream words(line);
    std::string name, phase, share;
    std::uint64_t count = 0;
    double ms = 0;
    words >> name >> phase >> count >> ms >> share;
    shares += std::stod(share);
    CHECK(count == 4);
    if (name == "mul" && phase == "forward") CHECK(contains(line, "(2, 3), (3,) -> (2, 3)"));
    if (name == "sum" && phase == "backward") CHECK(contains(line, "(2, 3) <- ()"));
  }
  CHECK(rows == profile.rows().size());
  CHECK(shares == doctest::Approx(100).epsilon(0.01));
  CHECK(contains(line, " ms in all"));
}
