// Archives that lie: about sizes, checksums, names, methods. Built by hand, and each refused in one sentence.
#include <doctest/doctest.h>

#include <algorithm>

#include "engine/files/array_files.h"
#include "tests/engine/files/array_bytes.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

const std::string kArray =
    npy_file(npy_header("<f8", "(2,)"), std::string(8, '\0') + std::string("\0\0\0\0\0\0\xF0\x3F", 8));

std::string why_npz(const std::string& bytes) {
  const std::string message = fault([&] { parse_npz(bytes, "w.npz"); });
  CHECK((message == "no error" || contains(message, "npz file 'w.npz'")));
  return message;
}
std::string why_npz(const ZipMember& member) { return why_npz(zip_file({member})); }

}  // namespace

TEST_CASE("npz: what is right") {
  const auto arrays = parse_npz(zip_file({stored_member("x.npy", kArray), packed_member("y", kArray)}), "w.npz");
  REQUIRE(arrays.size() == 2);
  CHECK(arrays[0].name == "x");
  CHECK(arrays[1].name == "y");
  for (const NamedTensor& one : arrays) CHECK(one.tensor.values<double>() == std::vector<double>{0, 1});
  ZipMember wide = packed_member("wide.npy", kArray);
  wide.zip64 = true;
  CHECK(parse_npz(zip_file({wide}), "w.npz").at(0).tensor.numel() == 2);
  CHECK(parse_npz(zip_file({}), "w.npz").empty());
}

TEST_CASE("npz: 65,536 members") {
  std::vector<ZipMember> members;
  members.reserve(65536);
  const ZipMember one = stored_member("", npy_file(npy_header("|b1", "()"), std::string(1, '\1')));
  for (int i = 0; i < 65536; ++i) {
    members.push_back(one);
    members.back().name = members.back().central_name = std::to_string(i) + ".npy";
  }
  const std::string bytes = zip_file(members);
  CHECK(parse_npz(bytes, "w.npz").size() == 65536);
  CHECK(parse_npz(bytes, "w.npz", "65535").at(0).tensor.item() == 1);
}

TEST_CASE("npz: names are keys, never paths; a name given twice is refused") {
  for (const std::string name : {"../x", "/abs", "C:\\x", "a\nb", "\x1B[31m", "", "..", "価格"}) {
    const auto arrays = parse_npz(zip_file({stored_member(name + ".npy", kArray)}), "w.npz");
    REQUIRE(arrays.size() == 1);
    CHECK(arrays[0].name == name);
  }
  CHECK(contains(why_npz(zip_file({stored_member("x.npy", kArray), stored_member("x.npy", kArray)})),
                 "a name is given twice"));
  CHECK(
      contains(why_npz(zip_file({stored_member("x.npy", kArray), stored_member("x", kArray)})), "'x' is given twice"));
  const std::string hostile = why_npz(stored_member("\x1B[31m.npy", "no array"));
  CHECK(contains(hostile, "array '␛[31m'"));
  CHECK(!contains(hostile, "\x1B"));
  // A NUL ends the name for some readers and not for others.
  static_cast<void>(why_npz(zip_file({stored_member(std::string("a\0b", 3), kArray), stored_member("a", kArray)})));
}

TEST_CASE("npz: members that are packed otherwise, encrypted, or no arrays") {
  ZipMember m = stored_member("x.npy", kArray);
  m.flags = 1;
  CHECK(contains(why_npz(m), "is encrypted"));
  m = stored_member("x.npy", kArray);
  m.method = 12;
  CHECK(contains(why_npz(m), "packed by method 12"));
  CHECK(contains(why_npz(stored_member("data.pkl", "\x80\x02}q")),
                 "array 'data.pkl': it does not begin as an npy array"));
  CHECK(contains(why_npz(stored_member("x.npy", "")), "array 'x': it is empty"));
  CHECK(contains(why_npz(stored_member("x.npy", kArray + "1")), "followed by something else"));
}

