// Inner header: for our own sources, not installed.
// Packed bytes (deflate, gzip) back to what they were, through zlib, for every reader of this library. Library code
// only. What a file looks like around its packed bytes is in the readers.
#pragma once

#include <zlib.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace chainrule {

enum class Packing : std::uint8_t {
  deflate,  ///< the bare stream, as in a zip archive
  gzip,     ///< with the header and checksum of a gz file
};

/// Do the bytes begin as a gz file does?
bool is_gzip(std::string_view bytes);

/// One stream, a piece at a time. `who` opens its messages. Throws ValueError for what is wrong with the bytes.
class Inflater {
 public:
  Inflater(std::string_view packed, Packing packing, std::string who);
  ~Inflater();
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  /// Fills `out` unless the stream ends; gives the bytes written.
  std::size_t read(char* out, std::size_t size);
  /// Throws unless the stream and its input end here.
  void expect_end();
  /// CRC-32 of all that was read.
  std::uint32_t checksum() const { return checksum_; }

 private:
  z_stream stream_{};
  std::string_view rest_;
  std::string who_;
  std::uint64_t done_ = 0;
  std::uint32_t checksum_ = 0;
  bool ended_ = false;
};

/// Streams of more bytes are unpacked twice: first to nowhere, so that memory is taken only for what is there and
/// whole.
inline constexpr std::uint64_t kBelieved = std::uint64_t{64} << 20;

/// The whole of a stream whose size its own start (up to 64 KiB) or something else tells: `size_of(start)` gives it or
/// throws. Throws ValueError when the size, or the checksum where one is known, is another.
std::string unpack(std::string_view packed, Packing packing, const std::string& who,
                   const std::function<std::uint64_t(std::string_view start)>& size_of,
                   std::optional<std::uint32_t> checksum = {});

}  // namespace chainrule
