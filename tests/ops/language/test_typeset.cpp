// LaTeX of formulas, by hand; of every operation it exists and is whole; and nothing that can be typeset is said twice.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "ops/families.h"
#include "ops/language/typeset.h"
#include "ops/registry.h"

using namespace chainrule;
using chainrule::language::latex_of;
using chainrule::language::latex_of_derivative;
using chainrule::language::typeset;

namespace {

/// "" when every bracket and environment is closed, else what is not.
std::string open_in(const std::string& tex) {
  std::string open;
  std::vector<std::string> begun;
  int left = 0;
  for (std::size_t i = 0; i < tex.size(); ++i) {
    const std::string_view rest = std::string_view(tex).substr(i);
    if (rest.starts_with("\\left") && !rest.starts_with("\\leftarrow")) ++left;
    if (rest.starts_with("\\right")) --left;
    for (const char* sign : {"\\begin{", "\\end{"}) {
      if (!rest.starts_with(sign)) continue;
      const std::string_view after = rest.substr(std::string_view(sign).size());
      const std::string name(after.substr(0, after.find('}')));
      if (sign[1] == 'b')
        begun.push_back(name);
      else if (begun.empty() || begun.back() != name)
        return "\\end{" + name + "}";
      else
        begun.pop_back();
    }
    const char c = tex[i];
    if (c == '{' || c == '(' || c == '[') open += c;
    if (c == '}' || c == ')' || c == ']') {
      const char wanted = c == '}' ? '{' : c == ')' ? '(' : '[';
      if (open.empty() || open.back() != wanted) return std::string(1, c);
      open.pop_back();
    }
    if (left < 0) return "\\right";
  }
  return left ? "\\left" : begun.empty() ? open : "\\begin{" + begun.back() + "}";
}

/// Where an index stands below another one, or a power on a power: TeX refuses both.
bool stacked(const std::string& tex) {
  std::string open;
  for (std::size_t i = 0; i < tex.size(); ++i) {
    if (tex[i] == '{') open += i ? tex[i - 1] : ' ';
    if (tex[i] != '}' || open.empty()) continue;
    if (i + 1 < tex.size() && tex[i + 1] == open.back() && (open.back() == '_' || open.back() == '^')) return true;
    open.pop_back();
  }
  return false;
}

}  // namespace

TEST_CASE("typeset: signs, with no more brackets than they need") {
  CHECK(typeset("z = x + y") == "z = x + y");
  CHECK(typeset("z = x - (y - 1)") == "z = x - (y - 1)");
  CHECK(typeset("x - y - 1") == "x - y - 1");
  CHECK(typeset("x + -y") == "x + (-y)");
  CHECK(typeset("2 * x * y") == "2 x \\, y");
  CHECK(typeset("x * 2") == "x \\cdot 2");
  CHECK(typeset("x * (y + 1)") == "x (y + 1)");
  CHECK(typeset("-x * y") == "-x \\, y");
  CHECK(typeset("-(x + y)") == "-(x + y)");
  CHECK(typeset("x^2") == "x^{2}");
  CHECK(typeset("(x + y)^2") == "(x + y)^{2}");
  CHECK(typeset("-x^2") == "-x^{2}");
  CHECK(typeset("(x^2)^3") == "(x^{2})^{3}");
  CHECK(typeset("x^(y - 1)") == "x^{y - 1}");
}

TEST_CASE("typeset: fractions, whose minus stands before them; in an exponent they are one line") {
  CHECK(typeset("1 / x") == "\\frac{1}{x}");
  CHECK(typeset("-z^3 / 2") == "-\\frac{z^{3}}{2}");
  CHECK(typeset("(x - y) / (x * (1 - x))") == "\\frac{x - y}{x (1 - x)}");
  CHECK(typeset("(-x + y) / 2") == "\\frac{-x + y}{2}");
  CHECK(typeset("(x / y)^2") == "\\left(\\frac{x}{y}\\right)^{2}");
  CHECK(typeset("x^(1/2)") == "x^{1 / 2}");
  CHECK(typeset("exp(-x / (2 * y))") == "e^{-x / (2 y)}");
  CHECK(typeset("x / 3 + 1 / 2") == "\\frac{x}{3} + \\frac{1}{2}");
}

