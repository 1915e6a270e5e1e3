// Handles, factories and scopes: what would be lost or mean something else.
#include <chainrule/chainrule.h>

#include <string>
#include <vector>

using namespace chainrule;

void tensors(Tensor& out, const Tensor& x, const Tensor& y) {
  out = eq(x, y);
  bool same = x.is(y);
  same = x == y;  // refused: eq(x, y) gives the mask, x.is(y) asks for one and the same
  same = x == 1;  // refused: eq(x, y) gives the mask, x.is(y) asks for one and the same
  same = 1 == x;  // refused: eq(x, y) gives the mask, x.is(y) asks for one and the same
  same = x != y;  // refused: eq(x, y) gives the mask, x.is(y) asks for one and the same
  out = gelu(x, Approximation::tanh);
  out = gelu(x, "tanh");  // refused: gelu
  out = div(x, y, Rounding::floor);
  out = div(x, y, "floor");  // refused: div
  out = zeros({2}, DType::float64);
  out = zeros({2}, 3);                                    // refused: zeros
  out = from_vector(std::vector<std::string>{"1"}, {1});  // refused: from_vector
  out = x[{0, Slice(1, 3), None}];
  out = x[true];  // refused: operator[]
  out = x[0.5];   // refused: operator[]
  x[0] = y;       // refused: operator=
  (void)same;
}

void dropped(Tensor& x) {
  x.label("x");
  x.set_requires_grad();
  x.detach();                                          // refused: nodiscard
  clamp(x, 0, 1);                                      // refused: nodiscard
  x + 1;                                               // refused: nodiscard
  grad(x, {x});                                        // refused: nodiscard
  split(x, 2);                                         // refused: nodiscard
  zeros({2});                                          // refused: nodiscard
  x.item();                                            // refused: nodiscard
  x.register_hook([](const Tensor& g) { return g; });  // refused: nodiscard
  NoGrad();                                            // refused: nodiscard
  AnomalyMode();                                       // refused: nodiscard
  TeachingMode();                                      // refused: nodiscard
  EnableGrad();                                        // refused: nodiscard
  const NoGrad values_only;
}
