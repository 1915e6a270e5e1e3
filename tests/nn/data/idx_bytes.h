// Files of data sets made by hand: gzip, and IDX with any header; and why they are refused.
#pragma once

#include <doctest/doctest.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace chainrule::testing {

inline std::string gzip(const std::string& text) {
  z_stream stream{};
  REQUIRE(deflateInit2(&stream, 9, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string bytes(deflateBound(&stream, text.size()) + 64, '\0');
  std::string input = text;
  stream.next_in = reinterpret_cast<unsigned char*>(input.data());
  stream.avail_in = static_cast<uInt>(input.size());
  stream.next_out = reinterpret_cast<unsigned char*>(bytes.data());
  stream.avail_out = static_cast<uInt>(bytes.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  bytes.resize(stream.total_out);
  deflateEnd(&stream);
  return bytes;
}

/// 00 00 TYPE AXES, each size with its highest byte first, and what follows.
inline std::string idx(int type, const std::vector<std::uint32_t>& sizes, const std::string& numbers) {
  std::string bytes{'\0', '\0', static_cast<char>(type), static_cast<char>(sizes.size())};
  for (const std::uint32_t size : sizes)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(size >> shift & 0xFF);
  return bytes + numbers;
}

/// What is said against it, in one line; empty when nothing is. Other errors than Wanted go on.
template <class Wanted, class F>
std::string fault(F&& run) {
  try {
    run();
  } catch (const Wanted& e) {
    const std::string text = e.what();
    CHECK(text.find('\n') == std::string::npos);
    return text;
  }
  return "";
}

inline void write(const std::string& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

/// Picture i is i everywhere, but its first pixel is 255.
inline std::string pictures(std::uint32_t count, std::uint32_t side = 28) {
  std::string pixels;
  for (std::uint32_t i = 0; i < count; ++i) {
    pixels += '\xFF';
    pixels.append(std::size_t{side} * side - 1, static_cast<char>(i));
  }
  return idx(0x08, {count, side, side}, pixels);
}

inline std::string labels(const std::string& values) {
  return idx(0x08, {static_cast<std::uint32_t>(values.size())}, values);
}

/// All four files: 3 pictures to train with, 2 to test.
inline void write_all(const std::string& folder) {
  std::filesystem::create_directories(folder);
  write(folder + "/train-images-idx3-ubyte.gz", gzip(pictures(3)));
  write(folder + "/train-labels-idx1-ubyte.gz", gzip(labels("\x05\x09\x01")));
  write(folder + "/t10k-images-idx3-ubyte", pictures(2));
  write(folder + "/t10k-labels-idx1-ubyte", labels(std::string("\x07\x00", 2)));
}

}  // namespace chainrule::testing
