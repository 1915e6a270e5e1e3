// A checkpoint: everything that a training needs to go on as if it had never stopped, in one safetensors file. Weights
// and buffers stand in it under their paths, so that Python reads them with its own library; the optimizer's state
// behind "optimizer/", averages behind "average/"; everything else as JSON in the header's texts.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "engine/random.h"
#include "engine/tensor.h"

namespace chainrule {

/// The newest version of the format, which is written. Older ones are read, newer ones refused.
inline constexpr int kCheckpointVersion = 1;

struct Checkpoint {
  std::vector<NamedTensor> weights{};    ///< state_dict(net)
  std::vector<NamedTensor> optimizer{};  ///< Optimizer::state()
  std::vector<NamedTensor> averages{};   ///< of an average of the weights, where there is one
  std::int64_t epoch = 0;                ///< finished epochs
  std::int64_t batch = 0;                ///< batches of the next epoch that are done
  std::int64_t step = 0;                 ///< steps of the optimizer in all
  std::map<std::string, Generator::State> generators{};
  std::map<std::string, double> metrics{};     ///< any double, also one that is not finite
  std::map<std::string, std::string> texts{};  ///< what else there is to remember: options, the schedule, history
  std::string library{};                       ///< on reading: the version of the library that wrote it
};

/// Writes to a temporary name beside the file, flushes, syncs, renames: whatever stops it, the file is the old one or
/// the new one, whole. What killed writers left in the folder is removed. Throws ValueError for a weight whose name
/// begins with "optimizer/" or "average/", EnvironmentError when it cannot be written.
void save_checkpoint(const std::string& path, const Checkpoint& checkpoint);
/// Throws ValueError for a file that is no checkpoint, is of a newer version, or has a damaged byte anywhere.
Checkpoint load_checkpoint(const std::string& path);

// The same in memory; `file` is what messages call it.
std::string checkpoint_bytes(const Checkpoint& checkpoint);
Checkpoint parse_checkpoint(std::string_view bytes, const std::string& file);
/// Does a safetensors file begin as a checkpoint does?
bool is_checkpoint(std::string_view bytes);

}  // namespace chainrule
