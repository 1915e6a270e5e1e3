// Inner header: for our own sources, not installed.
// How many messages a file of protobuf holds, counted before anything is made of them: an empty one takes two bytes in
// a file and hundreds in memory, so a small file could ask for all there is.
#pragma once

#include <cstddef>
#include <string_view>

namespace chainrule::internal {

/// Large networks have some ten thousand.
inline constexpr std::size_t kMostOnnxFields = 2'000'000;

/// Fields of the model, of its graph, and of all that lies in there, down to the attributes of nodes; packed numbers
/// and raw data count as one. Stops at `limit`. What is broken is left to the parser.
std::size_t onnx_fields(std::string_view bytes, std::size_t limit);

}  // namespace chainrule::internal
