// Inputs and attributes of a node, by kind, with sentences that name the node.
#include "nn/files/onnx/reader.h"

#include <fmt/format.h>

#include "engine/types/error.h"

namespace chainrule::internal {

std::string OnnxNode::title() const {
  if (!name.empty()) return fmt::format("{} node '{}'", type, name);
  for (const auto& output : outputs)
    if (!output.empty()) return fmt::format("{} node of '{}'", type, output);
  return fmt::format("{} node", type);
}

void OnnxReader::refuse(const std::string& why) const {
  throw ValueError(fmt::format("ONNX: the {} cannot be computed: {}", node_.title(), why));
}

const Tensor& OnnxReader::in(std::size_t i) const {
  if (!has(i)) refuse(fmt::format("its input {} is missing", i));
  return inputs_[i];
}

std::vector<std::int64_t> OnnxReader::integers(std::size_t i) const {
  if (in(i).dtype() != DType::int64) refuse(fmt::format("its input {} is {}, not int64", i, name_of(in(i).dtype())));
  return in(i).values<std::int64_t>();
}

std::vector<double> OnnxReader::numbers(std::size_t i) const { return in(i).to_vector(); }

double OnnxReader::number(std::size_t i) const {
  if (in(i).numel() != 1) refuse(fmt::format("its input {} has {} elements, not one", i, in(i).numel()));
  return in(i).item();
}

template <class T>
const T* OnnxReader::find(const std::string& attribute, const char* kind) const {
  const auto found = node_.attributes.find(attribute);
  if (found == node_.attributes.end()) return nullptr;
  const T* value = std::get_if<T>(&found->second);
  if (!value) refuse(fmt::format("its attribute '{}' is no {}", attribute, kind));
  return value;
}

std::int64_t OnnxReader::integer(const std::string& attribute, std::int64_t otherwise) const {
  const auto* value = find<std::int64_t>(attribute, "whole number");
  return value ? *value : otherwise;
}

std::int64_t OnnxReader::integer(const std::string& attribute) const {
  const auto* value = find<std::int64_t>(attribute, "whole number");
  if (!value) refuse(fmt::format("its attribute '{}' is missing", attribute));
  return *value;
}

double OnnxReader::number(const std::string& attribute, double otherwise) const {
  const auto* value = find<double>(attribute, "number");
  return value ? *value : otherwise;
}

std::string OnnxReader::word(const std::string& attribute, const std::string& otherwise) const {
  const auto* value = find<std::string>(attribute, "text");
  return value ? *value : otherwise;
}

std::vector<std::int64_t> OnnxReader::integers(const std::string& attribute,
                                               const std::vector<std::int64_t>& otherwise) const {
  const auto* value = find<std::vector<std::int64_t>>(attribute, "list of whole numbers");
  return value ? *value : otherwise;
}

std::vector<double> OnnxReader::numbers(const std::string& attribute, const std::vector<double>& otherwise) const {
  const auto* value = find<std::vector<double>>(attribute, "list of numbers");
  return value ? *value : otherwise;
}

Tensor OnnxReader::tensor(const std::string& attribute) const {
  const auto* value = find<Tensor>(attribute, "tensor");
  return value ? *value : Tensor();
}

std::optional<std::vector<std::int64_t>> OnnxReader::axes(std::size_t i, std::int64_t since) const {
  if (opset_ >= since) {
    if (has("axes")) refuse(fmt::format("from opset {} on its axes are an input, not an attribute", since));
    if (!has(i)) return std::nullopt;
    return integers(i);
  }
  if (!has("axes")) return std::nullopt;
  return integers("axes", {});
}

void OnnxReader::expect_size(const Shape& shape) const {
  constexpr std::int64_t kMost = std::int64_t{1} << 28;
  std::int64_t n = 1;
  for (const auto size : shape) {
    if (size < 0) refuse(fmt::format("its result would have the shape {}", to_string(shape)));
    if (size == 0) return;
    if (size > kMost / n)
      refuse(fmt::format("its result would have the shape {}, more than 2^28 elements", to_string(shape)));
    n *= size;
  }
}

Shape OnnxReader::shape_of(const std::vector<std::int64_t>& sizes) const {
  if (sizes.size() > static_cast<std::size_t>(kMaxRank))
    refuse(fmt::format("a shape has {} axes, at most {} are possible", sizes.size(), kMaxRank));
  return {sizes.begin(), sizes.end()};
}

}  // namespace chainrule::internal
