// The table of values and derivatives at 0, -0, 1, infinities, NaN, the smallest subnormal and the largest finite
// number (N1, N3). It is published in ops/README.md; here every cell of it is compared with what the code gives.
#include <doctest/doctest.h>
#include <fmt/format.h>
#ifdef __SSE2__
#include <xmmintrin.h>
#endif

#include <cmath>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "engine/factory.h"
#include "engine/traverse.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "ops/rules.h"

using namespace chainrule;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kTiny = std::numeric_limits<double>::denorm_min();
constexpr double kMax = std::numeric_limits<double>::max();

/// What stands in the table's second column, as code. With `beside` the input is the row [x, beside], and the cell is
/// about the first result and the first input.
struct Expression {
  std::function<Tensor(const Tensor&)> f;
  std::vector<double> beside{};
};

Tensor mask(bool b) { return gt(full({}, b ? 1 : 0), 0); }
Tensor one() { return full({}, 1, {.dtype = DType::float64}); }

const std::map<std::string, Expression>& expressions() {
  const auto label = from_vector(std::vector<std::int64_t>{0}, {1});
  const auto sure = from_vector(std::vector<double>{1, 0}, {1, 2});
  static const std::map<std::string, Expression> all = {
      {"x + 2", {[](const Tensor& x) { return x + 2; }}},
      {"x - 2", {[](const Tensor& x) { return x - 2; }}},
      {"2 - x", {[](const Tensor& x) { return 2 - x; }}},
      {"x * 2", {[](const Tensor& x) { return x * 2; }}},
      {"x / 2", {[](const Tensor& x) { return x / 2; }}},
      {"1 / x", {[](const Tensor& x) { return 1 / x; }}},
      {"-x", {[](const Tensor& x) { return -x; }}},
      {"x ^ 2", {[](const Tensor& x) { return pow(x, 2); }}},
      {"x ^ 3", {[](const Tensor& x) { return pow(x, 3); }}},
      {"x ^ -1", {[](const Tensor& x) { return pow(x, -1); }}},
      {"x ^ 0.5", {[](const Tensor& x) { return pow(x, 0.5); }}},
      {"x ^ 0", {[](const Tensor& x) { return pow(x, 0); }}},
      {"2 ^ x", {[](const Tensor& x) { return pow(2, x); }}},
      {"0 ^ x", {[](const Tensor& x) { return pow(0, x); }}},
      {"square(x)", {[](const Tensor& x) { return square(x); }}},
      {"sqrt(x)", {[](const Tensor& x) { return sqrt(x); }}},
      {"exp(x)", {[](const Tensor& x) { return exp(x); }}},
      {"log(x)", {[](const Tensor& x) { return log(x); }}},
      {"tanh(x)", {[](const Tensor& x) { return tanh(x); }}},
      {"sigmoid(x)", {[](const Tensor& x) { return sigmoid(x); }}},
      {"tanh_grad(1, x)", {[](const Tensor& x) { return tanh_grad(one(), x); }}},
      {"sigmoid_grad(1, x)", {[](const Tensor& x) { return sigmoid_grad(one(), x); }}},
      {"relu_grad(1, x)", {[](const Tensor& x) { return relu_grad(one(), x); }}},
      {"relu(x)", {[](const Tensor& x) { return relu(x); }}},
      {"abs(x)", {[](const Tensor& x) { return abs(x); }}},
      {"sign(x)", {[](const Tensor& x) { return sign(x); }}},
      {"step(x)", {[](const Tensor& x) { return step(x); }}},
      {"maximum(x, 1)", {[](const Tensor& x) { return maximum(x, 1); }}},
      {"minimum(x, 1)", {[](const Tensor& x) { return minimum(x, 1); }}},
      {"clamp(x, -1, 1)", {[](const Tensor& x) { return clamp(x, -1, 1); }}},
      {"where(true, x, 2)", {[](const Tensor& x) { return where(mask(true), x, 2); }}},
      {"where(false, x, 2)", {[](const Tensor& x) { return where(mask(false), x, 2); }}},
      {"to(x, float32)", {[](const Tensor& x) { return to(x, DType::float32); }}},
      {"sum([x, 2])", {[](const Tensor& x) { return sum(x); }, {2}}},
      {"mean([x, 2])", {[](const Tensor& x) { return mean(x); }, {2}}},
      {"amax([x, 1])", {[](const Tensor& x) { return amax(x); }, {1}}},
      {"logsumexp([x, 0])", {[](const Tensor& x) { return logsumexp(x, {1}); }, {0}}},
      {"softmax([x, 0])", {[](const Tensor& x) { return softmax(x); }, {0}}},
      {"log_softmax([x, 0])", {[](const Tensor& x) { return log_softmax(x); }, {0}}},
      {"mse_loss(x, 2)", {[](const Tensor& x) { return mse_loss(x, full(x.shape(), 2)); }}},
      {"cross_entropy([x, 0], 0)", {[label](const Tensor& x) { return cross_entropy(x, label); }, {0}}},
      {"cross_entropy([x, 0], [1, 0])", {[sure](const Tensor& x) { return cross_entropy(x, sure); }, {0}}},
  };
  return all;
}

