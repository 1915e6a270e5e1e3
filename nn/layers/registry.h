// The registry of layers: each by name, with its arguments as PyTorch writes them, and how it is made of text. The text
// form of networks, `summary` and the documentation read it; a test fails when a layer has no row. Containers are not
// in it, because they are made of modules.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "nn/module.h"
#include "ops/function.h"

namespace chainrule {

/// One layer. Its row is one line of registry.cpp.
struct LayerInfo {
  Function function;  ///< name and signature: "Linear", "in_features, out_features, bias=True"
  std::shared_ptr<ModuleBase> (*make)(const Arguments& arguments);
  /// The axis of the input whose size is the first argument: -1 for Linear, 1 for Conv2d; 0 when the input says
  /// nothing.
  int axis = 0;

  const char* name() const { return function.name; }
  const char* signature() const { return function.signature; }
};

/// Every layer, by family.
std::span<const LayerInfo> layers();
/// The layer of that name; null when there is none.
const LayerInfo* find_layer(std::string_view name);

/// A layer of a text: make_layer("Conv2d(1, 6, kernel_size=5, padding=2)"). Arguments are numbers, True, False, None,
/// words in quotes and lists, (2, 3) or [2, 3]. With the shape of the input, what follows from it is left out of the
/// text: make_layer("Linear(10)", Shape{32, 784}) is Linear(784, 10). Throws ValueError for what is no layer, with
/// names that look like it, and for arguments that the layer refuses.
std::shared_ptr<ModuleBase> make_layer(std::string_view text, const std::optional<Shape>& input = {});
/// The same of values.
std::shared_ptr<ModuleBase> make_layer(const LayerInfo& layer, std::vector<Value> positional,
                                       std::vector<std::pair<std::string, Value>> keywords = {},
                                       const std::optional<Shape>& input = {});

}  // namespace chainrule
