// The table of operations in ops/OPERATIONS.md is what the registry says. CHAINRULE_RENEW_GOLDEN=1 writes it anew.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <set>
#include <sstream>

#include "ops/language/bindings.h"
#include "ops/language/cost.h"
#include "ops/registry.h"
#include "ops/signature.h"
#include "tools/verbs/ops_table.h"

using namespace chainrule;
using namespace chainrule::language;

TEST_CASE("the table of operations in ops/OPERATIONS.md is fresh") {
  const std::string path = CHAINRULE_SOURCE_DIR "/ops/OPERATIONS.md";
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  const std::string page = text.str(), begin = "<!-- table: chainrule ops --markdown -->\n",
                    end = "<!-- end of table -->";
  const auto from = page.find(begin), to = page.find(end);
  REQUIRE(from != std::string::npos);
  REQUIRE(to != std::string::npos);
  const std::string table = page.substr(from + begin.size(), to - from - begin.size());
  if (std::getenv("CHAINRULE_RENEW_GOLDEN"))
    std::ofstream(path) << page.substr(0, from + begin.size()) << operations_as_markdown() << page.substr(to);
  else
    CHECK_MESSAGE(table == operations_as_markdown(), "run this test once with CHAINRULE_RENEW_GOLDEN=1");
}

TEST_CASE("every function says how it is called, and every operation what it costs") {
  std::set<std::string> names;
  for (const Function* f : functions()) {
    CAPTURE(f->name);
    CHECK(names.insert(f->name).second);
    CHECK(find_function(f->name) == f);
    CHECK_NOTHROW(parameters_of(*f));
    CHECK(std::string(f->example).find(f->name) != std::string::npos);
    const OpInfo* info = find_op(f->name);
    CHECK((info != nullptr || f->formula[0] != '\0'));
    if (!info) continue;
    const std::vector<Shape> inputs(4, Shape{2, 3});
    CHECK_MESSAGE(flops_of(*info, inputs, {2, 3}) >= 0, info->flops);
  }
}
