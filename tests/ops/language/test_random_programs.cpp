// A thousand random programs, all of them right: the gradient check must not fail any, and its diagnosis, run although
// nothing failed, must not blame any of their operations.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>

#include "engine/check/diagnosis.h"
#include "engine/factory.h"
#include "ops/language/bindings.h"
#include "ops/ops.h"
#include "tests/engine/custom_rule.h"
#include "tests/ops/language/double_lists.h"

using namespace chainrule;
using namespace chainrule::language;
using namespace chainrule::testing;

namespace {

/// Writes expressions of a wanted kind over s (a number), y (3), x (2, 3) and w (3, 2).
class ProgramWriter {
 public:
  explicit ProgramWriter(Generator& generator) : generator_(generator) {}

  std::string number(int depth) {
    if (depth == 0) return pick({"s", "0.5", "s", "1.5"});
    const std::string v = vector(depth - 1), m = matrix(depth - 1);
    switch (generator_.below(10)) {
      case 0:
        return "sum(" + m + ")";
      case 1:
        return "mean(" + v + ")";
      case 2:
        return "logsumexp(" + v + ", dim=0)";
      case 3:
        return "dot(" + v + ", " + vector(depth - 1) + ")";
      case 4:
        return "sqrt(1 + sum(square(" + m + ")))";
      case 5:
        return "var(" + v + ")";
      case 6:
        return "trace(" + m + " @ " + tall(depth - 1) + ")";
      case 7:
        return v + "[-1]";
      case 8:
        return "mse_loss(" + v + ", " + vector(depth - 1) + ")";
      default:
        return mapped(number(depth - 1));
    }
  }
  std::string vector(int depth) {
    if (depth == 0) return pick({"y", "y", "[0.3, -0.7, 1.1]"});
    const std::string v = vector(depth - 1);
    switch (generator_.below(9)) {
      case 0:
        return "(" + v + pick({" + ", " - ", " * "}) + vector(depth - 1) + ")";
      case 1:
        return "(" + v + " * " + number(depth - 1) + ")";
      case 2:
        return "sum(" + matrix(depth - 1) + ", dim=0)";
      case 3:
        return matrix(depth - 1) + "[1]";
      case 4:
        return pick({"softmax(", "log_softmax(", "cumsum("}) + v + ", 0)";
      case 5:
        return "maximum(" + v + ", " + vector(depth - 1) + ")";
      case 6:
        return "(" + tall(depth - 1) + " @ [0.4, -1.2])";
      case 7:
        return "flip(" + v + ", 0)";
      default:
        return mapped(v);
    }
  }
  std::string matrix(int depth) {
    if (depth == 0) return "x";
    const std::string m = matrix(depth - 1);
    switch (generator_.below(10)) {
      case 0:
        return "(" + m + pick({" + ", " - ", " * "}) + matrix(depth - 1) + ")";
      case 1:
        return "(" + m + pick({" + ", " - ", " * "}) + vector(depth - 1) + ")";
      case 2:
        return tall(depth - 1) + ".T";
      case 3:
        return pick({"softmax(", "log_softmax(", "cumsum(", "flip("}) + m + pick({", 0)", ", 1)"});
      case 4:
        return "(" + m + " / (1 + square(" + vector(depth - 1) + ")))";
      case 5:
        return "where(" + m + " > 0.1, " + m + ", " + matrix(depth - 1) + ")";
      case 6:
        return "(" + m + " @ " + tall(depth - 1) + " @ " + matrix(depth - 1) + ")";
      case 7:
        return "layer_norm(" + m + ", [3])";
      case 8:
        return "cat([" + m + "[:1], " + matrix(depth - 1) + "[1:]], 0)";
      default:
        return mapped(m);
    }
  }

 private:
  std::string tall(int depth) {
    if (depth == 0) return "w";
    return generator_.below(2) ? matrix(depth - 1) + ".T" : mapped(tall(depth - 1));
  }
  std::string mapped(const std::string& e) {
    return pick({"sin(", "cos(", "tanh(", "sigmoid(", "softplus(", "gelu(", "silu(", "erf(", "atan(", "elu(", "relu(",
                 "abs(", "neg(", "mish(", "logsigmoid(", "asinh(", "hardtanh(0.5 * ", "exp(0.2 * ", "sinh(0.3 * "}) +
           e + ")";
  }
  std::string pick(std::initializer_list<const char*> choices) {
    return choices.begin()[generator_.below(static_cast<std::int64_t>(choices.size()))];
  }
  Generator& generator_;
};

}  // namespace

TEST_CASE("gradcheck: a list of float32 in the middle is seen, and its digits are not blamed on an operation") {
  Bindings bindings;
  bindings.bind("s", full({}, 0.8, {.dtype = DType::float64}));
  bindings.bind("y", tensor(Nested({0.3, 2, -1}), {.dtype = DType::float64}));
  const GradcheckReport report = gradcheck_program(parse("dot([0.3, -0.7, 1.1] * s, flip(y, 0))"), bindings);
  CHECK_MESSAGE(report.ok(), to_string(report));
  REQUIRE(report.notes.size() == 1);
  CHECK(contains(report.notes[0], "computes in float32"));
}

TEST_CASE("gradcheck: a thousand random programs are right, and nothing in them is blamed") {
  const DoubleLists as_on_the_command_line;
  const std::uint64_t seeds = sanitized() ? 40 : 1000;
  std::int64_t operations = 0, kinks = 0, elements = 0;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    Generator generator(seed, 5);
    ProgramWriter writer(generator);
    const int depth = 2 + static_cast<int>(generator.below(2));
    const std::string text = std::array{writer.number(depth), writer.vector(depth), writer.matrix(depth)}[seed % 3];
    INFO("seed ", seed, ": ", text);
    const auto normal = [&](const Shape& shape) { return randn(shape, {.dtype = DType::float64}, generator); };
    Bindings bindings;
    bindings.bind("s", normal({}));
    bindings.bind("y", normal({3}));
    bindings.bind("x", normal({2, 3}));
    bindings.bind("w", normal({3, 2}));
    const Program program = parse(text);
    const GradcheckReport report = gradcheck_program(program, bindings, {.seed = seed});
    CHECK_MESSAGE(report.ok(), to_string(report));
    for (const GradcheckInput& i : report.inputs) {
      kinks += i.kinks;
      elements += i.checked;
      CHECK((i.cause == GradcheckCause::right || i.cause == GradcheckCause::kink));
    }

    const auto evaluate_at = [&](const std::vector<Tensor>& leaves) {
      Names names;
      for (const Tensor& leaf : leaves) names[leaf.label()] = leaf;
      return std::vector<Tensor>{to_tensor(evaluate(program, names), "the result")};
    };
    const internal::Diagnosis found = internal::diagnose(evaluate_at, bindings.leaves, {1e-6, 1e-8}, false, generator);
    for (const internal::Finding& f : found.wrong)
      FAIL_CHECK(f.blame.text() << ", input " << f.blame.input << ": " << f.reason);
    CHECK(found.complete);
    operations += static_cast<std::int64_t>(program.steps.size());
  }
  CHECK(operations > static_cast<std::int64_t>(seeds) * 5);
  CHECK(kinks * 100 < elements);
}
