// Derivatives of whole functions, as torch.autograd.functional and torch.func have them: Jacobian, Hessian, and their
// products with a vector. All are made of reverse passes (engine/backward.h). Each stands here twice: for a result that
// was recorded, whose graph is kept, and for a function, which is called once at copies of its arguments.
//
// Where no path leads from an input to the result, derivatives are zeros. What is returned has no history; to
// differentiate further, use grad with create_graph. Results and arguments must be floating, otherwise ValueError is
// thrown; an empty handle throws ValueError, a graph that was freed GraphError.
#pragma once

#include <concepts>
#include <functional>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

/// z = f(x), and z = f(x, y, ...).
using Function1 = std::function<Tensor(const Tensor& x)>;
using FunctionN = std::function<Tensor(const std::vector<Tensor>& inputs)>;

/// d z[i...] / d x[j...] for every pair, in shape (i..., j...), by one reverse pass for each number of z. Throws
/// ShapeError when that shape has more than 8 axes.
Tensor jacobian(const Tensor& z, const Tensor& x);
Tensor jacobian(const Function1& f, const Tensor& x);
/// One block for each input.
[[nodiscard]] std::vector<Tensor> jacobian(const FunctionN& f, const std::vector<Tensor>& inputs);

/// d2 z / (d x[i...] d x[j...]) of one number z, in shape (i..., j...). Throws GraphError when z is not one number.
Tensor hessian(const Function1& f, const Tensor& x);
/// blocks[a][b] is d2 z / (d input a, d input b).
[[nodiscard]] std::vector<std::vector<Tensor>> hessian(const Tensor& z, const std::vector<Tensor>& inputs);
/// A template, so that braces are a list.
template <std::derived_from<Tensor> Input>
Tensor hessian(const Tensor& z, const Input& x) {
  return hessian(z, std::vector<Tensor>{x})[0][0];
}
[[nodiscard]] std::vector<std::vector<Tensor>> hessian(const FunctionN& f, const std::vector<Tensor>& inputs);

/// The function's value, and a product of its derivatives with a vector.
struct [[nodiscard]] ValueAndProduct {
  Tensor value, product;
};
struct [[nodiscard]] ValueAndProducts {
  Tensor value;
  std::vector<Tensor> products;  ///< one for each input
};

/// J v, the derivative of z when the inputs move along the tangents v, in z's shape; a tangent has its input's shape
/// (ShapeError otherwise). Two reverse passes: u -> J^T u is linear in u, and its own transposed derivative is J.
Tensor jvp(const Tensor& z, const std::vector<Tensor>& inputs, const std::vector<Tensor>& tangents);
ValueAndProduct jvp(const Function1& f, const Tensor& x, const Tensor& tangent);
ValueAndProduct jvp(const FunctionN& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& tangents);

/// u^T J, what one reverse pass gives: in the shapes of the inputs. The cotangent u has the shape of f's value
/// (ShapeError otherwise).
ValueAndProduct vjp(const Function1& f, const Tensor& x, const Tensor& cotangent);
ValueAndProducts vjp(const FunctionN& f, const std::vector<Tensor>& inputs, const Tensor& cotangent);

/// H v of one number z, without H: the gradient of the gradient's product with v. Throws GraphError when z is not one
/// number.
ValueAndProduct hvp(const Function1& f, const Tensor& x, const Tensor& v);
ValueAndProducts hvp(const FunctionN& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& v);

}  // namespace chainrule
