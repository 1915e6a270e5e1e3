// PNG by libpng's simplified interface, which reports errors by value; the size of the picture is read from its header
// by hand first, because libpng believes it.
#include "nn/data/picture.h"

#include <fmt/format.h>
#include <png.h>

#include <array>

#include "engine/files/elements.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr std::string_view kPngStart = "\x89PNG\r\n\x1a\n";
constexpr std::string_view kJpegStart = "\xFF\xD8\xFF";
constexpr std::int64_t kLongestSide = 16384, kMostPixels = std::int64_t{1} << 26;

/// libpng's state, freed on every way out.
struct PngImage {
  png_image image{};
  PngImage() { image.version = PNG_IMAGE_VERSION; }
  ~PngImage() { png_image_free(&image); }
  PngImage(const PngImage&) = delete;
  PngImage& operator=(const PngImage&) = delete;
};

std::int64_t big_endian(std::string_view four) {
  std::int64_t value = 0;
  for (const char c : four) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

PicturePixels parse_png(std::string_view bytes, const std::string& who, bool grey) {
  // The signature, then a first chunk of 13 bytes: IHDR with width, height, bits of a channel, kind of colour.
  if (bytes.size() < 33 || bytes.substr(12, 4) != "IHDR")
    throw ValueError(who + ": it ends in its header, or has none");
  const std::int64_t width = big_endian(bytes.substr(16, 4)), height = big_endian(bytes.substr(20, 4));
  constexpr std::array<int, 7> kChannels{1, 0, 3, 1, 2, 0, 4};
  const unsigned kind = static_cast<unsigned char>(bytes[25]), depth = static_cast<unsigned char>(bytes[24]);
  const int channels = kind < kChannels.size() ? kChannels.at(kind) : 0;
  if (channels == 0 || depth == 0) throw ValueError(fmt::format("{}: there is no colour type {} in PNG", who, kind));
  // Deflate makes at most 1,032 bytes of one.
  check_picture_size(who, width, height, 1032.0 * 8 / (static_cast<double>(channels) * depth), bytes.size());

  PngImage png;
  const auto fail = [&] { throw ValueError(fmt::format("{}: libpng cannot read it: {}", who, png.image.message)); };
  if (png_image_begin_read_from_memory(&png.image, bytes.data(), bytes.size()) == 0) fail();
  png.image.flags |= PNG_IMAGE_FLAG_16BIT_sRGB;  // else libpng takes 16 bits for linear light
  // What is grey in the file is taken as it is; grey of colours is made by our own formula, not by libpng's.
  const bool is_grey = (png.image.format & PNG_FORMAT_FLAG_COLOR) == 0;
  png.image.format = is_grey && grey ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  PicturePixels pixels{height, width, is_grey && grey ? 1 : 3, {}};
  if (static_cast<std::int64_t>(png.image.width) != width || static_cast<std::int64_t>(png.image.height) != height)
    throw ValueError(fmt::format("{}: it has two headers", who));
  pixels.bytes.resize(static_cast<std::size_t>(width * height * pixels.channels));
  const png_color white{255, 255, 255};
  if (png_image_finish_read(&png.image, &white, pixels.bytes.data(), 0, nullptr) == 0) fail();
  if (PNG_IMAGE_FAILED(png.image) || (png.image.warning_or_error & PNG_IMAGE_WARNING) != 0) fail();
  return pixels;
}

Tensor unit_planes(const PicturePixels& pixels, std::int64_t channels) {
  const std::int64_t plane = pixels.height * pixels.width;
  Tensor picture = empty({channels, pixels.height, pixels.width}, DType::float32);
  auto* out = static_cast<float*>(picture.mutable_data("parse_picture"));
  const auto* in = reinterpret_cast<const unsigned char*>(pixels.bytes.data());
  std::array<float, 256> unit{};
  for (std::size_t i = 0; i < unit.size(); ++i) unit.at(i) = static_cast<float>(i) / 255.0F;
  for (std::int64_t i = 0; i < plane; ++i, in += pixels.channels) {
    if (channels == 1)
      out[i] = pixels.channels == 1 ? unit[in[0]] : 0.299F * unit[in[0]] + 0.587F * unit[in[1]] + 0.114F * unit[in[2]];
    else
      for (std::int64_t c = 0; c < 3; ++c) out[c * plane + i] = unit[in[pixels.channels == 1 ? 0 : c]];
  }
  return picture;
}

}  // namespace

void check_picture_size(const std::string& who, std::int64_t width, std::int64_t height, double most_a_byte,
                        std::size_t bytes) {
  if (width < 1 || height < 1 || width > kLongestSide || height > kLongestSide || width * height > kMostPixels)
    throw ValueError(fmt::format("{}: it says that it has {} x {} pixels; sides are 1 to {}, and pixels at most {}",
                                 who, width, height, kLongestSide, kMostPixels));
  if (static_cast<double>(width * height) > most_a_byte * static_cast<double>(bytes) + 4096)
    throw ValueError(
        fmt::format("{}: it says that it has {} x {} pixels, which {} bytes cannot hold", who, width, height, bytes));
}

Tensor parse_picture(std::string_view bytes, const std::string& file, std::int64_t channels) {
  if (channels != 1 && channels != 3)
    throw ValueError(fmt::format("picture '{}': {} channels; there are 1, grey, and 3", file, channels));
  if (bytes.starts_with(kPngStart)) return unit_planes(parse_png(bytes, file_of("PNG", file), channels == 1), channels);
  if (bytes.starts_with(kJpegStart))
    return unit_planes(parse_jpeg(bytes, file_of("JPEG", file), channels == 1), channels);
  throw ValueError(
      fmt::format("{}: it begins neither as a PNG file does nor as a JPEG file", file_of("picture", file)));
}

}  // namespace chainrule
