// The words of the registry are the mathematics of the rules: each formula and derivative that an expression can say is
// evaluated over the whole table of cases and compared with the value and the gradient.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <set>

#include "engine/node.h"
#include "engine/system/text.h"
#include "ops/language/evaluate.h"
#include "ops/language/formulas.h"
#include "ops/registry.h"
#include "tests/ops/language/double_lists.h"
#include "tests/ops/numeric.h"

using namespace chainrule;
using chainrule::language::evaluate;
using chainrule::language::program_of_formula;
using chainrule::testing::DoubleLists;

namespace {

using cases::all_cases, cases::difference, cases::gradients, cases::leaf, cases::random_values, cases::to_array;

/// "alpha=2, beta=0.5" as values; modes are left out.
void bind_attributes(const std::string& text, language::Names& names) {
  std::size_t begin = 0;
  while (begin < text.size()) {
    const std::size_t end = std::min(text.find(", ", begin), text.size()), equals = text.find('=', begin);
    if (equals < end)
      if (const LeadingNumber number = leading_number(std::string_view(text).substr(equals + 1)); number.length > 0)
        names[text.substr(begin, equals - begin)] = number.value;
    begin = end + 2;
  }
}

bool says(std::string_view formula, std::string_view letter) {
  const auto word = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  for (std::size_t at = formula.find(letter); at != std::string_view::npos; at = formula.find(letter, at + 1)) {
    const bool before = at > 0 && word(formula[at - 1]);
    const std::size_t end = at + letter.size();
    if (!before && (end == formula.size() || !word(formula[end]))) return true;
  }
  return false;
}

/// What was compared of an operation's words, and what disagreed.
struct Proof {
  int formulas = 0, derivatives = 0;
  std::string wrong;
};
using Proofs = std::map<std::string, Proof>;

/// Compares the words of the operation that made z; derivatives by those of its inputs that are in `known`.
void compare(const Tensor& z, const std::vector<Tensor>& known, Proofs& proofs) {
  const Node* node = z.node();
  if (!node || !find_op(node->info->name)) return;
  const OpInfo& info = *node->info;
  std::vector<Tensor> inputs;
  for (const Edge& edge : node->edges()) {
    const auto same = std::find_if(known.begin(), known.end(), [&](const Tensor& t) {
      return edge.value && t.data() == edge.value->data && t.shape() == edge.value->shape();
    });
    if (same != known.end()) {
      inputs.push_back(*same);
    } else if (edge.value && !edge.node) {
      inputs.push_back(Tensor(edge.value).detach());  // a mask, a weight: its derivative is not asked for
    } else {
      return;
    }
  }
  const std::string attributes = node->attributes();
  if (!info.elementwise && !attributes.empty()) return;  // axes and the like
  language::Names names;
  bind_attributes(attributes, names);
  for (std::size_t i = 0; i < inputs.size(); ++i) names[input_letter(info, static_cast<int>(i))] = inputs[i].detach();
  Proof& proof = proofs[info.name];
  const auto value_of = [&](std::string_view text) -> Tensor {
    const auto program = program_of_formula(text);
    if (!program) return {};
    try {
      const NoGrad only_values;
      return evaluate(*program, names);
    } catch (const Error& e) {
      return {};
    }
  };
  const auto disagree = [&](std::string_view what, const std::string& how) {
    if (!how.empty() && proof.wrong.empty()) proof.wrong = fmt::format("{}: '{}': {}", info.name, what, how);
  };

  if (const Tensor value = value_of(info.formula); value.defined()) {
    ++proof.formulas;
    disagree(info.formula, difference(value, to_array(z), 1e-9));
  }
  names["z"] = z.detach();
  const Tensor cotangent =
      leaf(random_values({.shape = z.shape(), .low = -1.5, .high = 1.5}, 7), DType::float64, false);
  for (std::size_t i = 0; i < inputs.size() && i < info.derivatives.size(); ++i) {
    const char* text = info.derivatives[i];
    if (!text || !inputs[i].requires_grad()) continue;
    const bool whole = !info.elementwise;  // the gradient itself, in which g is what arrives
    if (whole && (!says(text, "g") || z.dim() != 2 || inputs[i].dim() != 2)) continue;
    language::Names before = names;
    if (whole) names["g"] = cotangent;
    const Tensor derivative = value_of(text);
    names = before;
    if (!derivative.defined()) continue;
    ++proof.derivatives;
    const Tensor wanted = gradients(z, {inputs[i]}, cotangent, true)[0];
    const Tensor said = whole ? derivative : sum_to(expand(derivative * cotangent, z.shape()), inputs[i].shape());
    disagree(text, difference(said, to_array(wanted), 1e-9));
  }
}

Proofs prove_all() {
  const TeachingMode keeping_all_inputs;
  const DoubleLists as_on_the_command_line;
  Proofs proofs;
  for (const cases::Case& c : all_cases()) {
    const std::vector<Tensor> x = cases::leaves(cases::random_inputs(c, 1), DType::float64);
    const Tensor z = c.f(x);
    compare(z, x, proofs);
    if (c.order < 2) continue;
    const Tensor g = leaf(random_values({.shape = z.shape(), .low = -1.5, .high = 1.5}, 2), DType::float64);
    std::vector<Tensor> known = x;
    known.push_back(g);
    known.push_back(z);
    for (const Tensor& gradient : gradients(z, x, g, true)) compare(gradient, known, proofs);
  }
  return proofs;
}

}  // namespace

