// Three columns: the tree, the counts, the tensors.
#include "nn/print.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <ostream>

#include "engine/system/text.h"
#include "nn/members.h"

namespace chainrule {

std::vector<internal::Members::Line> internal::Members::lines(const ModuleBase& net) {
  std::vector<Line> found;
  std::map<const void*, std::string> firsts{{&net, "the network"}};
  const auto list = [&](const auto& self, const ModuleBase& module, const std::string& name, const std::string& prefix,
                        std::size_t depth) -> void {
    const std::string arguments = module.arguments();
    const std::size_t line = found.size();
    found.push_back({fmt::format("{:{}}{}{}{}{}", "", 2 * depth, name, name.empty() ? "" : ": ", module.kind(),
                                 arguments.empty() ? "" : "(" + arguments + ")"),
                     module.parameter_count(),
                     {}});
    std::string tensors;
    for (const ModuleBase::Member& m : module.members_) {
      const void* what = m.child ? static_cast<const void*>(m.child) : &m.tensor.impl();
      const auto [first, is_new] = firsts.try_emplace(what, prefix + m.name);
      if (m.child && is_new) {
        self(self, *m.child, m.name, prefix + m.name + ".", depth + 1);
      } else if (m.child) {
        found.push_back(
            {fmt::format("{:{}}{}: {}, the same as {}", "", 2 * depth + 2, m.name, m.child->kind(), first->second),
             -1,
             {}});
      } else {
        const bool is_frozen = m.kind == ModuleBase::Kind::parameter && !m.tensor.requires_grad();
        tensors +=
            fmt::format("{}{} {}{}{}", tensors.empty() ? "" : ", ", m.name, chainrule::to_string(m.tensor.shape()),
                        m.kind == ModuleBase::Kind::buffer ? " buffer"
                        : is_frozen                        ? " frozen"
                                                           : "",
                        is_new ? "" : ", the same as " + first->second);
      }
    }
    found[line].tensors = tensors;
  };
  list(list, net, "", "", 0);
  return found;
}

namespace {}  // namespace

std::string to_string(const ModuleBase& net) {
  const auto lines = internal::Members::lines(net);
  std::size_t tree = 0, counts = 0;
  for (const auto& line : lines) {
    if (line.count >= 0) tree = std::max(tree, line.module.size());
    counts = std::max(counts, grouped_digits(line.count).size());
  }
  std::string text;
  for (const auto& line : lines) {
    if (!text.empty()) text += '\n';
    if (line.count <= 0) {  // nothing to train
      text += line.module;
      if (!line.tensors.empty()) text += "  " + line.tensors;
      continue;
    }
    text += fmt::format("{:<{}}  {:>{}}", line.module, tree, grouped_digits(line.count), counts);
    if (!line.tensors.empty()) text += "  " + line.tensors;
  }
  return text;
}

std::ostream& operator<<(std::ostream& out, const ModuleBase& net) { return out << to_string(net); }

}  // namespace chainrule
