// Tables and arrays as data sets: which columns go where, and the hostile tables by their sentences.
#include "nn/data/tables.h"

#include <doctest/doctest.h>

#include "engine/factory.h"
#include "engine/files/array_files.h"
#include "engine/types/error.h"
#include "nn/data/loader.h"
#include "tests/nn/data/idx_bytes.h"
#include "tests/temporary_folder.h"
#include "tests/text.h"

using namespace chainrule;
using chainrule::testing::contains;
using chainrule::testing::fault;
using Folder = chainrule::testing::TemporaryFolder;

namespace {

Batch all_of(const std::string& text, const CsvColumns& columns) {
  return AnyDataset(parse_csv_dataset(text, "t.csv", columns)).all();
}

std::string table_fault(const std::string& text, const CsvColumns& columns = {.targets = {"y"}}) {
  return fault<Error>([&] { all_of(text, columns); });
}

}  // namespace

TEST_CASE("tables: columns by name, in the order that is asked for") {
  const std::string text = "a,y,b\n1,0,2.5\n3,1,4\n";
  const Batch rest = all_of(text, {.targets = {"y"}, .classes = true});
  CHECK(rest.inputs.dtype() == DType::float32);
  CHECK(rest.inputs.to_vector() == std::vector<double>{1, 2.5, 3, 4});
  CHECK(rest.targets.dtype() == DType::int64);
  CHECK(rest.targets.shape() == Shape{2});
  const Batch named = all_of(text, {.inputs = {"b", "y"}, .targets = {"a"}});
  CHECK(named.inputs.to_vector() == std::vector<double>{2.5, 0, 4, 1});
  CHECK(named.targets.shape() == Shape{2, 1});
  CHECK(named.targets.to_vector() == std::vector<double>{1, 3});
  CHECK_FALSE(all_of(text, {}).targets.defined());
  const Batch beside = all_of("name;a;y\nx;1;5\n\"y;z\";2;6\n", {.inputs = {"a"}, .targets = {"y"}});
  CHECK(beside.inputs.to_vector() == std::vector<double>{1, 2});
  CHECK(beside.targets.to_vector() == std::vector<double>{5, 6});
  CHECK(all_of("\xEF\xBB\xBF"
               "a,y\r1,2\r3,4",
               {.targets = {"y"}})
            .targets.to_vector() == std::vector<double>{2, 4});
}

TEST_CASE("tables: hostile ones are refused with their line") {
  CHECK(contains(table_fault(""), "it is empty"));
  CHECK(contains(table_fault("a,y\n"), "a header and no rows"));
  CHECK(contains(table_fault("a,y\n1,2\n3\n"), "line 3 has 1 cells, line 1 has 2"));
  CHECK(contains(table_fault("a,y\n1,2,3\n"), "line 2 has more cells than the 2 of line 1"));
  CHECK(contains(table_fault("a,y\n1,2\n\n3,4\n"), "line 3 is empty"));
  CHECK(contains(table_fault("a,y\n1,x\n"), "line 2, column 2 ('y'): 'x' is not a number"));
  CHECK(contains(table_fault("a;y\n1,5;2\n"), "decimals need a point"));
  CHECK(contains(table_fault("a,y\n\"1\n2"), "a quote is not closed"));
  CHECK_FALSE(table_fault("a,b\n1,2\n").empty());  // there is no y
  CHECK(contains(table_fault("a,b\n1,2\n"), "'y'"));
  CHECK(contains(table_fault("1,2\n3,4\n"), "'y'"));  // a first line of numbers names no column
  const std::string wide(std::size_t{1} << 22, '1');
  CHECK_FALSE(table_fault("a,y\n" + wide + ",2\n").empty());
  // A named column at fault is said even when others hold text.
  CHECK(contains(table_fault("n,a,y\nx,1,2\nx,z,3\n", {.inputs = {"a"}, .targets = {"y"}}), "line 3"));
}

TEST_CASE("tables: classes are whole numbers from 0, and columns are not asked for twice") {
  const CsvColumns classes{.targets = {"y"}, .classes = true};
  CHECK(contains(table_fault("a,y\n1,0\n1,1.5\n", classes),
                 "CSV file 't.csv': row 2 of column 'y' is 1.5; classes are whole"));
  CHECK(contains(table_fault("a,y\n1,-1\n", classes), "row 1 of column 'y' is -1"));
  CHECK(contains(table_fault("a,y\n1,nan\n", classes), "classes are whole numbers"));
  CHECK(contains(table_fault("a,y\n1,0\n", {.inputs = {"a", "a"}}), "column 'a' is asked for twice"));
  CHECK(contains(table_fault("a,y\n1,0\n", {.targets = {"a", "y"}}), "all of its columns are targets"));
  CHECK(contains(table_fault("a,y\n1,0\n", {.targets = {"a", "y"}, .classes = true}), "classes are one column, not 2"));
}

TEST_CASE("tables: files, and npz") {
  const Folder folder;
  testing::write(folder / "t.csv", "a,y\n1,0\n2,1\n");
  CHECK(DataLoader(csv_dataset(folder / "t.csv", {.targets = {"y"}, .classes = true})).size() == 2);
  CHECK(contains(fault<ValueError>([&] { csv_dataset(folder / "none.csv", {}); }), "No such file"));
  const Tensor x = arange(12, 24), y = tensor({4, 2, 0});
  write_npz(folder / "d.npz", {{"x_train", tensor({{1., 2}, {3, 4}, {5, 6}})}, {"y_train", y}, {"other", x}});
  const Batch all = AnyDataset(npz_dataset(folder / "d.npz", "x_train", "y_train")).all();
  CHECK(all.inputs.to_vector() == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(all.targets.values<std::int64_t>() == std::vector<std::int64_t>{4, 2, 0});
  CHECK_FALSE(AnyDataset(npz_dataset(folder / "d.npz", "other")).all().targets.defined());
  CHECK(contains(fault<ShapeError>([&] { npz_dataset(folder / "d.npz", "x_train", "other"); }),
                 "inputs (3, 2) and targets (12,) are of different numbers"));
  CHECK(contains(fault<ValueError>([&] { npz_dataset(folder / "d.npz", "x", "y_train"); }), "x_train"));
}
