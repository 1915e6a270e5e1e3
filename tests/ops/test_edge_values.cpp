// The table of values and derivatives at 0, -0, 1, infinities, NaN, the smallest subnormal and the largest finite
// number (N1, N3). It is published in ops/OPERATIONS.md; here every cell of it is compared with what the code gives.
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
#include "ops/families.h"
#include "ops/function.h"
#include "ops/language/evaluate.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "ops/rules.h"

using namespace chainrule;
using namespace chainrule::language;

namespace {

constexpr double kTiny = std::numeric_limits<double>::denorm_min();
constexpr double kMax = std::numeric_limits<double>::max();

/// Numbers of an expression are float64 while it lives.
struct Float64 {
  Float64() { set_default_dtype(DType::float64); }
  ~Float64() { set_default_dtype(DType::float32); }
  Float64(const Float64&) = delete;
  Float64& operator=(const Float64&) = delete;
};

using Expression = std::function<Tensor(const Tensor&)>;

/// What stands in the table's second column, run by the expression language.
Expression expression(const std::string& text) {
  const Program program = parse(text);
  return [program](const Tensor& x) {
    Names names{{"x", x}};
    return to_tensor(evaluate(program, names), "result");
  };
}

struct Cell {
  double value = 0, slope = 0;
};

/// The first result and its derivative by the first input.
Cell evaluate(const Expression& e, const Tensor& x, std::set<std::string>* ran = nullptr) {
  const Tensor z = e(x);
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
  return evaluate(e, full({}, at, {.dtype = DType::float64, .requires_grad = true}), ran);
}

// --- the page --------------------------------------------------------------------------------------------------------

std::string trimmed(std::string s) {
  s.erase(0, s.find_first_not_of(" `"));
  s.erase(s.find_last_not_of(" `") + 1);
  return s;
}

std::vector<std::string> cells_of(const std::string& s, char by) {
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

struct EdgeRow {
  std::string op, expression;
  std::vector<Cell> cells;
};

struct Table {
  std::vector<double> at;
  std::vector<EdgeRow> rows;
};

const Table& table() {
  static const Table read = [] {
    Table t;
    std::ifstream page(CHAINRULE_SOURCE_DIR "/ops/OPERATIONS.md");
    for (std::string line; std::getline(page, line);) {
      if (line.rfind("| ", 0) != 0) continue;
      const auto parts = cells_of(line.substr(1), '|');
      if (parts.size() != 10) continue;
      if (parts[0] == "op") {
        for (std::size_t i = 2; i < parts.size(); ++i) t.at.push_back(number(parts[i]));
        continue;
      }
      EdgeRow row{parts[0], parts[1], {}};
      for (std::size_t i = 2; i < parts.size(); ++i) {
        const auto cell = cells_of(parts[i], ';');
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

/// With CHAINRULE_RENEW_GOLDEN=1 the cells are written anew from the code, to be read before they are kept.
void renew_page() {
  const std::string path = CHAINRULE_SOURCE_DIR "/ops/OPERATIONS.md";
  std::ifstream in(path);
  std::string text;
  const auto shown = [](double v) {
    if (std::isnan(v)) return std::string("NaN");
    const std::string sign = std::signbit(v) ? "-" : "";
    if (std::isinf(v)) return sign + "inf";
    if (std::abs(v) == kTiny) return sign + "tiny";
    if (std::abs(v) == kMax) return sign + "max";
    std::string digits = fmt::format("{:.4g}", v);
    if (const auto plus = digits.find("e+"); plus != std::string::npos) digits.erase(plus + 1, 1);
    return digits;
  };
  std::vector<double> at;
  for (std::string line; std::getline(in, line);) {
    const auto parts = cells_of(line.substr(std::min<std::size_t>(1, line.size())), '|');
    if (line.rfind("| op | expression", 0) == 0)
      for (std::size_t i = 2; i < parts.size(); ++i) at.push_back(number(parts[i]));
    else if (line.rfind("| ", 0) == 0 && !at.empty() && parts.size() >= 2) {
      const Expression e = expression(parts[1]);
      line = line.substr(0, line.find('|', line.find('|', 1) + 1) + 1);
      for (const double x : at) {
        const Cell cell = evaluate(e, x);
        line += " " + shown(cell.value) + "; " + shown(cell.slope) + " |";
      }
    }
    text += line + "\n";
  }
  std::ofstream(path) << text;
}

TEST_CASE("every cell of the published table is what the code gives") {
  if (std::getenv("CHAINRULE_RENEW_GOLDEN")) {
    const Float64 float64;
    renew_page();
  }
  REQUIRE(table().at.size() == 8);
  const Float64 numbers;
  for (const EdgeRow& row : table().rows) {
    CAPTURE(row.expression);
    for (std::size_t i = 0; i < table().at.size(); ++i) {
      std::set<std::string> ran;
      const Cell code = evaluate(expression(row.expression), table().at[i], &ran);
      CAPTURE(table().at[i]);
      CHECK_MESSAGE(agrees(code.value, row.cells[i].value), "value ", code.value, " page ", row.cells[i].value);
      CHECK_MESSAGE(agrees(code.slope, row.cells[i].slope), "derivative ", code.slope, " page ", row.cells[i].slope);
      CHECK_MESSAGE((find_op(row.op) == nullptr || ran.count(row.op) == 1), row.op, " did not run");
    }
  }
}

/// What only derivatives run.
bool is_gradient(const std::string& name) {
  return name.ends_with("_grad") || name == "bell" || name == "pow_log" || name == "one_minus_square";
}

TEST_CASE("every operation on single numbers has a row, and every reduction, softmax and loss") {
  std::set<std::string> rows;
  for (const EdgeRow& row : table().rows) rows.insert(row.op);
  for (const OpInfo* info : op_registry())
    if (info->elementwise && !is_gradient(info->name)) CHECK_MESSAGE(rows.count(info->name) == 1, info->name);
  for (const Family& family :
       {arithmetic_family(), choice_family(), reduction_family(), softmax_family(), loss_family()}) {
    for (const OpInfo* info : family.ops) {
      const std::string name = info->name;
      if (is_gradient(name)) continue;  // its values are the derivatives of its function
      CHECK_MESSAGE(rows.count(name) == 1, name);
    }
  }
  for (const std::string& name : rows)
    CHECK_MESSAGE((find_op(name) != nullptr || find_function(name) != nullptr), name);
}

TEST_CASE("vectors and strided values have the same edges as single numbers") {
  const Float64 numbers;
  for (const EdgeRow& entry : table().rows) {
    const std::string& name = entry.expression;
    const bool reduces = name.find("loss") != std::string::npos || name.find("entropy") != std::string::npos;
    const bool one_number = name.find('[') == std::string::npos && !reduces;
    if (!one_number) continue;
    const Expression e = expression(name);
    CAPTURE(name);
    for (const double at : table().at) {
      CAPTURE(at);
      const Cell alone = evaluate(e, at);
      const Tensor row = full({9}, at, {.dtype = DType::float64, .requires_grad = true});
      const Tensor wide = full({9, 3}, at, {.dtype = DType::float64, .requires_grad = true});
      const Tensor column = internal::view(wide, {9}, {3}, 1).detach().set_requires_grad();
      for (const Tensor& x : {row, column}) {
        const Tensor z = e(x);
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
  const Float64 numbers;
  for (const EdgeRow& row : table().rows) {
    CAPTURE(row.expression);
    const Expression e = expression(row.expression);
    for (std::size_t i = 0; i < table().at.size(); ++i) {
      const double at = table().at[i];
      CAPTURE(at);
      if ((row.op == "pow" || row.op == "lgamma") && small(at)) continue;  // the C library takes it for another number
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
