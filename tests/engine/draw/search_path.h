// Is Graphviz there, and what happens when it is not.
#pragma once

#include <cstdlib>
#include <string>

#include "engine/system/process.h"

namespace chainrule::testing {

inline bool graphviz() { return run_process({"dot", "-V"}).exit_code == 0; }

/// The program search path, for as long as it lives.
struct SearchPath {
  explicit SearchPath(const std::string& path) : before(std::getenv("PATH")) { setenv("PATH", path.c_str(), 1); }
  ~SearchPath() { setenv("PATH", before.c_str(), 1); }
  std::string before;
};

}  // namespace chainrule::testing
