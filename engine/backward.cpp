// The walk. Nodes are visited newest first, so when a node's turn comes every use of its result has already sent its
// share of the gradient; its rule then runs exactly once.
#include "engine/backward.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <mutex>
#include <optional>
#include <variant>

#include "engine/backward_errors.h"
#include "engine/context.h"
#include "engine/factory.h"
#include "engine/profile.h"
#include "engine/traverse.h"
#include "engine/types/error.h"

namespace chainrule {
namespace {

using internal::note_call;
using internal::throw_freed;
using internal::throw_no_path;

// True when nobody else can see the buffer and no two elements share memory.
bool is_own(const Tensor& t) {
  const TensorImpl& z = t.impl();
  if (!z.refs.unique() || z.node || (z.storage && (!z.storage->refs.unique() || z.storage->foreign))) return false;
  for (int i = 0; i < z.shape().rank(); ++i)
    if (z.strides()[i] == 0 && z.shape()[i] > 1) return false;
  return true;
}

// Adds one contribution. The first is moved in; later ones are added in place when nobody else can see the buffer.
void add_to(Tensor& slot, Tensor&& g) {
  if (!slot.defined()) {
    slot = std::move(g);
    return;
  }
  if (is_own(slot) && !g.requires_grad() && slot.is_contiguous())
    accumulate_into(slot, g);
  else
    slot = accumulate(slot, g);
}

// The sum of what was sent to one place so far. Between operations on plain numbers it stays a number.
class Slot {
 public:
  bool empty() const {
    const Tensor* sum = std::get_if<Tensor>(&sum_);
    return sum && !sum->defined();
  }
  void add(double g) {
    if (double* sum = std::get_if<double>(&sum_))
      *sum += g;
    else if (empty())
      new (&sum_) std::variant<Tensor, double>(g);  // the handle is empty: nothing to let go of
    else
      add_to(tensor(), internal::number_result(g));
  }
  void add(Tensor&& g) { add_to(tensor(), std::move(g)); }
  /// An empty handle when nothing was sent.
  Tensor& tensor() {
    if (const double* sum = std::get_if<double>(&sum_)) sum_ = internal::number_result(*sum);
    return *std::get_if<Tensor>(&sum_);
  }
  /// Only for a float64 number; null when nothing was sent.
  const double* number() {
    if (empty()) return nullptr;
    if (const Tensor* sum = std::get_if<Tensor>(&sum_)) sum_ = internal::number_in(sum->impl());
    return std::get_if<double>(&sum_);
  }

 private:
  std::variant<Tensor, double> sum_;
};

void run_hooks(const Meta* meta, Tensor& g, const Shape& shape, const char* who) {
  if (!meta || meta->hooks.empty()) return;
  const auto hooks = meta->hooks;  // a hook may add or remove hooks
  for (const auto& weak : hooks) {
    const auto hook = weak.lock();
    if (!hook) continue;
    Tensor changed = (*hook)(g);
    if (!changed.defined()) continue;
    if (changed.shape() != shape || changed.dtype() != g.dtype())
      throw GraphError(fmt::format("hook on {}: returned {} {}, the gradient is {} {}", who, name_of(changed.dtype()),
                                   to_string(changed.shape()), name_of(g.dtype()), to_string(shape)));
    g = changed;
  }
}

struct WalkOptions {
  bool create_graph = false;
  bool retain_graph = false;
  bool keep_inner = false;  // leave inner gradients on the nodes that keep them
  const char* who = "grad";
};

class Walk {
 public:
  Walk(std::span<const Tensor> outputs, std::span<const Tensor> cotangents, const WalkOptions& options,
       const SourceLocation& where)
      : options_(options),
        roots_(outputs.begin(), outputs.end()),
        graph_({roots_.data(), roots_.size()}),
        grads_(graph_.size()),
        leaf_grads_(graph_.leaves().size()) {
    if (graph_.released()) throw_freed(*graph_.released());
    call_ = note_call(outputs[0].node(), where);
    for (std::size_t i = 0; i < outputs.size(); ++i) seed(outputs[i], i < cotangents.size() ? cotangents[i] : Tensor());
  }

