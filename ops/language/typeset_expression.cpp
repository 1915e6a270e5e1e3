// From the steps of a parsed expression to LaTeX. Each part knows how tightly it binds, so that brackets stand where
// they are needed and nowhere else.
#include "ops/language/typeset_expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <iterator>
#include <utility>
#include <vector>

#include "ops/language/formulas.h"
#include "ops/language/program.h"

namespace chainrule::language {
namespace {

/// How tightly LaTeX binds, loosest first. `reach` is what has no end of its own: a sum sign and its terms, "\ln x".
enum class Binds { comparison, sum, product, reach, fraction, power, atom };

struct Tex {
  std::string text;
  Binds binds = Binds::atom;
  bool negative = false;  // begins with a minus
};

struct Replacement {
  std::string_view name, tex;
};
constexpr Replacement kNames[] = {
    {"alpha", "\\alpha"}, {"beta", "\\beta"}, {"gamma", "\\gamma"}, {"delta", "\\delta"},
    {"eps", "\\epsilon"}, {"mu", "\\mu"},     {"sigma", "\\sigma"}, {"lambda", "\\lambda"},
    {"theta", "\\theta"}, {"rho", "\\rho"},   {"tau", "\\tau"},     {"phi", "\\varphi"},
    {"Phi", "\\Phi"},     {"pi", "\\pi"},     {"inf", "\\infty"},   {kDots, "\\dots"}};
// Read without brackets where the argument is short.
constexpr Replacement kBare[] = {{"log", "\\ln"},
                                 {"sin", "\\sin"},
                                 {"cos", "\\cos"},
                                 {"tan", "\\tan"},
                                 {"asin", "\\arcsin"},
                                 {"acos", "\\arccos"},
                                 {"atan", "\\arctan"},
                                 {"sinh", "\\sinh"},
                                 {"cosh", "\\cosh"},
                                 {"tanh", "\\tanh"},
                                 {"det", "\\det"},
                                 {"asinh", "\\operatorname{arsinh}"},
                                 {"acosh", "\\operatorname{arcosh}"},
                                 {"atanh", "\\operatorname{artanh}"}};
constexpr Replacement kCalled[] = {{"sigmoid", "\\sigma"},   {"Phi", "\\Phi"},     {"phi", "\\varphi"},
                                   {"maximum", "\\max"},     {"minimum", "\\min"}, {"digamma", "\\psi"},
                                   {"logical_not", "\\lnot"}};
struct Brackets {
  std::string_view name, open, close;
};
constexpr Brackets kAround[] = {
    {"abs", "\\lvert", "\\rvert"}, {"floor", "\\lfloor", "\\rfloor"}, {"ceil", "\\lceil", "\\rceil"}};
// Take a whole vector and give one; below a sum, the result has the index.
constexpr std::string_view kOfVectors[] = {"softmax", "log_softmax", "diagonal"};
constexpr Replacement kBig[] = {
    {"sum", "\\sum"}, {"prod", "\\prod"}, {"product", "\\prod"}, {"max", "\\max"}, {"min", "\\min"}};
constexpr Replacement kRelations[] = {{"lt", "<"},    {"le", "\\le"}, {"gt", ">"},
                                      {"ge", "\\ge"}, {"eq", "="},    {"ne", "\\ne"}};

template <std::size_t N>
std::string_view find_in(const Replacement (&table)[N], std::string_view name) {
  for (const Replacement& r : table)
    if (r.name == name) return r.tex;
  return {};
}

std::string word(std::string_view name) {
  std::string out;
  for (const char c : name) out += c == '_' ? std::string("\\_") : std::string(1, c);
  return out;
}

/// Brackets that grow with what they hold.
std::string in_brackets(const std::string& text, std::string_view open = "(", std::string_view close = ")") {
  const auto has = [&](const char* what) { return text.find(what) != std::string::npos; };
  const bool tall = has("\\frac") || has("\\sum") || has("\\prod") || has("\\begin");
  return fmt::format("{}{}{}{}{}", tall ? "\\left" : "", open, text, tall ? "\\right" : "", close);
}

/// LaTeX sets a space of its own before these.
bool is_operator(std::string_view text) {
  const auto begins = [&](const Replacement& r) { return text.starts_with(r.tex); };
  return text.starts_with("\\operatorname") || std::any_of(std::begin(kBare), std::end(kBare), begins) ||
         std::any_of(std::begin(kBig), std::end(kBig), begins);
}

std::string wrapped(const Tex& x, bool wrap) { return wrap ? in_brackets(x.text) : x.text; }

/// The expressions of one formula.
class Printer {
 public:
  Printer(const std::string& text, const IndexedLetters& indexed, bool small)
      : indexed_(indexed), program_(parse(text)), small_(small) {}

