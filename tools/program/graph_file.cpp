// Strict reading: every field is looked at before it is used, and sizes before memory is taken for them.
#include "tools/program/graph_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/system/file.h"
#include "engine/system/text.h"
#include "engine/types/error.h"
#include "ops/language/evaluate.h"
#include "ops/ops.h"
#include "tools/program/graph_program.h"
#include "tools/program/strict_json.h"

namespace chainrule {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFormat = "chainrule graph 1";
constexpr int kDeepest = 16;

[[noreturn]] void fail(const std::string& path, const std::string& what) {
  throw ValueError(fmt::format("'{}' is no graph that can be read back: {}", printable(path), what));
}

/// A value as it stands in the file, cut to size.
std::string shown(const Json& v) {
  return shorten(printable(v.dump(-1, ' ', false, Json::error_handler_t::replace)), 40);
}

double number_of(const Json& v, const std::string& path, const std::string& name) {
  if (v.is_number()) return v.get<double>();
  if (v.is_boolean()) return v.get<bool>() ? 1 : 0;
  if (v == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (v == "inf" || v == "-inf") return std::numeric_limits<double>::infinity() * (v == "inf" ? 1 : -1);
  fail(path, fmt::format("input {} holds {}, a number is expected", printable(name), shown(v)));
}

Value value_from(const Json& json, const std::string& path, const std::string& name) {
  if (!json.is_object())
    fail(path,
         fmt::format(R"(input {} must be like {{"dtype": "float64", "shape": [2], "data": [1, 2]}})", printable(name)));
  const auto field = [&](const char* key, auto is, const char* kind) -> const Json& {
    if (!json.contains(key)) fail(path, fmt::format("input {} has no {}", printable(name), key));
    if (!(json.at(key).*is)()) fail(path, fmt::format("the {} of input {} must be {}", key, printable(name), kind));
    return json.at(key);
  };
  const std::string type = field("dtype", &Json::is_string, "a text").get<std::string>();
  const Json &sizes = field("shape", &Json::is_array, "a list"), &data = field("data", &Json::is_array, "a list");
  std::optional<DType> dtype;
  for (const DType d : {DType::float64, DType::float32, DType::int64, DType::boolean})
    if (type == name_of(d)) dtype = d;
  if (!dtype)
    fail(path, fmt::format("the dtype of input {} is '{}'; there are float64, float32, int64, bool", printable(name),
                           shorten(printable(type), 20)));
  Shape shape;
  for (const Json& size : sizes) {
    if (!size.is_number_unsigned() || size.get<std::uint64_t>() > std::uint64_t{1} << 62)
      fail(path, fmt::format("the shape of input {} holds {}, a size is a whole number", printable(name), shown(size)));
    if (shape.rank() == kMaxRank)
      fail(path, fmt::format("the shape of input {} has more than {} axes", printable(name), kMaxRank));
    shape.push_back(size.get<std::int64_t>());
  }
  check_shape(shape, item_size(*dtype), fmt::format("'{}', input {}", printable(path), printable(name)).c_str());
  if (numel(shape) != static_cast<std::int64_t>(data.size()))
    fail(path, fmt::format("input {} of shape {} has {} numbers", printable(name), to_string(shape), data.size()));
  if (shape.empty() && *dtype == DType::float64) return number_of(data[0], path, name);
  Tensor t = empty(shape, *dtype);
  for (std::size_t i = 0; i < data.size(); ++i) {
    void* element = static_cast<char*>(t.mutable_data("graph")) + i * item_size(*dtype);
    if (*dtype == DType::int64) {
      if (!data[i].is_number_integer() || (data[i].is_number_unsigned() && data[i].get<std::uint64_t>() >> 63))
        fail(path,
             fmt::format("input {} holds {}, a whole number of 64 bits is expected", printable(name), shown(data[i])));
      *static_cast<std::int64_t*>(element) = data[i].get<std::int64_t>();
    } else if (*dtype == DType::boolean) {
      *static_cast<bool*>(element) = number_of(data[i], path, name) != 0;
    } else if (*dtype == DType::float32) {
      *static_cast<float*>(element) = static_cast<float>(number_of(data[i], path, name));
    } else {
      *static_cast<double*>(element) = number_of(data[i], path, name);
    }
  }
  return t;
}

bool given_anew(const ProgramOptions& options, const std::string& name) {
  return std::any_of(options.values.begin(), options.values.end(),
                     [&](const std::string& v) { return composed(v.substr(0, v.find('='))) == composed(name); });
}

/// The tensor that a node of a graph holds.
Tensor node_value(const Json& node, const std::string& path, const std::string& name) {
  if (!node.contains("value") || !node.at("value").is_object() || !node.at("value").contains("data"))
    fail(path, fmt::format("the numbers of {} are not in it: a graph keeps its constants in a TeachingMode scope, and "
                           "a file those of at most 4096 elements",
                           name[0] == '_' ? "a constant" : printable(name)));
  return to_tensor(value_from(node.at("value"), path, name), name);
}

/// True when the same numbers came out again.
bool agree(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape()) return false;
  const std::vector<double> x = a.to_vector(), y = b.to_vector();
  const double tolerance = a.dtype() == DType::float32 ? 1e-4 : 1e-9;
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::abs(x[i] - y[i]) > tolerance * (1 + std::abs(y[i])) || std::isnan(x[i]) != std::isnan(y[i])) return false;
  return true;
}

