// Scenes: the answers against the pixels, read back by rules of their own.
#include "nn/data/scenes.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <set>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "nn/data/loader.h"

using namespace chainrule;

namespace {

/// Digit d is a full rectangle of grey (d + 8) / 20, so that a scene's pixels tell the digit.
ImageSet bars() {
  std::vector<float> pixels;
  for (int d = 0; d < 10; ++d)
    for (int y = 0; y < 8; ++y)
      for (int x = 0; x < 8; ++x)
        pixels.push_back(y > 0 && y < 7 && x > 1 && x < 6 ? static_cast<float>(d + 8) / 20 : 0.0F);
  return {from_vector(pixels, {10, 1, 8, 8}), arange(10)};
}

Indices first(std::int64_t n) {
  Indices all(static_cast<std::size_t>(n));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace

TEST_CASE("scenes: boxes, masks and what the plan says agree, and nothing touches") {
  const ImageSet digits = load_digits().train;
  const SceneOptions options{.scenes = 60, .side = 64, .distractors = 2, .seed = 3};
  const DigitScenes boxes(digits, DigitScenes::Target::boxes, options),
      masks(digits, DigitScenes::Target::masks, options);
  const Batch b = boxes.get(first(60)), m = masks.get(first(60));
  CHECK(b.inputs.shape() == Shape{60, 1, 64, 64});
  CHECK(b.targets.shape() == Shape{60, 3, 5});
  CHECK(m.targets.shape() == Shape{60, 64, 64});
  CHECK(b.inputs.to_vector() == m.inputs.to_vector());
  const float* box = b.targets.data<float>();
  const std::int64_t* mask = m.targets.data<std::int64_t>();
  std::set<std::size_t> counts;
  std::set<std::int64_t> classes;
  for (std::int64_t i = 0; i < 60; ++i) {
    const std::vector<SceneDigit> found = boxes.digits_in(i);
    counts.insert(found.size());
    std::vector<std::int64_t> expected(64 * 64, kBackgroundClass), inside(found.size());
    for (std::size_t d = 0; d < 3; ++d) {
      const float* row = box + (i * 3 + static_cast<std::int64_t>(d)) * 5;
      if (d >= found.size()) {
        CHECK(std::vector<float>(row, row + 5) == std::vector<float>{-1, 0, 0, 0, 0});
        continue;
      }
      const SceneDigit& at = found[d];
      classes.insert(at.digit);
      CHECK(row[0] == static_cast<float>(at.digit));
      CHECK(row[1] == static_cast<float>(at.left));
      CHECK(row[4] == static_cast<float>(at.bottom));
      CHECK((at.left >= 0 && at.top >= 0 && at.right <= 64 && at.bottom <= 64));
      const std::int64_t longer = std::max(at.right - at.left, at.bottom - at.top);
      CHECK((longer >= 12 && longer <= 20));
      for (const SceneDigit& other : found)
        if (&other != &at)
          CHECK((at.right < other.left || other.right < at.left || at.bottom < other.top || other.bottom < at.top));
    }
    // Every pixel of a digit lies in a box of its class, and each edge of a box is reached but for its blurred rim.
    for (std::int64_t y = 0; y < 64; ++y)
      for (std::int64_t x = 0; x < 64; ++x) {
        const std::int64_t c = mask[(i * 64 + y) * 64 + x];
        if (c == kBackgroundClass) continue;
        bool covered = false;
        for (std::size_t d = 0; d < found.size(); ++d) {
          if (x < found[d].left || x >= found[d].right || y < found[d].top || y >= found[d].bottom) continue;
          covered = true;
          ++inside[d];
          CHECK(c == found[d].digit);
        }
        CHECK(covered);
      }
    for (std::size_t d = 0; d < found.size(); ++d)
      CHECK(inside[d] > (found[d].right - found[d].left) * (found[d].bottom - found[d].top) / 8);
  }
  CHECK(counts == std::set<std::size_t>{1, 2, 3});
  CHECK(classes.size() == 10);
}

TEST_CASE("scenes: ink stands out by the contrast, in grey and in colour, on grounds that are given, too") {
  for (const std::int64_t channels : {1, 3})
    for (const bool given : {false, true}) {
      SceneOptions options{
          .scenes = 40, .side = 32, .most_digits = 1, .channels = channels, .contrast = 0.4, .noise = 0};
      if (given) options.grounds = full({2, channels, 40, 50}, 0.5, DType::float32);
      const ImageSet solid{ones({1, 1, 8, 8}), zeros({1}, DType::int64)};
      const DigitScenes scenes(solid, DigitScenes::Target::masks, options);
      const Batch all = scenes.get(first(40));
      const std::vector<double> pixels = all.inputs.to_vector();
      int darker = 0;
      for (std::int64_t i = 0; i < 40; ++i) {
        double sums[2] = {0, 0}, n[2] = {0, 0};
        for (std::int64_t p = 0; p < 1024; ++p) {
          const bool ink = all.targets.data<std::int64_t>()[i * 1024 + p] != kBackgroundClass;
          const double* at = pixels.data() + i * channels * 1024 + p;
          CHECK((*at >= 0 && *at <= 1));
          sums[ink] += channels == 3 ? 0.299 * at[0] + 0.587 * at[1024] + 0.114 * at[2048] : at[0];
          ++n[ink];
        }
        const double difference = sums[1] / n[1] - sums[0] / n[0];
        CHECK(std::abs(difference) > 0.4 - 0.11);  // the ground slopes, so its mean elsewhere is a little off
        darker += difference < 0;
      }
      CHECK(darker > 5);
      CHECK(darker < 35);
    }
}

TEST_CASE("scenes: a scene is a function of seed and number") {
  const ImageSet digits = load_digits().test;
  const DigitScenes scenes(digits, DigitScenes::Target::boxes, {.scenes = 30, .channels = 3, .seed = 8});
  const std::vector<double> alone = scenes.get({17}).inputs.to_vector(), all = scenes.get(first(30)).inputs.to_vector();
  CHECK(std::equal(alone.begin(), alone.end(), all.begin() + 17 * 3 * 48 * 48));
  CHECK(DigitScenes(digits, DigitScenes::Target::boxes, {.channels = 3, .seed = 9}).get({17}).inputs.to_vector() !=
        alone);
  std::int64_t seen = 0;
  for (const Batch& b : DataLoader(scenes, {.batch_size = 8, .shuffle = true, .prefetch = 2}).epoch(0))
    seen += b.size();
  CHECK(seen == 30);
}

TEST_CASE("scenes: sentences say what the pixels show") {
  const CaptionScenes scenes(bars(), {.scenes = 400, .seed = 2});
  CHECK(CaptionScenes::words().size() == 21);
  const std::vector<std::string> names{"zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"};
  const Batch all = scenes.get(first(400));
  CHECK(all.inputs.shape() == Shape{400, 1, 32, 32});
  CHECK(all.targets.shape() == Shape{400, 11});
  std::set<std::string> used;
  for (std::int64_t i = 0; i < 400; ++i) {
    const float* picture = all.inputs.data<float>() + i * 1024;
    struct Seen {
      int digit, row, column;
      bool big;
    };
    std::vector<Seen> seen;
    for (int cell = 0; cell < 4; ++cell) {
      float most = 0;
      int top = 16, bottom = -1;
      for (int y = 0; y < 16; ++y)
        for (int x = 0; x < 16; ++x) {
          const float v = picture[(cell / 2 * 16 + y) * 32 + cell % 2 * 16 + x];
          if (v < 0.1F) continue;
          most = std::max(most, v), top = std::min(top, y), bottom = std::max(bottom, y);
        }
      if (bottom >= 0)
        seen.push_back({static_cast<int>(std::lround(most * 20)) - 8, cell / 2, cell % 2, bottom - top + 1 == 12});
    }
    REQUIRE(seen.size() == 2);
    if (seen[1].digit > seen[0].digit) std::swap(seen[0], seen[1]);
    const auto thing = [&](const Seen& s) {
      return std::string(s.big ? "a big " : "a small ") + names.at(static_cast<std::size_t>(s.digit));
    };
    const std::string relation = seen[0].column == seen[1].column  ? (seen[0].row < seen[1].row ? "above " : "below ")
                                 : seen[0].column < seen[1].column ? "left of "
                                                                   : "right of ";
    const Tensor row = take_rows(all.targets, {i});
    CHECK(CaptionScenes::sentence(row) == thing(seen[0]) + " is " + relation + thing(seen[1]));
    CHECK(row.to_vector().front() == 0);
    CHECK(row.to_vector().back() == 1);
    used.insert(relation);
  }
  CHECK(used.size() == 4);
  CHECK_THROWS_WITH_AS(CaptionScenes::sentence(tensor({2, 21})),
                       "CaptionScenes: there is no word 21, there are 0 to 20", ValueError);
}

TEST_CASE("scenes: what makes no scene is refused by name") {
  const ImageSet digits = load_digits().test;
  const auto make = [&](SceneOptions options) { DigitScenes(digits, DigitScenes::Target::boxes, options).get({0}); };
  CHECK_THROWS_WITH_AS(make({.scenes = 0}), "DigitScenes: scenes is 0, it must be at least 1 and at most 2^30",
                       ValueError);
  CHECK_THROWS_WITH_AS(make({.least_digits = 4}), "DigitScenes: least_digits is 4, it must be from 0 to 3", ValueError);
  CHECK_THROWS_WITH_AS(make({.most_height = 50}), "DigitScenes: most_height is 50, it must be from 4 to 48",
                       ValueError);
  CHECK_THROWS_WITH_AS(make({.channels = 2}), "DigitScenes: channels is 2, it must be 1 or 3", ValueError);
  CHECK_THROWS_AS(make({.contrast = 0.6}), ValueError);
  CHECK_THROWS_AS(make({.noise = NAN}), ValueError);
  CHECK_THROWS_WITH_AS(
      make({.grounds = zeros({1, 1, 47, 48})}),
      "DigitScenes: grounds are float32 (K, 1, H, W) of at least 48 x 48 pixels, not float32 (1, 1, 47, "
      "48)",
      ValueError);
  CHECK_THROWS_WITH_AS(make({.least_digits = 30, .most_digits = 30}),
                       "DigitScenes: 30 digits of up to 20 pixels and 0 distractors find no room in a scene of side 48",
                       ValueError);
  CHECK_THROWS_WITH_AS(CaptionScenes({zeros({2, 1, 8, 8}), zeros({2}, DType::int64)}),
                       "CaptionScenes: picture 0 has no pixel above 0.2, so no digit", ValueError);
  CHECK_THROWS_WITH_AS(CaptionScenes({ones({1, 1, 8, 8}), tensor({10})}),
                       "CaptionScenes: label 0 is 10, digits are 0 to 9", ValueError);
  CHECK_THROWS_AS(CaptionScenes({ones({1, 3, 8, 8}), tensor({1})}), ValueError);
}
