// The parser (Pratt): binding powers as in Python. Each rule appends its steps after those of its operands.
#include "ops/language/program.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <set>

#include "engine/system/text.h"
#include "ops/language/lexer.h"
#include "ops/language/words.h"

namespace chainrule::language {
namespace {

constexpr const char *kAnd = "logical_and", *kOr = "logical_or", *kXor = "logical_xor", *kNot = "logical_not";

struct Operator {
  std::string_view symbol;
  const char* function;
  int power;
};
// Comparisons bind loosest. ** binds tighter than the minus on its left and looser than the one on its right.
constexpr Operator kBinary[] = {{"<", "lt", 1},  {"<=", "le", 1},    {">", "gt", 1},  {">=", "ge", 1},
                                {"==", "eq", 1}, {"!=", "ne", 1},    {"|", kOr, 2},   {"^", kXor, 3},
                                {"&", kAnd, 4},  {"+", "add", 5},    {"-", "sub", 5}, {"*", "mul", 6},
                                {"/", "div", 6}, {"@", "matmul", 6}, {"**", "pow", 8}};
constexpr int kComparison = 1, kUnary = 7, kPower = 8;

const Operator* find_operator(std::string_view symbol) {
  for (const Operator& o : kBinary)
    if (o.symbol == symbol) return &o;
  return nullptr;
}

class Parser {
 public:
  Parser(std::string_view text, const ProgramLimits& limits) : limits_(limits) {
    program_.text = std::string(text);
    tokens_ = tokens_of(program_.text);
  }

  Program run() {
    while (is(";") || is(Token::Kind::new_line)) ++at_;
    if (is(Token::Kind::end)) fail("the program is empty", token());
    while (!is(Token::Kind::end)) {
      statement();
      if (!is(Token::Kind::end) && !is(";") && !is(Token::Kind::new_line)) unexpected();
      while (is(";") || is(Token::Kind::new_line)) ++at_;
    }
    return std::move(program_);
  }

 private:
  using Kind = Step::Kind;

  const Token& token(std::size_t ahead = 0) const { return tokens_[std::min(at_ + ahead, tokens_.size() - 1)]; }
  bool is(std::string_view symbol, std::size_t ahead = 0) const {
    return token(ahead).kind == Token::Kind::symbol && token(ahead).text == symbol;
  }
  bool is(Token::Kind kind) const { return token().kind == kind; }
  bool take(std::string_view symbol) { return is(symbol) ? (++at_, true) : false; }

  [[noreturn, gnu::noinline]] void fail(std::string_view message, const Token& t, const char* kind = "syntax") const {
    throw ProgramError(kind, std::string(message), program_.text, t.span);
  }
  [[noreturn, gnu::noinline]] void unexpected() const {
    if (is(Token::Kind::end)) fail("the program ends too early; something is missing here", token());
    if (is("=")) fail("a value can be bound to a name only, as in y = x + 1; equality is ==", token());
    if (is(Token::Kind::name)) refuse_word();
    if (is(Token::Kind::name) || is(Token::Kind::number))
      fail(fmt::format("an operator is missing before '{}'",
                       printable(program_.text.substr(token().span.begin, token().span.end - token().span.begin))),
           token());
    fail(fmt::format("'{}' cannot stand here", token().text), token());
  }
  /// Python's words for single truths have no meaning for masks, as in NumPy.
  void refuse_word() const {
    if (token().text == "and") fail("'and' does not join masks; write (x > 0) & (y > 0)", token());
    if (token().text == "or") fail("'or' does not join masks; write (x > 0) | (y > 0)", token());
    if (token().text == "not") fail("'not' does not turn masks round; write ~(x > 0)", token());
  }
  [[gnu::noinline]] void expect(std::string_view symbol, const Token& opened) {
    if (take(symbol)) return;
    if (is(Token::Kind::end)) fail(fmt::format("'{}' is never closed", opened.text), opened);
    unexpected();
  }

