// onnxruntime-node, where npm has put it: runs the networks of a folder. And how far results are apart.
#pragma once

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <sstream>
#include <string>
#include <vector>

#include "engine/system/process.h"
#include "engine/tensor.h"
#include "tests/temporary_folder.h"

namespace chainrule::testing {

/// The largest difference, relative to the largest number of b; 1e300 where one is not a number and the other is.
inline double distance(const std::vector<double>& a, const std::vector<double>& b) {
  if (a.size() != b.size()) return 1e300;
  double largest = 1e-30, apart = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::isfinite(b[i]) ? std::abs(b[i]) : 0);
    if (!(a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))))
      apart = std::max(apart, std::isnan(a[i] - b[i]) ? 1e300 : std::abs(a[i] - b[i]));
  }
  return apart / largest;
}

/// One tensor as run.js reads it.
inline std::string line_of(const std::string& name, const Tensor& t) {
  std::string sizes, numbers;
  for (const auto size : t.shape()) sizes += fmt::format("{}{}", sizes.empty() ? "" : ",", size);
  for (const double v : t.to_vector()) numbers += fmt::format("{}{}", numbers.empty() ? "" : ",", v);
  return fmt::format("{} {} {} {}\n", name, name_of(t.dtype()), sizes.empty() ? "-" : sizes, numbers);
}

inline std::vector<double> numbers_of_line(const std::string& line) {
  std::istringstream words(line);
  std::string name, dtype, sizes, numbers;
  words >> name >> dtype >> sizes >> numbers;
  std::vector<double> list;
  std::istringstream parts(numbers);
  for (std::string part; std::getline(parts, part, ',');)
    list.push_back(part == "Infinity"    ? HUGE_VAL
                   : part == "-Infinity" ? -HUGE_VAL
                   : part == "NaN"       ? NAN
                                         : std::stod(part));
  return list;
}

/// False, with a message, where it is not installed.
inline bool run_onnxruntime(const TemporaryFolder& folder) {
  if (!std::filesystem::exists(CHAINRULE_NODE_MODULES "/onnxruntime-node")) {
    MESSAGE(
        "not run by onnxruntime: npm install --ignore-scripts --prefix <build folder>/node onnxruntime-node@1.17.3 "
        "puts "
        "it there");
    return false;
  }
  const auto result = run_process({"env", "NODE_PATH=" CHAINRULE_NODE_MODULES, "node",
                                   CHAINRULE_SOURCE_DIR "/tests/nn/files/onnx/run.js", folder.path.string()},
                                  {.time_limit = std::chrono::milliseconds(300'000)});
  REQUIRE_MESSAGE(result.ok(), result.err);
  return true;
}

/// The first output of NAME.onnx for the inputs in NAME.in.
inline std::vector<double> onnxruntime_result(const TemporaryFolder& folder, const std::string& name) {
  const std::string error = content(folder / (name + ".error"));
  CHECK(error == "");
  return error.empty() ? numbers_of_line(content(folder / (name + ".out"))) : std::vector<double>{};
}

}  // namespace chainrule::testing
