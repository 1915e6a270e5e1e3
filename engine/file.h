// Writing a file so that a reader sees the old content or the new, never a part.
// Everything that leaves the program as a file goes through here; reading is not here.
#pragma once

#include <string>
#include <string_view>

namespace chainrule {

/// Replaces the file at `path` by `bytes`: a temporary file in the same folder, flushed, synced, then renamed over the
/// target. A symbolic link keeps pointing where it does and its target is replaced; an existing file keeps its
/// permissions; devices and pipes are written directly. Throws EnvironmentError with the path and the system's reason;
/// the old file is then unchanged and the temporary one is gone. Folders are not created.
void write_file(const std::string& path, std::string_view bytes);

}  // namespace chainrule
