// Sentences for walks that cannot be.
#include "engine/backward_errors.h"

#include <fmt/format.h>

#include <array>
#include <mutex>

#include "engine/node.h"
#include "engine/types/error.h"

namespace chainrule {

// --- the last calls of backward, for the error about a graph that was already freed ---------------------------------

namespace {

struct Call {
  std::uint32_t number;
  std::uint64_t root;
  const char* op;
  SourceLocation where;
};
constexpr std::size_t kCallsKept = 64;

std::mutex calls_mutex;
std::uint32_t last_call = 0;
std::array<Call, kCallsKept> calls{};

}  // namespace

std::uint32_t internal::note_call(const Node* root, const SourceLocation& where) {
  const std::lock_guard lock(calls_mutex);
  if (++last_call == 0) last_call = 1;
  calls[last_call % kCallsKept] = {last_call, root ? root->number : 0, root ? root->info->name : "leaf", where};
  return last_call;
}

namespace {

std::string call_text(std::uint32_t number) {
  const std::lock_guard lock(calls_mutex);
  const Call& call = calls[number % kCallsKept];
  if (call.number != number) return fmt::format("backward call {}", number);
  const std::string at = to_string(call.where);
  return fmt::format("backward call {}, of {}#{}{}{}", number, call.op, call.root, at.empty() ? "" : " at ", at);
}

}  // namespace

void internal::throw_freed(const Node& node) {
  throw GraphError(fmt::format(
      "backward: the saved values of {}, shape {}, were freed by {}. Usual causes: backward() was called twice for one "
      "result, or a value computed in an earlier training step is used again in this one (detach() it). If two walks "
      "are meant, give the first one retain_graph",
      node.title(), to_string(node.shape()), call_text(node.released_by)));
}

// Names the place where recording stopped.
void internal::throw_no_path(const Tensor& output, const char* who) {
  const TensorImpl& t = output.impl();
  const std::string op = t.stopped_at ? t.stopped_at->name : "an operation";
  const std::string reason =
      t.stop == Stop::detach    ? fmt::format("recording stopped at detach() of a result of {}", op)
      : t.stop == Stop::frozen  ? std::string("set_requires_grad(false) was called on what it was computed from")
      : t.stop == Stop::no_grad ? fmt::format("recording stopped at {}, inside a NoGrad scope", op)
                                : "nothing that it was computed from is trainable";
  throw GraphError(fmt::format("{}: {} has no path to a trainable value: {}", who, describe(output), reason));
}

}  // namespace chainrule
