// Files that NumPy and Python's zipfile wrote (tests/engine/files) are read with the values that the script says, and
// what we write is read back. What the formats forbid is in the other files here.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "engine/factory.h"
#include "engine/files/array_files.h"
#include "engine/types/error.h"
#include "tests/engine/files/array_bytes.h"
#include "tests/temporary_folder.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

const std::string kFiles = CHAINRULE_SOURCE_DIR "/tests/engine/files/";
using Doubles = std::vector<double>;
using Integers = std::vector<std::int64_t>;

template <class T>
void check_ends_of_floats(const Tensor& t, T largest, T tiny, T subnormal, T third) {
  const auto v = t.to_vector();
  REQUIRE(v.size() == 8);
  CHECK(v[0] == static_cast<double>(largest));
  CHECK(v[1] == static_cast<double>(tiny));
  CHECK(v[2] == static_cast<double>(subnormal));
  CHECK(v[3] == 0);
  CHECK(std::signbit(v[3]));
  CHECK(v[4] == INFINITY);
  CHECK(v[5] == -INFINITY);
  CHECK(std::isnan(v[6]));
  CHECK(v[7] == static_cast<double>(third));
}

}  // namespace

TEST_CASE("npy: column-major order, versions 2 and 3; objects and fields are refused by name") {
  const Tensor t = read_array(kFiles + "column_major.npy");
  CHECK(t.shape() == Shape{2, 3, 4});
  CHECK(t.is_contiguous());
  for (int i = 0; i < 24; ++i) CHECK(t.values<double>()[static_cast<std::size_t>(i)] == i);
  for (const char* name : {"version2.npy", "version3.npy"})
    CHECK(read_array(kFiles + name).values<double>() == Doubles{0, 0.5, 1, 1.5, 2, 2.5});
  CHECK(contains(fault([] { read_array(kFiles + "objects.npy"); }), "Python objects"));
  CHECK(contains(fault([] { read_array(kFiles + "fields.npy"); }), "structures of several fields"));
  CHECK(contains(fault([] { read_array(kFiles + "version2.npy", "x"); }), "one array"));
}

TEST_CASE("npz: every element type in both byte orders, exact at its ends") {
  const auto arrays = read_arrays(kFiles + "types.npz");
  CHECK(arrays.size() == 21);
  for (const NamedTensor& one : arrays) {
    CAPTURE(one.name);
    const std::string kind = one.name.substr(one.name.find('_') + 1);
    const Tensor& t = one.tensor;
    using Long = std::int64_t;
    if (kind == "bools") {
      CHECK(t.dtype() == DType::boolean);
      CHECK(t.shape() == Shape{2, 2});
      CHECK(t.to_vector() == Doubles{1, 0, 0, 1});
    } else if (kind == "i1") {
      CHECK(t.values<Long>() == Integers{-128, 127, 7});
    } else if (kind == "i2") {
      CHECK(t.values<Long>() == Integers{-32768, 32767, 7});
    } else if (kind == "i4") {
      CHECK(t.values<Long>() == Integers{-2147483648LL, 2147483647LL, 7});
    } else if (kind == "i8") {
      CHECK(t.values<Long>() == Integers{std::numeric_limits<Long>::min(), std::numeric_limits<Long>::max(), 7});
    } else if (kind == "u1") {
      CHECK(t.values<Long>() == Integers{0, 255, 7});
    } else if (kind == "u2") {
      CHECK(t.values<Long>() == Integers{0, 65535, 7});
    } else if (kind == "u4") {
      CHECK(t.values<Long>() == Integers{0, 4294967295LL, 7});
    } else if (kind == "f2") {
      CHECK(t.dtype() == DType::float32);
      check_ends_of_floats(t, 65504.0F, 0x1p-14F, 0x1p-24F, 0.333251953125F);
    } else if (kind == "f4") {
      CHECK(t.dtype() == DType::float32);
      using Limits = std::numeric_limits<float>;
      check_ends_of_floats(t, Limits::max(), Limits::min(), Limits::denorm_min(), 1.0F / 3);
    } else {
      REQUIRE(kind == "f8");
      CHECK(t.dtype() == DType::float64);
      using Limits = std::numeric_limits<double>;
      check_ends_of_floats(t, Limits::max(), Limits::min(), Limits::denorm_min(), 1.0 / 3);
    }
  }
}

TEST_CASE("npz: packed members, members written to a pipe, names of any script, one member alone") {
  const std::string packed = kFiles + "packed.npz";
  const Tensor t = read_array(packed, "long");
  CHECK(t.shape() == Shape{10, 100});
  CHECK(t.values<double>()[999] == 999);
  CHECK(read_array(packed, "scalar").item() == 2.5);
  CHECK(read_array(packed, "scalar").dtype() == DType::float32);
  CHECK(read_array(packed, "none").shape() == Shape{0, 3});
  CHECK(read_array(kFiles + "streamed.npz", "x").values<double>() == Doubles{0, 1, 2, 3});
  CHECK(read_array(kFiles + "streamed.npz", "价格").values<std::int64_t>() == Integers{0, 1, 2, 3, 4, 5});
  CHECK(contains(fault([&] { read_array(packed); }), "3 arrays"));
  const std::string missing = fault([&] { read_array(packed, "lang"); });
  CHECK(contains(missing, "'lang'"));
  CHECK(contains(missing, "long, none, scalar"));
}

