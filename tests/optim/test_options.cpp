// Every hyper-parameter of every optimizer is checked, and the sentence names it and its value (requirement T3).
#include <doctest/doctest.h>

#include <set>

#include "engine/types/error.h"
#include "tests/optim/problems.h"

using namespace chainrule;
using namespace chainrule::test;

namespace {

const std::string kNotNegative = "a finite number of at least 0", kPositive = "a finite number above 0",
                  kFraction = "in [0, 1)";

struct Range {
  std::string option, range;
};
const std::vector<Range> kMoments{{"lr", kNotNegative},
                                  {"beta1", kFraction},
                                  {"beta2", kFraction},
                                  {"eps", kPositive},
                                  {"weight_decay", kNotNegative}};

std::vector<Range> with(std::vector<Range> ranges, const Range& more) {
  ranges.push_back(more);
  return ranges;
}

const std::map<std::string, std::vector<Range>> kRanges{
    {"SGD",
     {{"lr", kNotNegative}, {"momentum", kFraction}, {"dampening", "in [0, 1]"}, {"weight_decay", kNotNegative}}},
    {"Adam", kMoments},
    {"AdamW", kMoments},
    {"NAdam", with(kMoments, {"momentum_decay", kNotNegative})},
    {"RAdam", kMoments},
    {"Adamax", kMoments},
    {"Adagrad",
     {{"lr", kNotNegative},
      {"lr_decay", kNotNegative},
      {"weight_decay", kNotNegative},
      {"initial_accumulator_value", kNotNegative},
      {"eps", kPositive}}},
    {"RMSprop",
     {{"lr", kNotNegative},
      {"alpha", kFraction},
      {"eps", kPositive},
      {"weight_decay", kNotNegative},
      {"momentum", kFraction}}},
    {"Adadelta", {{"lr", kNotNegative}, {"rho", kFraction}, {"eps", kPositive}, {"weight_decay", kNotNegative}}},
    {"Lion", {{"lr", kNotNegative}, {"beta1", kFraction}, {"beta2", kFraction}, {"weight_decay", kNotNegative}}},
};

std::string refusal(const std::string& kind, const std::string& options) {
  try {
    kOptimizers.at(kind)({}, options);
  } catch (const ValueError& e) {
    return e.what();
  }
  return "taken";
}

}  // namespace

TEST_CASE("every hyper-parameter out of its range is refused by name and value") {
  for (const auto& [kind, make] : kOptimizers) {
    if (kind == "LBFGS") continue;
    const auto& shown_kind = kind;  // clang captures no structured binding
    CAPTURE(shown_kind);
    const std::string who = kind == "SGD" ? "Sgd" : kind;
    REQUIRE(kRanges.contains(kind));
    for (const auto& [option, range] : kRanges.at(kind)) {
      std::vector<std::string> bad{"-1", "nan", "inf", "-inf", "-0.001"}, good{"0.5"};
      if (range == kPositive) bad.push_back("0");
      if (range != kPositive) good.push_back("0");
      if (range == kFraction) bad.insert(bad.end(), {"1", "1.5"});
      if (range == "in [0, 1]") bad.push_back("1.5");
      if (range == kNotNegative) good.push_back("100");
      for (const auto& value : bad)
        CHECK(refusal(kind, option + "=" + value) == who + ": " + option + " must be " + range + ", not " + value);
      for (const auto& value : good) CHECK(refusal(kind, option + "=" + value) == "taken");
    }
  }
  CHECK(refusal("SGD", "nesterov=1") == "Sgd: momentum must be above 0 with nesterov, not 0");
  CHECK(refusal("SGD", "nesterov=1 momentum=0.5 dampening=0.25") == "Sgd: dampening must be 0 with nesterov, not 0.25");
}
