// The interned module paths.
#include "engine/scopes.h"

#include <map>
#include <mutex>
#include <tuple>

namespace chainrule {

std::string ModulePath::full() const { return parent ? parent->full() + "." + name : name; }

const ModulePath* path_of_module(std::string_view name, std::string_view kind, std::int64_t parameters) {
  using Key = std::tuple<const ModulePath*, std::string, std::string, std::int64_t>;
  static auto* const mutex = new std::mutex;
  static auto* const paths = new std::map<Key, ModulePath>;  // never destroyed: nodes may outlive static destruction
  const ModulePath* parent = thread_state().module;
  Key key{parent, name, kind, parameters};
  const std::lock_guard lock(*mutex);
  return &paths->try_emplace(key, ModulePath{parent, std::string(name), std::string(kind), parameters}).first->second;
}

}  // namespace chainrule
