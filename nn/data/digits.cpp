// Unpacks, checks and splits the digits, which are embedded in the library (engine/system/embedded.h): no path is
// opened at run time.
#include "nn/data/digits.h"

#include <array>
#include <charconv>
#include <cstddef>
#include <string>
#include <string_view>

#include "engine/files/inflate.h"
#include "engine/system/embedded.h"
#include "engine/types/error.h"

namespace chainrule {

namespace {

constexpr int kCount = 1797;
constexpr int kSide = 8;
constexpr int kPixels = kSide * kSide;
constexpr int kClasses = 10;
constexpr int kLargestPixel = 16;
constexpr std::size_t kLargestText = 1 << 20;  // the real text has 264,712 bytes; a bomb must not fill the memory

[[noreturn]] void fail(const std::string& what) { throw ValueError("digits: " + what); }

std::string gunzip(std::span<const unsigned char> bytes) {
  Inflater inflater({reinterpret_cast<const char*>(bytes.data()), bytes.size()}, Packing::gzip, "digits");
  std::string text(kLargestText, '\0');
  text.resize(inflater.read(text.data(), text.size()));
  inflater.expect_end();
  return text;
}

/// Takes the text up to `end` off the front of `rest`. Throws when `end` is not there.
std::string_view take_until(std::string_view& rest, char end, int line, const char* expected) {
  const std::size_t length = rest.find(end);
  if (length == std::string_view::npos) fail("line " + std::to_string(line) + ": " + expected);
  const std::string_view taken = rest.substr(0, length);
  rest.remove_prefix(length + 1);
  return taken;
}

int parse_number(std::string_view text, int largest, int line, const char* name) {
  int value = -1;
  const auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || end != text.data() + text.size() || value < 0 || value > largest) {
    fail("line " + std::to_string(line) + ": the " + name + " '" + std::string(text) +
         "' is not an integer from 0 to " + std::to_string(largest));
  }
  return value;
}

LabelledImages empty_images() { return {.height = kSide, .width = kSide}; }

void append(LabelledImages& to, const LabelledImages& from, int index) {
  const auto first = from.pixels.begin() + static_cast<std::ptrdiff_t>(index) * kPixels;
  to.pixels.insert(to.pixels.end(), first, first + kPixels);
  to.labels.push_back(from.labels[static_cast<std::size_t>(index)]);
  ++to.count;
}

}  // namespace

LabelledImages read_digits(std::span<const unsigned char> gzip_bytes) {
  const std::string text = gunzip(gzip_bytes);
  LabelledImages images = empty_images();
  images.pixels.reserve(static_cast<std::size_t>(kCount) * kPixels);
  images.labels.reserve(kCount);
  std::string_view rest = text;
  while (!rest.empty()) {
    const int line_number = ++images.count;
    if (line_number > kCount) fail("there are more than " + std::to_string(kCount) + " lines");
    std::string_view line = take_until(rest, '\n', line_number, "it does not end in a line break");
    for (int i = 0; i < kPixels; ++i) {
      const std::string_view field = take_until(line, ',', line_number, "it has fewer than 65 fields");
      const int value = parse_number(field, kLargestPixel, line_number, "pixel");
      images.pixels.push_back(static_cast<float>(value) / kLargestPixel);
    }
    if (line.find(',') != std::string_view::npos) {
      fail("line " + std::to_string(line_number) + ": it has more than 65 fields");
    }
    images.labels.push_back(parse_number(line, kClasses - 1, line_number, "label"));
  }
  if (images.count != kCount) {
    fail("there are " + std::to_string(images.count) + " lines, expected " + std::to_string(kCount));
  }
  return images;
}

DigitsSplit load_digits_raw() {
  const LabelledImages all = read_digits(
      {reinterpret_cast<const unsigned char*>(embedded::digits_csv_gz.data()), embedded::digits_csv_gz.size()});
  std::array<int, kClasses + 1> next{};  // after the sums: the number of the next picture of each digit
  for (const std::int64_t label : all.labels) ++next[static_cast<std::size_t>(label) + 1];
  for (std::size_t digit = 1; digit < next.size(); ++digit) next[digit] += next[digit - 1];
  DigitsSplit split{empty_images(), empty_images()};
  for (int i = 0; i < all.count; ++i) {
    const int number = next[static_cast<std::size_t>(all.labels[static_cast<std::size_t>(i)])]++;
    append(number % 5 == 0 ? split.test : split.train, all, i);
  }
  return split;
}

}  // namespace chainrule
