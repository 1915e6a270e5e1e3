// Reverse mode: gradients of results by inputs. `grad` returns values and touches nothing; Tensor::backward is the same
// walk, with the results added to the leaves.
#pragma once

#include <concepts>
#include <span>
#include <vector>

#include "engine/tensor.h"

namespace chainrule {

struct GradOptions {
  bool create_graph = false;         ///< record the gradients themselves, for derivatives of higher order
  bool retain_graph = false;         ///< keep saved values for another walk; create_graph keeps them too
  bool allow_unused = false;         ///< an input that no path reaches gives an empty handle, not an error
  bool materialize_grads = false;    ///< it gives zeros; so does a constant output, as the fourth derivative of x^3 is
  std::vector<Tensor> cotangents{};  ///< one per output; default 1, for outputs of one element
};

/// d(sum of outputs, weighed by the cotangents)/d(inputs), in the order of the inputs. Inputs may be leaves or inner
/// values. Throws GraphError, before anything is freed, when an input is not reached, an output is not a scalar and has
/// no cotangent, or the graph was already freed. The inputs decide what comes back: for a list, also one in braces, a
/// list; for a tensor a tensor.
[[nodiscard]] std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                                       const GradOptions& options = {},
                                       SourceLocation where = SourceLocation::current());
[[nodiscard]] std::vector<Tensor> grad(const Tensor& output, const std::vector<Tensor>& inputs,
                                       const GradOptions& options = {},
                                       SourceLocation where = SourceLocation::current());
/// By what has a name: grad(loss, net.parameters()).
[[nodiscard]] std::vector<Tensor> grad(const Tensor& output, const std::vector<NamedTensor>& inputs,
                                       const GradOptions& options = {},
                                       SourceLocation where = SourceLocation::current());
// Templates, so that braces are a list.
template <std::derived_from<Tensor> Input>
Tensor grad(const Tensor& output, const Input& input, const GradOptions& options = {},
            SourceLocation where = SourceLocation::current()) {
  return grad(output, std::vector<Tensor>{input}, options, where)[0];
}
template <std::derived_from<Tensor> Input>
Tensor grad(const std::vector<Tensor>& outputs, const Input& input, const GradOptions& options = {},
            SourceLocation where = SourceLocation::current()) {
  return grad(outputs, std::vector<Tensor>{input}, options, where)[0];
}

// The accumulator's three operations, declared here and defined in ops/ (the engine itself knows none).

/// x + y, recorded when recording is on.
Tensor accumulate(const Tensor& x, const Tensor& y);
/// z += y for a dense z that nobody else holds; same shape and dtype.
void accumulate_into(Tensor& z, const Tensor& y);
/// Sums broadcast axes away: the adjoint of broadcasting `shape` to g's shape.
Tensor sum_to(const Tensor& g, const Shape& shape);

}  // namespace chainrule
