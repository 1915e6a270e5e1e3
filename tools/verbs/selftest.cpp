// The self test. The examples of the function table are held against the registry, so that no operation is forgotten.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <chrono>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>

#include "engine/check/gradcheck.h"
#include "engine/draw/diagram.h"
#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/traverse.h"
#include "engine/types/error.h"
#include "ops/kernels/parallel.h"
#include "ops/language/bindings.h"
#include "ops/ops.h"
#include "ops/registry.h"
#include "tools/program/program.h"
#include "tools/verbs/digits_net.h"
#include "tools/verbs/verbs.h"

namespace chainrule {
namespace {

/// Notes the operations that a result, its gradient and its second gradient are recorded with.
void note_operations(const Tensor& result, const std::vector<Tensor>& leaves, std::set<std::string>& seen) {
  auto note = [&](const Tensor& t) {
    const Traversal graph(std::span(&t, 1));
    for (std::size_t i = 0; i < graph.size(); ++i) seen.insert(graph.node(i).info->name);
  };
  Tensor last = sum(square(result));  // squared, so that gradients depend on the inputs
  note(last);
  for (int order = 1; order <= 2 && last.requires_grad(); ++order) {
    Tensor next;
    for (const Tensor& g : grad(std::vector{last}, leaves, {.create_graph = true, .allow_unused = true})) {
      if (!g.defined() || !g.requires_grad()) continue;
      const Tensor term = sum(g * g);
      next = next.defined() ? next + term : term;
    }
    if (!next.defined()) break;
    note(next);
    last = next;
  }
}

class SelfTest {
 public:
  explicit SelfTest(bool json) : json_(json) {}

  int run() {
    const auto start = std::chrono::steady_clock::now();
    derivatives();
    training();
    diagram();
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    if (json_) {
      print_json({{"ok", failures_ == 0}, {"seconds", seconds}, {"checks", checks_}});
      return failures_ == 0 ? 0 : 1;
    }
    fmt::print("selftest: {} ({:.1f} s)\n",
               failures_ == 0 ? "everything works" : fmt::format("{} checks failed", failures_), seconds);
    return failures_ == 0 ? 0 : 1;
  }

 private:
  void line(bool ok, const char* what, const std::string& facts) {
    if (json_)
      checks_.push_back({{"name", what}, {"ok", ok}, {"facts", facts}});
    else
      fmt::print("{:<4} {:<12} {}\n", ok ? "ok" : "FAIL", what, facts);
    if (!ok) ++failures_;
  }

  void derivatives() {
    std::set<std::string> seen;
    int right = 0, checked = 0, called = 0;
    for (const Function* f : functions()) {
      try {
        const ExampleCheck check = check_example(*f);
        ++called;
        if (!check.differentiable) continue;
        ++checked;
        if (check.report.ok())
          ++right;
        else
          line(false, f->name, "\n" + to_string(check.report));
        note_operations(check.result, check.leaves, seen);
      } catch (const Error& e) {
        line(false, f->name, e.what());
      }
    }
    // What the one example of a function does not run: another mode of it, or its second derivative.
    static const Function more[] = {
        {"gelu", "", nullptr, "gelu(x)", "x=[1,-2,0.5]"},
        {"median", "", nullptr, "median(x, dim=0)", "x=[3,1,2]"},
        {"cross_entropy", "", nullptr, "cross_entropy(x, softmax(y, dim=1))", "x=[[1,2,3]] y=[[2,0,1]]"}};
    for (const Function& f : more) {
      const ExampleCheck check = check_example(f);
      if (!check.report.ok()) line(false, f.name, "\n" + to_string(check.report));
      note_operations(check.result, check.leaves, seen);
    }
    std::vector<std::string> missed;
    for (const OpInfo* info : op_registry())
      if (info->derivatives[0] && !seen.contains(info->name)) missed.push_back(info->name);
    line(right == checked, "derivatives",
         fmt::format("{} of {} functions, order one and two, {} operations", right, checked, seen.size()));
    line(called == static_cast<int>(functions().size()), "functions", fmt::format("{} called by name", called));
    if (!missed.empty()) line(false, "coverage", fmt::format("not reached: {}", fmt::join(missed, " ")));
  }

  void training() {
    const ImageSplit digits = load_digits();
    auto train_one_epoch = [&](int threads) {
      set_num_threads(threads);
      Generator generator(1);
      std::vector<Tensor> parameters = make_digits_net(generator);
      const auto history = train_digits(digits, parameters, generator, {.epochs = 1},
                                        [](double, const EpochRecord*, double) { return true; });
      std::vector<double> bits{history[0].loss, history[0].test_accuracy};
      for (const Tensor& p : parameters)
        for (const double v : p.to_vector()) bits.push_back(v);
      return bits;
    };
    const auto one = train_one_epoch(1), two = train_one_epoch(2);
    set_num_threads(0);
    line(one[1] > 0.8, "training", fmt::format("one epoch of digits: {:.1f} % of the test set right", 100 * one[1]));
    line(one == two, "threads", "one thread and two give the same bits");
  }

  void diagram() {
    const Tensor x = variable(2, "x");
    const Tensor y = (x * x).label("y");
    y.backward();
    const std::string dot = graph_to_dot(y);
    const bool good = dot.starts_with("digraph") && dot.find(">4<") != std::string::npos && dot == graph_to_dot(y);
    line(good && x.grad().item() == 4, "diagrams", fmt::format("{} bytes of DOT, the same each time", dot.size()));
  }

  bool json_;
  nlohmann::ordered_json checks_ = nlohmann::ordered_json::array();
  int failures_ = 0;
};

struct SelftestOptions {
  bool json = false;
};

/// 0, or 1 when a check said no.
int run_selftest(const SelftestOptions& o) { return SelfTest(o.json).run(); }

}  // namespace

void add_selftest_verb(CommandLine& app) {
  add_verb<SelftestOptions>(
      app, "selftest", "Does this build work here? Every derivative, the diagrams, the training; one verdict",
      "chainrule selftest",
      [](CLI::App& verb, SelftestOptions& o) { verb.add_flag("--json", o.json, "One JSON object instead of lines"); },
      run_selftest);
}

}  // namespace chainrule
