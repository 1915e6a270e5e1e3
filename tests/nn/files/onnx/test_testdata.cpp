// Every file of Debian's libonnx-testdata: it runs and gives the outputs that lie beside it, or it is refused by a
// sentence of ours. What runs and disagrees is a fault. Skipped, with a message, where the files are not installed.
// Oracle: the outputs that the authors of ONNX ship.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <map>

#include "engine/system/file.h"
#include "engine/types/error.h"
#include "nn/files/onnx/graph.h"
#include "nn/files/onnx/onnx.h"

using namespace chainrule;
namespace fs = std::filesystem;

namespace {

std::string data_folder() {
  const char* said = std::getenv("CHAINRULE_ONNX_DATA");
  return said ? said : "/usr/share/libonnx-testdata/data";
}

std::vector<Tensor> tensors_in(const fs::path& folder, const std::string& kind) {
  std::vector<Tensor> list;
  for (int i = 0;; ++i) {
    const fs::path file = folder / fmt::format("{}_{}.pb", kind, i);
    if (!fs::exists(file)) return list;
    list.push_back(internal::parse_onnx_tensor(read_file(file), file).tensor);
  }
}

/// "" when equal: whole numbers exactly, others to 1e-4.
std::string disagreement(const Tensor& ours, const Tensor& theirs, double tolerance) {
  if (ours.shape() != theirs.shape())
    return fmt::format("shape {} instead of {}", to_string(ours.shape()), to_string(theirs.shape()));
  if (ours.dtype() != theirs.dtype())
    return fmt::format("{} instead of {}", name_of(ours.dtype()), name_of(theirs.dtype()));
  const std::vector<double> a = ours.to_vector(), b = theirs.to_vector();
  double largest = 0;
  for (const double v : b) largest = std::max(largest, std::isfinite(v) ? std::abs(v) : 0);
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    if (is_floating(ours.dtype()) && std::abs(a[i] - b[i]) <= tolerance * std::abs(b[i]) + 1e-6 * largest) continue;
    return fmt::format("{} instead of {} at {}", a[i], b[i], i);
  }
  return "";
}

/// Runs one file. Throws Error when it is refused.
std::string run(const fs::path& folder) {
  const auto net = load_onnx(folder / "model.onnx");
  // The outputs beside these six were computed with pi = 3.1415; their nodes have all digits.
  const std::string name = folder.filename();
  const double tolerance = name.find("window") != std::string::npos ? 1e-3 : 1e-4;
  std::vector<fs::path> sets;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.is_directory()) sets.push_back(entry.path());
  for (const fs::path& set : sets) {
    const std::vector<Tensor> outputs = (*net)(tensors_in(set, "input")), wanted = tensors_in(set, "output");
    if (outputs.size() != wanted.size()) return fmt::format("{} outputs instead of {}", outputs.size(), wanted.size());
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (std::string text = disagreement(outputs[i], wanted[i], tolerance); !text.empty()) return text;
  }
  return "";
}

/// Refusals without the names of nodes and values.
std::string kind_of(std::string text, const fs::path& folder) {
  const std::string file = (folder / "model.onnx").string();
  if (text.starts_with(file)) text = text.substr(file.size() + 2);
  for (auto quote = text.find('\''); quote != std::string::npos; quote = text.find('\'', quote + 3)) {
    const auto end = text.find('\'', quote + 1);
    if (end == std::string::npos) break;
    text.replace(quote + 1, end - quote - 1, "-");
  }
  return text;
}

}  // namespace

TEST_CASE("the test data of ONNX runs and agrees, or is refused by a sentence") {
  const fs::path data = data_folder();
  if (!internal::has_onnx() || !fs::exists(data)) {
    MESSAGE("skipped: libonnx-dev or libonnx-testdata is not installed");
    return;
  }
  std::vector<fs::path> folders;
  for (const auto& entry : fs::recursive_directory_iterator(data))
    if (entry.path().filename() == "model.onnx") folders.push_back(entry.path().parent_path());
  std::sort(folders.begin(), folders.end());
  int agree = 0, refused = 0;
  std::map<std::string, int> reasons;
  for (const fs::path& folder : folders) {
    CAPTURE(folder.string());
    try {
      const std::string wrong = run(folder);
      CHECK(wrong == "");
      agree += wrong.empty();
    } catch (const Error& e) {
      ++refused;
      ++reasons[kind_of(e.what(), folder)];
      if (std::getenv("CHAINRULE_ONNX_REFUSED")) MESSAGE(folder.filename().string(), ": ", std::string(e.what()));
    }
  }
  MESSAGE(folders.size(), " files: ", agree, " run and agree, ", refused, " are refused in ", reasons.size(), " ways");
  CHECK(agree >= 500);
  CHECK(static_cast<std::size_t>(agree + refused) == folders.size());
}
