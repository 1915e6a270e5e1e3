// Nodes: how they are tied to values, read by rules, and destroyed.
#include "engine/node.h"

#include <fmt/format.h>

#include <cmath>
#include <cstring>
#include <string_view>

#include "engine/backward.h"
#include "engine/record.h"
#include "engine/types/error.h"

namespace chainrule {

// A chain of a million nodes dies here. Were each node to destroy its inputs in its own destructor, the calls would
// nest as deep as the graph and overflow the stack. Instead a node whose last handle goes is put on a list, and only
// the outermost call works the list off.
[[gnu::noinline]] void destroy(Node* node) noexcept {
  static constinit thread_local Node* pending = nullptr;
  static constinit thread_local bool working = false;
  // The dead are in no walk, so the mark is free to link them.
  node->mark.store(reinterpret_cast<std::uintptr_t>(pending), std::memory_order_relaxed);
  pending = node;
  if (working) return;
  working = true;
  while (pending) {
    Node* dead = pending;
    // NOLINTNEXTLINE(performance-no-int-to-ptr): it was a pointer
    pending = reinterpret_cast<Node*>(dead->mark.load(std::memory_order_relaxed));
    dead->dispose();
  }
  working = false;
}

std::string input_letter(const OpInfo& info, int i) {
  std::string_view letters = info.inputs;
  for (int k = 0; !letters.empty(); ++k) {
    const auto end = letters.find(' ');
    if (k == i) return std::string(letters.substr(0, end));
    letters = end == std::string_view::npos ? std::string_view() : letters.substr(end + 1);
  }
  return fmt::format("argument {}", i + 1);
}

std::string Node::title() const {
  const std::string name = fmt::format("{}#{}", info->name, number);
  return meta && !meta->label.empty() ? fmt::format("'{}' ({})", meta->label, name) : name;
}

std::string describe(const Tensor& tensor) {
  if (!tensor.defined()) return "an empty tensor";
  const Node* node = tensor.node();
  const std::string& label = tensor.label();
  const std::string what = node ? fmt::format("{}#{}", node->info->name, node->number) : "leaf";
  const std::string shape = to_string(tensor.shape());
  return label.empty() ? fmt::format("{} of shape {}", node ? what : "a leaf", shape)
                       : fmt::format("'{}' ({}, shape {})", label, what, shape);
}

// --- saved values ----------------------------------------------------------------------------------------------------

namespace {

[[noreturn]] void throw_overwritten(const Node& node, const std::string& role, const TensorImpl& now,
                                    const std::string& value, std::uint32_t saved) {
  const Writer writer = now.storage ? now.storage->writer : Writer{};
  throw GraphError(
      fmt::format("backward of {}: its {} {} was overwritten after it was saved: version {} was saved, {} is "
                  "there now, written by {}{}{}; change values after backward(), or give the operation a copy",
                  node.title(), role, value, saved, now.version(), writer.what ? writer.what : "an unknown writer",
                  writer.where.line() ? " at " + to_string(writer.where) : "",
                  node.where.line() ? "; the operation is at " + to_string(node.where) : ""));
}

std::string where_of_argument(const Node& node, int i) {
  return fmt::format("backward of {}: the gradient of argument {} ({})", node.title(), i + 1,
                     input_letter(*node.info, i));
}

[[noreturn]] void throw_missing(const Node& node, int i) {
  throw GraphError(fmt::format("{} was not sent, though it is needed; send zeros where the derivative is 0",
                               where_of_argument(node, i)));
}

[[noreturn]] void throw_no_input(const Node& node, int i, int count) {
  throw GraphError(fmt::format("backward of {}: the rule sends a gradient for input {}, but the operation has {} {}",
                               node.title(), i + 1, count, count == 1 ? "input" : "inputs"));
}

// A rule met an empty handle, as it gets for what the operation did not keep. Throws that error again when it kept all.
[[noreturn]] void throw_not_kept(const Node& node, std::span<const bool> needed) {
  std::string missing, by;
  for (std::size_t i = 0; i < needed.size(); ++i) {
    const std::string letter = input_letter(*node.info, static_cast<int>(i));
    if (!node.edges()[i].saved) missing += (missing.empty() ? "input " : ", input ") + letter;
    if (needed[i]) by += (by.empty() ? "" : ", ") + letter;
  }
  const Edge* z = node.saved_result();
  if (!z || !z->saved) missing += missing.empty() ? "the result" : ", the result";
  if (missing.empty()) throw;
  throw GraphError(
      fmt::format("backward of {}: its rule used an empty tensor handle. The derivative by {} keeps what `uses` names, "
                  "and not {}: name there what the rule reads",
                  node.title(), by, missing));
}

}  // namespace

void Node::throw_input_overwritten(int i) const {
  const Edge& e = slots()[i];
  throw_overwritten(*this, "input " + input_letter(*info, i), *e.value, describe(Tensor(e.value)), e.version);
}

// Written through a detached handle, which shares the buffer.
void Node::throw_output_overwritten() const {
  const Edge& z = *saved_result();
  throw_overwritten(*this, "result", *z.value, "of shape " + to_string(shape()), z.version);
}

Tensor Node::saved_input(int i) const {
  const Edge& e = slots()[i];
  if (!e.saved) return {};
  if (e.value->version() != e.version) throw_input_overwritten(i);
  return Tensor(e.value);
}

Tensor Node::saved_output() {
  const Edge* z = saved_result();
  if (!z || !z->saved) return {};
  if (z->value->version() != z->version) throw_output_overwritten();
  Tensor result = internal::alias(Tensor(z->value));
  result.impl().node = Ref<Node>::share(this);
  return result;
}

// --- running a rule --------------------------------------------------------------------------------------------------

Expected expected_gradient(const Edge& edge) {
  if (edge.node) return {&edge.node->shape(), edge.node->dtype};
  return {&edge.value->shape(), edge.value->dtype};
}

const Shape& GradContext::shape(int i) const { return *expected_gradient(node_.edges()[i]).shape; }

void GradContext::throw_no_such_input(int i) const { throw_no_input(node_, i, input_count()); }
void NumberContext::throw_no_such_input(int i) const { throw_no_input(node_, i, input_count()); }
void NumberContext::throw_not_sent(int i) const { throw_missing(node_, i); }

void run_rule(Node& node, const Tensor& g, std::span<const bool> needed, GradContext::Sent& sent) {
  const auto edges = node.edges();
  sent.assign(edges.size(), Tensor());
  GradContext context(node, needed, sent);
  try {
    node.backward(context, g);
  } catch (const EmptyHandleError&) {
    throw_not_kept(node, needed);
  }
  for (std::size_t i = 0; i < edges.size(); ++i) {
    if (!needed[i]) continue;
    auto where = [&] { return where_of_argument(node, static_cast<int>(i)); };
    if (!sent[i].defined()) throw_missing(node, static_cast<int>(i));
    const Expected expected = expected_gradient(edges[i]);
    if (sent[i].dtype() != expected.dtype)
      throw GraphError(
          fmt::format("{} has dtype {}, the input has {}", where(), name_of(sent[i].dtype()), name_of(expected.dtype)));
    if (sent[i].shape() == *expected.shape) continue;
    if (node.info->elementwise && sent[i].shape() == node.shape()) {
      sent[i] = sum_to(sent[i], *expected.shape);
    } else {
      throw ShapeError(fmt::format("{} has shape {}, the input has {}", where(), to_string(sent[i].shape()),
                                   to_string(*expected.shape)));
    }
  }
}

// --- recording -------------------------------------------------------------------------------------------------------

namespace internal {

void throw_number_operand() { throw ValueError("record: pass numbers as tensors (Operand::to_tensor)"); }

void throw_empty_input(const OpInfo& info, std::size_t i) {
  throw EmptyHandleError(fmt::format("{}: input {} is an empty tensor handle (made by default or moved from)",
                                     info.name, input_letter(info, static_cast<int>(i))));
}

void throw_no_rule(const OpInfo& info) {
  throw GraphError(
      fmt::format("{}: this operation has no derivative, and an input is trainable; detach() the input or "
                  "compute it inside a NoGrad scope",
                  info.name));
}

void number_leaf(TensorImpl& leaf) {
  std::uint64_t unnumbered = 0;
  leaf.number.compare_exchange_strong(unnumbered, internal::next_number());
}

void keep_result(Node& node, const Tensor& result, bool for_rule, bool for_teaching) {
  if (for_rule) {
    Edge& own = *node.saved_result();
    own.value = internal::alias(result).ref();
    own.version = own.value->version();
    own.saved = true;
  }
  if (for_teaching) {
    node.meta = std::make_unique<Meta>();
    node.meta->value = internal::alias(result);
  }
}

void note_stop(Tensor& result, const OpInfo& info, std::span<const Tensor* const> inputs) {
  for (const Tensor* x : inputs) {
    const TensorImpl& t = x->impl();
    const bool here = x->requires_grad();
    if (!here && t.stop == Stop::none) continue;
    result.impl().stop = here ? Stop::no_grad : t.stop;
    result.impl().stopped_at = here ? &info : t.stopped_at;
    return;
  }
}

Tensor compute_in_module(const Compute& forward, const SourceLocation& where) {
  try {
    return forward();
  } catch (const Error&) {
    throw_again_at(where);
  }
}

Tensor record_tensors(const OpKind& kind, void* op, std::span<const Tensor* const> inputs, const SourceLocation& where,
                      const Compute& forward) {
  return record_call<false>(kind, op, inputs, where, forward);
}

void check_forward(const Tensor& result, const OpInfo& info, std::span<const Tensor* const> inputs,
                   const SourceLocation& where) {
  boost::container::small_vector<Tensor, 4> list;
  for (const Tensor* x : inputs) list.push_back(*x);
  check_finite(result, info, thread_state().module, where, {list.data(), list.size()}, "forward");
}

}  // namespace internal

void check_finite(const Tensor& result, const OpInfo& info, const ModulePath* module, const SourceLocation& where,
                  std::span<const Tensor> inputs, const char* phase) {
  if (!is_floating(result.dtype())) return;
  auto facts = [](const Tensor& t, std::string& out) {
    double low = INFINITY, high = -INFINITY;
    std::int64_t nans = 0, infinities = 0;
    for (const double v : t.to_vector()) {
      if (std::isfinite(v))
        low = std::min(low, v), high = std::max(high, v);
      else
        ++(std::isnan(v) ? nans : infinities);
    }
    const std::string range =
        low <= high ? fmt::format("finite values {:.6g} to {:.6g}", low, high) : "no finite value";
    fmt::format_to(std::back_inserter(out), "{}, {}, {} of {} not finite", describe(t), range, nans + infinities,
                   t.numel());
    return std::pair{nans, infinities};
  };
  std::string text, ignored;
  const auto [nans, infinities] = facts(result, text);
  if (nans == 0 && infinities == 0) return;
  if (nans == 0 && thread_state().anomaly == Anomaly::nan) return;
  const auto brought_along = [&](const Tensor& x) { return x.defined() && facts(x, ignored).second > 0; };
  if (nans == 0 && std::any_of(inputs.begin(), inputs.end(), brought_along)) return;
  std::string message = fmt::format("{} of {}: the first value that is not finite: {}", phase, info.name, text);
  if (module) message += fmt::format("; in module {}", module->full());
  if (where.line()) message += fmt::format("; at {}", to_string(where));
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) continue;
    message += fmt::format("; {} ", phase[0] == 'f' ? "input " + input_letter(info, static_cast<int>(i)) : "value");
    facts(inputs[i], message);
  }
  throw NumericError(message);
}

}  // namespace chainrule
