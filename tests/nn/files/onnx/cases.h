// Networks that are written as ONNX files: one for each row of the table that writes, and some whole ones.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "nn/module.h"

namespace chainrule::testing {

struct OnnxCase {
  std::string name;
  std::shared_ptr<Module> net;
  Tensor x;
  bool batch = true;    // of any size
  std::string ours{};   // the operation whose row it is for; default: the name
  bool runtime = true;  // false: onnxruntime 1.17 has no kernel for it, or another dtype
};

/// A network of one function, with parameters to give it.
struct FunctionNet : Module {
  explicit FunctionNet(std::function<Tensor(const Tensor&)> f) : function(std::move(f)) {}
  std::function<Tensor(const Tensor&)> function;

 protected:
  Tensor forward(const Tensor& x) override { return function(x); }
};

std::vector<OnnxCase> onnx_cases();

}  // namespace chainrule::testing
