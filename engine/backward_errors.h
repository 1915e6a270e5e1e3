// Inner header: for our own sources, not installed.
// Why a walk cannot be: what freed the graph, and where recording stopped.
#pragma once

#include <cstdint>

#include "engine/tensor.h"

namespace chainrule::internal {

/// Remembers a call of backward, also for later errors; its number is what freed nodes keep.
std::uint32_t note_call(const Node* root, const SourceLocation& where);
/// Throws GraphError, which says what freed the node's saved values.
[[noreturn]] void throw_freed(const Node& node);
/// Throws GraphError, opened by `who`, which names the place where recording stopped.
[[noreturn]] void throw_no_path(const Tensor& output, const char* who);

}  // namespace chainrule::internal
