// Inner header: for our own sources, not installed.
// The tensors of a network with the places where they stand, for functions that put others there.
#pragma once

#include <string>
#include <vector>

#include "nn/parameter.h"

namespace chainrule::internal {

struct Members {
  struct Place {
    std::string path;
    ModuleBase::Member* member;
    bool is_parameter() const { return member->kind == ModuleBase::Kind::parameter; }
    const Tensor& tensor() const { return member->tensor; }
    /// Another tensor in the module's list and in its Parameter or Buffer.
    void put(const Tensor& other) const;
  };
  /// All of them in order of declaration, what is shared under each of its paths.
  static std::vector<Place> of(ModuleBase& net);
  /// Paths that were found before may carry other counts now.
  static void changed() { ++ModuleBase::structure(); }
  /// One module for a reader.
  struct Line {
    std::string module;   ///< "  fc: Linear", indented by depth
    std::int64_t count;   ///< numbers that it and all inside train
    std::string tensors;  ///< its own: "weight (2, 4), bias (2,)"
  };
  /// This module and all inside it, each where it is declared; a shared one is spelt out once.
  static std::vector<Line> lines(const ModuleBase& net);
};

}  // namespace chainrule::internal