TEST_CASE("safetensors: widened types, unaligned data, empty tensors, in the order of the file") {
  const auto arrays = read_arrays(kFiles + "model.safetensors");
  REQUIRE(arrays.size() == 5);
  CHECK(arrays[0].name == "fc.weight");
  CHECK(arrays[0].tensor.values<float>() == std::vector<float>{0, 0.25F, 0.5F, 0.75F, 1, 1.25F});
  CHECK(arrays[0].tensor.shape() == Shape{2, 3});
  CHECK(arrays[1].tensor.values<std::int64_t>() == Integers{1, 2, 255});
  CHECK(arrays[2].tensor.values<float>() == std::vector<float>{1, -2});
  CHECK(arrays[3].tensor.shape() == Shape{0, 4});
  CHECK(arrays[4].tensor.values<std::int64_t>() == Integers{-5});
  CHECK(arrays[4].tensor.dim() == 0);
  CHECK(read_array(kFiles + "model.safetensors", "odd").numel() == 3);
}

TEST_CASE("csv: as a table and as columns") {
  const Table table = read_csv(kFiles + "table.csv");
  CHECK(table.columns == std::vector<std::string>{"price", "unit; each", "番号"});
  CHECK(table.values.shape() == Shape{2, 3});
  CHECK(table.values.values<double>() == Doubles{1.5, 2, -300, 0.25, INFINITY, 4});
  CHECK(read_array(kFiles + "table.csv", "番号").values<double>() == Doubles{-300, 4});
  CHECK(read_array(kFiles + "table.csv").shape() == Shape{2, 3});
  CHECK(read_arrays(kFiles + "table.csv").size() == 3);
  CHECK(contains(fault([] { read_array(kFiles + "table.csv", "cost"); }), "price, unit; each, 番号"));
}

TEST_CASE("paths: endings, colons, what is no plain file") {
  CHECK(is_array_file("a:b/W.NPZ"));
  CHECK(!is_array_file("w.npz:x"));
  CHECK(!is_array_file(".npz"));
  CHECK(contains(fault([] { read_array("w.txt:x"); }), ".safetensors"));
  CHECK(contains(fault([] { read_arrays("w"); }), ".npz"));
  const TemporaryFolder folder;
  CHECK(contains(fault([&] { read_arrays(folder / "none.npy"); }), "No such file"));
  std::filesystem::create_directory(folder / "folder.npy");
  CHECK(contains(fault([&] { read_arrays(folder / "folder.npy"); }), "is a folder"));
  std::filesystem::create_symlink("/dev/zero", folder / "endless.npy");
  CHECK(contains(fault([&] { read_arrays(folder / "endless.npy"); }), "no plain file"));
}

TEST_CASE("writing: every dtype and layout reads back, the same bytes each time, nothing half") {
  const TemporaryFolder folder;
  const Tensor grid = arange(0, 6, 1, {.dtype = DType::float64});
  const std::vector<NamedTensor> arrays = {
      {"float64", internal::view(grid, {3, 2}, {1, 3})},  // column-major in memory
      {"float32", tensor({1.5, -0.0, INFINITY}, {.dtype = DType::float32})},
      {"int64", from_vector(Integers{std::numeric_limits<std::int64_t>::max(), -1}, {2})},
      {"bool", tensor({{1, 0}}, {.dtype = DType::boolean})},
      {"scalar", tensor(7, {.dtype = DType::float64})},
      {"empty", zeros({2, 0})},
      {"grad.重み", ones({1, 1, 1, 1, 1, 1, 1, 2})}};
  write_npz(folder / "a.npz", arrays);
  CHECK(content(folder / "a.npz") == npz_bytes(arrays));
  CHECK(folder.entries() == 1);
  const auto back = read_arrays(folder / "a.npz");
  REQUIRE(back.size() == arrays.size());
  for (std::size_t i = 0; i < back.size(); ++i) {
    CAPTURE(arrays[i].name);
    CHECK(back[i].name == arrays[i].name);
    CHECK(back[i].tensor.dtype() == arrays[i].tensor.dtype());
    CHECK(back[i].tensor.shape() == arrays[i].tensor.shape());
    CHECK(back[i].tensor.to_vector() == arrays[i].tensor.to_vector());
  }
  CHECK(back[0].tensor.values<double>() == Doubles{0, 3, 1, 4, 2, 5});
  CHECK(std::signbit(back[1].tensor.to_vector()[1]));

  write_npy(folder / "x.npy", grid);
  CHECK(content(folder / "x.npy").size() == 128 + 6 * 8);
  CHECK(read_array(folder / "x.npy").to_vector() == grid.to_vector());
  CHECK(read_arrays(folder / "x.npy")[0].name == "x");
  write_npz(folder / "none.npz", {});
  CHECK(read_arrays(folder / "none.npz").empty());

  CHECK(contains(fault([&] { write_npz(folder / "b.npz", {{"x", grid}, {"x", grid}}); }), "'x' is given twice"));
  CHECK_THROWS_AS(write_npz("/dev/full", arrays), EnvironmentError);
  CHECK_THROWS_AS(write_npz(folder / "no/b.npz", arrays), EnvironmentError);
  CHECK(folder.entries() == 3);
}

TEST_CASE("writing: the bytes of an npy file as NumPy's documentation gives them") {
  const std::string bytes = npy_bytes(tensor({{1, 2}}, {.dtype = DType::float32}));
  CHECK(bytes.substr(0, 10) == std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  CHECK(bytes.substr(10, 60) == "{'descr': '<f4', 'fortran_order': False, 'shape': (1, 2), } ");
  CHECK(bytes[127] == '\n');
  CHECK(bytes.substr(128) == std::string("\0\0\x80\x3F\0\0\0\x40", 8));
}
