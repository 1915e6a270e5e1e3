// Networks in fmt and streams: fmt::print("{}\n", net).
#pragma once

#include <fmt/format.h>

#include <concepts>
#include <iosfwd>
#include <string>

#include "nn/module_base.h"

namespace chainrule {

/// The tree of modules, a line each, without a newline at the end: path, kind and arguments, how many numbers are in
/// its parameters, its own tensors with shapes. What is shared says under which path it stands first.
///
///   Net                     85
///     scale (2)
///     block: Block          30
///       first: Linear       20  weight (5, 3), bias (5)
std::string to_string(const ModuleBase& net);
std::ostream& operator<<(std::ostream& out, const ModuleBase& net);

}  // namespace chainrule

template <std::derived_from<chainrule::ModuleBase> M>
struct fmt::formatter<M> : fmt::formatter<fmt::string_view> {
  auto format(const chainrule::ModuleBase& net, fmt::format_context& context) const {
    return fmt::formatter<fmt::string_view>::format(chainrule::to_string(net), context);
  }
};
