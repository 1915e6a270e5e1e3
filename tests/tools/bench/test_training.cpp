// bench_training's table over real digits in the form of MNIST's files, without libtorch, whose part here a liar plays.
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "engine/random.h"
#include "engine/types/error.h"
#include "nn/data/image_set.h"
#include "tests/nn/data/idx_bytes.h"
#include "tests/temporary_folder.h"
#include "tools/bench/training.h"

using namespace chainrule;
using namespace chainrule::bench;
using namespace chainrule::testing;

namespace {

/// The embedded digits, three times as large and with a border, so that they are 28 x 28, in random order.
void write_part(const std::string& folder, const std::string& part, const ImageSet& digits) {
  const std::vector<std::int64_t> order = Generator(5).permutation(digits.size());
  std::string pixels, classes;
  for (const std::int64_t place : order) {
    const float* picture = digits.images.data<float>() + place * 64;
    for (int y = 0; y < 28; ++y)
      for (int x = 0; x < 28; ++x) {
        const bool inside = x >= 2 && x < 26 && y >= 2 && y < 26;
        pixels +=
            inside ? static_cast<char>(static_cast<unsigned char>(picture[(y - 2) / 3 * 8 + (x - 2) / 3] * 255)) : '\0';
      }
    classes += static_cast<char>(digits.labels.data<std::int64_t>()[place]);
  }
  write(folder + "/" + part + "-images-idx3-ubyte",
        idx(0x08, {static_cast<std::uint32_t>(order.size()), 28, 28}, pixels));
  write(folder + "/" + part + "-labels-idx1-ubyte", labels(classes));
}

/// A folder as --data names one: MNIST's files, and in fashion-mnist those of the other set.
struct Files {
  Files() {
    const auto [train, test] = load_digits();
    for (const std::string& place : {folder.path.string(), folder / "fashion-mnist"}) {
      std::filesystem::create_directories(place);
      write_part(place, "train", train);
      write_part(place, "t10k", test);
    }
  }
  TemporaryFolder folder;
};

/// The cells of each line of a Markdown table, without its rule.
std::vector<std::vector<std::string>> cells_of(const std::string& table) {
  std::vector<std::vector<std::string>> rows;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("|---")) continue;
    std::vector<std::string> cells;
    std::istringstream parts(line.substr(1));
    for (std::string cell; std::getline(parts, cell, '|');)
      cells.push_back(cell.size() > 2 ? cell.substr(1, cell.size() - 2) : "");
    rows.push_back(cells);
  }
  return rows;
}

/// In the column of that name, the first of several.
std::string cell(const std::vector<std::vector<std::string>>& rows, std::size_t row, const std::string& column) {
  const auto at = std::find(rows[0].begin(), rows[0].end(), column);
  REQUIRE_MESSAGE(at != rows[0].end(), column);
  return rows.at(row).at(at - rows[0].begin());
}

struct Liar : Learner {
  double loss(const Samples&) override { return 1000; }
  double step(const Samples&) override { return 1000; }
};

}  // namespace

TEST_CASE("bench training: a row for each network, without libtorch") {
  const Files files;
  const auto rows = cells_of(
      training_table({.rounds = 2, .quick = true, .markdown = true, .data = files.folder.path.string(), .threads = 2}));
  REQUIRE(rows.size() == 5);
  // Weights and biases, counted by hand; batch norm has two numbers a channel.
  const std::int64_t residual = 9 * 16 + 32 + 2 * (9 * 16 * 16 + 32) + (9 * 16 * 32 + 9 * 32 * 32 + 16 * 32 + 3 * 64) +
                                (9 * 32 * 64 + 9 * 64 * 64 + 32 * 64 + 3 * 128) + 64 * 10 + 10;
  const std::int64_t parameters[] = {784 * 50 + 50 + 50 * 10 + 10, 61'706, 123'552, residual};
  for (std::size_t i = 1; i < rows.size(); ++i) {
    CHECK(cell(rows, i, "parameters") == std::to_string(parameters[i - 1]));
    CHECK(cell(rows, i, "epochs") == "1");
    CHECK(cell(rows, i, "accuracy").ends_with(" %"));
    CHECK(cell(rows, i, "an epoch").ends_with("s"));
    CHECK(cell(rows, i, "waits for data").ends_with(" %"));
    CHECK(cell(rows, i, "ratio").empty());
    CHECK(cell(rows, i, "memory").empty());
  }
}

TEST_CASE("bench training: what was learned, beside the commonest class and shuffled labels") {
  const Files files;
  const auto rows = cells_of(training_table({.nets = {"mlp"},
                                             .epochs = 40,
                                             .rounds = 1,
                                             .quick = true,
                                             .markdown = true,
                                             .data = files.folder.path.string()}));
  REQUIRE(rows.size() == 2);
  CHECK(std::stod(cell(rows, 1, "accuracy")) > 75);
  CHECK(std::stod(cell(rows, 1, "shuffled labels")) < 35);

  // --quick takes the first 300 and 200.
  const auto [train, test] = load_mnist(files.folder.path.string());
  std::vector<int> counts(10);
  for (int i = 0; i < 300; ++i) ++counts[train.labels.data<std::int64_t>()[i]];
  const std::int64_t commonest = std::max_element(counts.begin(), counts.end()) - counts.begin();
  const auto* truth = test.labels.data<std::int64_t>();
  CHECK(std::stod(cell(rows, 1, "commonest class")) ==
        doctest::Approx(static_cast<double>(std::count(truth, truth + 200, commonest)) / 2));
}

TEST_CASE("bench training: another library that computes something else is found out") {
  const Files files;
  std::vector<std::vector<std::int64_t>> shapes;
  TrainingOptions options{.nets = {"mlp"}, .rounds = 1, .quick = true, .data = files.folder.path.string()};
  options.theirs = [&](const Learning& learning, const std::vector<FirstNumbers>& first) {
    CHECK(learning.network == "mlp");
    for (const FirstNumbers& numbers : first) shapes.push_back(numbers.shape);
    return std::make_unique<Liar>();
  };
  const std::string why = fault<NumericError>([&] { training_table(options); });
  CHECK(why.find("MLP 784-50-10, MNIST: chainrule's first result is 2.") != std::string::npos);
  CHECK(why.ends_with("libtorch's 1000"));
  CHECK(shapes == std::vector<std::vector<std::int64_t>>{{50, 784}, {50}, {10, 50}, {10}});
}

TEST_CASE("bench training: networks and data that are not there") {
  CHECK(fault<ValueError>([] {
          training_table({.nets = {"lenet", "vgg"}});
        }) == "bench: there is no network 'vgg'; known: mlp lenet deep-conv resnet");
  const TemporaryFolder empty;
  const std::string why = fault<ValueError>([&] { training_table({.nets = {"lenet"}, .data = empty.path.string()}); });
  CHECK(why.find("mnist: there is no train-images-idx3-ubyte.gz in") == 0);
}
