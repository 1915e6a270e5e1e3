// A graph as a JSON file that can be read back: what the picture shows, with the program and the values that it was
// computed from. `chainrule eval @graph.json` evaluates it, `chainrule graph @graph.json -o graph.svg` draws it.
#pragma once

#include "tools/program/program.h"

namespace chainrule {

/// The program of a graph file, "@graph.json", with its dtype and seed in place of those of `options`, and its values
/// bound except for names that `options.values` gives anew. Throws ValueError for a file that is none.
ProgramOptions read_graph_file(const ProgramOptions& options, Bindings& bindings);
/// The same from the text of a file that messages call `path`.
ProgramOptions parse_graph_file(const std::string& text, const std::string& path, const ProgramOptions& options,
                                Bindings& bindings);
/// Writes a graph (graph_to_json's text) with the program and its values. Whole or not at all.
void write_graph_file(const std::string& path, const std::string& graph, const ProgramOptions& options,
                      const Bindings& bindings);

}  // namespace chainrule