  std::string run() { return of(program_.steps.back().operands[0]).text; }

 private:
  using Kind = Step::Kind;

  const Step& step(std::uint32_t i) const { return program_.steps[i]; }

  template <class F>
  auto small(F&& f) {
    const bool before = std::exchange(small_, true);
    auto result = f();
    small_ = before;
    return result;
  }

  Tex of(std::uint32_t i) {
    const Step& s = step(i);
    switch (s.kind) {
      case Kind::constant:
      case Kind::name:
        return leaf(s);
      case Kind::list:
        return {in_brackets(list(s.operands, 0))};
      case Kind::call:
        return call(s);
      case Kind::op:
        return s.operands.size() == 1 ? sign(s) : pair(s);
      case Kind::chain:
        return chain(s);
      case Kind::subscript:
        return picked(s);
      case Kind::range:
        return {fmt::format("{}:{}:{}", of(s.operands[0]).text, of(s.operands[1]).text, of(s.operands[2]).text)};
      case Kind::ellipsis:
        return {"\\dots"};
      case Kind::reversed:
        return transposed(s.operands[0]);
      default:
        return of(s.operands[0]);
    }
  }

  std::string index() const { return std::string(1, static_cast<char>('i' + sums_ - 1)); }

  Tex leaf(const Step& s) {
    const std::string text = program_.text.substr(s.at.begin, s.at.end - s.at.begin);
    if (s.kind == Kind::constant && s.text.empty()) {
      const std::string number = program_.text.substr(s.span.begin, s.span.end - s.span.begin);
      if (number[0] == '-') return {number, Binds::product, true};
      if (std::isalpha(static_cast<unsigned char>(number[0])) || number[0] == '\'') return {words_as_latex(number)};
      const std::size_t e = number.find('e');
      if (e == std::string::npos) return {number};
      const std::string ten = fmt::format("10^{{{}}}", number.substr(e + 1));
      return number.substr(0, e) == "1" ? Tex{ten, Binds::power}
                                        : Tex{number.substr(0, e) + " \\cdot " + ten, Binds::product};
    }
    std::string tex(find_in(kNames, text));
    if (tex.empty()) {
      const auto digits =
          std::find_if(text.begin(), text.end(), [](char c) { return std::isdigit(static_cast<unsigned char>(c)); });
      if (text.size() == 1)
        tex = text;
      else if (digits - text.begin() == 1)
        tex = fmt::format("{}_{{{}}}", text[0], text.substr(1));
      else
        tex = "\\mathrm{" + word(text) + "}";
    }
    if (sums_ > 0 && !bare_ && indexed_.contains(text)) tex += "_{" + index() + "}";
    return {tex};
  }

  /// x[i, j]; a second index below the first would be no LaTeX.
  Tex picked(const Step& s) {
    const Tex base = unindexed(s.operands[0]);
    const bool below = base.text.ends_with('}') && base.text.find("_{") != std::string::npos;
    const std::string from = below ? "{" + base.text + "}" : wrapped(base, base.binds < Binds::atom);
    return {fmt::format("{}_{{{}}}", from, small([&] { return list(s.operands, 1); }))};
  }

  std::string list(const std::vector<std::uint32_t>& operands, std::size_t from) {
    std::string text;
    for (std::size_t i = from; i < operands.size(); ++i) text += (i > from ? ", " : "") + of(operands[i]).text;
    return text;
  }