TEST_CASE("typeset: functions and names") {
  CHECK(typeset("z = exp(x) - 1") == "z = e^{x} - 1");
  CHECK(typeset("exp(x)^2") == "(e^{x})^{2}");
  CHECK(typeset("1 / sqrt(1 - x^2)") == "\\frac{1}{\\sqrt{1 - x^{2}}}");
  CHECK(typeset("z * log(x)") == "z \\ln x");
  CHECK(typeset("log(x) * z") == "(\\ln x) \\, z");
  CHECK(typeset("log(1 + exp(x)) / beta") == "\\frac{\\ln(1 + e^{x})}{\\beta}");
  CHECK(typeset("sin(x)^2") == "(\\sin x)^{2}");
  CHECK(typeset("asinh(x)") == "\\operatorname{arsinh} x");
  CHECK(typeset("|x|^p") == "\\lvert x \\rvert^{p}");
  CHECK(typeset("floor(x / y)") == "\\left\\lfloor \\frac{x}{y} \\right\\rfloor");
  CHECK(typeset("max(x, 0)") == "\\max(x, 0)");
  CHECK(typeset("sigmoid(x - y)") == "\\sigma(x - y)");
  CHECK(typeset("polygamma(n + 1, x)") == "\\psi^{(n + 1)}(x)");
  CHECK(typeset("alpha * eps + pi") == "\\alpha \\, \\epsilon + \\pi");
  CHECK(typeset("negative_slope * x1") == "\\mathrm{negative\\_slope} \\, x_{1}");
  CHECK(typeset("x + 1e-7") == "x + 10^{-7}");
  CHECK(typeset("2.5e3 * x") == "2.5 \\cdot 10^{3} \\, x");
  CHECK(typeset("where(y, 1, x)") == "\\begin{cases} 1 & \\text{if } y \\\\ x & \\text{otherwise} \\end{cases}");
  CHECK(typeset("var(x, correction=0)") == "\\operatorname{var}(x, \\mathrm{correction} = 0)");
}

TEST_CASE("typeset: what is summed has an index, and what does not vary has none") {
  CHECK(typeset("z = sum(x)", "x") == "z = \\sum_{i} x_{i}");
  CHECK(typeset("sum((x - mean(x))^2) / n", "x") == "\\frac{\\sum_{i} (x_{i} - \\bar{x})^{2}}{n}");
  CHECK(typeset("y * (g - sum(g * y))", "g y") == "y \\left(g - \\sum_{i} g_{i} \\, y_{i}\\right)");
  CHECK(typeset("sum(x) + y") == "\\sum_{i} x_{i} + y");
  CHECK(typeset("sum(x) * y") == "\\left(\\sum_{i} x_{i}\\right) \\, y");
  CHECK(typeset("sum(x - y)") == "\\sum_{i} (x_{i} - y_{i})");
  CHECK(typeset("log(sum(exp(x)))") == "\\ln \\sum_{i} e^{x_{i}}");
  CHECK(typeset("sum(y * log(softmax(x)))") == "\\sum_{i} y_{i} \\ln \\operatorname{softmax}(x)_{i}");
  CHECK(typeset("sum(x[y])") == "\\sum_{i} x_{y_{i}}");
  CHECK(typeset("sum(x1[k])") == "\\sum_{i} {x_{1}}_{k}");
  CHECK(typeset("sqrt(mean(x^2) + eps)") == "\\sqrt{\\overline{x^{2}} + \\epsilon}");
  CHECK(typeset("max(x)", "x") == "\\max_{i} x_{i}");
  CHECK(typeset("z[o, p] = sum over c, k of x[c, p + k] * w[o, c, k]", "x w") ==
        "z_{o, p} = \\sum_{c, k} x_{c, p + k} \\, w_{o, c, k}");
  CHECK(typeset("z[q] = sum over the windows p of x[p]", "x") == "z_{q} = \\sum_{\\text{the windows p}} x_{p}");
  CHECK(typeset("product over i <= k of x[i]", "x") == "\\prod_{i \\le k} x_{i}");
  CHECK(typeset("z[k] = x[0] + ... + x[k]", "x") == "z_{k} = x_{0} + \\dots + x_{k}");
  CHECK(typeset("x[0] * ... * x[k]", "x") == "x_{0} \\cdot \\dots \\cdot x_{k}");
}

TEST_CASE("typeset: matrices and places") {
  CHECK(typeset("z = x @ w^T + b", "x w b") == "z = x \\, w^{\\top} + b");
  CHECK(typeset("-a^-T @ g @ z^T", "a b") == "-a^{-\\top} \\, g \\, z^{\\top}");
  CHECK(typeset("z = x^-1", "x") == "z = x^{-1}");
  CHECK(typeset("diag(z) - z z^T", "x") == "\\operatorname{diag}(z) - z \\, z^{\\top}");
  CHECK(typeset("I - 1 exp(z)^T", "x") == "I - \\mathbf{1} (e^{z})^{\\top}");
  CHECK(typeset("z = x[i], i = argmax(x)", "x i") == "z = x_{i}, \\quad i = \\operatorname{argmax}(x)");
  CHECK(typeset("z = 0; z[i[j], k] += x[j, k]", "x i") == "z = 0, \\quad z_{i_{j}, k} \\mathrel{+}= x_{j, k}");
  CHECK(typeset("z = x[start:end:step]", "x") == "z = x_{\\mathrm{start}:\\mathrm{end}:\\mathrm{step}}");
  CHECK(typeset("z[..., j] = w[i[...], j]", "w i") == "z_{\\dots, j} = w_{i_{\\dots}, j}");
}

