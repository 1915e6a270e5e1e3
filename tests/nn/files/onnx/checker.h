// The reference checker of ONNX, behind a header without protobuf.
#pragma once

#include <string>

namespace chainrule::testing {

/// "" when the file is a sound model, shapes included; else what the checker says. "no checker" where it is not there.
std::string check_onnx_file(const std::string& path);

}  // namespace chainrule::testing
