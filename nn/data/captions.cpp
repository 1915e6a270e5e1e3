// The pictures with sentences of scenes.h.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "engine/types/error.h"
#include "nn/data/augment_parts.h"
#include "nn/data/ink.h"
#include "nn/data/scenes.h"

namespace chainrule {
namespace {

constexpr std::int64_t kCell = 16, kCaptionSide = 2 * kCell, kSmall = 7, kBig = 12, kJitter = 2, kCaptionWords = 11;

/// Places in words().
enum Word : std::int64_t { kStart, kEnd, kA, kIs, kOf, kSmallWord, kBigWord, kLeft, kRight, kAbove, kBelow, kZero };

struct Said {
  std::int64_t digit, row, column;
  bool big;
};

std::vector<std::int64_t> words_about(Said first, Said second) {
  if (second.digit > first.digit) std::swap(first, second);
  std::vector<std::int64_t> words{kStart, kA, first.big ? kBigWord : kSmallWord, kZero + first.digit, kIs};
  if (first.column == second.column)
    words.push_back(first.row < second.row ? kAbove : kBelow);
  else
    words.insert(words.end(), {first.column < second.column ? kLeft : kRight, kOf});
  words.insert(words.end(), {kA, second.big ? kBigWord : kSmallWord, kZero + second.digit});
  words.resize(kCaptionWords, kEnd);
  return words;
}

}  // namespace

CaptionScenes::CaptionScenes(const ImageSet& digits, CaptionOptions options)
    : digits_{dense(digits.images.detach()), dense(digits.labels.detach())}, options_(options) {
  internal::check_digits("CaptionScenes", digits_);
  internal::check_least("CaptionScenes", "scenes", options.scenes, 1);
}

const std::vector<std::string>& CaptionScenes::words() {
  static const std::vector<std::string> list{"<start>", "<end>", "a",     "is",    "of",    "small", "big",
                                             "left",    "right", "above", "below", "zero",  "one",   "two",
                                             "three",   "four",  "five",  "six",   "seven", "eight", "nine"};
  return list;
}

std::string CaptionScenes::sentence(const Tensor& words_of_one) {
  std::string text;
  for (const std::int64_t word : words_of_one.values<std::int64_t>()) {
    if (word < 0 || word >= static_cast<std::int64_t>(words().size()))
      throw ValueError(fmt::format("CaptionScenes: there is no word {}, there are 0 to {}", word, words().size() - 1));
    if (word == kEnd) break;
    if (word != kStart) text += (text.empty() ? "" : " ") + words()[static_cast<std::size_t>(word)];
  }
  return text;
}

Batch CaptionScenes::get(const Indices& indices) const {
  const auto n = static_cast<std::int64_t>(indices.size());
  Tensor pictures = empty({n, 1, kCaptionSide, kCaptionSide}, DType::float32);
  Tensor targets = empty({n, kCaptionWords}, DType::int64);
  auto* out = static_cast<float*>(pictures.mutable_data("CaptionScenes"));
  auto* words = static_cast<std::int64_t*>(targets.mutable_data("CaptionScenes"));
  std::fill_n(out, pictures.numel(), 0.0F);
  const std::int64_t* labels = digits_.labels.data<std::int64_t>();
  for (std::int64_t i = 0; i < n; ++i) {
    Generator generator = sample_generator(options_.seed, 0, indices[static_cast<std::size_t>(i)], 0);
    std::array<std::int64_t, 2> cells{generator.below(4), generator.below(3)};
    if (cells[1] >= cells[0]) ++cells[1];
    std::sort(cells.begin(), cells.end());  // as one reads
    std::array<Said, 2> said{};
    for (std::size_t d = 0; d < 2; ++d) {
      const std::int64_t number = generator.below(digits_.size());
      said[d] = {labels[number], cells[d] / 2, cells[d] % 2, generator.below(2) == 1};
      const internal::Ink ink = internal::ink_of(digits_, number, said[d].big ? kBig : kSmall);
      const std::int64_t down = generator.below(2 * kJitter + 1) - kJitter,
                         right = generator.below(2 * kJitter + 1) - kJitter;
      const std::int64_t top = said[d].row * kCell + (kCell - ink.height) / 2 + down;
      const std::int64_t left = said[d].column * kCell + (kCell - ink.width) / 2 + right;
      for (std::int64_t y = 0; y < ink.height; ++y)
        std::copy_n(ink.values.begin() + y * ink.width, ink.width,
                    out + (i * kCaptionSide + top + y) * kCaptionSide + left);
    }
    const std::vector<std::int64_t> row = words_about(said[0], said[1]);
    std::copy(row.begin(), row.end(), words + i * kCaptionWords);
  }
  return {pictures, targets};
}

}  // namespace chainrule
