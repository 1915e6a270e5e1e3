// Sums of products by index letters. Operands are brought to distinct letters (diagonals, squeezes), then multiplied in
// pairs as batches of matrices until one is left; all of it by operations that have derivatives.
#include "ops/matrix/einsum.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <vector>

#include "engine/scopes.h"
#include "engine/types/error.h"
#include "ops/arguments.h"
#include "ops/families.h"
#include "ops/launch.h"
#include "ops/matrix/linalg.h"
#include "ops/ops.h"

namespace chainrule {
namespace {

// Letters are their characters; the axes of "..." are 0, 1, ... counted from the last one.
using Labels = std::string;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
std::string show(char label) { return is_letter(label) ? fmt::format("'{}'", label) : std::string("an axis of ..."); }

struct Equation {
  std::vector<std::string> inputs;
  std::string output;
  bool is_explicit = false;
};

/// Splits at "," and "->". What is left are letters and at most one "...", kept as ".".
Equation parse(std::string_view text) {
  auto fail = [&](const std::string& why) { throw ValueError(fmt::format("einsum: '{}': {}", text, why)); };
  Equation e;
  e.inputs.emplace_back();
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string& part = e.is_explicit ? e.output : e.inputs.back();
    const char c = text[i];
    if (c == ' ') continue;
    if (is_letter(c)) {
      part += c;
    } else if (text.substr(i, 3) == "...") {
      if (part.find('.') != std::string::npos) fail("an operand has '...' twice");
      part += '.';
      i += 2;
    } else if (c == ',' && !e.is_explicit) {
      e.inputs.emplace_back();
    } else if (text.substr(i, 2) == "->" && !e.is_explicit) {
      e.is_explicit = true;
      ++i;
    } else {
      fail(fmt::format("'{}' at position {} does not belong there; there are letters, ',', '->' and '...'", c, i));
    }
  }
  return e;
}

/// One operand and the label of each of its axes.
struct Term {
  Tensor t;
  Labels labels;

  int axis(char label) const { return static_cast<int>(labels.find(label)); }
  bool has(char label) const { return labels.find(label) != Labels::npos; }
};

class Contraction {
 public:
  Contraction(std::string_view text, std::span<const Tensor> operands) : text_(text) {
    Equation e = parse(text);
    if (e.inputs.size() != operands.size())
      fail(fmt::format("{} {} named, {} {} given", e.inputs.size(),
                       e.inputs.size() == 1 ? "operand is" : "operands are", operands.size(),
                       operands.size() == 1 ? "is" : "are"));
    for (std::size_t i = 0; i < operands.size(); ++i)
      if (!operands[i].defined()) throw_empty_argument("einsum", fmt::format("operand {}", i + 1));
    Tensor widest = operands[0];
    for (const Tensor& t : operands)
      if (common_dtype(widest, t) != widest.dtype()) widest = t;
    terms_.reserve(operands.size());
    for (std::size_t i = 0; i < operands.size(); ++i)
      terms_.push_back({as_tensor(operands[i], widest.dtype()), labels_of(e.inputs[i], operands[i], i)});
    output_ = e.is_explicit ? explicit_output(e.output) : implicit_output();
    learn_sizes();
    for (Term& term : terms_) simplify(term);
  }

  Tensor run() {
    while (terms_.size() > 1) {
      const PairOfTerms pair = cheapest_pair();
      Term b = take(pair.second), a = take(pair.first);
      terms_.push_back(multiply(std::move(a), std::move(b)));
    }
    Term& last = terms_[0];
    sum_unneeded(last, {});
    Axes order;
    for (const char label : output_) order.push_back(last.axis(label));
    return arranged(last.t, order);
  }

 private:
  [[noreturn]] void fail(const std::string& why) const {
    throw ValueError(fmt::format("einsum: '{}': {}", text_, why));
  }
  Term take(std::size_t i) {
    Term term = std::move(terms_[i]);
    terms_.erase(terms_.begin() + static_cast<std::ptrdiff_t>(i));
    return term;
  }

  Labels labels_of(const std::string& letters, const Tensor& t, std::size_t operand) {
    const auto dots = letters.find('.');
    const auto named = static_cast<int>(letters.size()) - (dots == std::string::npos ? 0 : 1);
    const int rest = t.dim() - named;
    if (rest < 0 || (rest > 0 && dots == std::string::npos))
      fail(fmt::format("operand {} has shape {}, {} letters are given for its {} axes", operand + 1,
                       to_string(t.shape()), named, t.dim()));
    Labels labels;
    for (const char c : letters) {
      if (c != '.') {
        labels += c;
        continue;
      }
      dots_ = std::max(dots_, rest);
      for (int k = rest; k-- > 0;) labels += static_cast<char>(k);
    }
    return labels;
  }

