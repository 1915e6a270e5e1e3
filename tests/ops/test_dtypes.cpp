// What operations answer to whole numbers and to masks, against PyTorch: the dtype and the numbers of the result, or a
// refusal. reference/dtypes.txt.gz is made by make_dtypes.py.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cmath>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "engine/types/error.h"
#include "ops/language/evaluate.h"
#include "tests/ops/reference_inputs.h"

using namespace chainrule;
using namespace chainrule::language;

namespace {

struct Answer {
  std::string dtype;  // "int64", "bool", "float", or "refused"
  std::vector<double> values;
  std::string sentence;
};

Answer answer_to(const std::string& expression, const std::string& inputs) {
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < expression.size(); ++i)
    sum += static_cast<unsigned char>(expression[i]) * static_cast<std::uint64_t>(i + 1);
  std::uint64_t seed = sum % 65521;
  Names names;
  for (const std::string& one : test::split(inputs, ' ')) {
    names[one.substr(0, one.find('='))] = test::make_input(one.substr(one.find('=') + 1), seed, DType::float32).value;
    seed += 7;
  }
  try {
    const Tensor z = to_tensor(evaluate(parse(expression), names), "result");
    return {z.dtype() == DType::int64 ? "int64" : z.dtype() == DType::boolean ? "bool" : "float", z.to_vector(), ""};
  } catch (const Error& e) {
    return {"refused", {}, e.what()};
  }
}

}  // namespace

TEST_CASE("whole numbers and masks are answered as PyTorch answers them") {
  for (const std::string& line : test::split(test::unpacked("dtypes.txt.gz"), '\n')) {
    auto fields = test::split(line, '\t');
    fields.resize(4);
    const Answer got = answer_to(fields[0], fields[1]);
    fmt::print("{}\t{}\t{}\t{}\t{}\n", fields[0], fields[1], fields[2], got.dtype, got.sentence);
  }
}
