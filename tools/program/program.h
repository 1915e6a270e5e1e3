// A program of the expression language as the command line gives it: its text, values for its names, options; and its
// results as text and as JSON. The verbs themselves are in derivatives.cpp, check.cpp, draw.cpp.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include <string>
#include <vector>

#include "engine/files/tensor_json.h"
#include "ops/language/bindings.h"

namespace CLI {
class App;
}

namespace chainrule {

using namespace language;  // what the command line is written in

struct ProgramOptions {
  std::string program;
  std::vector<std::string> values;  // NAME=VALUE
  std::string inputs;               // a file whose arrays are bound by their names
  std::string data_dir;             // the folder of data sets that are not in the library
  std::string dtype = "float64";
  bool dtype_given = false;
  std::uint64_t seed = 0;
  int threads = 0;
  double timeout = 0;            // seconds; 0: none
  std::uint64_t max_memory = 0;  // bytes of all tensors together; 0: no limit
  bool json = false, quiet = false;
  bool rebuilt = false;  // from the nodes of a graph: nobody wrote this text
};

/// Adds the program, its values and the options that all verbs share.
void add_program_options(CLI::App& verb, ProgramOptions& options);

/// Parsed and bound, ready to run. Sets dtype, seed and threads.
struct LoadedProgram {
  ProgramOptions asked;  // with what a graph file says in the place of its name
  Program program;
  Bindings bindings;
  EvaluateOptions options;

  /// Runs it; the result as a tensor. `names` holds the inputs and what the program bound.
  Tensor run(Names& names) const;
};
LoadedProgram load_program(const ProgramOptions& options);
/// The leaves of an option, "a,b"; all of them when it is empty. Names that the program binds count too.
std::vector<NamedTensor> wanted_inputs(const LoadedProgram& loaded, const Names& names, const std::string& wrt,
                                       const char* option = "--wrt");
/// A value from the command line in the result's shape; "ones" is allowed. Throws what names shape and both fixes when
/// `text` is empty and the result is not a scalar.
Tensor cotangent_for(const Tensor& result, const std::string& text, const ProgramOptions& options);

/// Prints one JSON document to stdout.
void print_json(const nlohmann::ordered_json& document);
/// "name = value" with rows of a matrix below each other.
std::string value_line(const std::string& name, std::size_t width, const Tensor& value);
/// The same error on stderr as text, or on stdout as {"error": ...}. Gives its exit code.
int report_error(const std::exception& error, bool json);

}  // namespace chainrule
