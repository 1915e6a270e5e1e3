// Graphs that C++ wrote as JSON hold no program. Read back, they evaluate, differentiate and draw the same, or say in a
// sentence why they cannot.
#include <doctest/doctest.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>
#include <set>
#include <sstream>

#include "engine/backward.h"
#include "engine/draw/diagram.h"
#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/system/file.h"
#include "engine/system/process.h"
#include "engine/types/error.h"
#include "ops/language/bindings.h"
#include "ops/ops.h"
#include "tests/engine/custom_rule.h"
#include "tests/temporary_folder.h"
#include "tests/text.h"
#include "tests/tools/command.h"
#include "tools/program/program.h"

using namespace chainrule;
using namespace chainrule::language;
using chainrule::testing::command;
using chainrule::testing::contains;
using chainrule::testing::message_of;
using Folder = chainrule::testing::TemporaryFolder;
using OrderedJson = nlohmann::ordered_json;

namespace {

LoadedProgram read_back(const std::string& path) {
  ProgramOptions options;
  options.program = "@" + path;
  return load_program(options);
}

std::vector<double> numbers(const Tensor& t) { return t.defined() ? t.to_vector() : std::vector<double>{}; }

/// Writes and reads a graph. Throws what reading throws.
void check_same(const Tensor& z, const std::vector<Tensor>& leaves, const std::string& path, bool drawn) {
  const GraphOptions bare{.title = "t", .gradients = false, .local_derivatives = false, .fold_above = 0};
  write_graph(path, z, {.fold_above = 0});
  Names names;
  const LoadedProgram loaded = read_back(path);
  const Tensor again = loaded.run(names);
  CHECK(again.shape() == z.shape());
  CHECK(numbers(again) == numbers(z));
  if (drawn) CHECK(graph_to_text(again, bare) == graph_to_text(z, bare));
  if (!z.requires_grad()) return;
  std::vector<Tensor> by;
  for (const Tensor& leaf : leaves) {
    const auto at = std::find_if(loaded.bindings.leaves.begin(), loaded.bindings.leaves.end(),
                                 [&](const Tensor& t) { return t.label() == leaf.label(); });
    if (at != loaded.bindings.leaves.end()) by.push_back(*at);
  }
  GradOptions options{.allow_unused = true};
  options.cotangents = {ones(z.shape(), {.dtype = z.dtype()})};
  const std::vector<Tensor> expected = grad({z}, leaves, options), got = grad({again}, by, options);
  CHECK(got.size() <= expected.size());
  std::size_t k = 0;
  for (std::size_t i = 0; i < leaves.size(); ++i)
    if (k < by.size() && by[k].label() == leaves[i].label()) CHECK(numbers(got[k++]) == numbers(expected[i]));
}

}  // namespace

TEST_CASE("graph files: the graph of every function comes back, or says why not") {
  const Folder folder;
  set_default_dtype(DType::float64);
  std::set<std::string> refused;
  for (const Function* f : functions()) {
    INFO(std::string(f->example));
    const Bindings bindings = bind_text(f->with);
    Names names = bindings.names;
    const TeachingMode keep;
    const Tensor z = to_tensor(evaluate(parse(f->example), names), f->name);
    try {
      check_same(z, bindings.leaves, folder / "g.json", f->name != std::string_view("median"));
    } catch (const Error& e) {
      CHECK(contains(e.what(), "is no graph that can be read back: "));
      refused.insert(f->name);
    }
  }
  // What their operations were set to is not in a graph: numbers of elements to keep, masks of chance, inner
  // operations.
  CHECK(refused == std::set<std::string>{"conv_transpose2d", "diag", "dropout", "max_unpool2d", "slogdet"});
  set_default_dtype(DType::float32);
}

TEST_CASE("graph files: settings come back") {
  const Folder folder;
  set_default_dtype(DType::float64);
  for (const char* program :
       {"max(x, dim=1, keepdim=True)", "sort(x, dim=0, descending=True)", "topk(x, 2, dim=1, largest=False)",
        "pad(x, [1, 2, 0, 1], value=3)", "x[:, ::2] * x[1:, 0]", "norm(x, p=3, dim=1)", "std(x, dim=0, correction=0)",
        "sum(x, dim=[0, 1], keepdim=True)", "layer_norm(x, [3], eps=0.1)", "clamp(x, min=0)",
        "gelu(x, approximate='tanh')", "cross_entropy(x, [0, 2], label_smoothing=0.1, reduction='sum')",
        "cat([x, x.T[:2] @ x, x], dim=0)",
        "avg_pool2d(x[None], (2, 1), padding=(1, 0), count_include_pad=False, ceil_mode=True)",
        "conv2d(x[None, None], x[:1, :2][None, None], stride=2, padding=1)", "leaky_relu(x, 0.3) ** 2 - 1e-3 * x"}) {
    INFO(std::string(program));
    const Bindings bindings = bind_text("x=[[1.5,-2,0.25],[3,0.5,-0.75]]");
    Names names = bindings.names;
    const TeachingMode keep;
    try {
      check_same(to_tensor(evaluate(parse(program), names), "z"), bindings.leaves, folder / "g.json", true);
    } catch (const Error& e) {
      FAIL_CHECK(std::string(e.what()));
    }
  }
  set_default_dtype(DType::float32);
}