TEST_CASE("typeset: choices, parts and words") {
  CHECK(typeset("1 where 0 < x <= 6, else 0") ==
        "\\begin{cases} 1 & \\text{if } 0 < x \\le 6 \\\\ 0 & \\text{otherwise} \\end{cases}");
  CHECK(typeset("1 where x = z, else 2 where x > 0, else 0") ==
        "\\begin{cases} 1 & \\text{if } x = z \\\\ 2 & \\text{if } x > 0 \\\\ 0 & \\text{otherwise} \\end{cases}");
  CHECK(typeset("1 at the maximum, else 0") ==
        "\\begin{cases} 1 & \\text{at the maximum} \\\\ 0 & \\text{otherwise} \\end{cases}");
  CHECK(typeset("s * (1 - s), s = sigmoid(x)") == "s (1 - s), \\quad s = \\sigma(x)");
  CHECK(typeset("1 (same row; 0 for padding_idx)") == "1 \\quad \\text{(same row; 0 for padding\\_idx)}");
  CHECK(typeset("sum(g) over the rows", "x") == "\\sum_{i} g_{i} \\quad \\text{over the rows}");
  CHECK(typeset("z[k - 1], carried on") == "z_{k - 1}, \\quad \\text{carried on}");
  CHECK(typeset("windows of x") == std::nullopt);
  CHECK(typeset("z = the lower triangle with z @ z^T = x") == std::nullopt);
  CHECK(typeset("1 where x > 0") == std::nullopt);
}

TEST_CASE("typeset: every operation has LaTeX that is whole, and gives its own only for what is said in words") {
  std::string by_hand;
  for (const OpInfo* info : op_registry()) {
    CAPTURE(info->name);
    const std::string formula = latex_of(*info);
    CHECK(formula.size() > 2);
    CHECK(open_in(formula) == "");
    CHECK_FALSE(stacked(formula));
    if (info->latex[0]) by_hand += std::string(" ") + info->name;
    CHECK((info->latex[0] != '\0') == !typeset(info->formula, info->inputs));
    for (int i = 0; i < 4; ++i) {
      const auto k = static_cast<std::size_t>(i);
      const char* said = info->derivatives[k];
      CHECK((info->latex_derivatives[k] != nullptr) == (said && !typeset(said, info->inputs)));
      if (!said) continue;
      CHECK(latex_of_derivative(*info, i) != "");
      CHECK(open_in(latex_of_derivative(*info, i)) == "");
      CHECK_FALSE(stacked(latex_of_derivative(*info, i)));
      if (info->latex_derivatives[k]) by_hand += std::string(" d:") + info->name;
    }
  }
  CHECK(by_hand ==
        " d:prod d:cumsum d:cumprod products_of_others d:products_of_others median cholesky d:cholesky roll unfold fold"
        " max_pool2d avg_pool2d dropout");
}

TEST_CASE("typeset: of functions that are made of others, too") {
  int typeset_ones = 0;
  for (const Function* f : functions()) {
    const auto tex = typeset(f->formula);
    if (!tex) continue;
    CAPTURE(f->name);
    ++typeset_ones;
    CHECK(open_in(*tex) == "");
    CHECK_FALSE(stacked(*tex));
  }
  CHECK(typeset_ones >= 12);
}

TEST_CASE("typeset: the test of wholeness sees what is open") {
  CHECK(open_in("\\frac{1}{x") == "{");
  CHECK(open_in("x)") == ")");
  CHECK(stacked("x_{1}_{i}"));
  CHECK(stacked("x^{y^{2}}^{n}"));
  CHECK_FALSE(stacked("x_{y_{i}}^{2}"));
  CHECK(open_in("\\left(x)") == "\\left");
  CHECK(open_in("\\begin{cases} x") == "\\begin{cases}");
  CHECK(open_in("\\begin{cases} x \\end{matrix}") == "\\end{matrix}");
  CHECK(open_in("\\begin{cases} (x) \\end{cases}") == "");
}
