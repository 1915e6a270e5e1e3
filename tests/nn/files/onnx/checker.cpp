#include "tests/nn/files/onnx/checker.h"

#ifdef CHAINRULE_ONNX_CHECKER
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <onnx/checker.h>
#include <onnx/shape_inference/implementation.h>
#pragma GCC diagnostic pop

#include <fstream>
#endif

namespace chainrule::testing {

#ifndef CHAINRULE_ONNX_CHECKER
std::string check_onnx_file(const std::string&) { return "no checker"; }
#else
std::string check_onnx_file(const std::string& path) {
  try {
    std::ifstream file(path, std::ios::binary);
    onnx::ModelProto model;
    if (!model.ParseFromIstream(&file)) return "no model";
    onnx::checker::check_model(model);
    onnx::shape_inference::InferShapes(model, onnx::OpSchemaRegistry::Instance(), {true, 1, false});
    return "";
  } catch (const std::exception& e) {
    return e.what();
  }
}
#endif

}  // namespace chainrule::testing
