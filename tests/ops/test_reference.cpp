// Every operation against PyTorch: values and gradients of more than 3,000 expressions, in float64 and float32.
// reference/ holds the numbers, the expressions and the script that made them.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <zlib.h>

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

using namespace chainrule;
using namespace chainrule::language;

namespace {

std::string unpacked(const std::string& name) {
  const std::string path = std::string(CHAINRULE_SOURCE_DIR) + "/tests/ops/reference/" + name;
  const gzFile file = gzopen(path.c_str(), "rb");
  REQUIRE_MESSAGE(file != nullptr, path);
  std::string text;
  char buffer[1 << 16];
  for (int n = 0; (n = gzread(file, buffer, sizeof buffer)) > 0;) text.append(buffer, static_cast<std::size_t>(n));
  gzclose(file);
  return text;
}

std::vector<std::string> split(const std::string& text, char by) {
  std::vector<std::string> parts;
  std::istringstream in(text);
  for (std::string part; std::getline(in, part, by);) parts.push_back(part);
  return parts;
}

Shape shape_of(const std::string& text) {
  Shape shape;
  for (const auto& s : split(text, ',')) shape.push_back(std::stoll(s));
  return shape;
}

/// The script's input_values, word for word.
struct Made {
  Tensor value;
  bool differentiable;
};

Made make_input(const std::string& spec, std::uint64_t seed, DType floating) {
  const auto parts = split(spec, '|');
  const Shape shape = parts.empty() ? Shape{} : shape_of(parts[0]);
  const auto has = [&](const char* option) { return std::find(parts.begin(), parts.end(), option) != parts.end(); };
  double low = -2, high = 2;
  for (const auto& p : parts)
    if (p.find(':') != std::string::npos) {
      const auto ends = split(p, ':');
      low = std::stod(ends[0]);
      high = std::stod(ends[1]);
    }
  const auto count = static_cast<std::size_t>(numel(shape));
  std::uint64_t state = seed * 2654435761u + 12345;
  std::vector<double> f(count), values(count);
  for (double& v : f) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    v = static_cast<double>(state >> 48) / 65536.0;
  }
  if (has("distinct")) {
    std::vector<std::size_t> order(count);
    for (std::size_t i = 0; i < count; ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) { return f[a] < f[b]; });
    for (std::size_t rank = 0; rank < count; ++rank) values[order[rank]] = low + 0.25 * static_cast<double>(rank);
  } else {
    for (std::size_t i = 0; i < count; ++i) {
      const double v = low + (high - low) * f[i];
      values[i] = has("ties") ? std::floor(2 * v) / 2 : has("i") ? std::floor(v) : has("b") ? (f[i] < 0.5 ? 1 : 0) : v;
    }
  }
  Tensor t = from_vector(values, shape, {.dtype = floating});
  if (has("i")) return {to(t, DType::int64), false};
  if (has("b")) return {ne(t, 0), false};
  if (has("T")) {  // the same values, other strides
    Axes axes;
    for (int i = t.dim() - 1; i >= 0; --i) axes.push_back(i);
    t = permute(permute(t, axes) + 0, axes).detach();
  } else if (has("last")) {
    t = permute(permute(t, {0, 2, 3, 1}) + 0, {0, 3, 1, 2}).detach();
  }
  return {t, !has("const")};
}

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
