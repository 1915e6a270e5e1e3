// Names come from labels where these can be names; the others begin with "_", which diagrams do not show.
#include "tools/program/graph_program.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>
#include <set>
#include <string_view>
#include <utility>

#include "engine/system/text.h"
#include "engine/types/error.h"
#include "ops/function.h"
#include "ops/language/program.h"
#include "ops/registry.h"
#include "ops/signature.h"

namespace chainrule {

using namespace language;

namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& node, const char* key) {
  return node.contains(key) && node.at(key).is_string() ? node.at(key).get<std::string>() : std::string();
}

std::size_t place_of(const Json& edge, const char* key, std::size_t size) {
  if (!edge.is_object() || !edge.contains(key) || !edge.at(key).is_number_unsigned() ||
      edge.at(key).get<std::uint64_t>() >= size)
    throw ValueError(fmt::format("an edge's '{}' is no node", key));
  return edge.at(key).get<std::size_t>();
}

/// "dim=(1,)" and "reduction=mean" as a call has them: a list in brackets, a word in quotes.
std::string argument_of(std::string_view value) {
  if (value.starts_with('(') && (value.ends_with(",)") || value == "()"))
    return fmt::format("[{}]", value.substr(1, value.size() - (value == "()" ? 2 : 3)));
  constexpr std::string_view kConstants[] = {"true", "false", "True", "False", "inf", "nan", "pi", "None"};
  const bool word = std::isalpha(static_cast<unsigned char>(value.empty() ? '0' : value[0])) &&
                    std::find(std::begin(kConstants), std::end(kConstants), value) == std::end(kConstants);
  return word ? fmt::format("'{}'", value) : std::string(value);
}

using Settings = std::vector<std::pair<std::string, std::string>>;

/// The attributes of an operation, "dim=(0, 1), keepdim=false".
Settings settings_of(std::string_view attributes) {
  Settings settings;
  while (!attributes.empty()) {
    const std::size_t equals = attributes.find('=');
    if (equals == std::string_view::npos) throw ValueError(fmt::format("{} is no setting", printable(attributes)));
    std::size_t end = equals;
    for (int depth = 0; end < attributes.size() && (depth > 0 || attributes[end] != ','); ++end)
      depth += (attributes[end] == '(') - (attributes[end] == ')');
    settings.emplace_back(attributes.substr(0, equals), argument_of(attributes.substr(equals + 1, end - equals - 1)));
    attributes.remove_prefix(std::min(attributes.size(), end + 2));
  }
  return settings;
}

const std::string* find(const Settings& settings, std::string_view name) {
  const auto at = std::find_if(settings.begin(), settings.end(), [&](const auto& s) { return s.first == name; });
  return at == settings.end() ? nullptr : &at->second;
}

bool takes(const Function& f, std::string_view name) {
  return std::any_of(parameters_of(f).begin(), parameters_of(f).end(),
                     [&](const FunctionParameter& p) { return p.name == name; });
}

/// Weights, biases and indices have places of their own in a call; other inputs stand in their order.
std::string_view parameter_for(std::string_view letter) {
  return letter == "w" ? "weight" : letter == "b" ? "bias" : letter == "i" ? "index" : "";
}

/// The function that recorded the operation; an operation of windows may have come by the sizes of its result, and
/// gelu is two operations.
const Function* function_for(const std::string& op, const Settings& settings) {
  for (const std::string& name : {op == "gelu_tanh" ? "gelu" : op, "adaptive_" + op}) {
    const Function* f = find_function(name);
    if (f && std::all_of(settings.begin(), settings.end(), [&](const auto& s) { return takes(*f, s.first); })) return f;
  }
  return nullptr;
}

class ProgramWriter {
 public:
  explicit ProgramWriter(const Json& graph) : nodes_(list(graph, "nodes")), inputs_of_(nodes_.size()) {
    for (const Json& edge : list(graph, "edges")) {
      const std::size_t from = place_of(edge, "from", nodes_.size()), to = place_of(edge, "to", nodes_.size());
      if (from >= to) throw ValueError("its nodes are not in the order in which they were computed");
      inputs_of_[to].push_back(from);
    }
  }