  Labels dots() const {
    Labels labels;
    for (int k = dots_; k-- > 0;) labels += static_cast<char>(k);
    return labels;
  }

  Labels explicit_output(const std::string& letters) const {
    Labels output;
    for (const char c : letters) {
      if (c == '.') {
        output += dots();
        continue;
      }
      if (output.find(c) != Labels::npos) fail(fmt::format("'{}' occurs twice in the result", c));
      if (std::none_of(terms_.begin(), terms_.end(), [&](const Term& t) { return t.has(c); }))
        fail(fmt::format("'{}' of the result occurs in no operand", c));
      output += c;
    }
    return output;
  }

  /// The axes of "...", then the letters that occur once, capitals first.
  Labels implicit_output() const {
    Labels all;
    for (const Term& term : terms_) all += term.labels;
    Labels once;
    for (const char c : all)
      if (is_letter(c) && std::count(all.begin(), all.end(), c) == 1) once += c;
    std::sort(once.begin(), once.end());
    return dots() + once;
  }

  /// The size of each label; 1 gives way, as in broadcasting.
  void learn_sizes() {
    for (std::size_t k = 0; k < terms_.size(); ++k) {
      const Term& term = terms_[k];
      for (std::size_t i = 0; i < term.labels.size(); ++i) {
        auto& known = size(term.labels[i]);
        const std::int64_t n = term.t.shape()[i];
        if (known < 0 || known == 1)
          known = n;
        else if (n != known && n != 1)
          throw ShapeError(fmt::format("einsum: '{}': {} has sizes {} and {}; operand {} has shape {}", text_,
                                       show(term.labels[i]), known, n, k + 1, to_string(term.t.shape())));
      }
    }
  }
  std::int64_t& size(char label) { return sizes_[static_cast<unsigned char>(label)]; }
  std::int64_t size(char label) const { return sizes_[static_cast<unsigned char>(label)]; }

  /// Every label once, none that only repeats.
  void simplify(Term& term) {
    for (std::size_t i = 0; i < term.labels.size();) {
      const char label = term.labels[i];
      const auto other = term.labels.find(label, i + 1);
      if (term.t.shape()[i] == 1 && size(label) != 1) {
        term.t = squeeze(term.t, {static_cast<std::int64_t>(i)});
        term.labels.erase(i, 1);
      } else if (other == Labels::npos) {
        ++i;
      } else if (term.t.shape()[other] == 1 && size(label) != 1) {
        term.t = squeeze(term.t, {static_cast<std::int64_t>(other)});
        term.labels.erase(other, 1);
      } else {
        term.t = diagonal(term.t, 0, static_cast<std::int64_t>(i), static_cast<std::int64_t>(other));
        term.labels.erase(other, 1);
        term.labels.erase(i, 1);
        term.labels += label;
        i = 0;
      }
    }
  }

  /// True when the result, or a term that is not one of the two, has the label.
  bool needed(char label, const Term* one, const Term* two) const {
    if (output_.find(label) != Labels::npos) return true;
    return std::any_of(terms_.begin(), terms_.end(),
                       [&](const Term& t) { return &t != one && &t != two && t.has(label); });
  }

  /// Sums over the labels of a term that nobody else has.
  void sum_unneeded(Term& term, const Labels& others) const {
    Axes axes;
    Labels kept;
    for (std::size_t i = 0; i < term.labels.size(); ++i) {
      const char label = term.labels[i];
      if (output_.find(label) != Labels::npos || others.find(label) != Labels::npos)
        kept += label;
      else
        axes.push_back(static_cast<std::int64_t>(i));
    }
    if (axes.empty()) return;
    term.t = sum(term.t, axes);
    term.labels = kept;
  }

  double elements(const Labels& labels) const {
    double n = 1;
    for (const char label : labels) n *= static_cast<double>(size(label));
    return n;
  }

