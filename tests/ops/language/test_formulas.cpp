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

using cases::all_cases, cases::Array, cases::difference, cases::gradients, cases::leaf, cases::random_values,
    cases::to_array;

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
  std::uint32_t compared = 0, told = 0;  // bit i: the derivative by input i, and that the other sign would be noticed
  std::string wrong;

  void disagree(const OpInfo& info, std::string_view what, const std::string& how) {
    if (!how.empty() && wrong.empty()) wrong = fmt::format("{}: '{}': {}", info.name, what, how);
  }
  void compare_derivative(const OpInfo& info, std::size_t i, const Tensor& said, const Tensor& wanted) {
    ++derivatives;
    compared |= 1u << i;
    const Array numbers = to_array(wanted);
    disagree(info, info.derivatives[i], difference(said, numbers, 1e-9));
    if (!difference(-said, numbers, 1e-9).empty()) told |= 1u << i;
  }
};
using Proofs = std::map<std::string, Proof>;

/// The value of a text; an empty handle where it is words, or names what is not known here.
Tensor value_of(std::string_view text, language::Names names) {
  const auto program = program_of_formula(text);
  if (!program) return {};
  try {
    const NoGrad only_values;
    return evaluate(*program, names);
  } catch (const Error&) {
    return {};
  }
}

/// The inputs of the operation that made z, as values whose gradient can be asked for. None where one is unknown.
std::vector<Tensor> inputs_of(const Node& node, const std::vector<Tensor>& known) {
  std::vector<Tensor> inputs;
  for (const Edge& edge : node.edges()) {
    const auto same = std::find_if(known.begin(), known.end(), [&](const Tensor& t) {
      return edge.value && t.data() == edge.value->data && t.shape() == edge.value->shape() &&
             t.strides() == Tensor(edge.value).strides();
    });
    if (same != known.end()) {
      inputs.push_back(*same);
    } else if (edge.value && !edge.node) {
      inputs.push_back(Tensor(edge.value).detach());  // a mask, a weight: its derivative is not asked for
    } else {
      return {};
    }
  }
  return inputs;
}

Tensor cotangent_of(const Tensor& z) {
  return leaf(random_values({.shape = z.shape(), .low = -1.5, .high = 1.5}, 7), DType::float64, false);
}

/// Compares the words of the operation that made z; derivatives by those of its inputs that are in `known`.
void compare(const Tensor& z, const std::vector<Tensor>& known, Proofs& proofs) {
  const Node* node = z.node();
  if (!node || !find_op(node->info->name)) return;
  const OpInfo& info = *node->info;
  const std::vector<Tensor> inputs = inputs_of(*node, known);
  const std::string attributes = node->attributes();
  if (inputs.empty() || (!info.elementwise && !attributes.empty())) return;  // axes and the like
  language::Names names;
  bind_attributes(attributes, names);
  for (std::size_t i = 0; i < inputs.size(); ++i) names[input_letter(info, static_cast<int>(i))] = inputs[i].detach();
  Proof& proof = proofs[info.name];
  if (const Tensor value = value_of(info.formula, names); value.defined()) {
    ++proof.formulas;
    proof.disagree(info, info.formula, difference(value, to_array(z), 1e-9));
  }
  names["z"] = z.detach();
  const Tensor cotangent = cotangent_of(z);
  for (std::size_t i = 0; i < inputs.size() && i < info.derivatives.size(); ++i) {
    const char* text = info.derivatives[i];
    if (!text || !inputs[i].requires_grad()) continue;
    const bool whole = !info.elementwise;  // the gradient itself, in which g is what arrives
    if (whole && (!says(text, "g") || z.dim() != 2 || inputs[i].dim() != 2)) continue;
    language::Names also_g = names;
    if (whole) also_g["g"] = cotangent;
    const Tensor derivative = value_of(text, also_g);
    if (!derivative.defined()) continue;
    proof.compare_derivative(info, i,
                             whole ? derivative : sum_to(expand(derivative * cotangent, z.shape()), inputs[i].shape()),
                             gradients(z, {inputs[i]}, cotangent, true)[0]);
  }
}

