// Calls that look right and would mean something else.
#include <chainrule/chainrule.h>

using namespace chainrule;

void operations(Tensor& out, const Tensor& x, const Tensor& y, const Tensor& z) {
  out = amax(x, 0);
  out = maximum(x, 0.);
  max(x);            // refused: amax(x)
  max(x, 0);         // refused: amax(x, axis), or maximum(x, y)
  max(x, 0.);        // refused: amax(x, axis), or maximum(x, y)
  max(x, y);         // refused: amax(x, axis), or maximum(x, y)
  max(x, -1, true);  // refused: amax(x, axis), or maximum(x, y)
  min(x);            // refused: amin(x)
  min(x, 1);         // refused: amin(x, axis), or minimum(x, y)
  out = add(x, y, {.alpha = 2});
  add(x, y, z);  // refused: x + y + z; to scale y: add(x, y, {.alpha = 2})
  sub(x, y, 2);  // refused: x - y - z; to scale y: sub(x, y, {.alpha = 2})
  out = var(x, 1, 0, true);
  var(x, 1, true);     // refused: var(x, axes, correction, keepdim)
  std(x, 1, false);    // refused: std(x, axes, correction, keepdim)
  sum(x, true);        // refused: True is no number: in sum(x, axes, keepdim) the axes come first
  sum(x, 1.);          // refused: sum
  sum(x, Axes(0, 1));  // refused: write Axes{0, 1}
  out = sum(x, Axes{0, 1});
  out = reshape(x, Shape{2, 3});
  reshape(x, Shape(2, 3));                               // refused: write Shape{2, 3}
  reshape(x, Shape(2));                                  // refused: write Shape{2, 3}
  empty_strided({2, 3}, Strides(3, 1), DType::float32);  // refused: write Shape{2, 3}
  view(x, Shape{2, 3});                                  // refused: view
  alias(x);                                              // refused: alias
  out = clamp(x, 0, {});
  out = clamp(x, {}, y);
}