  GraphProgram write() {
    bool done = false;
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      if (!nodes_[i].is_object()) throw ValueError("a node is no object");
      if (nodes_[i].value("id", Json()) != Json(i)) throw ValueError("its nodes do not have the ids 0, 1, 2, ...");
      const std::string kind = text_of(nodes_[i], "kind");
      if (kind == "folded") throw ValueError("some of its nodes were folded; write it with fold_above = 0");
      if (kind == "result" && std::exchange(done, true))
        throw ValueError("it has several results, and a program has one");
      names_.push_back(kind == "result" ? "" : name_of(i));
      if (kind == "operation")
        out_.text += fmt::format("{} = {}\n", names_[i], call(i));
      else if (kind == "result")
        finish(i);
      else if (!literal(i))
        out_.inputs.push_back({names_[i], text_of(nodes_[i], "label"), kind, i});
    }
    if (!done) throw ValueError("it has no result");
    return std::move(out_);
  }

 private:
  static const Json& list(const Json& graph, const char* key) {
    if (!graph.is_object() || !graph.contains(key) || !graph.at(key).is_array())
      throw ValueError(fmt::format("it has no list of {}", key));
    return graph.at(key);
  }

  std::string name_of(std::size_t i) {
    std::string label = composed(text_of(nodes_[i], "label"));
    const bool usable = is_name(label) && label[0] != '_' && taken_.insert(label).second;
    return usable ? label : fmt::format("_{}", i);
  }

  // A constant number stands in the program itself.
  bool literal(std::size_t i) {
    const Json& node = nodes_[i];
    if (text_of(node, "kind") != "constant" || !node.contains("value") || !node.at("value").is_object()) return false;
    const Json& value = node.at("value");
    if (text_of(value, "dtype") != "float64" || value.value("shape", Json()) != Json::array()) return false;
    const Json data = value.value("data", Json());
    if (!data.is_array() || data.size() != 1) return false;
    const bool special = data[0] == "nan" || data[0] == "inf" || data[0] == "-inf";
    if (!special && !data[0].is_number()) return false;
    const std::string number = special ? data[0].get<std::string>() : data[0].dump();
    names_[i] = number.starts_with('-') ? "(" + number + ")" : number;
    return true;
  }

  std::string call(std::size_t i) const {
    const std::string op = text_of(nodes_[i], "op");
    Settings settings = settings_of(text_of(nodes_[i], "attributes"));
    const OpInfo* info = find_op(op);
    const Function* f = function_for(op, settings);
    if (!f || !info)
      throw ValueError(fmt::format("there is no function to repeat its operation {} with", printable(op)));
    std::vector<std::string> inputs;
    for (std::size_t k = 0; k < inputs_of_[i].size(); ++k) {
      const std::string& name = names_[inputs_of_[i][k]];
      const std::string letter = input_letter(*info, static_cast<int>(k));
      const std::string_view own = parameter_for(letter);
      if (!own.empty() && takes(*f, own))
        settings.emplace_back(own, name);
      else if (letter != "i" || inputs.empty())  // otherwise indices that the operation found itself
        inputs.push_back(name);
    }
    // The node holds the loss of each element; their sum or mean is a node of its own.
    if (takes(*f, "reduction") && !find(settings, "reduction")) settings.emplace_back("reduction", "'none'");
    std::string positional, named;
    std::size_t next = 0;
    for (const FunctionParameter& parameter : parameters_of(*f)) {
      if (const std::string* setting = find(settings, parameter.name)) {
        if (parameter.takes_rest)
          positional += ", " + *setting;
        else
          named += fmt::format(", {}={}", parameter.name, *setting);
      } else if (parameter.name == "tensors") {
        positional += fmt::format(", [{}]", fmt::join(inputs, ", "));
        next = inputs.size();
      } else if (next < inputs.size()) {
        (named.empty() ? positional += ", " : named += fmt::format(", {}=", parameter.name)) += inputs[next];
        ++next;
      } else if (!parameter.has_default) {
        named += fmt::format(", {}=None", parameter.name);
      }
    }
    if (next < inputs.size()) throw ValueError(fmt::format("the function {} takes fewer inputs", op));
    return fmt::format("{}({})", f->name, (positional + named).substr(positional.empty() && named.empty() ? 0 : 2));
  }

  void finish(std::size_t i) {
    if (inputs_of_[i].size() != 1) throw ValueError("its result comes from nowhere");
    out_.result = i;
    out_.text += names_[inputs_of_[i][0]] + "\n";
  }

  const Json& nodes_;
  std::vector<std::vector<std::size_t>> inputs_of_;
  std::set<std::string> taken_;
  std::vector<std::string> names_;
  GraphProgram out_;
};

}  // namespace

GraphProgram program_of_graph(const Json& graph) { return ProgramWriter(graph).write(); }

}  // namespace chainrule