/// The same for operations over all elements of vectors or square matrices. A derivative is dz/dx_j where z is one
/// number, the matrix of all dz_i/dx_j, or its diagonal, as its shape says.
void compare_whole(const Tensor& z, const std::vector<Tensor>& known, Proofs& proofs) {
  const Node* node = z.node();
  REQUIRE(node);
  const OpInfo& info = *node->info;
  CAPTURE(info.name);
  const std::vector<Tensor> inputs = inputs_of(*node, known);
  REQUIRE(!inputs.empty());
  language::Names names;
  bind_attributes(node->attributes(), names);
  names["n"] = static_cast<std::int64_t>(inputs[0].numel());
  names["I"] = eye(inputs[0].numel(), DType::float64);
  for (std::size_t i = 0; i < inputs.size(); ++i) names[input_letter(info, static_cast<int>(i))] = inputs[i].detach();
  Proof& proof = proofs[info.name];
  const std::string_view formula = info.formula;
  if (const Tensor value = value_of(formula.substr(0, formula.find(", over ")), names); value.defined()) {
    ++proof.formulas;
    proof.disagree(info, formula, difference(value, to_array(z), 1e-9));
  }
  names["z"] = z.detach();
  const Tensor cotangent = cotangent_of(z);
  const bool of_gradient = names.contains("g");
  for (std::size_t i = 0; i < inputs.size() && i < info.derivatives.size(); ++i) {
    if (!info.derivatives[i] || !inputs[i].requires_grad()) continue;
    language::Names also_g = names;
    if (!of_gradient) also_g["g"] = cotangent;
    const Tensor d = value_of(info.derivatives[i], also_g);
    if (!d.defined()) continue;
    const bool is_gradient = !of_gradient && says(info.derivatives[i], "g");
    const bool matrix = z.dim() == 1 && inputs[i].dim() == 1 && d.dim() == 2;
    const Tensor said = is_gradient ? d : matrix ? matmul(cotangent, d) : expand(d * cotangent, inputs[i].shape());
    proof.compare_derivative(info, i, said, gradients(z, {inputs[i]}, cotangent, true)[0]);
  }
}

Proofs prove_whole() {
  const TeachingMode keeping_all_inputs;
  const DoubleLists as_on_the_command_line;
  Proofs proofs;
  std::uint64_t seed = 11;
  const auto made = [&](const Shape& shape, double low, double high) {
    return leaf(random_values({.shape = shape, .low = low, .high = high}, seed++), DType::float64);
  };
  const Tensor x = made({5}, -1.5, 1.5), w = made({5}, 0.5, 2), b = made({5}, -1, 1);
  // A positive determinant, and far from singular.
  const Tensor m = leaf(to_array(made({3, 3}, -0.3, 0.3).detach() + eye(3, DType::float64)), DType::float64);
  for (const Tensor& z :
       {sum(x), mean(x), amax(x), amin(x), var(x), chainrule::std(x), norm(x, 1.5), logsumexp(x, 0), softmax(x, 0),
        log_softmax(x, 0), layer_norm(x, {5}, w, b), rms_norm(x, {5}, w), logdet(m), inverse(m)})
    compare_whole(z, {x, w, b, m}, proofs);
  for (const Tensor& z : {softmax(x, 0), log_softmax(x, 0)}) {
    const Tensor g = made({5}, -1.5, 1.5);
    compare_whole(gradients(z, {x}, g, true)[0], {x, g, z}, proofs);
  }
  return proofs;
}