TEST_CASE("formulas: what is said of an operation is what it computes, and its derivative") {
  const Proofs proofs = prove_all();
  std::set<std::string> in_words, of_numbers;
  for (const OpInfo* info : op_registry()) {
    const auto found = proofs.find(info->name);
    if (found != proofs.end()) CHECK(found->second.wrong == "");
    if (!info->elementwise) continue;
    of_numbers.insert(info->name);
    const bool flat = std::string_view(info->derivatives[0] ? info->derivatives[0] : "").empty();
    if (found == proofs.end() || found->second.formulas == 0 || (found->second.derivatives == 0 && !flat))
      in_words.insert(info->name);
  }
  CHECK(of_numbers.size() > 80);
  // gelu has two forms, and its words name the normal distribution; clamp's bounds are called as in PyTorch.
  // The last three run inside rules only.
  // The rows of these two feed them a value that is computed, so they may go uncompared.
  in_words.erase("maximum"), in_words.erase("minimum");
  CHECK(fmt::format("{}", fmt::join(in_words, " ")) ==
        "bell clamp gelu gelu_grad gelu_tanh_grad hypot_grad one_minus_square");
}

TEST_CASE("formulas: mathematics as a program") {
  CHECK(program_of_formula("z = x^2") == "x**2");
  CHECK(program_of_formula("z = |x - y|^p") == "abs(x - y)**p");
  CHECK(program_of_formula("g @ y^T") == "g @ y.T");
  CHECK(program_of_formula("-z^T @ g @ a^-T * b^-1") == "-z.T @ g @ inverse(a).T * inverse(b)");
  CHECK(program_of_formula("z = min(max(x, 0), 6)") == "minimum(maximum(x, 0), 6)");
  CHECK(program_of_formula("1 where x > 0, else a") == "where(x > 0, (1), (a))");
  CHECK(program_of_formula("1 where a < x <= b, else 0 where x = 7, else 2") ==
        "where(a < x <= b, (1), where(x == 7, (0), (2)))");
  CHECK(program_of_formula("s * t, s = exp(t), t = x + 1") == "t = x + 1; s = exp(t); s * t");
  CHECK(program_of_formula("1 (picked elements)") == std::nullopt);
  CHECK(program_of_formula("windows of x") == std::nullopt);
}