  [[noreturn, gnu::noinline]] void too_deep() const {
    fail(fmt::format("nested deeper than {}", limits_.nesting), token(), "limit");
  }
  [[noreturn, gnu::noinline]] void given_twice(const Token& key) const {
    fail(fmt::format("argument '{}' is given twice", key.text), key);
  }

  /// Counts what nests while it is alive.
  struct Deeper {
    Parser& parser;
    explicit Deeper(Parser& p) : parser(p) {
      if (++parser.depth_ > parser.limits_.nesting) parser.too_deep();
    }
    ~Deeper() { --parser.depth_; }
    Deeper(const Deeper&) = delete;
    Deeper& operator=(const Deeper&) = delete;
  };

  /// Every expression begins with a token.
  SourceLocation place_of(std::size_t byte) const {
    return std::lower_bound(tokens_.begin(), tokens_.end(), byte,
                            [](const Token& t, std::size_t b) { return t.span.begin < b; })
        ->where;
  }
  // What recurses keeps references and numbers only; steps and messages are made in functions that are never inlined,
  // so that the deepest nesting that is allowed fits a thread's stack in every build.
  [[gnu::noinline]] std::uint32_t push(Step& step) {
    step.where = place_of(step.span.begin);
    program_.steps.push_back(std::move(step));
    return static_cast<std::uint32_t>(program_.steps.size() - 1);
  }
  [[gnu::noinline]] std::uint32_t push(Kind kind, TextSpan span, TextSpan at, std::string_view text,
                                       std::initializer_list<std::uint32_t> operands) {
    Step step{.kind = kind, .span = span, .at = at, .text = std::string(text), .operands = operands};
    return push(step);
  }
  [[gnu::noinline]] std::uint32_t push(Kind kind, TextSpan span, TextSpan at, std::vector<std::uint32_t>& operands) {
    Step step{.kind = kind, .span = span, .at = at, .operands = std::move(operands)};
    return push(step);
  }
  [[gnu::noinline]] std::uint32_t constant(const Value& value, TextSpan span) {
    Step step{.kind = Kind::constant, .span = span, .at = span, .value = value};
    return push(step);
  }
  TextSpan span_of(std::uint32_t i) const { return program_.steps[i].span; }

  void statement() {
    const Token& first = token();
    if (is(Token::Kind::name) && is("=", 1)) {
      if (!is_name(first.text))
        fail(fmt::format("'{}' is a word of the language; another name is needed", first.text), first, "name");
      at_ += 2;
      const auto value = expression(0);
      push(Kind::bind, {first.span.begin, span_of(value).end}, first.span, first.text, {value});
      bound_.insert(first.text);
      return;
    }
    const auto value = expression(0);
    push(Kind::result, span_of(value), span_of(value), "", {value});
  }

  std::uint32_t expression(int least_power) {
    const Deeper deeper(*this);
    std::uint32_t left = prefix();
    while (is(Token::Kind::symbol)) {
      const Operator* o = find_operator(token().text);
      if (!o || o->power < least_power || (o->power == least_power && o->power != kPower)) break;
      const Token& at = token();
      ++at_;
      // A power groups to the right, so its right side may be another one, or begin with a minus.
      const auto right = expression(o->power == kPower ? kPower : o->power);
      if (o->power == kComparison && comparison_follows())
        left = chain(left, right, at, *o);
      else
        left = push(Kind::op, {span_of(left).begin, span_of(right).end}, at.span, o->function, {left, right});
    }
    return left;
  }

  const Operator* comparison_follows() const {
    const Operator* o = is(Token::Kind::symbol) ? find_operator(token().text) : nullptr;
    return o && o->power == kComparison ? o : nullptr;
  }

  /// a < b < c, as in Python: (a < b) & (b < c), and b is computed once.
  [[gnu::noinline]] std::uint32_t chain(std::uint32_t first, std::uint32_t second, const Token& at,
                                        const Operator& comparison) {
    std::vector<std::uint32_t> operands{first, second};
    std::vector<std::string> functions{comparison.function};
    while (const Operator* o = comparison_follows()) {
      ++at_;
      operands.push_back(expression(kComparison + 1));
      functions.emplace_back(o->function);
    }
    const TextSpan whole{span_of(first).begin, span_of(operands.back()).end};
    Step step{.kind = Kind::chain,
              .span = whole,
              .at = at.span,
              .operands = std::move(operands),
              .keywords = std::move(functions)};
    return push(step);
  }