/// The same for whatever stands above the known values, so that operations that run inside rules are compared, too.
void compare_below(const Tensor& z, const std::vector<Tensor>& known, Proofs& proofs) {
  if (!z.node()) return;
  compare(z, known, proofs);
  const bool ends = std::any_of(known.begin(), known.end(), [&](const Tensor& t) { return t.node() == z.node(); });
  for (const Edge& edge : z.node()->edges())
    if (edge.node && edge.value && !ends) compare_below(Tensor(edge.value), known, proofs);
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
    for (const Tensor& gradient : gradients(z, x, g, true)) compare_below(gradient, known, proofs);
  }
  // The rows of these feed them values that are computed.
  std::vector<Tensor> x;
  for (std::uint64_t seed = 3; seed < 6; ++seed)
    x.push_back(leaf(random_values({.shape = {4}, .low = -1.5, .high = 1.5}, seed), DType::float64));
  for (const Tensor& z : {lerp(x[0], x[1], x[2]), maximum(x[0], x[1]), minimum(x[0], x[1])}) compare(z, x, proofs);
  // A base and an exponent as they are, with no safe ones in their place.
  const auto positive = [](const Shape& shape, std::uint64_t seed) {
    return leaf(random_values({.shape = shape, .low = 0.5, .high = 2}, seed), DType::float64);
  };
  const Tensor base = positive({4}, 6), exponent = positive({}, 7), g = positive({4}, 8);
  for (const Tensor& gradient : gradients(pow(base, exponent), {base, exponent}, g, true))
    compare_below(gradient, {base, exponent, g}, proofs);
  return proofs;
}

}  // namespace

TEST_CASE("formulas: what is said of an operation is what it computes, and its derivative") {
  const Proofs proofs = prove_all();
  std::set<std::string> in_words, of_numbers;
  std::string unseen;
  for (const OpInfo* info : op_registry()) {
    const auto found = proofs.find(info->name);
    if (found != proofs.end()) CHECK(found->second.wrong == "");
    if (!info->elementwise) continue;
    of_numbers.insert(info->name);
    const bool flat = std::string_view(info->derivatives[0] ? info->derivatives[0] : "").empty();
    if (found == proofs.end() || found->second.formulas == 0 || (found->second.derivatives == 0 && !flat))
      in_words.insert(info->name);
    for (std::size_t i = 0; i < info->derivatives.size() && found != proofs.end(); ++i)
      if (info->derivatives[i] && std::string_view(info->derivatives[i]) != "0" && !(found->second.compared >> i & 1u))
        unseen += fmt::format(" {}: '{}'", info->name, info->derivatives[i]);
  }
  // A sum stands above it there, and keeps no value.
  CHECK(unseen == " pow_log: 'x^(y - 1) * (1 + y * log(x))'");
  CHECK(of_numbers.size() > 80);
  // bell stands behind a constant factor, whose rule reads nothing, so that no graph holds its value.
  CHECK(fmt::format("{}", fmt::join(in_words, " ")) == "bell");
}

TEST_CASE("formulas: of whole vectors and matrices, too") {
  std::string formulas, derivatives;
  for (const auto& [name, proof] : prove_whole()) {
    CHECK(proof.wrong == "");
    if (proof.formulas) formulas += " " + name;
    if (proof.derivatives) derivatives += " " + name;
  }
  const std::string all =
      " amax amin inverse layer_norm log_softmax log_softmax_grad logdet logsumexp mean norm rms_norm softmax "
      "softmax_grad std"
      " sum var";
  CHECK(formulas == all);
  CHECK(derivatives == all);
}

TEST_CASE("formulas: a wrong sign in a derivative is noticed") {
  for (Proofs proofs : {prove_all(), prove_whole()})
    for (const auto& entry : proofs) {
      const auto& name = entry.first;
      const auto& proof = entry.second;
      const OpInfo& info = *find_op(name);
      for (std::size_t i = 0; i < info.derivatives.size(); ++i) {
        if (!(proof.compared >> i & 1u) || std::string_view(info.derivatives[i]) == "0") continue;
        CHECK_MESSAGE((proof.told >> i & 1u), name, ": '", info.derivatives[i], "'");
      }
    }
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
  CHECK(program_of_formula("diag(z) - z z^T") == "diag(z) - outer(z, z)");
  CHECK(program_of_formula("I - 1 exp(z)^T / n") == "I - outer(ones(n), exp(z)) / n");
  CHECK(program_of_formula("1 (picked elements)") == std::nullopt);
  CHECK(program_of_formula("windows of x") == std::nullopt);
  CHECK(program_of_formula("x[0] + ... + x[k]") == std::nullopt);
  CHECK(program_of_formula("z = x + 1, over the last axes") == std::nullopt);
  CHECK(program_of_formula("1 at i, else 0") == std::nullopt);
}
