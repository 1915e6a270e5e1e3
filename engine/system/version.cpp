// CMakeLists.txt gives the version to this file alone, so that a new one compiles nothing else again.
#include "engine/system/version.h"

namespace chainrule {

const char* const kLibraryVersion = CHAINRULE_VERSION;

}  // namespace chainrule
