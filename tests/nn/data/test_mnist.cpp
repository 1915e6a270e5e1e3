// MNIST from a folder: the real files against numbers that a Python script counted in them, made ones for names, places
// and everything that can be wrong. And the table of the data sets.
#include "nn/data/mnist.h"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <optional>

#include "engine/types/error.h"
#include "nn/data/image_set.h"
#include "tests/nn/data/idx_bytes.h"
#include "tests/temporary_folder.h"
#include "tests/text.h"

using namespace chainrule;
using chainrule::testing::contains;
using chainrule::testing::fault;
using chainrule::testing::gzip;
using chainrule::testing::idx;
using chainrule::testing::labels;
using chainrule::testing::pictures;
using chainrule::testing::write;
using chainrule::testing::write_all;
using Folder = chainrule::testing::TemporaryFolder;

namespace {

/// The variable CHAINRULE_DATA for a while.
class Setting {
 public:
  explicit Setting(const std::string& value) {
    if (const char* old = std::getenv("CHAINRULE_DATA")) old_ = old;
    setenv("CHAINRULE_DATA", value.c_str(), 1);
  }
  ~Setting() {
    if (old_)
      setenv("CHAINRULE_DATA", old_->c_str(), 1);
    else
      unsetenv("CHAINRULE_DATA");
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  std::optional<std::string> old_;
};

double sum_of(const Tensor& images) {
  double sum = 0;
  for (const double v : images.to_vector()) sum += std::round(v * 255);
  return sum;
}

}  // namespace

TEST_CASE("mnist: the real files") {
  if (!std::getenv("CHAINRULE_DATA")) {
    MESSAGE("left out: CHAINRULE_DATA does not name the folder of the real MNIST files");
    return;
  }
  // Counted by Python's gzip and struct in the published files.
  struct Facts {
    MnistPart part;
    std::int64_t count;
    double sum, first, last, weighted;
    std::array<int, 10> classes;
    std::vector<double> labels;
  };
  const std::array<Facts, 2> facts = {{{MnistPart::train,
                                        60000,
                                        1567298545,
                                        27525,
                                        20920,
                                        8023005948,
                                        {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949},
                                        {5, 0, 4, 1, 9, 2, 1, 3, 1, 4}},
                                       {MnistPart::test,
                                        10000,
                                        264923200,
                                        18454,
                                        41833,
                                        221901817,
                                        {980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009},
                                        {7, 2, 1, 0, 4, 1, 4, 9, 5, 9}}}};
  for (const Facts& f : facts) {
    const Tensor images = mnist_images(f.part), classes = mnist_labels(f.part);
    CHECK(images.shape() == Shape{f.count, 1, 28, 28});
    CHECK(images.dtype() == DType::float32);
    CHECK(classes.shape() == Shape{f.count});
    CHECK(classes.dtype() == DType::int64);
    const auto* pixels = static_cast<const float*>(images.data());
    const auto count = [&](std::int64_t from, std::int64_t to) {
      double sum = 0;
      for (std::int64_t i = from; i < to; ++i) sum += std::round(double{pixels[i]} * 255);
      return sum;
    };
    CHECK(count(0, images.numel()) == f.sum);
    CHECK(count(0, 784) == f.first);
    CHECK(count(images.numel() - 784, images.numel()) == f.last);
    std::array<int, 10> found{};
    double weighted = 0;
    const std::vector<double> all = classes.to_vector();
    for (std::size_t i = 0; i < all.size(); ++i) {
      ++found.at(static_cast<std::size_t>(all[i]));
      weighted += static_cast<double>(i + 1) * all[i];
    }
    CHECK(found == f.classes);
    CHECK(weighted == f.weighted);
    CHECK(std::vector<double>(all.begin(), all.begin() + 10) == f.labels);
    if (f.part == MnistPart::train) CHECK(pixels[5 * 28 + 13] == 18.0F / 255.0F);
  }
}

TEST_CASE("mnist: pictures from 0 to 1 and labels, from the folder or from mnist in it, given or in CHAINRULE_DATA") {
  const Folder folder;
  const std::string direct = folder / "direct", outer = folder / "outer";
  write_all(direct);
  write_all(outer + "/mnist");
  const auto check = [](const ImageSplit& split) {
    CHECK(split.train.images.shape() == Shape{3, 1, 28, 28});
    CHECK(split.test.images.shape() == Shape{2, 1, 28, 28});
    const std::vector<double> pixels = split.train.images.to_vector();
    CHECK(pixels[0] == 1);
    CHECK(pixels[1] == 0);
    CHECK(pixels[784] == 1);
    CHECK(pixels[785] == 1.0F / 255.0F);
    CHECK(sum_of(split.test.images) == 2 * 255 + 783);
    CHECK(split.train.labels.to_vector() == std::vector<double>{5, 9, 1});
    CHECK(split.test.labels.to_vector() == std::vector<double>{7, 0});
    CHECK(split.train.size() == 3);
  };
  for (const std::string& given : {direct, outer}) {
    check(load_mnist(given));
    const Setting setting(given);
    check(load_mnist());
    const Setting other("/nowhere");
    check(load_mnist(given));  // what is given counts
  }
}

TEST_CASE("mnist: the four forms of a file's name") {
  for (const char* name : {"t10k-labels-idx1-ubyte", "t10k-labels.idx1-ubyte"}) {
    const Folder folder;
    write(folder / name, labels("\x03"));
    CHECK(mnist_labels(MnistPart::test, folder.path.string()).to_vector() == std::vector<double>{3});
    const Folder packed;
    write(packed / (name + std::string(".gz")), gzip(labels("\x04")));
    CHECK(mnist_labels(MnistPart::test, packed.path.string()).to_vector() == std::vector<double>{4});
    // The bytes say whether a file is packed, not its name.
    write(folder / name, gzip(labels("\x05")));
    CHECK(mnist_labels(MnistPart::test, folder.path.string()).to_vector() == std::vector<double>{5});
  }
}

TEST_CASE("mnist: what is missing or wrong is named") {
  const Folder folder;
  const std::string here = folder.path.string();
  const auto why = [&](MnistPart part, bool images) {
    return fault<ValueError>([&] { images ? mnist_images(part, here) : mnist_labels(part, here); });
  };
  {
    const Setting none("");
    CHECK(contains(fault<ValueError>([&] { load_mnist(); }), "CHAINRULE_DATA"));
    CHECK(contains(fault<ValueError>([&] { load_mnist(); }), "in the call or in"));
  }
  CHECK(contains(fault<ValueError>([&] { load_mnist(folder / "none"); }),
                 "there is no folder '" + folder / "none" + "'"));
  const std::string missing = why(MnistPart::train, true);
  CHECK(contains(missing, "no train-images-idx3-ubyte.gz in '" + here + "'"));
  CHECK(contains(missing, "in the call or in"));

  write_all(here);
  CHECK(why(MnistPart::train, true).empty());
  write(folder / "train-labels-idx1-ubyte.gz", gzip(labels("\x05\x09\x01\x02")));
  for (const bool images : {true, false}) {
    CHECK(contains(why(MnistPart::train, images), "3 pictures"));
    CHECK(contains(why(MnistPart::train, images), "4 labels"));
  }
  write(folder / "train-labels-idx1-ubyte.gz", gzip(labels("\x05\x0A\x01")));
  CHECK(contains(why(MnistPart::train, false), "label 1 is 10, the classes are 0 to 9"));
  write(folder / "train-images-idx3-ubyte.gz", gzip(pictures(3, 27)));
  CHECK(contains(why(MnistPart::train, true), "shape (3, 27, 27)"));
  write(folder / "train-images-idx3-ubyte.gz", gzip(labels("\x05\x09\x01")));
  CHECK(contains(why(MnistPart::train, true), "expected are pictures of 28 x 28 bytes, such as (10000, 28, 28)"));
  write(folder / "t10k-labels-idx1-ubyte", idx(0x0B, {2}, std::string(4, '\0')));
  CHECK(contains(why(MnistPart::test, false), "other numbers than bytes"));
  write(folder / "t10k-labels-idx1-ubyte", "");
  CHECK(contains(why(MnistPart::test, false), "it is empty"));
  CHECK(contains(why(MnistPart::test, true), "t10k-labels-idx1-ubyte': it is empty"));
  std::filesystem::remove(folder / "t10k-labels-idx1-ubyte");
  CHECK(mnist_images(MnistPart::test, here).size(0) == 2);  // one may be there without the other
  write(folder / "t10k-images-idx3-ubyte", pictures(2).substr(0, 1000));
  CHECK(contains(why(MnistPart::test, true), "it has 1000 bytes"));
}

TEST_CASE("fashion-mnist: from its folders, and never MNIST's files by mistake") {
  const Folder folder;
  write_all(folder / "direct");
  write_all(folder / "outer/fashion-mnist");
  for (const char* given : {"direct", "outer"}) CHECK(load_fashion_mnist(folder / given).train.size() == 3);
  {
    const Setting setting(folder / "outer");
    CHECK(load_fashion_mnist().test.size() == 2);
  }
  const std::string missing = fault<ValueError>([&] { load_fashion_mnist(folder.path.string()); });
  CHECK(contains(missing, "fashion-mnist: there is no train-images-idx3-ubyte.gz in '"));
  CHECK(contains(missing, "install Debian's package dataset-fashion-mnist"));
  CHECK(contains(fault<ValueError>([&] { load_fashion_mnist(folder / "none"); }), "fashion-mnist: there is no folder"));
  const Setting setting(folder / "direct");  // the names are those of MNIST, so its files may well be
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist")) {
    CHECK(contains(fault<ValueError>([] { load_fashion_mnist(); }), "install Debian's package"));
    MESSAGE("left out: the package dataset-fashion-mnist is not installed");
    return;
  }
  // Published: 6,000 and 1,000 of each class. The mean and spread are the ones that users of the set write down.
  const ImageSplit fashion = load_fashion_mnist();
  CHECK(fashion.train.images.shape() == Shape{60000, 1, 28, 28});
  CHECK(fashion.test.images.shape() == Shape{10000, 1, 28, 28});
  for (const auto& [set, each] : {std::pair{fashion.train, 6000}, std::pair{fashion.test, 1000}}) {
    std::array<int, 10> found{};
    for (const double label : set.labels.to_vector()) ++found.at(static_cast<std::size_t>(label));
    for (const int count : found) CHECK(count == each);
  }
  double sum = 0, squares = 0;
  for (const double v : fashion.train.images.to_vector()) sum += v, squares += v * v;
  const double mean = sum / 47040000;
  CHECK(std::abs(mean - 0.2860) < 5e-5);
  CHECK(std::abs(std::sqrt(squares / 47040000 - mean * mean) - 0.3530) < 5e-5);
}
