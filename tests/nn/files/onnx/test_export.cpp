// What is written: sound to ONNX's own checker, the same numbers when it is read again and when onnxruntime runs it.
// Oracles: the network itself, the reference checker (libonnx), onnxruntime-node from npm (skipped without it).
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "engine/factory.h"
#include "engine/system/file.h"
#include "engine/types/error.h"
#include "nn/files/onnx/graph.h"
#include "nn/files/onnx/onnx.h"
#include "nn/files/onnx/table.h"
#include "nn/layers.h"
#include "ops/registry.h"
#include "tests/nn/files/onnx/cases.h"
#include "tests/nn/files/onnx/checker.h"
#include "tests/nn/files/onnx/runtime.h"
#include "tests/temporary_folder.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

Tensor evaluated(Module& net, const Tensor& x) {
  net.eval();
  return net(x);
}

/// The example twice, one above the other: a batch of another size.
Tensor doubled(const Tensor& x) { return cat({x, x * 0.5}, 0); }

bool skips() {
  if (internal::has_onnx()) return false;
  MESSAGE("skipped: built without libonnx-dev");
  return true;
}

std::string error_of(const std::function<void()>& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

}  // namespace

TEST_CASE("every row that writes has a case, and names an operation that there is") {
  std::set<std::string> tested;
  for (const OnnxCase& each : onnx_cases()) tested.insert(each.ours);
  tested.insert({"embedding", "dropout"});  // in cases of their own, below
  for (const OpInfo* op : op_registry()) {
    CAPTURE(op->name);
    CHECK((internal::find_onnx_writer(op->name) == nullptr || tested.contains(op->name)));
  }
  for (const std::string& name : tested) {
    CAPTURE(name);
    CHECK(find_op(name) != nullptr);
    CHECK(internal::find_onnx_writer(name) != nullptr);
  }
}

TEST_CASE("networks are written, checked, read again and give the same numbers, here and in onnxruntime") {
  if (skips()) return;
  const TemporaryFolder folder;
  std::vector<OnnxCase> cases = onnx_cases();
  for (OnnxCase& each : cases) {
    CAPTURE(each.name);
    const std::string path = folder / (each.name + ".onnx");
    save_onnx(*each.net, each.x, path, {.dynamic_batch = each.batch});
    const std::string checked = check_onnx_file(path);
    CHECK((checked == "" || checked == "no checker"));
    const auto again = load_onnx(path);
    const Tensor x = each.batch ? doubled(each.x) : each.x;
    const Tensor ours = evaluated(*each.net, x), read = (*again)(x);
    CHECK(read.shape() == ours.shape());
    CHECK(read.dtype() == ours.dtype());
    CHECK(distance(read.to_vector(), ours.to_vector()) < 1e-6);
    write_file(folder / (each.name + ".in"), line_of("input", x));
  }
  if (!run_onnxruntime(folder)) return;
  int compared = 0;
  for (OnnxCase& each : cases) {
    CAPTURE(each.name);
    const Tensor ours = evaluated(*each.net, each.batch ? doubled(each.x) : each.x);
    CHECK(distance(onnxruntime_result(folder, each.name), ours.to_vector()) < 1e-5);
    ++compared;
  }
  MESSAGE(compared, " networks compared with onnxruntime");
}

TEST_CASE("parameters and buffers keep their names, are trained further, and other things are as before") {
  if (skips()) return;
  const TemporaryFolder folder;
  Sequential net{Linear(4, 3), ReLU(), Linear(3, 2)};
  const auto names = [](const std::vector<NamedTensor>& list) {
    std::vector<std::string> all;
    for (const auto& each : list) all.push_back(each.name);
    std::sort(all.begin(), all.end());
    return all;
  };
  save_onnx(net, ones({2, 4}), folder / "net.onnx", {.input_names = {"pixels"}, .output_names = {"scores"}});
  CHECK(net.is_training());
  const auto again = load_onnx(folder / "net.onnx");
  CHECK(again->input_names() == std::vector<std::string>{"pixels"});
  CHECK(again->output_names() == std::vector<std::string>{"scores"});
  CHECK(names(again->parameters()) == names(net.parameters()));
  sum(square((*again)(ones({5, 4})))).backward();
  sum(square(net(ones({5, 4})))).backward();
  for (const auto& mine : net.parameters())
    for (const auto& other : again->parameters())
      if (mine.name == other.name)
        CHECK(distance(other.tensor.grad().to_vector(), mine.tensor.grad().to_vector()) < 1e-6);

  for (OnnxCase& each : onnx_cases()) {
    if (each.name != "network") continue;
    save_onnx(*each.net, each.x, folder / "network.onnx");
    const auto read = load_onnx(folder / "network.onnx");
    CHECK(names(read->parameters()) == names(each.net->parameters()));
    CHECK(names(read->buffers()) == names(each.net->buffers()));
  }
}

