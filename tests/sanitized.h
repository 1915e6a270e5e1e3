// Whether this is a build with sanitizers.
#pragma once

#include <cstdlib>

namespace chainrule::testing {

/// Sanitizers make everything ten times slower: tests take smaller sizes there and leave nothing out.
inline bool sanitized() {
#if CHAINRULE_PLAIN_ALLOCATION
  return true;
#else
  return std::getenv("CHAINRULE_SANITIZED") != nullptr;
#endif
}

}  // namespace chainrule::testing