struct Cell {
  double value = 0, slope = 0;
};

/// The first result and its derivative by the first input.
Cell evaluate(const Expression& e, const Tensor& x, std::set<std::string>* ran = nullptr) {
  const Tensor z = e.f(x);
  if (ran) {
    const Traversal graph(std::span(&z, 1));
    for (std::size_t i = 0; i < graph.size(); ++i) ran->insert(graph.node(i).info->name);
  }
  Tensor g = zeros(z.shape(), {.dtype = z.dtype()});
  dispatch_floating(z.dtype(), [&](auto zero) { *static_cast<decltype(zero)*>(g.mutable_data()) = 1; });
  const Tensor dx = grad(std::vector{z}, std::vector{x}, {.cotangents = {g}})[0];
  return {z.to_vector()[0], dx.to_vector()[0]};
}

Cell evaluate(const Expression& e, double at, std::set<std::string>* ran = nullptr) {
  std::vector<double> numbers{at};
  numbers.insert(numbers.end(), e.beside.begin(), e.beside.end());
  const Shape shape = e.beside.empty() ? Shape{} : Shape{1, 2};
  return evaluate(e, from_vector(numbers, shape, {.dtype = DType::float64, .requires_grad = true}), ran);
}

// --- the page --------------------------------------------------------------------------------------------------------

std::string trimmed(std::string s) {
  s.erase(0, s.find_first_not_of(" `"));
  s.erase(s.find_last_not_of(" `") + 1);
  return s;
}

std::vector<std::string> split(const std::string& s, char by) {
  std::vector<std::string> parts;
  std::istringstream in(s);
  for (std::string part; std::getline(in, part, by);) parts.push_back(trimmed(part));
  return parts;
}

double number(std::string s) {
  const double sign = s[0] == '-' ? -1 : 1;
  if (s[0] == '-') s.erase(0, 1);
  if (s == "tiny") return sign * kTiny;
  if (s == "max") return sign * kMax;
  if (s == "inf") return sign * kInf;
  if (s == "NaN") return kNan;
  char* end = nullptr;
  const double v = std::strtod(s.c_str(), &end);  // std::stod refuses subnormals
  if (s.empty() || *end != 0) throw std::invalid_argument("not a number: " + s);
  return sign * v;
}

struct Row {
  std::string op, expression;
  std::vector<Cell> cells;
};

struct Table {
  std::vector<double> at;
  std::vector<Row> rows;
};

const Table& table() {
  static const Table read = [] {
    Table t;
    std::ifstream page(CHAINRULE_SOURCE_DIR "/ops/README.md");
    for (std::string line; std::getline(page, line);) {
      if (line.rfind("| ", 0) != 0) continue;
      const auto parts = split(line.substr(1), '|');
      if (parts.size() != 10) continue;
      if (parts[0] == "op") {
        for (std::size_t i = 2; i < parts.size(); ++i) t.at.push_back(number(parts[i]));
        continue;
      }
      Row row{parts[0], parts[1], {}};
      for (std::size_t i = 2; i < parts.size(); ++i) {
        const auto cell = split(parts[i], ';');
        REQUIRE_MESSAGE(cell.size() == 2, line);
        row.cells.push_back({number(cell[0]), number(cell[1])});
      }
      t.rows.push_back(row);
    }
    return t;
  }();
  return read;
}

/// The same number to the four digits that the page gives; zeros with the same sign.
bool agrees(double code, double page) {
  if (std::isnan(page)) return std::isnan(code);
  if (page == 0 || std::isinf(page)) return code == page && std::signbit(code) == std::signbit(page);
  return std::abs(code - page) <= 6e-4 * std::abs(page);
}
bool same(double a, double b) { return a == b ? std::signbit(a) == std::signbit(b) : std::isnan(a) && std::isnan(b); }

}  // namespace

