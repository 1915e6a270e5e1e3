// The 1,797 handwritten digits of UCI, embedded in the library, with a split that never changes.
// Raw form only: vectors of numbers. Tensors and batches are built on top of it, not here.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace chainrule {

/// Pictures with one label each. `pixels` has the layout (count, channels, height, width) and values from 0 to 1.
struct LabelledImages {
  std::vector<float> pixels{};
  std::vector<std::int64_t> labels{};
  int count = 0;
  int channels = 1;
  int height = 0;
  int width = 0;
};

struct DigitsSplit {
  LabelledImages train;  ///< 1,437 pictures, in the order of the file
  LabelledImages test;   ///< 360 pictures, in the order of the file
};

/// The fixed stratified split of the embedded digits; pixels are the file's values 0..16 divided by 16 (exact in
/// float). Rule: number the pictures from 0, sorted by digit and within a digit by their place in the file; every
/// number divisible by 5 is a test picture. Each digit's test count is therefore a fifth of its pictures, rounded up or
/// down.
DigitsSplit load_digits_raw();

/// Reads digits in the form of digits.csv.gz: exactly 1,797 lines of 64 integers from 0 to 16 and a label from 0 to 9.
/// Throws ValueError that names the line (or the byte problem of the compressed file) when anything differs.
LabelledImages read_digits(std::span<const unsigned char> gzip_bytes);

}  // namespace chainrule