  struct PairOfTerms {
    std::size_t first, second;  // first < second
  };
  /// The two terms whose product grows least beyond them.
  PairOfTerms cheapest_pair() const {
    PairOfTerms best{0, 1};
    double least = std::numeric_limits<double>::infinity();
    for (std::size_t i = 0; i < terms_.size() && terms_.size() > 2; ++i) {
      for (std::size_t j = i + 1; j < terms_.size(); ++j) {
        const Term &a = terms_[i], &b = terms_[j];
        Labels product;
        for (const char label : a.labels + b.labels)
          if (product.find(label) == Labels::npos && needed(label, &a, &b)) product += label;
        const double cost = elements(product) - elements(a.labels) - elements(b.labels);
        if (cost < least) {
          least = cost;
          best = {i, j};
        }
      }
    }
    return best;
  }

  Tensor arranged(const Tensor& t, const Axes& order) const {
    return std::is_sorted(order.begin(), order.end()) ? t : permute(t, order);
  }
  Tensor in_shape(const Tensor& t, const Shape& shape) const { return t.shape() == shape ? t : reshape(t, shape); }
  /// The term as matrices: a group of labels joined to one axis each, no first axis when there is no batch.
  Tensor as_matrices(const Term& term, const Labels& batch, const Labels& rows, const Labels& columns) const {
    Axes order;
    Shape shape;
    for (const Labels* group : {&batch, &rows, &columns}) {
      if (group == &batch && batch.empty()) continue;
      shape.push_back(1);
      for (const char label : *group) {
        order.push_back(term.axis(label));
        shape.back() *= size(label);
      }
    }
    return in_shape(arranged(term.t, order), shape);
  }
  /// The term with axes for these labels, of size 1 where it has none.
  Tensor spread(const Term& term, const Labels& labels) const {
    Axes order;
    Shape shape;
    for (const char label : labels) {
      if (term.has(label)) order.push_back(term.axis(label));
      shape.push_back(term.has(label) ? size(label) : 1);
    }
    return in_shape(arranged(term.t, order), shape);
  }

  Term multiply(Term a, Term b) {
    // The two are out of the list, so what is still there is what else needs a label.
    Labels others = output_;
    for (const Term& t : terms_) others += t.labels;
    sum_unneeded(a, others + b.labels);
    sum_unneeded(b, others + a.labels);
    Labels batch, summed, left, right;
    for (const char label : a.labels)
      (!b.has(label) ? left : others.find(label) != Labels::npos ? batch : summed) += label;
    for (const char label : b.labels)
      if (!a.has(label)) right += label;
    const Labels labels = batch + left + right;
    if (labels.size() > static_cast<std::size_t>(kMaxRank))
      throw ShapeError(fmt::format("einsum: '{}': a product on the way has {} axes; a tensor has {} at most", text_,
                                   labels.size(), kMaxRank));
    if (summed.empty()) return {mul(spread(a, labels), spread(b, labels)), labels};
    const Tensor x = as_matrices(a, batch, left, summed), y = as_matrices(b, batch, summed, right);
    Shape shape;
    for (const char label : labels) shape.push_back(size(label));
    return {in_shape(matmul(x, y), shape), labels};
  }

  std::string text_;
  std::vector<Term> terms_;
  Labels output_;
  int dots_ = 0;  // axes of the longest "..."
  std::array<std::int64_t, 256> sizes_ = [] {
    std::array<std::int64_t, 256> unknown{};
    unknown.fill(-1);
    return unknown;
  }();
};

}  // namespace

Tensor einsum(std::string_view equation, std::span<const Tensor> operands, SourceLocation where) {
  const CalledFrom caller(where);
  if (operands.empty()) throw ValueError("einsum: no operands were given");
  return Contraction(equation, operands).run();
}

Tensor einsum(std::string_view equation, std::initializer_list<Tensor> operands, SourceLocation where) {
  return einsum(equation, std::span<const Tensor>(operands.begin(), operands.size()), where);
}

std::span<const OpInfo* const> einsum_ops() { return {}; }

namespace {

/// torch takes operands one by one or as one list; where the equation names one operand, a list is that operand.
Value einsum_call(const Arguments& a) {
  const std::string equation = a.mode(0);
  const Value& given = a.value(1);
  const bool one = equation.find(',') == std::string::npos;
  if (one && given.is<Value::List>() && given.as<Value::List>().size() != 1) return einsum(equation, {a.tensor(1)});
  return einsum(equation, a.tensors(1));
}

}  // namespace

Family einsum_family() {
  static const Function functions[] = {
      {"einsum", "equation, *operands", einsum_call, "einsum('ij,jk->ik', x, y)", "x=randn(2,3) y=randn(3,2)",
       "sum of products over the letters that the result lacks"},
  };
  return {{}, functions};
}

}  // namespace chainrule