  /// Marks what must be computed for these inputs only; without this call, everything is.
  void want(std::span<const Tensor> inputs) {
    wanted_.assign(graph_.size(), 0);
    leaf_wanted_.assign(graph_.leaves().size(), 0);
    captured_.resize(graph_.size());
    for (const Tensor& x : inputs) {
      if (!x.node()) {
        if (const auto p = graph_.leaf_place(x.ref().get()); p != Traversal::npos) leaf_wanted_[p] = 1;
      } else if (const auto p = graph_.place_of(*x.node()); p != Traversal::npos) {
        wanted_[p] = kCapture;
      }
    }
    for (std::size_t i = graph_.size(); i-- > 0;) {  // oldest first: a node is needed when an input of it is
      for (const Edge& e : graph_.node(i).edges())
        if (edge_wanted(e)) wanted_[i] |= kRun;
    }
  }

  void run() {
    const EnableGrad recording(options_.create_graph);
    const TeachingMode no_teaching(false);
    const internal::Scope<Profile*> paused(&ThreadState::profile, nullptr);
    watched_ = thread_state().anomaly != Anomaly::none || profile_;
    const bool everything = wanted_.empty(), leaves_nodes = everything && !graph_.nested();
    const bool numbers_do = everything && !options_.create_graph && !watched_;
    const std::size_t count = graph_.size();
    for (std::size_t i = 0; i < count; ++i) {
      Node& node = graph_.node(i);
      if (const double* g = numbers_do && node.numbers && !node.meta ? grads_[i].number() : nullptr)
        visit_numbers(node, *g);
      else
        run_with_tensors(i, node);
      if (!options_.retain_graph && !node.teaching) node.release_saved(call_);
      if (leaves_nodes) graph_.leave(i);
    }
    for (std::size_t i = 0; i < leaf_grads_.size(); ++i) {
      TensorImpl* leaf = graph_.leaves()[i];
      if (!leaf_grads_[i].empty()) run_hooks(leaf->meta.get(), leaf_grads_[i].tensor(), leaf->shape(), "a leaf");
    }
  }

  /// Adds what arrived to the leaves. Nothing before this changed them, so a walk that throws leaves them alone.
  void accumulate_leaves() {
    static std::mutex shared_leaves;  // two threads' graphs may end at the same parameter
    const std::lock_guard lock(shared_leaves);
    const NoGrad values_only;
    for (std::size_t i = 0; i < leaf_grads_.size(); ++i) {
      if (leaf_grads_[i].empty()) continue;
      TensorImpl* leaf = graph_.leaves()[i];
      if (!leaf->meta) leaf->meta = std::make_unique<Meta>();
      Tensor& sum = leaf->meta->grad;
      Tensor& g = leaf_grads_[i].tensor();
      if (!sum.defined() && !is_own(g))
        sum = internal::copied(g);
      else
        add_to(sum, std::move(g));
    }
  }

  /// True when a path leads from an output to the input, which was given to want().
  bool reaches(const Tensor& input) const {
    if (!input.node()) return graph_.leaf_place(input.ref().get()) != Traversal::npos;
    return graph_.place_of(*input.node()) != Traversal::npos;
  }

  /// The gradient that arrived at an input given to want(); undefined when none did.
  Tensor result(const Tensor& input) {
    if (!input.node()) {
      const auto p = graph_.leaf_place(input.ref().get());
      return p == Traversal::npos ? Tensor() : leaf_grads_[p].tensor();
    }
    const auto p = graph_.place_of(*input.node());
    return p == Traversal::npos ? Tensor() : captured_[p];
  }

 private:
  static constexpr std::uint8_t kRun = 1, kCapture = 2;

  void seed(const Tensor& output, const Tensor& cotangent) {
    if (!cotangent.defined() && output.numel() != 1)
      throw GraphError(
          fmt::format("{}: {} has shape {}, not one element; reduce it first, for example with sum(), or "
                      "give a cotangent of that shape",
                      options_.who, describe(output), to_string(output.shape())));
    if (!output.requires_grad()) throw_no_path(output, options_.who);
    if (cotangent.defined() && (cotangent.shape() != output.shape() || cotangent.dtype() != output.dtype()))
      throw ShapeError(fmt::format("{}: the cotangent is {} {}, {} is {} {}", options_.who, name_of(cotangent.dtype()),
                                   to_string(cotangent.shape()), describe(output), name_of(output.dtype()),
                                   to_string(output.shape())));
    Tensor g = cotangent.defined() ? cotangent : ones(output.shape(), {.dtype = output.dtype()});
    const EnableGrad recording(options_.create_graph);
    if (output.node())
      grads_[graph_.place_of(*output.node())].add(std::move(g));
    else
      leaf_grads_[graph_.leaf_place(output.ref().get())].add(std::move(g));
  }

