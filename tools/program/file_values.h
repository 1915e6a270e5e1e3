// Values that come from files and go to files: NAME=@w.npz:member, --inputs FILE, --save FILE.npz. The formats
// themselves are in engine/files/array_files.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tools/program/program.h"

namespace chainrule {

/// What stands after NAME=: "@x.npy", "@w.npz:member", "@m.safetensors:tensor", "@t.csv", "@t.csv:column" and
/// "@mnist:images" are arrays; anything else is a closed expression. Throws ProgramError for expressions.
Value value_of(std::string_view text, const ProgramOptions& options);
/// "w.npz:member" is a path and a name, "w.npz" a path: the first colon behind a known ending parts them, since paths
/// may hold colons and so may names. What has no known ending is a path, which the readers refuse.
struct ArrayPlace {
  std::string path;
  std::optional<std::string> name;
};
ArrayPlace array_place(std::string_view text);
/// Binds every array of --inputs by its name, and gives these names. Arrays that cannot be called by theirs are left
/// out, with a message on stderr.
std::vector<std::string> bind_inputs(Bindings& bindings, const ProgramOptions& options);
/// Throws ValueError when --save names a file that is no npz, EnvironmentError when its folder is missing; for the
/// beginning, before the work.
void check_save(const std::string& path);
/// Writes the results under their names; empty handles, gradients that no path reaches, are left out.
void save_results(const std::string& path, std::vector<NamedTensor> results);

}  // namespace chainrule
