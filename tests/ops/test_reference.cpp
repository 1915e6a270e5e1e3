// Every operation against PyTorch: values and gradients of more than 3,000 expressions, in float64 and float32.
// reference/ holds the numbers, the expressions and the script that made them.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "engine/backward.h"
#include "engine/factory.h"
#include "ops/language/evaluate.h"
#include "ops/ops.h"
#include "tests/ops/numeric.h"
#include "tests/ops/reference_inputs.h"

using namespace chainrule;
using namespace chainrule::language;
using test::make_input, test::Made, test::shape_of, test::split, test::unpacked;

namespace {

struct Reference {
  std::string expression, inputs;
  Shape shape;
  std::vector<std::string> gradients;
  std::vector<double> values;  // the result, then the gradients
};

std::size_t count_of(const std::string& inputs, const std::string& name) {
  for (const auto& one : split(inputs, ' '))
    if (one.substr(0, one.find('=')) == name)
      return static_cast<std::size_t>(numel(shape_of(split(one.substr(one.find('=') + 1) + "|", '|').at(0))));
  FAIL("no input " << name);
  return 0;
}

const std::vector<Reference>& references() {
  static const std::vector<Reference> all = [] {
    const std::string bytes = unpacked("values.f64.gz");
    const std::size_t n = bytes.size() / 8;
    std::vector<double> numbers(n);
    for (std::size_t i = 0; i < n; ++i) {
      char eight[8];
      for (std::size_t b = 0; b < 8; ++b) eight[b] = bytes[b * n + i];
      std::memcpy(&numbers[i], eight, 8);
    }
    std::vector<Reference> list;
    std::size_t at = 0;
    for (const auto& line : split(unpacked("cases.txt.gz"), '\n')) {
      auto fields = split(line, '\t');
      fields.resize(4);
      Reference r{fields[0], fields[1], shape_of(fields[2]), split(fields[3], ' '), {}};
      std::size_t count = static_cast<std::size_t>(numel(r.shape));
      for (const auto& name : r.gradients) count += count_of(r.inputs, name);
      REQUIRE(at + count <= n);
      r.values.assign(numbers.begin() + static_cast<std::ptrdiff_t>(at),
                      numbers.begin() + static_cast<std::ptrdiff_t>(at + count));
      at += count;
      list.push_back(std::move(r));
    }
    REQUIRE(at == n);
    return list;
  }();
  return all;
}

/// Where PyTorch 1.13 itself is not exact to 1e-10: the beginning of the expression, how far it is off, and why.
struct Inexact {
  double error;
  const char* reason;
};
const std::map<std::string, Inexact>& inexact() {
  static const std::map<std::string, Inexact> list = {
      {"hardsigmoid(", {1e-7, "its derivative multiplies by 1/6 rounded to float32"}},
      {"digamma(", {1e-9, "its trigamma is a series cut after ten terms"}},
  };
  return list;
}

double tolerance64(const std::string& expression) {
  for (const auto& entry : inexact())
    if (expression.rfind(entry.first, 0) == 0) return entry.second.error;
  return 1e-10;
}

/// What float32 allows, relative to the largest number of the result: 64 roundings for most. Longer sums, differences
/// of near numbers and steep functions lose more.
double tolerance32(const std::string& expression) {
  static const std::pair<const char*, double> wider[] = {
      {"det(", 1e-4},           {"logdet(", 1e-4},     {"slogdet(", 1e-4},    {"inverse(", 1e-4}, {"solve(", 1e-4},
      {"cholesky(", 1e-4},      {"digamma(", 1e-4},    {"lgamma(", 1e-4},     {"tan(", 1e-4},     {"batch_norm(", 1e-4},
      {"instance_norm(", 1e-4}, {"group_norm(", 1e-4}, {"layer_norm(", 1e-4}, {"std(", 1e-4},     {"norm(", 1e-4}};
  for (const auto& w : wider)
    if (expression.rfind(w.first, 0) == 0) return w.second;
  return 1e-5;
}

/// The largest difference, relative to the largest finite reference number, and to 1e-3 where all are smaller than that
/// (inputs and cotangents are about 1); infinite when they differ in kind.
double difference(const std::vector<double>& got, const double* wanted, std::size_t count) {
  if (got.size() != count) return INFINITY;
  double scale = 1e-3, worst = 0;
  for (std::size_t i = 0; i < count; ++i)
    if (std::isfinite(wanted[i])) scale = std::max(scale, std::abs(wanted[i]));
  for (std::size_t i = 0; i < count; ++i) {
    if (std::isnan(wanted[i]) != std::isnan(got[i])) return INFINITY;
    if (std::isnan(wanted[i]) || got[i] == wanted[i]) continue;
    worst = std::max(worst, std::abs(got[i] - wanted[i]) / scale);
  }
  return worst;
}

struct Worst {
  double error = 0;
  std::string expression;
};

void compare(const Reference& r, DType floating, double tolerance, Worst& worst) {
  std::uint64_t seed = 0;
  for (std::size_t i = 0; i < r.expression.size(); ++i)
    seed += static_cast<unsigned char>(r.expression[i]) * static_cast<std::uint64_t>(i + 1);
  seed %= 65521;
  Names names;
  std::map<std::string, Tensor> leaves;
  std::uint64_t position = 0;
  for (const auto& one : split(r.inputs, ' ')) {
    const auto equals = one.find('=');
    const std::string name = one.substr(0, equals);
    Made made = make_input(one.substr(equals + 1), seed + 7 * position++, floating);
    if (made.differentiable) leaves[name] = made.value.set_requires_grad();
    names[name] = made.value;
  }
  CAPTURE(r.expression);
  CAPTURE(r.inputs);
  CAPTURE(name_of(floating));
  try {
    Names bound = names;
    const Tensor z = to_tensor(evaluate(parse(r.expression), bound), "result");
    CHECK_MESSAGE(z.shape() == r.shape, to_string(z.shape()), " PyTorch: ", to_string(r.shape));
    const auto count = static_cast<std::size_t>(numel(r.shape));
    double error = difference(z.to_vector(), r.values.data(), count);
    CHECK_MESSAGE(error <= tolerance, "the value differs by ", error);
    std::size_t at = count;
    if (!r.gradients.empty() && z.shape() == r.shape) {
      std::string spec;
      for (const auto s : r.shape) spec += (spec.empty() ? "" : ",") + std::to_string(s);
      const Tensor cotangent = make_input(spec + "|-1:1", seed + 1000, z.dtype()).value;
      std::vector<Tensor> wanted;
      for (const auto& name : r.gradients) wanted.push_back(leaves.at(name));
      const auto got = grad(std::vector{z}, wanted, {.allow_unused = true, .cotangents = {cotangent}});
      for (std::size_t i = 0; i < got.size(); ++i) {
        const auto n = static_cast<std::size_t>(wanted[i].numel());
        const auto numbers = got[i].defined() ? got[i].to_vector() : std::vector<double>(n, 0);
        const double e = difference(numbers, r.values.data() + at, n);
        CHECK_MESSAGE(e <= tolerance, "the gradient by ", r.gradients[i], " differs by ", e);
        error = std::max(error, e);
        at += n;
      }
    }
    if (error > worst.error) worst = {error, r.expression};
  } catch (const std::exception& e) {
    FAIL_CHECK(e.what());
  }
}

void compare_all(DType floating) {
  set_default_dtype(floating);
  Worst worst;
  std::size_t compared = 0;
  for (const Reference& r : references()) {
    compare(r, floating, floating == DType::float64 ? tolerance64(r.expression) : tolerance32(r.expression), worst);
    ++compared;
  }
  set_default_dtype(DType::float32);
  MESSAGE(compared << " cases in " << std::string(name_of(floating)) << ", worst relative error " << worst.error
                   << " in " << worst.expression);
  CHECK(compared >= 3000);
}

}  // namespace

TEST_CASE("values and gradients are PyTorch's, float64 to 1e-10") { compare_all(DType::float64); }

TEST_CASE("values and gradients are PyTorch's, float32 to what it allows") { compare_all(DType::float32); }

TEST_CASE("each function that PyTorch is not exact in is among the cases") {
  for (const auto& entry : inexact())
    CHECK(std::any_of(references().begin(), references().end(),
                      [&](const Reference& r) { return r.expression.rfind(entry.first, 0) == 0; }));
}
