// The embedded digits against facts published by their authors and sums taken from the file by other means, the split
// against a naive reading of its rule, and the reader against damaged files.
#include "nn/data/digits.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "engine/types/error.h"
#include "tests/nn/data/idx_bytes.h"

namespace {

using chainrule::LabelledImages;

std::vector<unsigned char> packed(const std::string& text) {
  const std::string bytes = chainrule::testing::gzip(text);
  return {bytes.begin(), bytes.end()};
}

/// A text in the right form: line i has the label i % 10, and pixel j is (i + j) % 17.
std::vector<std::string> good_lines() {
  std::vector<std::string> lines(1797);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    for (std::size_t j = 0; j < 64; ++j) lines[i] += std::to_string((i + j) % 17) + ",";
    lines[i] += std::to_string(i % 10);
  }
  return lines;
}

std::string join(const std::vector<std::string>& lines) {
  std::string text;
  for (const std::string& line : lines) text += line + "\n";
  return text;
}

std::string refusal(const std::vector<unsigned char>& bytes) {
  try {
    chainrule::read_digits(bytes);
  } catch (const chainrule::ValueError& error) {
    return error.what();
  }
  return "";
}

/// What the reader says when line `number` (from 1) is replaced.
std::string refusal_of_line(std::size_t number, const std::string& line) {
  std::vector<std::string> lines = good_lines();
  lines[number - 1] = line;
  return refusal(packed(join(lines)));
}

using LabelledPicture = std::pair<std::int64_t, std::vector<float>>;

std::vector<LabelledPicture> pictures(const LabelledImages& images) {
  std::vector<LabelledPicture> list;
  for (std::size_t i = 0; i < images.labels.size(); ++i) {
    const float* first = images.pixels.data() + i * 64;
    list.emplace_back(images.labels[i], std::vector<float>(first, first + 64));
  }
  return list;
}

std::array<int, 10> counts(const LabelledImages& images) {
  std::array<int, 10> result{};
  for (const std::int64_t label : images.labels) ++result.at(static_cast<std::size_t>(label));
  return result;
}

}  // namespace

TEST_CASE("the split has 1,437 and 360 pictures and each digit its share") {
  const auto [train, test] = chainrule::load_digits_raw();
  for (const LabelledImages* part : {&train, &test}) {
    CHECK(part->channels == 1);
    CHECK(part->height == 8);
    CHECK(part->width == 8);
    CHECK(part->labels.size() == static_cast<std::size_t>(part->count));
    CHECK(part->pixels.size() == static_cast<std::size_t>(part->count) * 64);
  }
  CHECK(train.count == 1437);
  CHECK(test.count == 360);
  const std::array<int, 10> published = {178, 182, 177, 183, 181, 182, 181, 179, 174, 180};  // the authors' table
  // zcat digits.csv.gz | cut -d, -f65 | sort -sn | awk 'NR % 5 == 1' | uniq -c
  CHECK(counts(test) == std::array<int, 10>{36, 36, 36, 36, 37, 36, 36, 36, 35, 36});
  for (std::size_t digit = 0; digit < 10; ++digit) {
    CAPTURE(digit);
    CHECK(counts(train)[digit] + counts(test)[digit] == published[digit]);
    CHECK(std::abs(counts(test)[digit] - published[digit] / 5.0) < 1);
  }
}

TEST_CASE("the pixels are those of the file") {
  const auto [train, test] = chainrule::load_digits_raw();
  double sum = 0;
  for (const LabelledImages* part : {&train, &test}) {
    for (const float pixel : part->pixels) {
      sum += pixel * 16;
      REQUIRE((pixel >= 0 && pixel <= 1 && pixel * 16 == std::trunc(pixel * 16)));
    }
  }
  CHECK(sum == 561718);  // zcat digits.csv.gz | awk -F, '{for (i = 1; i <= 64; ++i) s += $i} END {print s}'
  // The first line is a 0 and number 0 of its digit, so it is the first test picture; the second is 1's number 178.
  const std::array<float, 8> top_of_zero = {0, 0, 5, 13, 9, 1, 0, 0}, top_of_one = {0, 0, 0, 12, 13, 5, 0, 0};
  CHECK(test.labels[0] == 0);
  CHECK(train.labels[0] == 1);
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(test.pixels[i] * 16 == top_of_zero[i]);
    CHECK(train.pixels[i] * 16 == top_of_one[i]);
  }
}

