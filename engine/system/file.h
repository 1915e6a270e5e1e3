// Inner header: for our own sources, not installed.
// Files as a whole: read into memory, and written so that a reader sees the old content or the new, never a part.
// Everything that leaves the program as a file goes through here. What the bytes mean is not here.
#pragma once

#include <string>
#include <string_view>

namespace chainrule {

/// Replaces the file at `path` by `bytes`: a temporary file in the same folder, flushed, synced, then renamed over the
/// target. A symbolic link keeps pointing where it does and its target is replaced; an existing file keeps its
/// permissions; devices and pipes are written directly. Throws EnvironmentError with the path and the system's reason;
/// the old file is then unchanged and the temporary one is gone. Folders are not created.
void write_file(const std::string& path, std::string_view bytes);

/// Removes what write_file left in the folder of `path` when it was killed; what is being written stays, and so does
/// all of which that is not sure. Never throws.
void remove_abandoned(const std::string& path) noexcept;

/// All bytes of a plain file. Throws ValueError when there is none that can be read: a missing file, a folder, a
/// device; EnvironmentError when the machine fails. `who` opens the sentence.
std::string read_file(const std::string& path, const std::string& who = "read_file");

}  // namespace chainrule