TEST_CASE("npz: checksums and streams") {
  ZipMember m = stored_member("x.npy", kArray);
  m.crc ^= 1;
  CHECK(contains(why_npz(m), "checksum"));
  m = packed_member("x.npy", kArray);
  m.crc ^= 1;
  CHECK(contains(why_npz(m), "checksum"));
  m = packed_member("x.npy", kArray);
  m.data.resize(m.data.size() / 2);
  CHECK(contains(why_npz(m), "end too early"));
  m = packed_member("x.npy", kArray);
  m.data += "hidden";
  CHECK(contains(why_npz(m), "6 bytes follow the end of its packed bytes"));
  m = packed_member("x.npy", kArray);
  m.data[0] = '\xFF';
  CHECK(contains(why_npz(m), "damaged"));
  m = packed_member("x.npy", kArray);
  --m.size;
  CHECK(contains(why_npz(m), "unpacks to more bytes"));
  m.size += 2;
  CHECK(contains(why_npz(m), "are expected"));
  m = stored_member("x.npy", kArray);
  ++m.size;
  CHECK(contains(why_npz(m), "two different sizes"));
}

TEST_CASE("npz: the directory against the members") {
  ZipMember m = stored_member("x.npy", kArray);
  m.central_name = "y.npy";
  CHECK(contains(why_npz(m), "no sound zip archive"));
  const std::string good = zip_file({stored_member("x.npy", kArray)});
  std::string bad = good;
  bad[22] = 1;  // a size in the local header
  CHECK(contains(why_npz(bad), "no sound zip archive"));
  bad = good;
  bad[bad.size() - 6] = '\x7F';  // where the directory begins
  CHECK(contains(why_npz(bad), "no sound zip archive"));
  CHECK(contains(why_npz(""), "empty"));
  CHECK(contains(why_npz("PK"), "no sound zip archive"));
  CHECK(contains(why_npz(kArray), "no sound zip archive"));
}

TEST_CASE("npz: members that share bytes are refused") {
  // Each holds the next one whole: a file in a file in a file.
  std::string data = npy_file(npy_header("<f8", "(100,)"), std::string(800, '\0'));
  std::vector<ZipMember> members;
  for (const std::string name : {"a.npy", "b.npy", "c.npy"}) {
    members.push_back(stored_member(name, data));
    const std::string whole = zip_file({members.back()});
    data = whole.substr(0, whole.find("PK\1\2"));
  }
  std::reverse(members.begin(), members.end());
  CHECK(contains(why_npz(zip_file({members[0]})), "does not begin as an npy array"));
  const std::uint64_t header = 30 + members[0].name.size();
  members[1].listed_at = header;
  members[2].listed_at = 2 * header;
  CHECK(contains(why_npz(zip_file(members)), "its members overlap"));
}

TEST_CASE("npz: a member that claims to be huge costs no memory") {
  ZipMember m = packed_member("x.npy", kArray);
  m.zip64 = true;
  for (const std::uint64_t size : {std::uint64_t{1} << 33, std::uint64_t{1} << 62, ~std::uint64_t{0}}) {
    m.size = size;
    CHECK(why_npz(m) != "no error");
    CHECK(!contains(why_npz(m), "EnvironmentError"));
  }
  // 100,000 shapes in one: the member is small, the array it declares is not.
  CHECK(contains(why_npz(stored_member("x.npy", npy_file(npy_header("<f8", "(1000000, 1000000)"), "12345678"))),
                 "needs 8000000000000 bytes, 8 follow"));
  // A bomb: 200 MB of zeros in 200 KB, with a header that asks for something else, and with a wrong checksum.
  const std::string zeros(200'000'000, '\0');
  CHECK(contains(why_npz(packed_member("x.npy", npy_file(npy_header("<f8", "(3,)"), zeros))), "needs 24 bytes"));
  ZipMember bomb = packed_member("x.npy", npy_file(npy_header("<f8", "(25000000,)"), zeros));
  CHECK(bomb.data.size() < 300'000);
  bomb.crc ^= 1;
  CHECK(contains(why_npz(bomb), "checksum"));
}
