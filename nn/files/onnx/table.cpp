// The rows of all families, found by name.
#include "nn/files/onnx/table.h"

#include <string_view>
#include <unordered_map>

namespace chainrule::internal {
namespace {

using Index = std::unordered_map<std::string_view, const OnnxRow*>;

struct Both {
  Index ours, onnx;
  Both() {
    for (const auto rows :
         {onnx_pointwise_rows(), onnx_activation_rows(), onnx_reduce_rows(), onnx_matrix_rows(), onnx_shape_rows(),
          onnx_index_rows(), onnx_image_rows(), onnx_pool_rows(), onnx_network_rows()})
      for (const OnnxRow& row : rows) {
        if (*row.ours) ours.emplace(row.ours, &row);
        if (row.read) onnx.emplace(row.onnx, &row);
      }
  }
};

const OnnxRow* find(const Index& index, std::string_view name) {
  const auto found = index.find(name);
  return found == index.end() ? nullptr : found->second;
}

const Both& both() {
  static const Both tables;
  return tables;
}

}  // namespace

const OnnxRow* find_onnx_writer(std::string_view ours) { return find(both().ours, ours); }
const OnnxRow* find_onnx_reader(std::string_view onnx) { return find(both().onnx, onnx); }

}  // namespace chainrule::internal
