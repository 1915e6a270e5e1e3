// Scenes: pictures with several digits, made by a rule out of pictures of one, with the answers of three tasks: where
// the digits are (detection), which pixels belong to them (segmentation), and a sentence about them (captions). Scene i
// is a function of the seed and i, made anew each time that it is asked for; cached() keeps it.
#pragma once

#include <string>
#include <vector>

#include "nn/data/image_set.h"

namespace chainrule {

struct SceneOptions {
  std::int64_t scenes = 1000;  ///< how many there are, at least 1
  std::int64_t side = 48;      ///< of the square picture, in pixels
  std::int64_t least_digits = 1, most_digits = 3;
  std::int64_t least_height = 12, most_height = 20;  ///< of a digit's ink, or its width where that is more
  std::int64_t channels = 1;                         ///< 1, or 3 with coloured ink and ground
  std::int64_t distractors = 0;                      ///< bars of no class, which never touch a digit
  double contrast = 0.35;  ///< the least distance in grey between ink and ground, 0.05 to 0.45
  double noise = 0.05;     ///< standard deviation of the ground's grain, 0 to 0.2
  /// What the ground is cut from, (K, C, H, W) from 0 to 1, at least as large as a scene; tinted when coloured.
  /// Without: a slope of grey or colour.
  Tensor grounds{};
  std::uint64_t seed = 0;
};

/// A digit in a scene. The box holds its ink exactly: from (left, top) up to, but without (right, bottom), in pixels.
struct SceneDigit {
  std::int64_t digit = 0, left = 0, top = 0, right = 0, bottom = 0;
};

/// The class of what is no digit, in masks and in eleven-way classifiers.
inline constexpr std::int64_t kBackgroundClass = 10;

class DigitScenes : public Dataset {
 public:
  enum class Target : std::uint8_t {
    /// (N, most_digits, 5) float32: class, left, top, right, bottom; rows without a digit are -1 and zeros.
    boxes,
    /// (N, side, side) int64: the digit of each pixel, kBackgroundClass where there is none.
    masks,
  };
  /// `digits` are pictures of one bright digit on a dark ground, as load_digits() and load_mnist() give. Throws
  /// ValueError for options out of range or that do not fit together.
  DigitScenes(const ImageSet& digits, Target target, const SceneOptions& options = {});

  std::int64_t size() const override { return options_.scenes; }
  /// inputs (N, channels, side, side) float32 from 0 to 1.
  Batch get(const Indices& indices) const override;
  /// What is in scene i, the first put down first.
  std::vector<SceneDigit> digits_in(std::int64_t scene) const;

 private:
  ImageSet digits_;
  Target target_;
  SceneOptions options_;
};

struct CaptionOptions {
  std::int64_t scenes = 1000;
  std::uint64_t seed = 0;
};

/// Pictures (1, 32, 32) of four cells, two of which hold a digit, small or big, moved by up to 2 pixels; targets (N,
/// 11) int64 are the words of "a small seven is left of a big three" between <start> and <end>, filled up with <end>.
/// The picture decides the sentence: the higher digit comes first (of equal ones the first as one reads), and it is
/// above or below the other one only in the same column.
class CaptionScenes : public Dataset {
 public:
  explicit CaptionScenes(const ImageSet& digits, CaptionOptions options = {});
  std::int64_t size() const override { return options_.scenes; }
  Batch get(const Indices& indices) const override;
  /// The 21 words, <start> and <end> first; a target is a place in this list.
  static const std::vector<std::string>& words();
  /// One row of targets, or what a network wrote, up to <end>. Throws ValueError for a number that is no word.
  static std::string sentence(const Tensor& words_of_one);

 private:
  ImageSet digits_;
  CaptionOptions options_;
};

}  // namespace chainrule
