// A tensor in the form of the command's results.
#include "engine/files/tensor_json.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "engine/system/text.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

Json number_to_json(double v) {
  if (std::isnan(v)) return "nan";
  if (std::isinf(v)) return v > 0 ? "inf" : "-inf";
  return v;
}

/// The double nearest to the shortest text of a float, so that 0.1f reads 0.1; it is the same float again.
double short_double(float v) {
  if (!std::isfinite(v)) return v;
  return leading_number(format_exact(v)).value;
}

}  // namespace

Json to_json(const Tensor& tensor, std::int64_t most_elements) {
  if (!tensor.defined()) return nullptr;
  Json shape = Json::array();
  for (const std::int64_t size : tensor.shape()) shape.push_back(size);
  Json json = {{"dtype", name_of(tensor.dtype())}, {"shape", std::move(shape)}};
  if (tensor.numel() > most_elements) return json;
  Json data = Json::array();
  if (tensor.dtype() == DType::int64) {
    for (const std::int64_t v : tensor.values<std::int64_t>()) data.push_back(v);
  } else if (tensor.dtype() == DType::boolean) {
    for (const double v : tensor.to_vector()) data.push_back(v != 0);
  } else {
    for (const double v : tensor.to_vector())
      data.push_back(number_to_json(tensor.dtype() == DType::float32 ? short_double(static_cast<float>(v)) : v));
  }
  json["data"] = std::move(data);
  return json;
}

}  // namespace chainrule
