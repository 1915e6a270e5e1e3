// Inner header: for our own sources, not installed.
// Which version of the library this is, for files that should say who wrote them.
#pragma once

namespace chainrule {

extern const char* const kLibraryVersion;  ///< "0.1.0"

}  // namespace chainrule