TEST_CASE("the split is the one its rule describes") {
  // The rule needs the file's order, which the two parts keep: sort each part by digit, then deal them out again.
  const auto [train, test] = chainrule::load_digits_raw();
  std::vector<LabelledPicture> from_train = pictures(train), from_test = pictures(test);
  const auto by_digit = [](const LabelledPicture& a, const LabelledPicture& b) { return a.first < b.first; };
  std::stable_sort(from_train.begin(), from_train.end(), by_digit);
  std::stable_sort(from_test.begin(), from_test.end(), by_digit);
  std::size_t next_train = 0, next_test = 0;
  std::int64_t last = 0;
  for (int number = 0; number < 1797; ++number) {
    const LabelledPicture& next = number % 5 == 0 ? from_test.at(next_test++) : from_train.at(next_train++);
    REQUIRE(next.first >= last);  // dealt out by the rule, the digits come sorted
    last = next.first;
  }
  CHECK(next_train == from_train.size());
  CHECK(next_test == from_test.size());
}

TEST_CASE("a file in the right form is read whole") {
  const LabelledImages images = chainrule::read_digits(packed(join(good_lines())));
  REQUIRE(images.count == 1797);
  for (std::size_t i = 0; i < 1797; ++i) {
    REQUIRE(images.labels[i] == static_cast<std::int64_t>(i % 10));
    for (std::size_t j = 0; j < 64; ++j) REQUIRE(images.pixels[i * 64 + j] == static_cast<float>((i + j) % 17) / 16);
  }
}

TEST_CASE("a wrong line is named") {
  const std::string good = good_lines()[11];
  const std::string without_label = good.substr(0, good.rfind(','));
  CHECK(refusal_of_line(12, without_label + ",10").find("line 12: the label '10'") != std::string::npos);
  CHECK(refusal_of_line(12, without_label + ",-1").find("line 12: the label '-1'") != std::string::npos);
  CHECK(refusal_of_line(12, without_label + ",").find("line 12: the label ''") != std::string::npos);
  CHECK(refusal_of_line(12, without_label).find("line 12: it has fewer than 65 fields") != std::string::npos);
  CHECK(refusal_of_line(12, good + ",1").find("line 12: it has more than 65 fields") != std::string::npos);
  CHECK(refusal_of_line(12, "").find("line 12") != std::string::npos);
  for (const char* pixel : {"17", "-1", "1.5", "+1", " 1", "1 ", "0x1", "99999999999999999999", ""}) {
    CAPTURE(pixel);
    const std::string line = pixel + good.substr(good.find(','));
    CHECK(refusal_of_line(1797, line).find("line 1797: the pixel '" + std::string(pixel) + "'") != std::string::npos);
  }
}

TEST_CASE("too few lines, too many, and no last line break are refused") {
  std::vector<std::string> lines = good_lines();
  const std::string text = join(lines);
  CHECK(refusal(packed(text.substr(0, text.size() - 1))).find("line 1797: it does not end in a line break") !=
        std::string::npos);
  lines.push_back(lines.front());
  CHECK(refusal(packed(join(lines))).find("more than 1797 lines") != std::string::npos);
  lines.resize(1796);
  CHECK(refusal(packed(join(lines))).find("there are 1796 lines, expected 1797") != std::string::npos);
  CHECK(refusal(packed("")).find("there are 0 lines") != std::string::npos);
}

TEST_CASE("a damaged compressed file is refused") {
  const std::vector<unsigned char> good = packed(join(good_lines()));
  REQUIRE(refusal(good).empty());
  for (std::size_t length = 0; length < good.size(); length += 97) {
    CAPTURE(length);
    CHECK(
        refusal({good.begin(), good.begin() + static_cast<std::ptrdiff_t>(length)}).find("packed bytes are damaged") !=
        std::string::npos);
  }
  for (std::size_t i = 20; i < good.size(); i += 101) {  // behind the header, whose time and system mean nothing
    std::vector<unsigned char> flipped = good;
    flipped[i] ^= 0x10;
    CAPTURE(i);
    CHECK_FALSE(refusal(flipped).empty());
  }
  std::vector<unsigned char> longer = good;
  longer.push_back(0);
  CHECK(refusal(longer).find("1 bytes follow the end") != std::string::npos);
  CHECK(refusal(packed(std::string(2 << 20, '1'))).find("more bytes than 1048576") != std::string::npos);
}