  bool edge_wanted(const Edge& e) const {
    if (!e.needs_grad) return false;
    if (wanted_.empty()) return true;
    return e.node ? wanted_[graph_.place_of(*e.node)] != 0 : leaf_wanted_[graph_.leaf_place(e.value.get())] != 0;
  }

  // One step of the walk, for operations on tensors and wherever somebody wants to see the gradient.
  [[gnu::noinline]] void run_with_tensors(std::size_t i, Node& node) {
    if (options_.keep_inner && node.meta) node.meta->grad = Tensor();
    Tensor g = std::move(grads_[i].tensor());
    if (!g.defined()) return;
    run_hooks(node.meta.get(), g, node.shape(), "an inner value");
    if (options_.keep_inner && node.meta && (node.teaching || node.meta->retain_grad))
      node.meta->grad = internal::alias(g);
    if (!captured_.empty() && wanted_[i] & kCapture) captured_[i] = g;
    if (wanted_.empty() || wanted_[i] & kRun) visit(node, g);
  }

  Slot& slot_of(const Edge& e) {
    return e.node ? grads_[graph_.sure_place_of(*e.node)] : leaf_grads_[graph_.leaf_place(e.value.get())];
  }

  void add_share(Slot& slot, Tensor&& g) {
    if (!profile_ || slot.empty()) return slot.add(std::move(g));
    static constexpr OpInfo kAccumulate{.name = "accumulate", .flops = "0"};
    const double started = internal::profile_clock();
    const Tensor share = g;
    slot.add(std::move(g));
    const Tensor* const inputs[] = {&share};
    profile_->add(kAccumulate, ProfilePhase::backward, inputs, slot.tensor(), internal::profile_clock() - started);
  }

  [[gnu::noinline]] void visit_numbers(Node& node, double g) {
    NumberContext context(node);
    node.backward(context, g);
    if (context.sent_nan()) [[unlikely]]
      expect_kept(node, g);
    int i = 0;
    for (const Edge& e : node.edges()) {
      if (e.needs_grad) slot_of(e).add(context.sent(i));
      ++i;
    }
  }

  // What an operation did not keep reads as NaN; on tensors the same rule throws, and names it.
  [[gnu::noinline]] void expect_kept(Node& node, double g) {
    boost::container::small_vector<bool, NumberContext::kMostInputs> needed;
    for (const Edge& e : node.edges()) needed.push_back(e.needs_grad);
    run_rule(node, internal::number_result(g), {needed.data(), needed.size()}, sent_);
    sent_.clear();
  }

  void visit(Node& node, const Tensor& g) {
    const auto edges = node.edges();
    needed_.resize(edges.size());
    for (std::size_t i = 0; i < edges.size(); ++i) needed_[i] = edge_wanted(edges[i]);
    // A gradient that is recorded itself belongs to the line whose derivative it is.
    const internal::Scope<const SourceLocation*> place(&ThreadState::place, &node.where);
    const double started = profile_ ? internal::profile_clock() : 0;
    {
      // What the rule computes on its way is its own affair; a bad result is blamed on the rule, not on a step of it.
      const internal::Scope<Anomaly> unwatched(&ThreadState::anomaly, Anomaly::none);
      run_rule(node, g, {needed_.data(), edges.size()}, sent_);
    }
    if (watched_) report(node, g, started);
    for (std::size_t i = 0; i < edges.size(); ++i) {
      if (!needed_[i] || !sent_[i].defined()) continue;
      add_share(slot_of(edges[i]), std::move(sent_[i]));
    }
    sent_.clear();
  }

  // To those who watch: the profile, and the check that everything is finite.
  void report(const Node& node, const Tensor& g, double started) const {
    if (profile_) {
      const double seconds = internal::profile_clock() - started;
      boost::container::small_vector<const Tensor*, 4> sent;
      for (const Tensor& t : sent_)
        if (t.defined()) sent.push_back(&t);
      profile_->add(*node.info, ProfilePhase::backward, {sent.data(), sent.size()}, g, seconds);
    }
    if (thread_state().anomaly == Anomaly::none) return;
    boost::container::small_vector<Tensor, 4> values{g};
    for (const Edge& e : node.edges())
      if (e.value) values.push_back(Tensor(e.value));
    for (const Tensor& t : sent_)
      if (t.defined()) check_finite(t, *node.info, node.module, node.where, {values.data(), values.size()}, "backward");
  }

