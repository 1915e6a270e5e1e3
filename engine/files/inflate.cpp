// zlib counts in 32 bits and reports by codes; here are sizes of any length and sentences.
#include "engine/files/inflate.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "engine/types/error.h"

namespace chainrule {
namespace {

constexpr std::size_t kStart = std::size_t{1} << 16;

}  // namespace

bool is_gzip(std::string_view bytes) { return bytes.starts_with("\x1f\x8b"); }

Inflater::Inflater(std::string_view packed, Packing packing, std::string who) : rest_(packed), who_(std::move(who)) {
  const int window = packing == Packing::gzip ? 15 + 16 : -15;
  if (inflateInit2(&stream_, window) != Z_OK) throw EnvironmentError(who_ + ": zlib could not start, out of memory");
}

Inflater::~Inflater() { inflateEnd(&stream_); }

std::size_t Inflater::read(char* out, std::size_t size) {
  constexpr std::size_t kPiece = std::size_t{1} << 30;
  std::size_t written = 0;
  while (written < size && !ended_) {
    if (stream_.avail_in == 0) {
      stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest_.data()));  // zlib only reads
      stream_.avail_in = static_cast<uInt>(std::min(rest_.size(), kPiece));
      rest_.remove_prefix(stream_.avail_in);
    }
    const auto piece = static_cast<uInt>(std::min(size - written, kPiece));
    stream_.next_out = reinterpret_cast<Bytef*>(out + written);
    stream_.avail_out = piece;
    const int status = inflate(&stream_, Z_NO_FLUSH);
    written += piece - stream_.avail_out;
    if (status == Z_MEM_ERROR) throw EnvironmentError(who_ + ": out of memory");
    if (status == Z_STREAM_END)
      ended_ = true;
    else if (status != Z_OK)
      throw ValueError(
          fmt::format("{}: its packed bytes are damaged: {}", who_, stream_.msg ? stream_.msg : "they end too early"));
  }
  done_ += written;
  checksum_ = static_cast<std::uint32_t>(crc32_z(checksum_, reinterpret_cast<const Bytef*>(out), written));
  return written;
}

void Inflater::expect_end() {
  const std::uint64_t done = done_;
  const std::uint32_t checksum = checksum_;
  char more = 0;
  if (read(&more, 1) != 0) throw ValueError(fmt::format("{}: it unpacks to more bytes than {}", who_, done));
  checksum_ = checksum;
  if (stream_.avail_in != 0 || !rest_.empty())
    throw ValueError(
        fmt::format("{}: {} bytes follow the end of its packed bytes", who_, stream_.avail_in + rest_.size()));
}

std::string unpack(std::string_view packed, Packing packing, const std::string& who,
                   const std::function<std::uint64_t(std::string_view start)>& size_of,
                   std::optional<std::uint32_t> checksum) {
  std::string start(kStart, '\0');
  Inflater first(packed, packing, who);
  start.resize(first.read(start.data(), start.size()));
  const std::uint64_t size = size_of(start);
  // The rest of `inflater`, which has given `done` bytes, into `out` or to nowhere.
  const auto finish = [&](Inflater& inflater, std::uint64_t done, std::string* out) {
    std::string nowhere(out ? 0 : kStart, '\0');
    if (done > size) throw ValueError(fmt::format("{}: it unpacks to more bytes than {}", who, size));
    while (done < size) {
      const std::size_t room = out ? size - done : std::min<std::uint64_t>(size - done, kStart);
      const std::size_t count = inflater.read(out ? out->data() + done : nowhere.data(), room);
      if (count == 0) throw ValueError(fmt::format("{}: it unpacks to {} bytes, {} are expected", who, done, size));
      done += count;
    }
    inflater.expect_end();
    if (checksum && inflater.checksum() != *checksum)
      throw ValueError(who + ": its checksum is wrong, the file is damaged");
  };
  if (size > kBelieved) {
    finish(first, start.size(), nullptr);
    Inflater again(packed, packing, who);
    start.clear();
    std::string bytes(size, '\0');
    finish(again, 0, &bytes);
    return bytes;
  }
  std::string bytes = std::move(start);
  const std::uint64_t done = bytes.size();
  if (done < size) bytes.resize(size);
  finish(first, done, &bytes);
  return bytes;
}

}  // namespace chainrule
