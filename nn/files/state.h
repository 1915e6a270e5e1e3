// What a network holds, as a list of named tensors and as a file, and back. A file is .npz or .safetensors, so that
// Python reads and writes the same. What else a training needs to go on is in checkpoint.h.
#pragma once

#include <string>
#include <vector>

#include "nn/module.h"

namespace chainrule {

/// Parameters and buffers by path, in order of declaration; what is shared once, under its first path. The values are
/// copies: unlike PyTorch's, the list does not change when the training goes on. net.state() gives the tensors
/// themselves.
std::vector<NamedTensor> state_dict(const ModuleBase& net);

struct LoadOptions {
  bool strict = true;      ///< every name of the net must be in the list, and every name of the list in the net
  std::string only = "*";  ///< the names that take part, in both: "conv*"; * is any text, ? any character
};
struct LoadReport {
  std::vector<std::string> loaded;               ///< names of the net
  std::vector<std::string> missing, unexpected;  ///< without `strict`: what was left as it was, what was not used
};

/// Gives the net the values of the list. Everything is compared first, then everything is changed or nothing: the one
/// ValueError names what is missing, unexpected, of another shape (with both) and of another dtype (with both). float32
/// fits float64, because that loses nothing; other dtypes must be equal. A shared tensor may come under any of its
/// paths, or under several with the same values. Also without `strict`, shapes and dtypes must fit, and so must at
/// least one name.
LoadReport load_state(ModuleBase& net, const std::vector<NamedTensor>& list, const LoadOptions& options = {});
/// The same from an .npz or .safetensors file, where half and bfloat16 count as float32; of a checkpoint, its weights.
LoadReport load_state(ModuleBase& net, const std::string& path, const LoadOptions& options = {});

/// Replaces the file, .npz or .safetensors, by state_dict(net), as a whole or not at all. The texts of a .safetensors
/// file name the further paths of what is shared. Throws EnvironmentError when it cannot be written.
void save_state(const ModuleBase& net, const std::string& path);

namespace internal {
/// What load_state compares, for others that fill named tensors: `what` opens the error ("load_state: 'w.npz'"),
/// `whose` is the holder ("Net").
struct Filling {
  std::vector<NamedTensor> into;
  std::vector<Alias> aliases{};
  std::string what, whose;
};
LoadReport fill_by_name(const Filling& filling, const std::vector<NamedTensor>& list, const LoadOptions& options);
}  // namespace internal

}  // namespace chainrule