TEST_CASE("graph files: a graph of C++ with new values for its inputs") {
  const Folder folder;
  const std::string path = folder / "price.json";
  const Tensor apple = variable(100, "apple"), count = variable(2, "count"), tax = variable(1.1, "tax");
  write_graph(path, (apple * count * tax).label("price"));
  const ProcessResult same = command({"eval", "@" + path}), more = command({"eval", "@" + path, "count=3"});
  CHECK_MESSAGE(same.out == "220\n", same.err);
  CHECK_MESSAGE(more.out == "330\n", more.err);
  CHECK(contains(command({"grad", "@" + path}).out, "∂apple  = 2.2"));
  CHECK(contains(command({"graph", "@" + path, "--title", "t"}).out, "price           220"));
  CHECK(contains(command({"graph", "@" + path}).out, "price = apple × count × tax\n"));
  CHECK(contains(command({"graph", "y = 2 * x\n\n y + 1\n", "x=3"}).out, "y = 2 * x; y + 1\n"));
}

TEST_CASE("graph files: what is missing or wrong is said in a sentence") {
  const Folder folder;
  const std::string path = folder / "g.json";
  const auto refusal = [&](const std::string& text) {
    write_file(path, text);
    return message_of<ValueError>([&] { (void)read_back(path); });
  };
  const Tensor x = variable(3, "x"), large = ones({5000}, {.requires_grad = true}).label("large");
  const std::string good = graph_to_json(x * 2 + 1);
  CHECK(contains(refusal(graph_to_json({x * 2, x * 3})), "several results"));
  CHECK(contains(refusal(graph_to_json(sum(large * 2))), "the numbers of large are not in it: "));
  CHECK(contains(refusal(graph_to_json(sum(ones({2}, {.requires_grad = true}) - 1))),
                 "the numbers of a constant are not in it: "));
  {
    const ModuleScope net("net", "Net");
    const Tensor y = sin(cos(x * 2));
    CHECK(contains(refusal(graph_to_json(y, {.depth = 0})), "folded"));
  }
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    const std::size_t at = text.find(from);
    REQUIRE(at != std::string::npos);
    return refusal(text.replace(at, from.size(), to));
  };
  CHECK(contains(changed("\"mul\"", "\"mull\""), "no function to repeat its operation mull"));
  CHECK(contains(changed("\"mul\"", "\"div\""), "give another result"));
  CHECK(contains(changed("\"from\": 0", "\"from\": 99"), "an edge's 'from' is no node"));
  CHECK(contains(changed("\"from\": 0", "\"from\": 4"), "not in the order"));
  CHECK(contains(changed("\"id\": 1", "\"id\": 0"), "ids 0, 1, 2"));
  CHECK(contains(changed("\"nodes\"", "\"notes\""), "no list of nodes"));
  CHECK(contains(changed("\"kind\": \"result\"", "\"kind\": \"input\""), "no result"));
}

TEST_CASE("graph files: damaged in any way they are refused or evaluated, and nothing else happens") {
  const Folder folder;
  const std::string path = folder / "g.json";
  set_default_dtype(DType::float64);
  const Tensor x = variable({1, 2}, "x"), w = variable({{1, 2}, {3, 4}}, "w");
  const std::string good = graph_to_json(sum(softmax(matmul(w, x), 0) * 2.5));
  std::vector<std::string> lines;
  std::istringstream text(good);
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  std::mt19937 random(7);
  const auto any = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  int refused = 0;
  const int rounds = std::getenv("CHAINRULE_SANITIZED") ? 150 : 600;
  for (int round = 0; round < rounds; ++round) {
    std::vector<std::string> damaged = lines;
    const std::size_t at = any(lines.size()), from = any(lines.size());
    switch (round % 4) {
      case 0:
        damaged.erase(damaged.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 1:
        damaged[at] = lines[from];
        break;
      case 2:
        damaged[at][any(std::max<std::size_t>(damaged[at].size(), 1))] = "0-9\"{}[],:ex\xff"[any(14)];
        break;
      default: {
        const std::size_t digit = damaged[at].find_first_of("0123456789");
        if (digit != std::string::npos) damaged[at].replace(digit, 1, std::to_string(random()));
      }
    }
    write_file(path, fmt::format("{}\n", fmt::join(damaged, "\n")));
    try {
      const LoadedProgram loaded = read_back(path);
      Names names;
      (void)loaded.run(names);
    } catch (const Error& e) {
      ++refused;
      CHECK(std::string(e.what()).find('\n') == std::string::npos);
    }
  }
  CHECK(refused > rounds / 4);
  set_default_dtype(DType::float32);
}
