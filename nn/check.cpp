// The walk over what one call recorded, and the sentences.
#include "nn/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <string_view>

#include "engine/backward.h"
#include "engine/factory.h"
#include "engine/traverse.h"
#include "ops/ops.h"

namespace chainrule {

std::string to_string(const ModuleReport& report) {
  if (report.passed()) return "nothing found";
  std::string text;
  for (const ModuleFinding& f : report.findings) text += (text.empty() ? "" : "\n") + f.text;
  return text;
}

namespace internal {

struct ModuleCheck::Before {
  ModuleBase& net;
  std::vector<NamedTensor> buffers;
  std::vector<Tensor> values;  // of the buffers
  Generator::State generator;
};

ModuleCheck::ModuleCheck(ModuleBase& net) : before_(new Before{net, net.buffers(), {}, default_generator().state()}) {
  for (const NamedTensor& b : before_->buffers) before_->values.push_back(copied(b.tensor));
}

ModuleCheck::~ModuleCheck() {
  const NoGrad in_place;
  for (std::size_t i = 0; i < before_->values.size(); ++i) before_->buffers[i].tensor.copy_(before_->values[i], {});
  default_generator().set_state(before_->generator);
}

namespace {

using Kind = ModuleFinding::Kind;

/// How many numbers are NaN or infinite; no other type than floating has any.
std::int64_t non_finite(const Tensor& x) {
  if (!is_floating(x.dtype())) return 0;
  const Tensor off = x.detach() * 0;  // NaN exactly where x is not finite
  return static_cast<std::int64_t>(sum(to(ne(off, off), DType::float64)).item());
}

/// Units are channels: axis 1 of images, else the last axis. Null where there is no batch to judge by.
struct Units {
  std::int64_t off = 0, all = 0;
};
Units units_where(const Tensor& is_off) {
  const int rank = is_off.dim();
  if (rank < 2 || is_off.size(0) < 2 || is_off.numel() == 0) return {};
  const std::int64_t axis = rank >= 4 ? 1 : rank - 1;
  Axes others;
  for (std::int64_t d = 0; d < rank; ++d)
    if (d != axis) others.push_back(d);
  const Tensor units = all(is_off, others);
  return {static_cast<std::int64_t>(sum(to(units, DType::float64)).item()), units.numel()};
}

class Findings {
 public:
  explicit Findings(ModuleReport& report) : report_(report) {}
  void add(Kind kind, const std::string& name, std::string text) {
    report_.findings.push_back({kind, name, std::move(text)});
  }
  void expect_finite(const std::string& name, const std::string& what, const Tensor& x) {
    if (const std::int64_t bad = non_finite(x); bad > 0)
      add(Kind::non_finite, name, fmt::format("{} has {} of {} numbers that are not finite", what, bad, x.numel()));
  }
  void look_at_units(const Node& node) {
    const std::string_view op = node.info->name;
    const bool is_relu = op == "relu", is_tanh = op == "tanh";
    if (!(is_relu || is_tanh || op == "sigmoid") || !node.meta || !node.meta->value.defined()) return;
    const Tensor y = node.meta->value;
    const Units units = units_where(is_relu ? eq(y, 0) : is_tanh ? ge(abs(y), 1 - 1e-3) : ge(abs(y - 0.5), 0.5 - 1e-3));
    if (units.off == 0) return;
    const std::string name = node.module ? node.module->full() : "";
    add(is_relu ? Kind::dead_units : Kind::saturated, name,
        fmt::format("{}{} at {}: {} of {} units {} for all {} samples", name.empty() ? "" : name + ": ", op,
                    to_string(node.where), units.off, units.all,
                    is_relu   ? "give 0"
                    : is_tanh ? "are at -1 or 1"
                              : "are at 0 or 1",
                    y.size(0)));
  }

 private:
  ModuleReport& report_;
};

}  // namespace

ModuleReport ModuleCheck::look_at(const std::vector<Tensor>& inputs, const std::vector<Tensor>& results) {
  ModuleReport report;
  Findings findings(report);
  const std::vector<NamedTensor> parameters = before_->net.parameters();
  for (const NamedTensor& p : parameters)
    findings.expect_finite(p.name, fmt::format("parameter '{}'", p.name), p.tensor);
  for (const NamedTensor& b : before_->buffers)
    findings.expect_finite(b.name, fmt::format("buffer '{}'", b.name), b.tensor);
  for (const NamedTensor& p : parameters)
    if (p.tensor.dtype() != parameters[0].tensor.dtype())
      findings.add(Kind::mixed_types, p.name,
                   fmt::format("parameter '{}' holds {}, '{}' {}", p.name, name_of(p.tensor.dtype()),
                               parameters[0].name, name_of(parameters[0].tensor.dtype())));

  std::vector<Tensor> outputs;
  GradOptions options{.allow_unused = true};
  Generator generator(1);  // random cotangents: the sum of a softmax has no gradient at all
  for (const Tensor& y : results) {
    findings.expect_finite("result", "the result", y);
    if (!y.requires_grad()) continue;
    outputs.push_back(y);
    options.cotangents.push_back(randn(y.shape(), {.dtype = y.dtype()}, generator));
  }

  std::vector<Tensor> trained;
  std::vector<std::string> names;
  for (const NamedTensor& p : parameters)
    if (p.tensor.requires_grad()) trained.push_back(p.tensor), names.push_back(p.name);
  {
    const Traversal graph(outputs);
    for (TensorImpl* leaf : graph.leaves()) {
      const Tensor tensor{Ref<TensorImpl>::share(leaf)};
      const auto is_it = [&](const Tensor& other) { return other.is(tensor); };
      if (std::any_of(trained.begin(), trained.end(), is_it) || std::any_of(inputs.begin(), inputs.end(), is_it))
        continue;
      findings.add(Kind::unregistered, tensor.label(),
                   fmt::format("the trainable {} is used, but no module declares it, so that nothing trains or saves "
                               "it: declare it as a Parameter",
                               describe(tensor)));
    }
    for (std::size_t i = graph.size(); i-- > 0;) findings.look_at_units(graph.node(i));
  }
  if (trained.empty()) return report;
  const std::vector<Tensor> gradients =
      outputs.empty() ? std::vector<Tensor>(trained.size()) : grad(outputs, trained, options);
  for (std::size_t i = 0; i < trained.size(); ++i) {
    const Tensor& g = gradients[i];
    if (!g.defined())
      findings.add(Kind::no_gradient, names[i],
                   fmt::format("parameter '{}' gets no gradient: the result does not depend on it", names[i]));
    else if (non_finite(g) > 0)
      findings.expect_finite(names[i], fmt::format("the gradient of '{}'", names[i]), g);
    else if (g.numel() > 0 && sum(abs(g.detach())).item() == 0)
      findings.add(Kind::zero_gradient, names[i], fmt::format("the gradient of '{}' is 0 everywhere", names[i]));
  }
  return report;
}

}  // namespace internal
}  // namespace chainrule