  // --- signs ---

  Tex sign(const Step& s) {
    const Tex x = of(s.operands[0]);
    if (s.text == "logical_not") return {"\\lnot " + wrapped(x, x.binds < Binds::reach), Binds::reach};
    return {"-" + wrapped(x, x.binds < Binds::product || x.negative), Binds::product, true};
  }

  Tex pair(const Step& s) {
    if (s.text == "pow") return power(s.operands[0], s.operands[1]);
    const Tex x = of(s.operands[0]), y = of(s.operands[1]);
    if (s.text == "mul" || s.text == "matmul") return product(x, y);
    if (s.text == "div") return quotient(x, y);
    if (s.text == "add")
      return {x.text + " + " + wrapped(y, y.negative || y.binds < Binds::sum), Binds::sum, x.negative};
    if (s.text == "sub")
      return {x.text + " - " + wrapped(y, y.negative || y.binds <= Binds::sum), Binds::sum, x.negative};
    if (const std::string_view relation = find_in(kRelations, s.text); !relation.empty())
      return {fmt::format("{} {} {}", x.text, relation, y.text), Binds::comparison};
    const char* joined = s.text == "logical_and" ? "\\land" : s.text == "logical_or" ? "\\lor" : "\\oplus";
    return {fmt::format("{} {} {}", x.text, joined, y.text), Binds::comparison};
  }

  static Tex product(const Tex& x, const Tex& y) {
    const std::string left = wrapped(x, x.binds < Binds::product || x.binds == Binds::reach);
    const std::string right = wrapped(y, y.binds < Binds::product || y.negative);
    const bool number = std::all_of(left.begin(), left.end(), [](char c) {
      return std::isdigit(static_cast<unsigned char>(c)) || c == '.' || c == '-';
    });
    const bool dot =
        std::isdigit(static_cast<unsigned char>(right[0])) || right == "\\dots" || left.ends_with("\\dots");
    const bool close = number || is_operator(right) || right[0] == '(' || right.starts_with("\\left(");
    return {left + (dot ? " \\cdot " : close ? " " : " \\, ") + right, Binds::product, x.negative};
  }

  Tex quotient(const Tex& x, const Tex& y) const {
    if (small_)
      return {wrapped(x, x.binds < Binds::product) + " / " + wrapped(y, y.binds <= Binds::product), Binds::product,
              x.negative};
    // The minus of a product stands before the fraction.
    const bool minus = x.negative && x.binds >= Binds::product;
    const std::string above = minus ? x.text.substr(1) : x.text;
    return {fmt::format("{}\\frac{{{}}}{{{}}}", minus ? "-" : "", above, y.text),
            minus ? Binds::product : Binds::fraction, minus};
  }

  Tex power(std::uint32_t base, std::uint32_t exponent) {
    const Tex x = of(base), n = small([&] { return of(exponent); });
    return {fmt::format("{}^{{{}}}", wrapped(x, x.binds < Binds::atom), n.text), Binds::power};
  }

  Tex chain(const Step& s) {
    std::string text = of(s.operands[0]).text;
    for (std::size_t i = 0; i < s.keywords.size(); ++i)
      text += fmt::format(" {} {}", find_in(kRelations, s.keywords[i]), of(s.operands[i + 1]).text);
    return {text, Binds::comparison};
  }

  Tex transposed(std::uint32_t i) {
    const Step& s = step(i);
    if (s.kind == Kind::call && s.text == "inverse") return raised(s.operands[0], "-\\top");
    return raised(i, "\\top");
  }
  Tex raised(std::uint32_t i, std::string_view exponent) {
    const Tex x = of(i);
    return {fmt::format("{}^{{{}}}", wrapped(x, x.binds < Binds::atom), exponent), Binds::power};
  }

  // --- functions ---

