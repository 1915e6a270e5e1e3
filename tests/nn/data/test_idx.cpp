// The reader of IDX files: every type against bytes written by hand, and every way in which a file can be wrong.
#include "nn/data/idx.h"

#include <doctest/doctest.h>

#include <cmath>
#include <cstdlib>
#include <fstream>

#include "engine/types/error.h"
#include "tests/nn/data/idx_bytes.h"
#include "tests/temporary_folder.h"
#include "tests/text.h"

using namespace chainrule;
using chainrule::testing::contains;
using chainrule::testing::fault;
using chainrule::testing::gzip;
using chainrule::testing::idx;
using Folder = chainrule::testing::TemporaryFolder;

namespace {

/// Why a file is refused; the same as plain and as packed bytes when they are not about the packing.
std::string why(const std::string& bytes) {
  return fault<Error>([&] { parse_idx(bytes, "x-idx"); });
}

Tensor read(const std::string& bytes) { return idx_tensor(parse_idx(bytes, "x-idx")); }

}  // namespace

TEST_CASE("idx: the six types, highest byte first, plain and packed") {
  struct Case {
    int type;
    std::string numbers;
    DType dtype;
    std::vector<double> values;
  };
  using namespace std::string_literals;
  const std::vector<Case> cases = {
      {0x08, "\x00\x01\xFF"s, DType::int64, {0, 1, 255}},
      {0x09, "\x00\x01\xFF"s, DType::int64, {0, 1, -1}},
      {0x0B, "\x01\x02\xFF\xFE\x80\x00"s, DType::int64, {258, -2, -32768}},
      {0x0C, "\x00\x01\x02\x03\xFF\xFF\xFF\xFE\x7F\xFF\xFF\xFF"s, DType::int64, {66051, -2, 2147483647}},
      {0x0D, "\x3F\x80\x00\x00\xC0\x20\x00\x00\x7F\x80\x00\x00"s, DType::float32, {1, -2.5, INFINITY}},
      {0x0E, "\x3F\xF0\0\0\0\0\0\0\xC0\x04\0\0\0\0\0\0\0\0\0\0\0\0\0\x01"s, DType::float64, {1, -2.5, 5e-324}}};
  for (const Case& c : cases) {
    CAPTURE(c.type);
    const std::string bytes = idx(c.type, {3}, c.numbers);
    for (const std::string& file : {bytes, gzip(bytes)}) {
      const Tensor t = read(file);
      CHECK(t.dtype() == c.dtype);
      CHECK(t.shape() == Shape{3});
      CHECK(t.to_vector() == c.values);
    }
  }
}

TEST_CASE("idx: the last axis runs fastest, up to eight axes, and the header alone") {
  const std::string bytes = idx(0x08, {2, 1, 3}, "abcdef");
  const Tensor t = read(bytes);
  CHECK(t.shape() == Shape{2, 1, 3});
  CHECK(t.to_vector() == std::vector<double>{'a', 'b', 'c', 'd', 'e', 'f'});
  for (const std::string& file : {bytes, gzip(bytes)}) {
    const IdxArray header = parse_idx_header(file, "x");
    CHECK(header.shape == Shape{2, 1, 3});
    CHECK(header.type == IdxType::u8);
    CHECK(header.bytes.empty());
    CHECK(contains(fault<Error>([&] { idx_tensor(header); }), "0 bytes for shape (2, 1, 3)"));
  }
  CHECK(read(idx(0x08, {1, 1, 1, 1, 1, 1, 1, 2}, "ab")).shape().rank() == 8);
  CHECK(contains(why(idx(0x08, {1, 1, 1, 1, 1, 1, 1, 1, 1}, "a")), "9 axes"));
}

TEST_CASE("idx: a header that is none") {
  CHECK(contains(why(""), "it is empty"));
  CHECK(contains(why(std::string("\0\0\x08", 3)), "it has 3 bytes"));
  CHECK(contains(why(std::string("\0\0\x08\x03\0\0\0\x01", 8)), "it has 8 bytes, a header of 3 axes has 16"));
  CHECK(contains(why(idx(0x07, {1}, "a")), "begins with 00 00 07 01"));
  CHECK(contains(why(idx(0x0A, {1}, "a")), "begins with 00 00 0a 01"));
  CHECK(contains(why(idx(0x08, {}, "a")), "begins with 00 00 08 00"));
  CHECK(contains(why("\x93NUMPY and more"), "begins with 93 4e 55 4d"));
  CHECK(contains(why("PNG file, or so"), "IDX file 'x-idx'"));
  // The lowest byte first, as a careless writer leaves it.
  CHECK(contains(why(std::string("\x03\x08\0\0\x01\0\0\0", 8)), "begins with 03 08 00 00"));
}