TEST_CASE("a network of several inputs and outputs") {
  if (skips()) return;
  struct Two : ModuleOf<Two> {
    Parameter weight{*this, "weight", full({4}, 0.5)};
    std::vector<Tensor> forward(const Tensor& x, const Tensor& y) { return {x * weight + y, matmul(x, transpose(y))}; }
  };
  const TemporaryFolder folder;
  Two net;
  const Tensor x = randn({3, 4}), y = randn({3, 4});
  save_onnx(net, std::tuple{x, y}, folder / "two.onnx", {.dynamic_batch = false});
  CHECK(check_onnx_file(folder / "two.onnx").size() <= std::string("no checker").size());
  const auto again = load_onnx(folder / "two.onnx");
  CHECK(again->input_names() == std::vector<std::string>{"input_0", "input_1"});
  const std::vector<Tensor> inputs{x * 2, y}, ours = net(x * 2, y), read = (*again)(inputs);
  REQUIRE(read.size() == 2);
  for (std::size_t i = 0; i < 2; ++i) CHECK(distance(read[i].to_vector(), ours[i].to_vector()) < 1e-6);
}

TEST_CASE("tables of rows are read by whole numbers") {
  if (skips()) return;
  const TemporaryFolder folder;
  const Tensor table = randn({7, 3}).set_requires_grad();
  FunctionNet net([table](const Tensor& i) { return sum(embedding(i, table), {1}); });
  const Tensor i = tensor({{0, 6, 2}, {5, 5, 1}});
  save_onnx(net, i, folder / "rows.onnx");
  const auto again = load_onnx(folder / "rows.onnx");
  const Tensor other = tensor({{1, 2, 3}, {4, 5, 6}, {0, 0, 6}});
  CHECK(distance((*again)(other).to_vector(), net(other).to_vector()) < 1e-6);
  CHECK(check_onnx_file(folder / "rows.onnx").size() <= std::string("no checker").size());
}

TEST_CASE("what cannot be written is refused by name, and the old file stays") {
  if (skips()) return;
  const TemporaryFolder folder;
  const std::string path = folder / "net.onnx";
  write_file(path, "old");
  const auto refusal = [&](const std::function<Tensor(const Tensor&)>& f, const Tensor& x, const OnnxOptions& o = {}) {
    FunctionNet net(f);
    return error_of([&] { save_onnx(net, x, path, o); });
  };
  const auto has = [](const std::string& text, const std::string& part) {
    CAPTURE(text);
    CHECK(text.find(part) != std::string::npos);
  };
  const Tensor x = tensor({{0.2, 0.9, 0.4, 1.3}, {0.7, 0.1, 2.5, 0.3}, {1.1, 0.8, 0.6, 0.5}});
  has(refusal([](const Tensor& t) { return digamma(t); }, x), "'digamma' has no counterpart in ONNX, opset 17");
  has(refusal([](const Tensor& t) { return digamma(t); }, x), "test_export.cpp:");
  has(refusal([](const Tensor& t) { return dropout(t, 0.5, true); }, x), "it draws random numbers");
  has(refusal([](const Tensor& t) { return where(t > 0.5, t, 0); }, x), "the network is another one for other inputs");
  has(refusal([](const Tensor& t) { return sum(t).item() > 0 ? t * 2 : t * 3; }, x), "another one for other inputs");
  has(refusal([](const Tensor& t) { return t + t.detach() * 2; }, x), "another one for other inputs");
  has(refusal([](const Tensor& t) { return sum(t, {0}) / static_cast<double>(t.size(0)); }, x),
      "for a batch of another size");
  has(refusal([](const Tensor& t) { return batch_norm(t, {}, {}, {}, {}, {.training = true}); }, x),
      "or those of the batch");
  has(refusal([](const Tensor& t) { return norm(t, 3, {1}); }, x), "ONNX has norms of p = 1 and p = 2");
  has(refusal([](const Tensor& t) { return avg_pool2d(t, 2, {.ceil_mode = true}); }, ones({1, 1, 5, 5})),
      "its last window hangs over the end");
  has(refusal([](const Tensor& t) { return adaptive_avg_pool2d(t, 2); }, ones({1, 1, 5, 5})), "does not divide");
  has(refusal([](const Tensor& t) { return t * 2; }, tensor(1.0), {}), "no axis that could be the batch");
  has(refusal([](const Tensor& t) { return t * 2; }, x, {.input_names = {"a", "b"}}),
      "2 names of inputs are given for 1");
  CHECK(content(path) == "old");
  CHECK(folder.entries() == 1);
  Sequential net{Linear(4, 2)};
  has(error_of([&] { save_onnx(net, ones({1, 4}), folder / "none/net.onnx"); }), "none/net.onnx");
}
