// Small graphs whose steps the tests know, and what they look for in the forms of a walk.
#pragma once

#include <string>
#include <vector>

#include "engine/factory.h"
#include "engine/steps/frames.h"
#include "ops/ops.h"

namespace chainrule::testing {

inline std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string::npos; at += part.size()) ++count;
  return count;
}

inline Tensor price_graph() {
  const Tensor apple = variable(100, "apple"), count = variable(2, "count"), tax = variable(1.1, "tax");
  const Tensor buy = (apple * count).label("buy");
  return (buy * tax).label("price");
}

inline Tensor reused_graph() {
  const Tensor x = variable(1.5, "x"), square = x * x;
  return (square + x).label("y");
}

inline Tensor matrix_graph() {
  const Tensor x = variable({{1, 2}, {3, 4}}, "x"), w = variable({{1, -2, 0.5}, {0.25, 1, 2}}, "w");
  return sum(tanh(matmul(x, w)) + reshape(sum(x, {0}, true), {2, 1}) * 0.1).label("loss");
}

inline Tensor after_backward(Tensor y) {
  y.backward();
  return y;
}

inline std::vector<std::string> frames_of(const Walkthrough& walk) {
  const Frames all(walk);
  std::vector<std::string> frames;
  frames.reserve(walk.steps.size());
  for (std::size_t count = 1; count <= walk.steps.size(); ++count) frames.push_back(all.dot(count));
  return frames;
}

}  // namespace chainrule::testing
