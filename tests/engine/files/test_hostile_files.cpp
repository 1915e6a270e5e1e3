// Generated damage: every beginning of small good files, every byte replaced, random bytes. A reader may give a value
// or one of our errors with the file's name; everything else, and more memory than the file could need, is a fault.
#include <doctest/doctest.h>

#include <functional>

#include "engine/factory.h"
#include "engine/files/array_files.h"
#include "engine/random.h"
#include "tests/engine/files/array_bytes.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

struct Format {
  std::string name, good;
  std::function<std::int64_t(const std::string&)> read;  // gives the number of elements
};

std::int64_t elements_of(const std::vector<NamedTensor>& arrays) {
  std::int64_t count = 0;
  for (const NamedTensor& one : arrays) count += one.tensor.numel();
  return count;
}

std::vector<Format> formats() {
  const std::string values(24, '\1');
  const std::string npy = npy_file(npy_header("<f4", "(2, 3)", "True"), values);
  const auto npz = [](const std::string& bytes) { return elements_of(parse_npz(bytes, "file")); };
  const std::string header = R"({"__metadata__":{"a":"b"},"x":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                             R"("y":{"dtype":"BOOL","shape":[2],"data_offsets":[24,26]}} )";
  ZipMember wide = packed_member("wide.npy", npy);
  wide.zip64 = true;
  return {{"npy", npy, [](const std::string& bytes) { return parse_npy(bytes, "file").numel(); }},
          {"npz stored", zip_file({stored_member("x.npy", npy), stored_member("y.npy", npy)}), npz},
          {"npz packed", zip_file({packed_member("x.npy", npy), wide}), npz},
          {"npz of our own", npz_bytes({{"x", ones({2, 3})}}), npz},
          {"safetensors", safetensors_file(header, values + "\1\1"),
           [](const std::string& bytes) { return elements_of(parse_safetensors(bytes, "file")); }},
          {"csv", "a,\"b\"\"c\"\r\n1,-2.5e3\r\n\"7\", 8\n",
           [](const std::string& bytes) { return parse_csv(bytes, "file").values.numel(); }}};
}

/// Reads; true when there was a value.
bool survives(const Format& format, const std::string& bytes) {
  std::int64_t elements = 0;
  const std::string message = fault([&] { elements = format.read(bytes); });
  if (message == "no error") {
    // Widening gives an element at most eight times its bytes; packing is at most a thousandfold.
    CHECK(elements <= static_cast<std::int64_t>(bytes.size()) * 1100);
    return true;
  }
  const bool said = contains(message, " file 'file'") && !contains(message, "EnvironmentError") &&
                    message.find('\n') == std::string::npos && message.size() < 600;
  CHECK_MESSAGE(said, message);
  return false;
}

}  // namespace

TEST_CASE("hostile files: every beginning of a good file is refused") {
  for (const Format& format : formats()) {
    CAPTURE(format.name);
    CHECK(survives(format, format.good));
    for (std::size_t size = 0; size < format.good.size(); ++size) {
      CAPTURE(size);
      const bool value = survives(format, format.good.substr(0, size));
      if (format.name != "csv") CHECK(!value);
    }
    // Something behind the end: a zip archive might take it for its comment, which it does not declare.
    if (format.name != "csv") CHECK(!survives(format, format.good + "x"));
  }
}

TEST_CASE("hostile files: every byte replaced by others") {
  for (const Format& format : formats()) {
    CAPTURE(format.name);
    std::string bytes = format.good;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
      CAPTURE(at);
      const char before = bytes[at];
      for (const int flip : {0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF}) {
        bytes[at] = static_cast<char>(before ^ flip);
        survives(format, bytes);
      }
      for (const char other : {'\0', '\x7F', '\xFF', '"', '[', '{', '(', '9', '-', ',', '\n'}) {
        bytes[at] = other;
        survives(format, bytes);
      }
      bytes[at] = before;
    }
  }
}

TEST_CASE("hostile files: random bytes, and good files with pieces moved, doubled and overwritten") {
  Generator random(11);
  const auto below = [&](std::size_t n) {
    return static_cast<std::size_t>(randint(0, static_cast<std::int64_t>(n), {}, random).item());
  };
  for (const Format& format : formats()) {
    CAPTURE(format.name);
    for (int round = 0; round < 3000; ++round) {
      std::string bytes = format.good;
      if (round % 4 == 0) {
        bytes.resize(below(200));
        for (char& c : bytes) c = static_cast<char>(below(256));
        if (round % 8 == 0) bytes = format.good.substr(0, below(16)) + bytes;
      } else {
        for (std::size_t edits = 1 + below(4); edits > 0; --edits) {
          const std::size_t from = below(bytes.size()),
                            length = below(std::min<std::size_t>(bytes.size() - from, 40) + 1);
          const std::string piece = bytes.substr(from, length);
          if (round % 4 == 1)
            bytes.erase(from, length);
          else if (round % 4 == 2)
            bytes.insert(below(bytes.size()), piece);
          else
            for (std::size_t i = 0; i < length; ++i) bytes[from + i] = static_cast<char>(below(256));
          if (bytes.empty()) break;
        }
      }
      CAPTURE(round);
      survives(format, bytes);
    }
  }
}
