// What operations answer to whole numbers and to masks, against PyTorch: the dtype and the numbers of the result, or a
// refusal. reference/dtypes.txt.gz is made by make_dtypes.py.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "engine/types/error.h"
#include "ops/language/evaluate.h"
#include "tests/ops/reference_inputs.h"
#include "tests/ops/reference_points.h"

using namespace chainrule;
using namespace chainrule::language;

namespace {

struct Answer {
  std::string dtype;  // "int64", "bool", "float", or "refused"
  std::vector<double> values;
  std::string sentence;
};

Answer answer_to(const std::string& expression, const std::string& inputs, bool floating = false) {
  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < expression.size(); ++i)
    seed += static_cast<unsigned char>(expression[i]) * static_cast<std::uint64_t>(i + 1);
  seed %= 65521;
  Names names;
  for (const std::string& one : test::split(inputs, ' ')) {
    const std::string name = one.substr(0, one.find('='));
    Tensor t = test::make_input(one.substr(one.find('=') + 1), seed, DType::float32).value;
    const bool says_where = name == "i" || name == "t" || name == "m";  // places, classes, masks
    if (floating && !says_where) t = to(t, DType::float32);
    names[name] = t;
    seed += 7;
  }
  try {
    const Tensor z = to_tensor(evaluate(parse(expression), names), "result");
    return {z.dtype() == DType::int64 ? "int64" : z.dtype() == DType::boolean ? "bool" : "float", z.to_vector(), ""};
  } catch (const Error& e) {
    return {"refused", {}, e.what()};
  }
}

bool same(const std::vector<double>& got, const std::vector<double>& wanted) {
  if (got.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (std::isnan(got[i]) && std::isnan(wanted[i])) continue;
    if (got[i] != wanted[i] && !(std::abs(got[i] - wanted[i]) <= 1e-4 * std::max(1.0, std::abs(wanted[i]))))
      return false;
  }
  return true;
}

/// Where PyTorch answers something else than we do, on purpose.
constexpr test::NotSwept kOurWay[] = {
    {"conv1d conv2d conv_transpose2d", "refused: there are no kernels for whole numbers"},
    {"pow", "refused: whole numbers have no negative powers; PyTorch gives 0 for 1/2"},
    {"scatter_add", "refused: masks are not added; PyTorch gives their logical or"},
    {"hardtanh threshold", "refused: a setting between whole numbers; PyTorch cuts it off"},
    {"add", "masks with alpha are counted; PyTorch gives a mask"},
    {"argtopk", "which of equal numbers comes first is open, and nowhere promised"},
    {"local_response_norm", "floating means of squares; PyTorch cuts them off"},
    {"hinge_embedding_loss", "floating for a margin between whole numbers; PyTorch cuts it off"},
};

}  // namespace

TEST_CASE("whole numbers and masks are answered as PyTorch answers them") {
  std::map<std::string, int> ours;
  int as_there = 0, refused = 0, as_floating = 0;
  for (const std::string& line : test::split(test::unpacked("dtypes.txt.gz"), '\n')) {
    auto fields = test::split(line, '\t');
    fields.resize(4);
    const std::string& expression = fields[0];
    const Answer got = answer_to(expression, fields[1]);
    CAPTURE(line);
    CAPTURE(got.dtype);
    CAPTURE(got.sentence);
    if (got.dtype == "refused") {
      CHECK(got.sentence.size() > 10);
      if (fields[2] == "refused") {
        ++refused;
        continue;
      }
    }
    std::vector<double> wanted;
    for (const std::string& number : test::split(fields[3], ' ')) wanted.push_back(std::stod(number));
    if (fields[2] == "refused") {
      // PyTorch has no kernel for the type. We may answer, and then what the same numbers give in floating point.
      const Answer real = answer_to(expression, fields[1], true);
      CHECK_MESSAGE(same(got.values, real.values), "in floating point it is another answer: ", real.sentence);
      ++as_floating;
    } else if (got.dtype == fields[2] && same(got.values, wanted)) {
      ++as_there;
    } else {
      const std::string name = expression.substr(0, expression.find('('));
      const bool excused = std::any_of(std::begin(kOurWay), std::end(kOurWay),
                                       [&](const auto& row) { return test::has_word(row.operations, name); });
      CHECK_MESSAGE(excused, "PyTorch's answer differs");
      ++ours[name];
    }
  }
  for (const auto& row : kOurWay)
    for (const std::string& name : test::split(row.operations, ' '))
      CHECK_MESSAGE(ours[name] > 0, name << " answers as PyTorch does and need not be excused");
  CHECK(as_there > 1000);
  MESSAGE(fmt::format("{} as PyTorch, {} refused by both, {} of those that PyTorch refuses as in floating point",
                      as_there, refused, as_floating));
}