  std::uint32_t prefix() {
    if (is("-") || is("+") || is("~")) {
      const Token& sign = token();
      ++at_;
      if (sign.text == "-" && is_smallest()) return smallest(sign);
      return signed_value(sign, expression(kUnary));
    }
    std::uint32_t value = primary();
    while (is("[") || is(".")) value = is("[") ? subscripts(value) : attribute(value);
    return value;
  }

  [[gnu::noinline]] std::uint32_t signed_value(const Token& sign, std::uint32_t operand) {
    const TextSpan span{sign.span.begin, span_of(operand).end};
    if (sign.text == "+") return operand;
    if (sign.text == "~") return push(Kind::op, span, sign.span, kNot, {operand});
    Step& number = program_.steps[operand];
    if (number.kind != Kind::constant || !number.value.is_number() || !number.text.empty())
      return push(Kind::op, span, sign.span, "neg", {operand});
    number.value =
        number.value.is<double>() ? Value(-number.value.as<double>()) : Value(-number.value.as<std::int64_t>());
    number.span = span;
    return operand;
  }

  /// The one whole number that exists with a minus only.
  bool is_smallest() const { return is(Token::Kind::number) && token().text == kSmallestDigits && !is("**", 1); }
  [[gnu::noinline]] std::uint32_t smallest(const Token& sign) {
    const Token& digits = token();
    ++at_;
    return constant(std::numeric_limits<std::int64_t>::min(), {sign.span.begin, digits.span.end});
  }

  std::uint32_t primary() {
    const Token& t = token();
    if (is("(")) return parenthesis();
    if (is("[")) return list();
    if (t.kind == Token::Kind::name && is("(", 1) && is_name(t.text)) return call();
    return leaf();
  }

  [[gnu::noinline]] std::uint32_t leaf() {
    const Token& t = token();
    if (t.kind == Token::Kind::end || t.kind == Token::Kind::symbol || t.kind == Token::Kind::new_line) unexpected();
    ++at_;
    Value fixed;
    if (t.kind == Token::Kind::number && !t.text.empty())
      fail(fmt::format("{0} does not fit int64, which ends at 9223372036854775807; {0}. is a floating number",
                       shorten(t.text, 40)),
           t);
    if (t.kind == Token::Kind::number) return constant(t.value, t.span);
    if (t.kind == Token::Kind::string) return constant(Value(t.text), t.span);
    if (is_fixed(t.text, fixed)) return constant(fixed, t.span);
    if (!is_name(t.text)) --at_, unexpected();
    if (is_constant(t.text, fixed)) {
      if (!bound_.contains(t.text) && seen_.insert(t.text).second) program_.constants.push_back(t.text);
      Step step{.kind = Kind::constant, .span = t.span, .at = t.span, .text = t.text, .value = fixed};
      return push(step);
    }
    if (!bound_.contains(t.text) && seen_.insert(t.text).second) program_.inputs.push_back(t.text);
    return push(Kind::name, t.span, t.span, t.text, {});
  }

  /// ( expression ), or a list as Python's tuple.
  [[gnu::noinline]] std::uint32_t parenthesis() {
    const Token& open = token();
    ++at_;
    if (is(")")) fail("the parentheses are empty", open);
    std::vector<std::uint32_t> items{expression(0)};
    bool comma = false;
    while (take(",")) {
      comma = true;
      if (is(")")) break;
      items.push_back(expression(0));
    }
    const std::size_t end = token().span.end;
    expect(")", open);
    if (!comma) {
      program_.steps[items[0]].span = {open.span.begin, end};
      return items[0];
    }
    return push(Kind::list, {open.span.begin, end}, open.span, items);
  }

