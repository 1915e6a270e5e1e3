// Every layer of the registry as an ONNX file: its rows for the comparison with PyTorch, in evaluation mode and
// float32. Oracles: the layer itself, ONNX's checker, onnxruntime. What is not written is refused, and stands in a
// list.
#include <doctest/doctest.h>

#include <map>
#include <set>

#include "engine/system/file.h"
#include "engine/types/error.h"
#include "nn/files/onnx/graph.h"
#include "nn/files/onnx/onnx.h"
#include "nn/layers/registry.h"
#include "ops/ops.h"
#include "tests/nn/files/onnx/checker.h"
#include "tests/nn/files/onnx/runtime.h"
#include "tests/nn/layers/rows.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

struct Written {
  std::string name, text;
  std::shared_ptr<ModuleBase> layer;
  Tensor x;
};

/// The row in float32 and evaluation mode; no layer for those of several inputs.
Written in_float32(const layer_rows::Row& row) {
  Written w{fmt::format("row{:03}", row.number), row.text, nullptr, {}};
  layer_rows::Made made = [&] {
    const layer_rows::Float64 wide;
    return layer_rows::make(row);
  }();
  if (made.inputs.size() != 1) return w;
  w.layer = make_layer(row.text);
  const auto state = w.layer->state(), wanted = made.layer->state();
  const NoGrad change;
  for (std::size_t i = 0; i < state.size(); ++i) {
    Tensor t = state[i].tensor;
    t.copy_(wanted[i].tensor);
  }
  w.layer->eval();
  w.x = is_floating(made.inputs[0].dtype()) ? to(made.inputs[0].detach(), DType::float32) : made.inputs[0];
  return w;
}

}  // namespace

TEST_CASE("layers are written and run elsewhere, or refused for a reason that is known") {
  if (!internal::has_onnx()) {
    MESSAGE("skipped: built without libonnx-dev");
    return;
  }
  // PReLU chooses by a mask; the others are not the same in ONNX.
  const std::map<std::string, std::string> known = {
      {"AdaptiveAvgPool2d(2)", "does not divide the input's"},
      {"AdaptiveAvgPool2d((3, None))", "does not divide the input's"},
      {"AdaptiveMaxPool2d((2, 3))", "does not divide the input's"},
      {"AvgPool1d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)", "hangs over the end"},
      {"AvgPool2d(3, stride=2, padding=1, ceil_mode=True, count_include_pad=False)", "hangs over the end"},
      {"BatchNorm2d(2, track_running_stats=False)", "those of the batch"},
      {"PReLU()", "computes a mask"},
      {"PReLU(3, init=0.4)", "computes a mask"},
  };
  const TemporaryFolder folder;
  std::vector<Written> all;
  std::map<std::string, std::string> refused;
  int any_batch = 0;
  for (const auto& row : layer_rows::rows()) {
    Written w = in_float32(row);
    auto* net = dynamic_cast<Module*>(w.layer.get());
    if (!net) continue;
    CAPTURE(w.text);
    const std::string path = folder / (w.name + ".onnx");
    try {
      try {
        save_onnx(*net, w.x, path);
        ++any_batch;
      } catch (const Error& e) {
        if (std::string(e.what()).find("dynamic_batch = false") == std::string::npos) throw;
        save_onnx(*net, w.x, path, {.dynamic_batch = false});
      }
    } catch (const Error& e) {
      refused[w.text] = e.what();
      continue;
    }
    const std::string checked = check_onnx_file(path);
    CHECK((checked == "" || checked == "no checker"));
    CHECK(distance((*load_onnx(path))(w.x).to_vector(), (*net)(w.x).to_vector()) < 1e-6);
    write_file(folder / (w.name + ".in"), line_of("input", w.x));
    all.push_back(w);
  }
  for (const auto& [text, reason] : refused) {
    const auto& shown_text = text;  // clang captures no structured binding
    CAPTURE(shown_text);
    const auto& shown_reason = reason;  // clang captures no structured binding
    CAPTURE(shown_reason);
    CHECK(known.contains(text));
    if (!known.contains(text)) continue;
    CHECK(reason.find(known.at(text)) != std::string::npos);
  }
  CHECK(refused.size() == known.size());
  MESSAGE(all.size(), " layers written, ", any_batch, " of them for any batch, ", refused.size(), " refused");
  if (!run_onnxruntime(folder)) return;
  for (const Written& w : all) {
    CAPTURE(w.text);
    const Tensor ours = dynamic_cast<Module&>(*w.layer)(w.x);
    CHECK(distance(onnxruntime_result(folder, w.name), ours.to_vector()) < 1e-5);
  }
}
