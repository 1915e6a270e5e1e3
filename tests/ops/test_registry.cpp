// The registry is complete: names are unique, every entry explains itself, has a row in the test table (or is run by
// the derivatives of one) and a line in ops/OPERATIONS.md; and what the graph records comes from the registry.
#include <doctest/doctest.h>

#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include "engine/traverse.h"
#include "ops/registry.h"
#include "tests/ops/numeric.h"

using namespace chainrule;
using namespace chainrule::cases;

namespace {

/// Names of all operations that first and second derivatives of a row record.
std::set<std::string> operations_run(const Case& c) {
  std::set<std::string> names;
  auto collect = [&](const std::vector<Tensor>& results) {
    std::vector<Tensor> roots;
    for (const Tensor& t : results)
      if (t.node()) roots.push_back(t);
    if (roots.empty()) return;
    const Traversal graph(roots);
    for (std::size_t i = 0; i < graph.size(); ++i) {
      names.insert(graph.node(i).info->name);
      CHECK(find_op(graph.node(i).info->name) == graph.node(i).info);
    }
  };
  std::vector<Tensor> x = leaves(random_inputs(c, 1), DType::float64);
  const Tensor z = c.f(x);
  collect({z});
  if (c.order < 1) return names;
  const std::size_t inputs = x.size();
  x.push_back(leaf(Array(z.shape(), 0.5), DType::float64));
  const auto first = gradients(z, {x.begin(), x.begin() + inputs}, x.back(), true);
  collect(first);
  for (const Tensor& g : first)
    if (c.order > 1) collect(gradients(g, x, leaf(Array(g.shape(), 0.5), DType::float64), true));
  return names;
}

}  // namespace

TEST_CASE("every operation explains itself, under one name") {
  std::set<std::string> names;
  for (const OpInfo* info : op_registry()) {
    const std::string name = info->name;
    CAPTURE(name);
    CHECK(names.insert(name).second);
    CHECK(std::regex_match(name, std::regex("[a-z][a-z0-9_]*")));
    CHECK(std::string(info->formula).starts_with("z"));
    CHECK(find_op(name) == info);
    // A derivative for each input that a rule sends to; operations without any say so by having no text at all.
    CHECK((info->derivatives[0] != nullptr || std::string(info->kinks).find("no derivative") != std::string::npos));
  }
  CHECK(find_op("no such operation") == nullptr);
  CHECK(names.size() == op_registry().size());
}

TEST_CASE("every operation has a row in the test table") {
  std::set<std::string> covered;
  for (const Case& c : all_cases()) {
    CAPTURE(title(c));
    CHECK(find_op(c.op) != nullptr);
    covered.insert(c.op);
    const auto names = operations_run(c);
    if (c.order > 0) CHECK(names.contains(c.op));
    for (const std::string& other : c.runs) {
      CAPTURE(other);
      CHECK(names.contains(other));
      covered.insert(other);
    }
  }
  for (const OpInfo* info : op_registry()) {
    const std::string name = info->name;
    CAPTURE(name);
    CHECK(covered.contains(name));
  }
  for (const AxisReduction& r : axis_reductions()) CHECK(find_op(r.op) != nullptr);
}

TEST_CASE("every operation is named in ops/OPERATIONS.md") {
  std::ifstream file(std::string(CHAINRULE_SOURCE_DIR) + "/ops/OPERATIONS.md");
  std::stringstream text;
  text << file.rdbuf();
  for (const OpInfo* info : op_registry()) {
    const std::string name = info->name;
    CAPTURE(name);
    const bool has_row = text.str().find("\n| " + name + " |") != std::string::npos;
    const bool is_named = text.str().find("`" + name + "`") != std::string::npos;
    CHECK((has_row || is_named));
  }
}