  Tex call(const Step& s) {
    const bool one = s.operands.size() == 1;
    if (s.text == "exp" && one) return {"e^{" + small([&] { return of(s.operands[0]).text; }) + "}", Binds::power};
    if (s.text == "sqrt" && one) return {"\\sqrt{" + of(s.operands[0]).text + "}"};
    if (s.text == "inverse" && one) return raised(s.operands[0], "-1");
    if (s.text == "where" && s.operands.size() == 3)
      return {fmt::format("\\begin{{cases}} {} & \\text{{if }} {} \\\\ {} & \\text{{otherwise}} \\end{{cases}}",
                          of(s.operands[1]).text, of(s.operands[0]).text, of(s.operands[2]).text)};
    if (s.text == "ones") return {"\\mathbf{1}"};
    if (s.text == "outer") return product(of(s.operands[0]), raised(s.operands[1], "\\top"));
    if (s.text == "mean" && one) return averaged(s.operands[0]);
    if (s.text == "polygamma")
      return {fmt::format("\\psi^{{({})}}({})", small([&] { return of(s.operands[0]).text; }), of(s.operands[1]).text)};
    if (const std::string_view big = find_in(kBig, s.text); one && !big.empty()) return gathered(big, s.operands[0]);
    if (s.text == "lgamma") return {"\\ln \\lvert \\Gamma(" + of(s.operands[0]).text + ") \\rvert", Binds::reach};
    for (const Brackets& around : kAround)
      if (one && s.text == around.name)
        return {in_brackets(" " + of(s.operands[0]).text + " ", around.open, around.close)};
    if (sums_ > 0 && one && std::find(std::begin(kOfVectors), std::end(kOfVectors), s.text) != std::end(kOfVectors)) {
      const std::string x = unindexed(s.operands[0]).text;
      return {fmt::format("\\operatorname{{{}}}{}_{{{}}}", word(s.text), in_brackets(x), index())};
    }
    if (const std::string_view bare = find_in(kBare, s.text); one && !bare.empty()) {
      const Tex x = of(s.operands[0]);
      const bool plain =
          x.binds == Binds::reach || x.binds == Binds::fraction || (x.binds == Binds::atom && x.text[0] != '(');
      return {std::string(bare) + (plain ? " " + x.text : in_brackets(x.text)), plain ? Binds::reach : Binds::atom};
    }
    std::string name(find_in(kCalled, s.text));
    if (name.empty()) name = s.text.size() == 1 ? s.text : "\\operatorname{" + word(s.text) + "}";
    std::string arguments;
    const std::size_t named = s.operands.size() - s.keywords.size();
    for (std::size_t i = 0; i < s.operands.size(); ++i)
      arguments += (i ? ", " : "") + (i < named ? "" : "\\mathrm{" + word(s.keywords[i - named]) + "} = ") +
                   of(s.operands[i]).text;
    return {name + in_brackets(arguments)};
  }

  /// A sum, product or extreme over all elements.
  Tex gathered(std::string_view sign, std::uint32_t operand) {
    ++sums_;
    const Tex x = of(operand);
    const std::string text =
        fmt::format("{}_{{{}}} {}", sign, index(), wrapped(x, x.binds <= Binds::sum || x.negative));
    --sums_;
    return {text, Binds::reach};
  }

  Tex unindexed(std::uint32_t operand) {
    const bool before = std::exchange(bare_, true);
    Tex x = of(operand);
    bare_ = before;
    return x;
  }

  /// A mean is one number, so its letters have no index.
  Tex averaged(std::uint32_t operand) {
    const Tex x = unindexed(operand);
    return {(x.text.size() == 1 ? "\\bar{" : "\\overline{") + x.text + "}"};
  }

  const IndexedLetters& indexed_;
  const Program program_;
  int sums_ = 0;
  bool small_, bare_ = false;
};

}  // namespace

std::string expression_as_latex(const std::string& text, const IndexedLetters& indexed, bool small) {
  return Printer(text, indexed, small).run();
}

std::string words_as_latex(std::string_view text) {
  std::string out = "\\text{";
  for (const char c : text) {
    if (std::string_view("_#%&$").find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return out + "}";
}

}  // namespace chainrule::language
