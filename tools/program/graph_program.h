// The program of a graph that was written without one, by C++: one statement for each operation, in the order in which
// they were recorded. What its operations are called and how they are set is read from the graph itself.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <utility>
#include <vector>

namespace chainrule {

struct GraphProgram {
  struct Input {
    std::string name, label, kind;
    std::size_t node = 0;  ///< its place among the graph's nodes
  };
  std::string text;
  std::vector<Input> inputs;
  std::size_t result = 0;  ///< the node of the result
};

/// Throws ValueError that says why a graph cannot be evaluated again: nodes were folded, it has several results, an
/// operation has no function of its name, an edge leads nowhere.
GraphProgram program_of_graph(const nlohmann::ordered_json& graph);

}  // namespace chainrule
