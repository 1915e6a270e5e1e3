// Writing safetensors files: https://huggingface.co/docs/safetensors. The reader is in safetensors.cpp.
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <bit>
#include <numeric>
#include <set>

#include "engine/files/array_files.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

const char* type_of(DType dtype) {
  switch (dtype) {
    case DType::float32:
      return "F32";
    case DType::float64:
      return "F64";
    case DType::int64:
      return "I64";
    default:
      return "BOOL";
  }
}

std::string quoted(const std::string& text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    throw ValueError(fmt::format("write_safetensors: '{}' is not UTF-8", shorten(printable(text), 80)));
  }
}

}  // namespace

std::string safetensors_bytes(const std::vector<NamedTensor>& arrays,
                              const std::map<std::string, std::string>& metadata) {
  std::vector<std::size_t> order(arrays.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return item_size(arrays[a].tensor.dtype()) > item_size(arrays[b].tensor.dtype());
  });
  std::string header = "{";
  if (!metadata.empty()) {
    header += "\"__metadata__\":{";
    for (const auto& [key, text] : metadata)
      header += (header.back() == '{' ? "" : ",") + quoted(key) + ":" + quoted(text);
    header += "}";
  }
  std::set<std::string> names;
  std::size_t size = 0;
  for (const std::size_t i : order) {
    const auto& [name, tensor] = arrays[i];
    if (name == "__metadata__") throw ValueError("write_safetensors: no array can have the name '__metadata__'");
    if (!names.insert(composed(name)).second)
      throw ValueError(fmt::format("write_safetensors: the name '{}' is given twice", printable(name)));
    const std::size_t bytes = static_cast<std::size_t>(tensor.numel()) * item_size(tensor.dtype());
    std::string sizes;
    for (const std::int64_t s : tensor.shape()) sizes += (sizes.empty() ? "" : ",") + std::to_string(s);
    header += fmt::format(R"({}{}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", header.size() > 1 ? "," : "",
                          quoted(name), type_of(tensor.dtype()), sizes, size, size + bytes);
    size += bytes;
  }
  header += "}";
  header.append((8 - header.size() % 8) % 8, ' ');  // the elements begin at a multiple of 8
  std::string file;
  file.reserve(8 + header.size() + size);
  for (int i = 0; i < 8; ++i) file += static_cast<char>(std::uint64_t{header.size()} >> (8 * i) & 0xFF);
  file += header;
  for (const std::size_t i : order) {
    const Tensor rows = dense(arrays[i].tensor.detach());
    const std::size_t bytes = static_cast<std::size_t>(rows.numel()) * item_size(rows.dtype());
    if (bytes == 0) continue;
    file.append(static_cast<const char*>(rows.data()), bytes);
    if constexpr (std::endian::native == std::endian::big)  // the file has the lowest byte of each element first
      for (std::size_t at = file.size() - bytes; at < file.size(); at += item_size(rows.dtype()))
        std::reverse(file.begin() + at, file.begin() + at + item_size(rows.dtype()));
  }
  return file;
}

void write_safetensors(const std::string& path, const std::vector<NamedTensor>& arrays,
                       const std::map<std::string, std::string>& metadata) {
  write_file(path, safetensors_bytes(arrays, metadata));
}

}  // namespace chainrule
