// Which instruction set kernels are chosen from. What each of them computes is held by all tests of ops, which run once
// for each set of the machine (tests/CMakeLists.txt).
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>

#include "engine/types/error.h"
#include "ops/kernels/simd/instruction_set.h"
#include "tests/text.h"

using namespace chainrule;
using namespace chainrule::kernels;

TEST_CASE("the best instruction set is taken unless another is named") {
  const auto& all = instruction_sets();
  REQUIRE(!all.empty());
  CHECK(all.back() == "baseline");
  CHECK(chosen_instruction_set(nullptr) == all.front());
  CHECK(chosen_instruction_set("") == all.front());
  for (const std::string_view name : all) CHECK(chosen_instruction_set(std::string(name).c_str()) == name);
  CHECK(instruction_set() == chosen_instruction_set(std::getenv("CHAINRULE_ISA")));
}

TEST_CASE("an instruction set that is not there is refused with those that are") {
  for (const char* wrong : {"AVX2", "avx", "sse9", " baseline", "avx5120"}) {
    std::string text;
    try {
      chosen_instruction_set(wrong);
    } catch (const ValueError& e) {
      text = e.what();
    }
    CHECK(text.starts_with("CHAINRULE_ISA=" + std::string(wrong) + ": "));
    for (const std::string_view name : instruction_sets()) CHECK(testing::contains(text, std::string(name)));
  }
  const auto& all = instruction_sets();
  if (std::find(all.begin(), all.end(), "avx512") == all.end())
    CHECK_THROWS_AS(chosen_instruction_set("avx512"), ValueError);
}
