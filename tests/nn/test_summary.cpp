// Summaries against numbers by hand, and what a summary leaves as it was.
#include <doctest/doctest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "nn/models/googlenet.h"
#include "nn/models/lenet.h"
#include "nn/models/resnet.h"
#include "nn/summary.h"

using namespace chainrule;

namespace {
const SummaryRow& row_of(const Summary& s, const std::string& name) {
  const auto at = std::find_if(s.rows.begin(), s.rows.end(), [&](const SummaryRow& r) { return r.name == name; });
  REQUIRE_MESSAGE(at != s.rows.end(), name);
  return *at;
}
}  // namespace

TEST_CASE("the summary of LeNet-5 has the numbers of its layers") {
  LeNet5 net;
  const Summary s = summary(net, {1, 28, 28}, {.batch_size = 2});
  CHECK(s.kind == "LeNet5");
  CHECK(s.input == Shape{2, 1, 28, 28});
  CHECK(s.output == Shape{2, 10});
  CHECK(s.parameters == 61706);
  CHECK(s.trainable == 61706);
  CHECK(s.parameter_bytes == 4 * 61706);
  const SummaryRow& conv = row_of(s, "features.3");
  CHECK(conv.kind == "Conv2d");
  CHECK(conv.output == Shape{2, 16, 10, 10});
  CHECK(conv.parameters == 2416);
  CHECK(conv.bytes == 4 * 2 * 16 * 10 * 10);
  // 16 x 10 x 10 results of 6 x 5 x 5 products and sums; the bias may count once more.
  const double products = 2. * 2 * 16 * 10 * 10 * 6 * 5 * 5;
  CHECK(conv.flops >= products);
  CHECK(conv.flops <= products + 2 * 16 * 10 * 10);
  CHECK(row_of(s, "features.1").flops == 2 * 6 * 28 * 28);  // one comparison for each number
  CHECK(row_of(s, "classifier.4").output == Shape{2, 10});
  const std::int64_t flattened = row_of(s, "").bytes;  // a view of row-major images, a copy of channels-last ones
  CHECK((flattened == 0 || flattened == 4 * 2 * 400));
  double flops = 0;
  std::int64_t parameters = 0, bytes = 0;
  for (const SummaryRow& row : s.rows) flops += row.flops, parameters += row.parameters, bytes += row.bytes;
  CHECK(s.flops == flops);
  CHECK(s.parameters == parameters);
  CHECK(s.activation_bytes == bytes);
}

TEST_CASE("views are free") {
  Sequential net(Flatten(), Linear(12, 2));
  const Summary s = summary(net, {3, 4});
  CHECK(row_of(s, "0").output == Shape{1, 12});
  CHECK(row_of(s, "0").bytes == 0);
  CHECK(s.activation_bytes == 8);
}

TEST_CASE("ResNet-18 takes the 1.8 thousand million multiplications of its paper") {
  ResNet18 net({.init = [](const Shape& shape, Generator&) { return expand(zeros({1}), shape); }});
  const Summary s = summary(net, {3, 224, 224});
  CHECK(s.flops > 2 * 1.8e9);
  CHECK(s.flops < 2 * 1.9e9);
  CHECK(s.parameters == 11689512);
  CHECK(row_of(s, "layer4.1").output == Shape{1, 512, 7, 7});  // the sum and ReLU of a block are its own
}

TEST_CASE("a summary leaves modes, buffers, parents and the generator as they were") {
  struct Outer : Module {
    Child<ResNet20> inner{*this, "inner"};
    Tensor forward(const Tensor& x) override { return inner(x); }
  };
  Outer outer;
  outer.inner.modules().at(2).module->eval();
  std::vector<std::vector<double>> state;
  std::vector<bool> modes;
  for (const NamedTensor& t : outer.state()) state.push_back(t.tensor.to_vector());
  for (const NamedModule& m : outer.modules()) modes.push_back(m.module->is_training());
  manual_seed(9);
  const auto next = randn({3}).to_vector();
  manual_seed(9);
  const Summary s = summary(outer.inner, {1, 28, 28}, {.time = true});
  CHECK(randn({3}).to_vector() == next);
  CHECK(row_of(s, "layer1.0.conv1").kind == "Conv2d");  // paths begin at the network that was asked for
  CHECK(s.seconds > 0);
  std::size_t i = 0;
  for (const NamedTensor& t : outer.state()) CHECK(t.tensor.to_vector() == state[i++]);
  i = 0;
  for (const NamedModule& m : outer.modules()) CHECK(m.module->is_training() == modes[i++]);
  CHECK(outer(zeros({2, 1, 28, 28})).shape() == Shape{2, 10});
  CHECK_THROWS_AS(summary(outer, {3, 28, 28}), Error);
  i = 0;
  for (const NamedModule& m : outer.modules()) CHECK(m.module->is_training() == modes[i++]);
}

TEST_CASE("an input that does not fit is an error at the line that asked for the summary") {
  Linear layer(3, 4);
  const int line = __LINE__ + 2;
  try {
    (void)summary(layer, {5});
    FAIL("three numbers were asked for, and five were taken");
  } catch (const Error& e) {
    const std::string text = e.what();
    CHECK_MESSAGE(text.find(fmt::format("called at test_summary.cpp:{}", line)) != std::string::npos, text);
  }
}

TEST_CASE("what evaluation does not call is listed, what is frozen is counted") {
  GoogLeNet net({.num_classes = 10, .in_channels = 1});
  Tensor(net.parameters()[0].tensor).set_requires_grad(false);
  const Summary s = summary(net, {1, 64, 64});
  CHECK_FALSE(row_of(s, "aux1.4").called);
  CHECK(row_of(s, "aux1.4").parameters == 128 * 16 * 1024 + 1024);
  CHECK(s.parameters == net.parameter_count());
  CHECK(s.parameters - s.trainable == 64 * 7 * 7);
  CHECK(to_string(s).find("not called") != std::string::npos);
}

TEST_CASE("the table is aligned, has a total, and shows time when asked; JSON holds the same") {
  LeNet5 net;
  for (const bool time : {false, true}) {
    const Summary s = summary(net, {1, 28, 28}, {.time = time});
    std::istringstream in(to_string(s));
    std::vector<std::string> lines;
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    CHECK(lines[0] == "LeNet5 of (1, 1, 28, 28)");
    REQUIRE(lines.size() == s.rows.size() + 6);
    for (std::size_t i = 1; i + 1 < lines.size(); ++i) CHECK(lines[i].size() == lines[1].size());
    CHECK((lines[1].find("time") != std::string::npos) == time);
    CHECK(lines[lines.size() - 2].find("61,706") != std::string::npos);
    CHECK(lines.back() == "parameters: 61,706 trainable, 0 frozen, 241 KiB");
    CHECK(fmt::format("{}", s) == to_string(s));
    const auto json = nlohmann::json::parse(to_json(s));
    CHECK(json["parameters"] == 61706);
    CHECK(json["rows"].size() == s.rows.size());
    CHECK(json["rows"][0]["output"] == std::vector<std::int64_t>{1, 6, 28, 28});
    CHECK(json.contains("seconds") == time);
  }
  CHECK_THROWS_WITH_AS(summary(net, {1, 28, 28}, {.batch_size = 0}), "summary: batch_size must be at least 1, not 0",
                       ValueError);
}
