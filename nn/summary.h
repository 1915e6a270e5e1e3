// summary(model, shape): what a network is made of, layer by layer, as a table or as JSON. It is found by running the
// network once on zeros, so it shows what really happens, plain operations between layers included.
#pragma once

#include <fmt/core.h>

#include <optional>
#include <string>
#include <vector>

#include "nn/module.h"

namespace chainrule {

/// A module with the operations that it calls itself, not those of modules inside it; in the order of the first call.
struct SummaryRow {
  std::string name;             ///< its path: "conv.0"; "" for the network itself
  std::string kind;             ///< its type: "Conv2d"
  Shape output{};               ///< of its last operation
  bool called = true;           ///< false: it has parameters, and evaluation does not use them
  std::int64_t parameters = 0;  ///< numbers in its own parameters; shared ones count where they are first
  double flops = 0;        ///< floating-point operations of a forward pass; a multiplication and an addition are two
  std::int64_t bytes = 0;  ///< of results that are kept for backward at most; views of others are free
  double seconds = 0;      ///< of a forward pass, when asked for
};

struct Summary {
  std::string kind;  ///< of the network
  Shape input{}, output{};
  std::vector<SummaryRow> rows{};
  std::int64_t parameters = 0, trainable = 0;  ///< trainable: those that are not frozen
  double flops = 0;
  std::int64_t parameter_bytes = 0, activation_bytes = 0;
  bool timed = false;
  double seconds = 0;  ///< of the whole, the smallest of three
};

struct SummaryOptions {
  std::int64_t batch_size = 1;
  bool time = false;  ///< also measures forward passes
  /// The type of the input, such as int64 before an Embedding; default: that of the first parameter.
  std::optional<DType> dtype{};
};
/// `shape` is that of one sample, {1, 28, 28}. The network runs in evaluation mode without recording; its mode, its
/// state and the default generator are left as they were. Throws ValueError for a batch_size below 1, and what the
/// network throws for inputs of that shape, with the place where summary was called.
Summary summary(ModuleBase& model, const Shape& shape, const SummaryOptions& options = {},
                SourceLocation where = SourceLocation::current());

/// A table with totals.
std::string to_string(const Summary& summary);
/// An object with the same names as the struct.
std::string to_json(const Summary& summary);

}  // namespace chainrule

template <>
struct fmt::formatter<chainrule::Summary> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const chainrule::Summary& summary, fmt::format_context& context) const {
    return fmt::format_to(context.out(), "{}", chainrule::to_string(summary));
  }
};
