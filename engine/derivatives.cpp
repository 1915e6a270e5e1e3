// Rows and products of Jacobians by reverse passes. The engine knows no operation, so a product is never multiplied
// out: it is the cotangent of another pass.
#include "engine/derivatives.h"

#include <fmt/format.h>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

using Tensors = std::vector<Tensor>;

void expect_floating(const char* who, const char* what, const Tensor& t) {
  if (!t.defined()) throw ValueError(fmt::format("{}: {} is an empty handle", who, what));
  if (!is_floating(t.dtype()))
    throw ValueError(
        fmt::format("{}: {} is {}, only floating numbers have derivatives", who, what, name_of(t.dtype())));
}

void expect_like(const char* who, const char* what, const Tensor& t, const Tensor& wanted) {
  expect_floating(who, what, t);
  if (t.shape() != wanted.shape())
    throw ShapeError(fmt::format("{}: {} has shape {}, what it belongs to {}", who, what, to_string(t.shape()),
                                 to_string(wanted.shape())));
  if (t.dtype() != wanted.dtype())
    throw ValueError(
        fmt::format("{}: {} is {}, what it belongs to {}", who, what, name_of(t.dtype()), name_of(wanted.dtype())));
}

void expect_like(const char* who, const char* what, const Tensors& list, const Tensors& wanted) {
  if (list.size() != wanted.size())
    throw ValueError(fmt::format("{}: there are {} inputs and {} vectors", who, wanted.size(), list.size()));
  for (std::size_t i = 0; i < list.size(); ++i) expect_like(who, what, list[i], wanted[i]);
}

void expect_number(const char* who, const Tensor& z) {
  expect_floating(who, "the result", z);
  if (z.numel() != 1)
    throw GraphError(fmt::format("{}: the result has shape {}, it must be one number, as sum(...) gives", who,
                                 to_string(z.shape())));
}

Tensor zeros_like(const Tensor& t) { return zeros(t.shape(), {.dtype = t.dtype()}); }

/// J^T u by each input; empty handles where no path leads.
Tensors pull_back(const Tensor& z, const Tensors& inputs, const Tensor& u, bool create_graph = false) {
  if (!z.requires_grad()) return Tensors(inputs.size());
  return grad(Tensors{z}, inputs,
              {.create_graph = create_graph, .retain_graph = true, .allow_unused = true, .cotangents = {u}});
}

/// The same without history and without empty handles.
Tensors products(const Tensor& z, const Tensors& inputs, const Tensor& u) {
  Tensors found = pull_back(z, inputs, u);
  for (std::size_t i = 0; i < found.size(); ++i)
    found[i] = found[i].defined() ? found[i].detach() : zeros_like(inputs[i]);
  return found;
}

Tensors gradients(const Tensor& z, const Tensors& inputs) {
  return pull_back(z, inputs, ones(z.shape(), {.dtype = z.dtype()}), true);
}

/// f at leaves of its own, which share the numbers of the inputs.
struct Evaluation {
  Tensors inputs;
  Tensor z;
  Evaluation(const char* who, const FunctionN& f, const Tensors& given) {
    const EnableGrad record;
    inputs.reserve(given.size());
    for (const Tensor& x : given) {
      expect_floating(who, "an input", x);
      inputs.push_back(x.detach());
      inputs.back().set_requires_grad();
    }
    z = f(inputs);
    expect_floating(who, "the result", z);
  }
};

FunctionN of_one(const Function1& f) {
  return [&f](const Tensors& inputs) { return f(inputs[0]); };
}

}  // namespace

Tensor jacobian(const Tensor& z, const Tensor& x) {
  expect_floating("jacobian", "the result", z);
  expect_floating("jacobian", "an input", x);
  Shape shape = z.shape();
  for (const auto size : x.shape()) {
    if (shape.size() == static_cast<std::size_t>(kMaxRank))
      throw ShapeError(fmt::format("jacobian: {} by {} has more than {} axes; reshape one of them",
                                   to_string(z.shape()), to_string(x.shape()), kMaxRank));
    shape.push_back(size);
  }
  std::vector<double> rows;
  std::vector<double> one_hot(static_cast<std::size_t>(z.numel()), 0);
  for (double& hot : one_hot) {
    hot = 1;
    const Tensor row = products(z, {x}, from_vector(one_hot, z.shape(), {.dtype = z.dtype()}))[0];
    const std::vector<double> numbers = row.to_vector();
    rows.insert(rows.end(), numbers.begin(), numbers.end());
    hot = 0;
  }
  return from_vector(rows, shape, {.dtype = z.dtype()});
}