  WalkOptions options_;
  Profile* const profile_ = thread_state().profile;
  bool watched_ = false;
  boost::container::small_vector<Tensor, 2> roots_;  // a hook may drop the caller's handle
  Traversal graph_;
  WorkList<Slot> grads_, leaf_grads_;
  WorkList<Tensor> captured_;
  WorkList<std::uint8_t> wanted_, leaf_wanted_;
  boost::container::small_vector<bool, 8> needed_;
  GradContext::Sent sent_;
  std::uint32_t call_ = 0;
};

Tensor zeros_for(const Tensor& x) { return zeros(x.shape(), {.dtype = x.dtype()}); }

bool has_constant(const std::vector<Tensor>& outputs) {
  return std::any_of(outputs.begin(), outputs.end(), [](const Tensor& z) { return !z.requires_grad(); });
}

// The derivative of what was not recorded is 0, so only the recorded outputs are walked.
std::vector<Tensor> grad_of_recorded(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                                     GradOptions options, const SourceLocation& where) {
  std::vector<Tensor> recorded, cotangents;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (!outputs[i].requires_grad()) continue;
    recorded.push_back(outputs[i]);
    if (!options.cotangents.empty()) cotangents.push_back(options.cotangents[i]);
  }
  options.cotangents = std::move(cotangents);
  if (!recorded.empty()) return grad(recorded, inputs, options, where);
  std::vector<Tensor> results;
  results.reserve(inputs.size());
  for (const Tensor& x : inputs) results.push_back(zeros_for(x));
  return results;
}

}  // namespace

std::vector<Tensor> grad(const std::vector<Tensor>& outputs, const std::vector<Tensor>& inputs,
                         const GradOptions& options, SourceLocation where) {
  if (outputs.empty()) throw ValueError("grad: no output was given");
  if (!options.cotangents.empty() && options.cotangents.size() != outputs.size())
    throw ValueError(fmt::format("grad: {} cotangents for {} outputs", options.cotangents.size(), outputs.size()));
  for (const Tensor& x : inputs)
    if (!x.requires_grad())
      throw GraphError(
          fmt::format("grad: {} is not trainable; call set_requires_grad() before computing with it", describe(x)));
  if (options.materialize_grads && has_constant(outputs)) return grad_of_recorded(outputs, inputs, options, where);
  Walk walk(outputs, options.cotangents,
            {.create_graph = options.create_graph, .retain_graph = options.retain_graph || options.create_graph},
            where);
  walk.want(inputs);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!walk.reaches(inputs[i]) && !options.allow_unused && !options.materialize_grads)
      throw GraphError(
          fmt::format("grad: input {}, {}, is not reached from the output; allow_unused gives an empty handle for it, "
                      "materialize_grads zeros",
                      i + 1, describe(inputs[i])));
  walk.run();
  std::vector<Tensor> results;
  for (const Tensor& x : inputs) {
    results.push_back(walk.result(x));
    if (!results.back().defined() && options.materialize_grads) results.back() = zeros_for(x);
  }
  return results;
}

std::vector<Tensor> grad(const Tensor& output, const std::vector<Tensor>& inputs, const GradOptions& options,
                         SourceLocation where) {
  return grad(std::vector{output}, inputs, options, where);
}

std::vector<Tensor> grad(const Tensor& output, const std::vector<NamedTensor>& inputs, const GradOptions& options,
                         SourceLocation where) {
  std::vector<Tensor> tensors;
  tensors.reserve(inputs.size());
  for (const NamedTensor& one : inputs) tensors.push_back(one.tensor);
  return grad(output, tensors, options, where);
}

void Tensor::backward(SourceLocation where) const { backward(BackwardOptions{}, where); }

void Tensor::backward(const BackwardOptions& options, SourceLocation where) const {
  Walk walk(std::span(this, 1), std::span(&options.cotangent, 1),
            {.retain_graph = options.retain_graph, .keep_inner = true, .who = "backward"}, where);
  walk.run();
  walk.accumulate_leaves();
}

}  // namespace chainrule