  [[gnu::noinline]] std::uint32_t list() {
    const Token& open = token();
    ++at_;
    std::vector<std::uint32_t> items;
    while (!is("]")) {
      items.push_back(expression(0));
      if (!take(",")) break;
    }
    const std::size_t end = token().span.end;
    expect("]", open);
    return push(Kind::list, {open.span.begin, end}, open.span, items);
  }

  [[gnu::noinline]] std::uint32_t call() {
    const Token& name = token();
    const Token& open = token(1);
    at_ += 2;
    Step step{.kind = Kind::call, .span = name.span, .at = name.span, .text = name.text};
    while (!is(")")) {
      if (is(Token::Kind::name) && is("=", 1)) {
        const Token& key = token();
        if (std::find(step.keywords.begin(), step.keywords.end(), key.text) != step.keywords.end()) given_twice(key);
        at_ += 2;
        step.keywords.push_back(key.text);
      } else if (!step.keywords.empty()) {
        fail("an argument without a name cannot follow one with a name", token());
      }
      step.operands.push_back(expression(0));
      if (!take(",")) break;
    }
    step.span.end = token().span.end;
    expect(")", open);
    return push(step);
  }

  [[gnu::noinline]] std::uint32_t subscripts(std::uint32_t value) {
    const Deeper deeper(*this);
    const Token& open = token();
    ++at_;
    Step step{.kind = Kind::subscript, .span = span_of(value), .at = open.span, .operands = {value}};
    if (is("]")) fail("the subscript is empty", open);
    while (!is("]")) {
      step.operands.push_back(subscript());
      if (!take(",")) break;
    }
    if (step.operands.size() == 2) refuse_tuple(step.operands[1]);
    step.span.end = step.at.end = token().span.end;
    expect("]", open);
    return push(step);
  }

  /// x[(0, 1)] is x[0, 1] in Python, but (0, 1) is a list here.
  [[gnu::noinline]] void refuse_tuple(std::uint32_t only) const {
    const Step& s = program_.steps[only];
    if (s.kind == Kind::list && program_.text[s.span.begin] == '(')
      throw ProgramError("syntax",
                         "parentheses in a subscript: write x[0, 1] for two axes, x[[0, 1]] for two positions",
                         program_.text, s.span);
  }

  [[gnu::noinline]] std::uint32_t subscript() {
    const Token& first = token();
    if (take("...")) return push(Kind::ellipsis, first.span, first.span, "", {});
    const bool open_start = is(":");
    std::uint32_t start = open_start ? constant(None, first.span) : expression(0);
    if (!is(":")) return start;
    std::vector<std::uint32_t> parts{start};
    while (parts.size() < 3 && take(":")) {
      const bool nothing = is(":") || is(",") || is("]");
      parts.push_back(nothing ? constant(None, token().span) : expression(0));
    }
    if (parts.size() < 3) parts.push_back(constant(None, token().span));
    return push(Kind::range, {first.span.begin, token().span.begin}, first.span, parts);
  }

  [[gnu::noinline]] std::uint32_t attribute(std::uint32_t value) {
    ++at_;
    const Token& name = token();
    if (name.kind != Token::Kind::name) unexpected();
    if (name.text != "T")
      fail(is("(", 1) ? fmt::format("functions are called by name: write {}(x, ...) in place of x.{}(...)", name.text,
                                    name.text)
                      : fmt::format("there is no .{}; a tensor has .T only, its transpose", name.text),
           name);
    ++at_;
    return push(Kind::reversed, {span_of(value).begin, name.span.end}, name.span, "", {value});
  }

  ProgramLimits limits_;
  Program program_;
  std::vector<Token> tokens_;
  std::size_t at_ = 0, depth_ = 0;
  std::set<std::string> bound_, seen_;
};

}  // namespace

Program parse(std::string_view text, const ProgramLimits& limits) {
  if (text.size() > limits.bytes)
    throw ProgramError("limit", fmt::format("the program has {} bytes; {} are allowed", text.size(), limits.bytes),
                       text, {0, 0});
  return Parser(text, limits).run();
}

}  // namespace chainrule::language
