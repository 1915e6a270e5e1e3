// Data sets by the names of the command line.
#include "tools/program/data_sets.h"

#include <doctest/doctest.h>

#include "engine/types/error.h"
#include "nn/data/image_set.h"
#include "tests/nn/data/idx_bytes.h"
#include "tests/temporary_folder.h"
#include "tests/text.h"

using namespace chainrule;
using chainrule::testing::contains;
using chainrule::testing::fault;
using chainrule::testing::write_all;
using Folder = chainrule::testing::TemporaryFolder;

TEST_CASE("data sets by name: the same names for each, the training part first") {
  const Folder folder;
  write_all(folder.path.string());
  CHECK(data_set_names() == std::vector<std::string>{"digits", "mnist"});
  CHECK(data_array_names() ==
        std::vector<std::string>{"images", "labels", "train_images", "train_labels", "test_images", "test_labels"});
  const auto array = [&](const char* set, const char* name) { return data_array(set, name, folder.path.string()); };
  CHECK(array("mnist", "images").shape() == Shape{5, 1, 28, 28});
  CHECK(array("mnist", "labels").to_vector() == std::vector<double>{5, 9, 1, 7, 0});
  CHECK(array("mnist", "train_images").size(0) == 3);
  CHECK(array("mnist", "test_labels").to_vector() == std::vector<double>{7, 0});
  CHECK(array("digits", "images").shape() == Shape{1797, 1, 8, 8});
  CHECK(array("digits", "train_labels").to_vector() == load_digits().train.labels.to_vector());
  CHECK(array("digits", "test_images").to_vector() == load_digits().test.images.to_vector());
  CHECK(contains(fault<ValueError>([&] { array("cifar", "images"); }), "no data set 'cifar'; there are digits, mnist"));
  CHECK(contains(fault<ValueError>([&] { array("mnist", "pictures"); }), "'pictures'"));
  CHECK(contains(fault<ValueError>([&] { array("mnist", "pictures"); }), "train_images"));
  CHECK(!contains(fault<ValueError>([&] { array("mn\x1Bist", "images"); }), "\x1B"));
  CHECK(
      contains(fault<ValueError>([&] { data_array("mnist", "images", folder / "none"); }), "by --data-dir FOLDER or"));
}
