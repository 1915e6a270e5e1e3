// What an npy header may not be, and what the message then says. Generated damage is in test_hostile_files.cpp.
#include <doctest/doctest.h>

#include "engine/files/array_files.h"
#include "tests/engine/files/array_bytes.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

std::string why_npy(const std::string& bytes) {
  return fault([&] { parse_npy(bytes, "x.npy"); });
}
std::string why_header(const std::string& header, std::size_t data = 8) {
  const std::string message = why_npy(npy_file(header, std::string(data, '\0')));
  CHECK((message == "no error" || contains(message, "npy file 'x.npy'")));
  return message;
}
std::string why_shape(const std::string& shape, std::size_t data = 8) {
  return why_header(npy_header("<f8", shape), data);
}

}  // namespace

TEST_CASE("npy: header keys in any order, both quotes, with and without commas") {
  for (const char* header : {"{'shape': (1L,), 'descr': '<f8', 'fortran_order': True}\n",  // Python 2
                             "{'shape': (1,), 'descr': '<f8', 'fortran_order': True}\n",
                             "{\"descr\":\"<f8\",\"fortran_order\":False,\"shape\":(1 , )}   \n",
                             "  { 'descr' : '<f8' , 'fortran_order' : False , 'shape' : ( ) , } \n"})
    CHECK(why_header(header) == "no error");
  CHECK(parse_npy(npy_file(npy_header("<f8", "(0, 3)"), ""), "x").shape() == Shape{0, 3});
  CHECK(parse_npy(npy_file(npy_header("<f8", "(0, 3)", "True"), ""), "x").shape() == Shape{0, 3});
}

TEST_CASE("npy: magic, version, lengths") {
  CHECK(contains(why_npy(""), "empty"));
  CHECK(contains(why_npy("NUMPY"), "does not begin"));
  CHECK(contains(why_npy("PK\3\4aaaaaaaaaaaaaaaaaaa"), "does not begin"));
  CHECK(contains(why_npy("\x93NUM"), "cut off at byte 4"));
  const std::string good = npy_file(npy_header("<f8", "(1,)"), std::string(8, '\0'));
  CHECK(why_npy(good) == "no error");
  std::string other = good;
  other[6] = 4;
  CHECK(contains(why_npy(other), "version is 4.0"));
  other[6] = 1;
  other[7] = 1;
  CHECK(contains(why_npy(other), "version is 1.1"));
  other = good;
  other[9] = '\x7F';  // a header of more than 32,512 bytes
  CHECK(contains(why_npy(other), "cut off"));
  CHECK(contains(why_npy(npy_file(npy_header("<f8", "(1,)"), "", 2).substr(0, 11)), "cut off at byte 11"));
  // Lengths of 4 GiB and of one byte less than the file's end.
  CHECK(contains(why_npy("\x93NUMPY" + std::string("\2\0\xFF\xFF\xFF\xFF", 6) + "{}"), "would have 4294967295 bytes"));
  CHECK(contains(why_npy(good + "x"), "9 follow the header: it is followed by something else"));
  CHECK(contains(why_npy(good.substr(0, good.size() - 1)), "7 follow the header: it is cut off"));
}

TEST_CASE("npy: the header is a grammar, not Python") {
  CHECK(contains(why_header("{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (1,)}\n"),
                 "wrong at byte 20: a text in quotes"));
  CHECK(contains(why_shape("(__import__('os'),)"), "a whole number"));
  CHECK(contains(why_shape(std::string(60000, '(')), "a whole number"));
  CHECK(contains(why_header(std::string(60000, '{') + "\n"), "a text in quotes"));
  CHECK(contains(why_header(std::string(65535, '[') + "\n"), "'{' is expected"));
  CHECK(contains(why_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}"), "line break"));
  CHECK(contains(why_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)}\n\n"), "line break"));
  CHECK(contains(why_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,)} x\n"), "line break"));
  CHECK(contains(why_header("{'descr': '<f8', 'fortran_order': False}\n"), "must give descr"));
  CHECK(contains(why_header("{}\n"), "must give descr"));
  CHECK(contains(why_header("{'descr': '<f8', 'descr': '<f8', 'fortran_order': False, 'shape': (1,)}\n"), "twice"));
  CHECK(contains(why_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1,), 'x': 1}\n"), "'x' is no key"));
  CHECK(contains(why_header("{'descr': '<f8', 'fortran_order': 0, 'shape': (1,)}\n"), "True or False"));
  CHECK(contains(why_header("{'descr': '<f8', 'fortran_order': False 'shape': (1,)}\n"), "'}' is expected"));
  CHECK(contains(why_header("{'descr': '<f8"), "quote is not closed"));
  CHECK(contains(why_header("{'de\\x73cr': '<f8'}\n"), "not allowed"));
  CHECK(contains(why_header(std::string("{'descr': '<f8\0', 'fortran_order': False, 'shape': (1,)}\n", 57)), "␀"));
  CHECK(contains(why_shape("(1)"), "',' is expected"));
  CHECK(contains(why_shape("(1 2)"), "',' is expected"));
  CHECK(contains(why_shape("(1, 2"), "a whole number"));
  CHECK(contains(why_shape("(1.5,)"), "',' is expected"));
  CHECK(contains(why_shape("[1]"), "'(' is expected"));
}

TEST_CASE("npy: sizes that cannot be, before memory is asked for") {
  CHECK(contains(why_shape("(-1,)"), "negative size -1"));
  CHECK(contains(why_shape("(9223372036854775808,)"), "does not fit into 64 bits"));
  CHECK(contains(why_shape("(4294967296, 4294967296)"), "too large to address"));
  CHECK(contains(why_shape("(0, 9223372036854775807)"), "too large to address"));
  CHECK(contains(why_shape("(1152921504606846975,)"), "needs 9223372036854775800 bytes, 8 follow"));
  std::string axes = "(";
  for (int i = 0; i < 65; ++i) axes += "1, ";
  CHECK(contains(why_shape(axes + ")"), "65 axes"));
  CHECK(contains(why_shape("(1, 1, 1, 1, 1, 1, 1, 1, 1)"), "9 axes"));
  CHECK(why_shape("(1, 1, 1, 1, 1, 1, 1, 1)") == "no error");
}

TEST_CASE("npy: element types that have no tensor are refused by name") {
  for (const char* descr :
       {"<c16", "<f16", "|S8", "<U4", "<M8[s]", "|V8", "=f8", "f8", "float64", "|f8", "<f3", "", "<"}) {
    const std::string message = why_header(npy_header(descr, "(1,)"));
    CHECK(contains(message, "its element type is '" + std::string(descr) + "'"));
  }
  CHECK(contains(why_header("{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (1,)}\n"), "several fields"));
  CHECK(contains(why_npy(npy_file(npy_header("<u8", "(2,)"), std::string(15, '\0') + "\x80")),
                 "element 1 is 9223372036854775808, more than an int64 holds"));
  CHECK(contains(why_npy(npy_file(npy_header("|b1", "(3,)"), std::string("\0\1\2", 3))),
                 "element 2 is 2, a bool is 0 or 1"));
}
