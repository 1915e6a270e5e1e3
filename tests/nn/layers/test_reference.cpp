// Every layer against PyTorch 1.13.1 (results, gradients of inputs and parameters, state after three steps of SGD) and
// against numerical derivatives. reference/ holds the numbers and the script that made them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>

#include "engine/backward.h"
#include "engine/check/gradcheck.h"
#include "nn/layers/registry.h"
#include "tests/nn/layers/rows.h"

using namespace chainrule;
using layer_rows::Float64;
using layer_rows::Row;

namespace {

/// The largest difference, relative to the largest number of the reference or 1e-3.
double difference(const Tensor& got, const Tensor& wanted) {
  if (got.shape() != wanted.shape()) return INFINITY;
  double scale = 1e-3, worst = 0;
  const auto a = got.to_vector(), b = wanted.to_vector();
  for (const double v : b) scale = std::max(scale, std::abs(v));
  for (std::size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]) / scale);
  return std::isnan(worst) ? INFINITY : worst;
}

/// PyTorch multiplies by 1/6 rounded to float32 in the derivative of these two.
double tolerance(const Row& row) { return row.name().starts_with("Hard") ? 1e-7 : 1e-10; }

}  // namespace

TEST_CASE("every layer gives PyTorch's results, gradients and state after three steps") {
  const Float64 on;
  CHECK(layer_rows::rows().size() >= 110);
  for (const Row& row : layer_rows::rows()) {
    CAPTURE(row.text);
    CAPTURE(row.mode);
    const layer_rows::Made made = layer_rows::make(row);
    const Tensor cotangent = layer_rows::array(row, "c");
    for (int step = 0; step < 3; ++step) {
      made.layer->zero_grad();
      Tensor loss = sum(made.call() * cotangent);
      if (step == 0) {
        const layer_rows::Made again = layer_rows::make(row);
        CHECK(difference(again.call(), layer_rows::array(row, "y")) <= 1e-10);
      }
      if (!loss.requires_grad()) continue;
      loss.backward();
      if (step == 0) {
        for (std::size_t i = 0; i < made.inputs.size(); ++i)
          if (made.inputs[i].requires_grad())
            CHECK_MESSAGE(
                difference(made.inputs[i].grad(), layer_rows::array(row, "dx" + std::to_string(i))) <= tolerance(row),
                "the gradient of input ", i);
        for (const NamedTensor& p : made.layer->parameters())
          CHECK_MESSAGE(difference(p.tensor.grad(), layer_rows::array(row, "d/" + p.name)) <= 1e-10, "the gradient of ",
                        p.name);
      }
      const NoGrad change;
      for (NamedTensor& p : made.layer->parameters()) p.tensor.copy_(p.tensor - 0.1 * p.tensor.grad());
    }
    for (const NamedTensor& t : made.layer->state())
      CHECK_MESSAGE(difference(t.tensor, layer_rows::array(row, "after/" + t.name)) <= 1e-9, t.name,
                    " after three steps");
  }
}

TEST_CASE("every layer passes the gradient check") {
  const Float64 on;
  for (const Row& row : layer_rows::rows()) {
    CAPTURE(row.text);
    CAPTURE(row.mode);
    const layer_rows::Made made = layer_rows::make(row);
    // Random ones are only interesting while they train; the generator starts anew for each evaluation.
    if (row.name().starts_with("Dropout")) made.layer->train();
    std::vector<Tensor> buffers;
    for (const NamedTensor& b : made.layer->buffers())
      if (!b.name.ends_with("weight")) buffers.push_back(b.tensor);  // those of losses are never written
    const auto report =
        gradcheck([&] { return made.call(); }, made.leaves(), {.freeze_random = true, .restore = buffers});
    CHECK_MESSAGE(report.ok(), fmt::format("{}", report));
  }
}

TEST_CASE("no layer is forgotten: a class in a header has its row in the registry and in the reference table") {
  std::set<std::string> referenced, registered;
  for (const Row& row : layer_rows::rows()) referenced.insert(row.name());
  for (const LayerInfo& layer : layers()) {
    CHECK_MESSAGE(registered.insert(layer.name()).second, layer.name(), " stands twice in the registry");
    CHECK_MESSAGE(referenced.contains(layer.name()), layer.name(), " has no row in reference/make_layers.py");
  }
  static const std::regex declared(R"(^(?:class|struct) (\w+) : (?:public )?(?:Module\b|ModuleOf<|internal::))");
  std::size_t found = 0;
  for (const auto& entry : std::filesystem::directory_iterator(std::string(CHAINRULE_SOURCE_DIR) + "/nn/layers")) {
    if (entry.path().extension() != ".h" || entry.path().filename() == "applied.h") continue;
    std::ifstream file(entry.path());
    bool inside = false;
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("namespace internal")) inside = true;
      if (line.starts_with("}  // namespace internal")) inside = false;
      std::smatch m;
      if (inside || !std::regex_search(line, m, declared)) continue;
      ++found;
      CHECK_MESSAGE(registered.contains(m[1]), m[1].str(), " has no row in nn/layers/registry.cpp");
    }
  }
  CHECK(found >= 60);
}