TEST_CASE("every cell of the published table is what the code gives") {
  REQUIRE(table().at.size() == 8);
  REQUIRE(table().rows.size() == expressions().size());
  for (const Row& row : table().rows) {
    CAPTURE(row.expression);
    REQUIRE(expressions().count(row.expression) == 1);
    for (std::size_t i = 0; i < table().at.size(); ++i) {
      std::set<std::string> ran;
      const Cell code = evaluate(expressions().at(row.expression), table().at[i], &ran);
      CAPTURE(table().at[i]);
      CHECK_MESSAGE(agrees(code.value, row.cells[i].value), "value ", code.value, " page ", row.cells[i].value);
      CHECK_MESSAGE(agrees(code.slope, row.cells[i].slope), "derivative ", code.slope, " page ", row.cells[i].slope);
      const bool made_of_others = row.op == "mse_loss";
      CHECK_MESSAGE((made_of_others || ran.count(row.op) == 1), row.op, " did not run");
    }
  }
}

TEST_CASE("every operation on single numbers has a row, and every reduction, softmax and loss") {
  std::set<std::string> rows;
  for (const Row& row : table().rows) rows.insert(row.op);
  for (const OpInfo* info : op_registry())
    if (info->elementwise) CHECK_MESSAGE(rows.count(info->name) == 1, info->name);
  for (const auto family : {arithmetic_ops(), pointwise_ops(), reduction_ops(), softmax_ops(), loss_ops()}) {
    for (const OpInfo* info : family) {
      const std::string name = info->name;
      if (name == "softmax_grad" || name == "log_softmax_grad")
        continue;  // lines, not numbers: their second input is an output
      CHECK_MESSAGE(rows.count(name) == 1, name);
    }
  }
  for (const std::string& name : rows) CHECK_MESSAGE((find_op(name) != nullptr || name == "mse_loss"), name);
}

TEST_CASE("vectors and strided values have the same edges as single numbers") {
  for (const auto& entry : expressions()) {
    const auto& name = entry.first;  // no structured binding: clang 14 cannot capture one
    const auto& e = entry.second;
    if (!e.beside.empty() || name == "mse_loss(x, 2)") continue;
    CAPTURE(name);
    for (const double at : table().at) {
      CAPTURE(at);
      const Cell alone = evaluate(e, at);
      const Tensor row = full({9}, at, {.dtype = DType::float64, .requires_grad = true});
      const Tensor wide = full({9, 3}, at, {.dtype = DType::float64, .requires_grad = true});
      const Tensor column = view(wide, {9}, {3}, 1).detach().set_requires_grad();
      for (const Tensor& x : {row, column}) {
        const Tensor z = e.f(x);
        const Tensor g = ones(z.shape(), {.dtype = z.dtype()});
        const auto dx = grad(std::vector{z}, std::vector{x}, {.cotangents = {g}})[0].to_vector();
        for (const double v : z.to_vector()) CHECK_MESSAGE(same(v, alone.value), "value ", v, " alone ", alone.value);
        for (const double v : dx) CHECK_MESSAGE(same(v, alone.slope), "derivative ", v, " alone ", alone.slope);
      }
    }
  }
}

#ifdef __SSE2__
TEST_CASE("a host program that flushes subnormals to zero changes subnormals only") {
  const auto small = [](double v) { return v != 0 && std::abs(v) < std::numeric_limits<double>::min(); };
  for (const Row& row : table().rows) {
    CAPTURE(row.expression);
    const Expression& e = expressions().at(row.expression);
    for (std::size_t i = 0; i < table().at.size(); ++i) {
      const double at = table().at[i];
      CAPTURE(at);
      if (row.op == "pow" && small(at)) continue;  // the C library's pow takes such a number for another one
      const unsigned before = _mm_getcsr();
      _mm_setcsr(before | 0x8040);  // flush to zero, denormals are zero
      const Cell code = evaluate(e, at);
      _mm_setcsr(before);
      // A subnormal may count as zero on the way in and on the way out.
      const Cell page = row.cells[i], at_zero = row.cells[0];
      auto fits = [&](double got, double Cell::*part) {
        return agrees(got, page.*part) || (small(at) && agrees(got, at_zero.*part)) || (small(page.*part) && got == 0);
      };
      CHECK_MESSAGE(fits(code.value, &Cell::value), "value ", code.value);
      CHECK_MESSAGE(fits(code.slope, &Cell::slope), "derivative ", code.slope);
    }
  }
}
#endif
