// Headers of safetensors files that a strict reader refuses, and what it says.
#include <doctest/doctest.h>

#include "engine/files/array_files.h"
#include "tests/engine/files/array_bytes.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

std::string why_bytes(const std::string& bytes) {
  const std::string message = fault([&] { parse_safetensors(bytes, "m.safetensors"); });
  CHECK((message == "no error" || contains(message, "safetensors file 'm.safetensors'")));
  return message;
}
std::string why_safetensors(const std::string& header, std::size_t data = 4) {
  return why_bytes(safetensors_file(header, std::string(data, '\0')));
}
/// One tensor of four bytes, with other offsets.
std::string why_offsets(const std::string& offsets, std::size_t data = 4) {
  return why_safetensors(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":)" + offsets + "}}", data);
}
const std::string kX = R"("x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";

}  // namespace

TEST_CASE("safetensors: lengths") {
  CHECK(why_safetensors("{" + kX + "}") == "no error");
  CHECK(why_safetensors("{" + kX + "}    ") == "no error");  // padding
  CHECK(why_safetensors("{}", 0) == "no error");
  CHECK(contains(why_bytes(""), "empty"));
  CHECK(contains(why_bytes(std::string(7, '\0')), "first 8 bytes"));
  CHECK(contains(why_bytes(std::string(8, '\0')), "does not begin with {"));
  const std::string file = safetensors_file("{}", "");
  for (const std::uint64_t length :
       {~std::uint64_t{0}, std::uint64_t{1} << 63, ~std::uint64_t{0} - 7, ~std::uint64_t{0} - 8})
    CHECK(contains(why_bytes(bytes_of_number(length, 8) + "{}"), "would have"));
  CHECK(contains(why_bytes(bytes_of_number(100'000'001, 8) + "{}"), "more than 100000000"));
  CHECK(contains(why_bytes(bytes_of_number(3, 8) + "{}"), "header of 3 bytes is cut off at byte 10"));
}

TEST_CASE("safetensors: the header is JSON and nothing but") {
  CHECK(contains(why_safetensors(" {}"), "does not begin"));
  CHECK(contains(why_safetensors("[]"), "does not begin"));
  CHECK(contains(why_safetensors("{" + kX + "} x"), "no sound JSON"));
  CHECK(contains(why_safetensors("{" + kX + "}" + std::string(1, '\0') + "x"), "is a NUL"));
  CHECK(contains(why_safetensors("{" + kX), "no sound JSON"));
  CHECK(contains(why_safetensors("{\"\xFF\":{}}"), "byte 10 is no sound JSON"));
  CHECK(contains(why_safetensors("{" + kX + ",}"), "no sound JSON"));
  CHECK(contains(why_safetensors("{" + kX + "," + kX + "}"), "'x' is given twice"));
  CHECK(contains(why_safetensors(R"({"x":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}})"),
                 "'dtype' is given twice"));
  CHECK(contains(why_safetensors(R"({"x":{"dtype":"F32","shape":[1]}})"), "must have"));
  CHECK(contains(why_safetensors(R"({"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"more":"1"}})"), "'more'"));
  CHECK(contains(why_safetensors(R"({"x":1})"), "the number 1"));
  CHECK(contains(why_safetensors(R"({"x":null})"), "null"));
  CHECK(contains(why_safetensors(R"({"x":[]})"), "a list"));
  CHECK(contains(why_safetensors(R"({"x":{"dtype":{}}})"), "an object"));
  CHECK(contains(why_safetensors(R"({"x":{"dtype":["F32"]}})"), "a list"));
  CHECK(contains(why_safetensors(R"({"x":{"shape":[[1]]}})"), "a list"));
  CHECK(contains(why_safetensors("{\"x\":" + std::string(100'000, '[')), "a list"));
  CHECK(contains(why_safetensors("{" + std::string(100'000, '{')), "no sound JSON"));
}

TEST_CASE("safetensors: metadata is text to text") {
  CHECK(why_safetensors(R"({"__metadata__":{"format":"pt","dtype":"x"},)" + kX + "}") == "no error");
  CHECK(contains(why_safetensors(R"({"__metadata__":{"a":1},)" + kX + "}"), "the number 1"));
  CHECK(contains(why_safetensors(R"({"__metadata__":{"a":{}},)" + kX + "}"), "an object"));
  CHECK(contains(why_safetensors(R"({"__metadata__":{"shape":[1]},)" + kX + "}"), "a list"));
  CHECK(contains(why_safetensors(R"({"__metadata__":{"a":"1","a":"2"},)" + kX + "}"), "'a' is given twice"));
  CHECK(contains(why_safetensors(R"({"__metadata__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})"), "a list"));
}

TEST_CASE("safetensors: offsets") {
  CHECK(contains(why_offsets("[4,0]"), "end before they begin"));
  CHECK(contains(why_offsets("[0,5]"), "beyond the 4 bytes"));
  CHECK(contains(why_offsets("[0,18446744073709551615]"), "beyond the 4 bytes"));
  CHECK(contains(why_offsets("[0,18446744073709551616]"), "the number 18446744073709551616"));
  CHECK(contains(why_offsets("[-1,4]"), "a negative number"));
  CHECK(contains(why_offsets("[0,4.0]"), "the number 4.0"));
  CHECK(contains(why_offsets("[0,1e0]"), "the number 1e0"));
  CHECK(contains(why_offsets("[\"0\",\"4\"]"), "a text"));
  CHECK(contains(why_offsets("[0]"), "are not two"));
  CHECK(contains(why_offsets("[]"), "are not two"));
  CHECK(contains(why_offsets("[0,4,4]"), "more than two"));
  CHECK(contains(why_offsets("[1,5]", 5), "leave bytes 0 to 1 to nobody"));
  CHECK(contains(why_offsets("[0,4]", 5), "1 bytes behind the last tensor"));
  CHECK(
      contains(why_safetensors("{" + kX + R"(,"y":{"dtype":"F32","shape":[1],"data_offsets":[2,6]}})", 6), "overlap"));
  CHECK(contains(why_safetensors("{" + kX + R"(,"y":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}})"), "overlap"));
  CHECK(contains(why_safetensors(R"({"x":{"dtype":"NEW","shape":[1],"data_offsets":[0,9]}})"), "beyond the 4 bytes"));
}

TEST_CASE("safetensors: shapes and dtypes") {
  const auto of = [](const std::string& dtype, const std::string& shape, std::size_t data) {
    return why_safetensors(R"({"x":{"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":[0,)" +
                               std::to_string(data) + "]}}",
                           data);
  };
  CHECK(of("F32", "[2,3]", 24) == "no error");
  CHECK(of("F64", "[0]", 0) == "no error");
  CHECK(of("BOOL", "[]", 1) == "no error");
  CHECK(contains(of("F32", "[2,3]", 20), "needs 24 bytes, its data_offsets give it 20"));
  CHECK(contains(of("F8_E4M3", "[4]", 4), "its dtype is 'F8_E4M3'"));
  CHECK(contains(of("f32", "[1]", 4), "its dtype is 'f32'"));
  CHECK(contains(of("F32", "[65536,65536,65536,65536]", 4), "too large"));
  CHECK(contains(of("F32", "[4611686018427387906]", 8), "too large"));
  CHECK(contains(of("F32", "[9223372036854775808]", 4), "64 bits"));
  CHECK(contains(of("F32", "[1,1,1,1,1,1,1,1,1]", 4), "more than 8 axes"));
  CHECK(contains(of("F32", "[-1]", 4), "a negative number"));
}