Tensor jacobian(const Function1& f, const Tensor& x) { return jacobian(of_one(f), Tensors{x})[0]; }

std::vector<Tensor> jacobian(const FunctionN& f, const std::vector<Tensor>& inputs) {
  const Evaluation call("jacobian", f, inputs);
  Tensors blocks;
  blocks.reserve(inputs.size());
  for (const Tensor& x : call.inputs) blocks.push_back(jacobian(call.z, x));
  return blocks;
}

std::vector<std::vector<Tensor>> hessian(const Tensor& z, const std::vector<Tensor>& inputs) {
  expect_number("hessian", z);
  const Tensors first = gradients(z, inputs);
  std::vector<Tensors> blocks(inputs.size());
  for (std::size_t a = 0; a < inputs.size(); ++a) {
    // No path at all means that nothing changes.
    const Tensor g = first[a].defined() ? first[a] : zeros(inputs[a].shape(), {.dtype = z.dtype()});
    for (const Tensor& x : inputs) blocks[a].push_back(jacobian(g, x));
  }
  return blocks;
}

std::vector<std::vector<Tensor>> hessian(const FunctionN& f, const std::vector<Tensor>& inputs) {
  const Evaluation call("hessian", f, inputs);
  return hessian(call.z, call.inputs);
}

Tensor hessian(const Function1& f, const Tensor& x) { return hessian(of_one(f), Tensors{x})[0][0]; }

Tensor jvp(const Tensor& z, const std::vector<Tensor>& inputs, const std::vector<Tensor>& tangents) {
  expect_floating("jvp", "the result", z);
  for (const Tensor& x : inputs) expect_floating("jvp", "an input", x);
  expect_like("jvp", "a tangent", tangents, inputs);
  const Tensor u = zeros(z.shape(), {.dtype = z.dtype(), .requires_grad = true});
  const Tensors pulled = pull_back(z, inputs, u, true);  // J^T u
  Tensors outputs, cotangents;
  for (std::size_t i = 0; i < pulled.size(); ++i) {
    if (!pulled[i].defined() || !pulled[i].requires_grad()) continue;
    outputs.push_back(pulled[i]);
    cotangents.push_back(tangents[i]);
  }
  if (outputs.empty()) return zeros_like(z);
  return grad(outputs, {u}, {.cotangents = cotangents})[0];
}

ValueAndProduct jvp(const FunctionN& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& tangents) {
  const Evaluation call("jvp", f, inputs);
  return {call.z.detach(), jvp(call.z, call.inputs, tangents)};
}

ValueAndProduct jvp(const Function1& f, const Tensor& x, const Tensor& tangent) {
  return jvp(of_one(f), Tensors{x}, Tensors{tangent});
}

ValueAndProducts vjp(const FunctionN& f, const std::vector<Tensor>& inputs, const Tensor& cotangent) {
  const Evaluation call("vjp", f, inputs);
  expect_like("vjp", "the cotangent", cotangent, call.z);
  return {call.z.detach(), products(call.z, call.inputs, cotangent)};
}

ValueAndProduct vjp(const Function1& f, const Tensor& x, const Tensor& cotangent) {
  ValueAndProducts all = vjp(of_one(f), Tensors{x}, cotangent);
  return {all.value, all.products[0]};
}

ValueAndProducts hvp(const FunctionN& f, const std::vector<Tensor>& inputs, const std::vector<Tensor>& v) {
  const Evaluation call("hvp", f, inputs);
  expect_number("hvp", call.z);
  expect_like("hvp", "a vector", v, inputs);
  const Tensors first = gradients(call.z, call.inputs);
  Tensors outputs, cotangents;
  for (std::size_t i = 0; i < first.size(); ++i) {
    if (!first[i].defined() || !first[i].requires_grad()) continue;
    outputs.push_back(first[i]);
    cotangents.push_back(v[i]);
  }
  ValueAndProducts result{call.z.detach(), Tensors(inputs.size())};
  if (!outputs.empty()) result.products = grad(outputs, call.inputs, {.allow_unused = true, .cotangents = cotangents});
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!result.products[i].defined()) result.products[i] = zeros_like(inputs[i]);
  return result;
}

ValueAndProduct hvp(const Function1& f, const Tensor& x, const Tensor& v) {
  ValueAndProducts all = hvp(of_one(f), Tensors{x}, Tensors{v});
  return {all.value, all.products[0]};
}

}  // namespace chainrule