TEST_CASE("idx: sizes are believed only when the file has them") {
  CHECK(contains(why(idx(0x08, {3}, "ab")), "it has 10 bytes; a header and numbers of shape (3,) have 11"));
  CHECK(contains(why(idx(0x08, {3}, "abcd")), "it has 12 bytes"));
  CHECK(contains(why(idx(0x0E, {3}, "abc")), "have 32"));
  CHECK(contains(why(idx(0x08, {3, 0, 2}, "")), "the size of axis 1 is 0"));
  CHECK(contains(why(idx(0x08, {0xFFFFFFFF}, "ab")), "4294967303"));
  CHECK(contains(why(idx(0x08, {0xFFFFFFFF, 0xFFFFFFFF, 0xFFFFFFFF}, "ab")), "too large to address"));
  CHECK(contains(why(idx(0x08, {0x10000, 0x10000, 0x10000, 0x10000}, "")), "too large to address"));  // 2^64
  CHECK(contains(why(idx(0x0E, {0x80000000, 0x80000000}, "")), "too large to address"));              // 2^65 bytes
  // Packed: the same, found by unpacking to nowhere.
  CHECK(contains(why(gzip(idx(0x08, {3}, "ab"))), "it unpacks to 10 bytes, 11 are expected"));
  CHECK(contains(why(gzip(idx(0x08, {3}, "abcd"))), "it unpacks to more bytes than 11"));
  CHECK(contains(why(gzip(idx(0x08, {0xFFFFFFFF}, "ab"))), "it unpacks to 10 bytes"));
  CHECK(contains(why(gzip(idx(0x0E, {0xFFFFFFF, 0xFFFFFFF}, "ab"))), "it unpacks to 14 bytes"));  // 2^59 bytes
  CHECK(contains(why(gzip(idx(0x08, {3}, std::string(50'000'000, '\0')))), "more bytes than 11"));
  CHECK(contains(why(gzip("")), "it has 0 bytes"));
}

TEST_CASE("idx: a packed file that is cut, changed or followed by something") {
  std::string numbers(1000, '\0');
  for (std::size_t i = 0; i < numbers.size(); ++i) numbers[i] = static_cast<char>(i * i % 251);
  const std::string good = gzip(idx(0x08, {10, 100}, numbers));
  REQUIRE(why(good).empty());
  for (std::size_t length = 1; length < good.size(); ++length) {
    CAPTURE(length);
    CHECK_FALSE(why(good.substr(0, length)).empty());
  }
  CHECK(contains(why(good.substr(0, good.size() / 2)), "packed bytes are damaged"));
  CHECK(contains(why(good + "1"), "1 bytes follow the end"));
  CHECK(contains(why(good + good), "bytes follow the end"));
  std::string bad = good;
  bad[good.size() - 8] ^= 1;
  CHECK(contains(why(bad), "incorrect data check"));
  bad = good;
  bad[good.size() - 4] ^= 1;
  CHECK(contains(why(bad), "incorrect length check"));
  bad = good;
  bad[2] = 7;
  CHECK(contains(why(bad), "damaged: unknown compression method"));
  CHECK(contains(why(gzip(good)), "begins with 1f 8b"));  // packed twice
}

TEST_CASE("idx: more than 64 MiB, and a false size of as much") {
  const std::uint32_t side = std::getenv("CHAINRULE_SANITIZED") ? 8200 : 12000;
  const std::string numbers(std::size_t{side} * side, '\x07');
  std::string packed = gzip(idx(0x08, {side, side}, numbers));
  const IdxArray array = parse_idx(packed, "x");
  CHECK(array.shape == Shape{side, side});
  CHECK(array.bytes == numbers);
  CHECK(contains(why(gzip(idx(0x08, {side + 1, side}, numbers))), "are expected"));
  CHECK(contains(why(gzip(idx(0x08, {side, side}, numbers + "1"))), "more bytes than"));
  packed[packed.size() - 8] ^= 1;
  CHECK(contains(why(packed), "incorrect data check"));
}

TEST_CASE("idx: files, and names that must not reach a terminal as they are") {
  const Folder folder;
  const std::string path = folder / "three";
  std::ofstream(path, std::ios::binary) << idx(0x08, {3}, "abc");
  CHECK(read_idx(path).bytes == "abc");
  CHECK(contains(fault<Error>([&] { read_idx(folder / "none"); }), "No such file"));
  CHECK(contains(fault<Error>([&] { read_idx(folder.path.string()); }), "is a folder"));
  CHECK(!contains(fault<Error>([&] { parse_idx("", "\x1B[31m"); }), "\x1B"));
}