/// A graph that C++ wrote has no program; its nodes say what was computed. That they say enough is tried out: with the
/// values of the file, the result of the file must come out.
ProgramOptions rebuild(const Json& json, const std::string& path, const ProgramOptions& options, Bindings& bindings) {
  const auto or_fail = [&](const auto& f) {
    try {
      return f();
    } catch (const Error& e) {
      fail(path, e.what());
    }
  };
  const GraphProgram program = or_fail([&] { return program_of_graph(json); });
  const Json& nodes = json.at("nodes");
  Names names;
  for (const GraphProgram::Input& input : program.inputs) {
    Tensor t = node_value(nodes.at(input.node), path, input.name);
    names.emplace(input.name, t);
    if (given_anew(options, input.name)) continue;
    if (input.kind == "input" || input.kind == "parameter")
      bindings.bind(input.name, t);
    else if (input.kind == "detached")
      bindings.names.emplace(input.name, t.set_requires_grad().detach().label(input.label));
    else
      bindings.names.emplace(input.name, t.label(input.label));
  }
  const Tensor expected = node_value(nodes.at(program.result), path, "its result");
  ProgramOptions read = options;
  read.program = program.text;
  read.rebuilt = true;
  if (!options.dtype_given) read.dtype = expected.dtype() == DType::float32 ? "float32" : "float64";
  set_default_dtype(read.dtype == "float32" ? DType::float32 : DType::float64);
  const NoGrad values_only;
  if (!agree(or_fail([&] {
               return to_tensor(evaluate(parse(program.text), names, {.deadline = deadline_in(options.timeout)}),
                                "its result");
             }),
             expected))
    fail(path, "its operations, evaluated again, give another result; not all that they were set to is in it");
  return read;
}

}  // namespace

ProgramOptions read_graph_file(const ProgramOptions& options, Bindings& bindings) {
  const std::string path = options.program.substr(1);
  if (path.empty()) throw ValueError("after @ stands the name of a graph file, as in chainrule eval @graph.json");
  return parse_graph_file(read_file(path, "graph"), path, options, bindings);
}

ProgramOptions parse_graph_file(const std::string& text, const std::string& path, const ProgramOptions& options,
                                Bindings& bindings) {
  const Json json = parse_strict_json(text, path, kDeepest);
  if (!json.is_object() || !json.contains("format") || json.at("format") != kFormat)
    fail(path, fmt::format(R"(it does not say "format": "{}")", kFormat));
  if (!json.contains("program")) return rebuild(json, path, options, bindings);
  if (!json.at("program").is_string()) fail(path, "its program must be a text");
  if (json.contains("dtype") && json.at("dtype") != "float32" && json.at("dtype") != "float64")
    fail(path, R"(its dtype must be "float64" or "float32")");
  if (json.contains("seed") && !json.at("seed").is_number_unsigned()) fail(path, "its seed must be a whole number");
  ProgramOptions read = options;
  read.program = json.at("program").get<std::string>();
  if (!options.dtype_given && json.contains("dtype")) read.dtype = json.at("dtype").get<std::string>();
  if (options.seed == 0 && json.contains("seed")) read.seed = json.at("seed").get<std::uint64_t>();
  set_default_dtype(read.dtype == "float32" ? DType::float32 : DType::float64);  // for the numbers that are bound now
  if (!json.contains("inputs")) return read;
  if (!json.at("inputs").is_object()) fail(path, "its inputs must be an object of names");
  for (const auto& [name, value] : json.at("inputs").items())
    if (!given_anew(options, name)) bindings.bind(name, value_from(value, path, name));
  return read;
}

void write_graph_file(const std::string& path, const std::string& graph, const ProgramOptions& options,
                      const Bindings& bindings) {
  const Json body = Json::parse(graph);
  Json inputs = Json::object();
  // In the order of binding, which is the order of gradients.
  for (const Tensor& leaf : bindings.leaves) inputs[leaf.label()] = to_json(leaf);
  for (const auto& [name, value] : bindings.names)
    if (value.is<Tensor>() && !inputs.contains(name)) inputs[name] = to_json(value.as<Tensor>());
  const Json whole = {{"format", kFormat},        {"program", options.program},  {"dtype", options.dtype},
                      {"seed", options.seed},     {"inputs", std::move(inputs)}, {"nodes", body.at("nodes")},
                      {"edges", body.at("edges")}};
  write_file(path, whole.dump(1) + "\n");
}

}  // namespace chainrule
