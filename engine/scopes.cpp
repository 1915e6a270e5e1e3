// The interned module paths.
#include "engine/scopes.h"

#include <fmt/format.h>

#include <map>
#include <mutex>
#include <tuple>
#include <typeinfo>
#include <utility>

#include "engine/types/error.h"

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

namespace internal {
namespace {

struct HasPlace {
  std::string sentence, place;  // the sentence without the place
  bool detailed;
};
template <class E>
struct Placed : E, HasPlace {
  Placed(const HasPlace& where, const std::string& details)
      : E(where.sentence + "; " + where.place + details), HasPlace(where) {}
};

/// Throws when the error is an E and nothing more.
template <class E>
void place_if(const Error& error, const HasPlace& where, const std::string& details) {
  if (typeid(error) == typeid(E) || typeid(error) == typeid(Placed<E>)) throw Placed<E>(where, details);
}

[[noreturn]] void place_error(const Error& error, const HasPlace& where, const std::string& details) {
  place_if<ShapeError>(error, where, details);
  place_if<ValueError>(error, where, details);
  place_if<EmptyHandleError>(error, where, details);
  place_if<GraphError>(error, where, details);
  throw;
}

}  // namespace

void throw_again_at(const SourceLocation& where) {
  const ThreadState& state = thread_state();
  const SourceLocation& at = place_of_call(where);
  if (!state.module_call || !at.line()) throw;
  try {
    throw;
  } catch (const Error& error) {
    const auto* known = dynamic_cast<const HasPlace*>(&error);
    if (known && known->detailed) throw;
    place_error(error,
                {known ? known->sentence : error.what(),
                 fmt::format("at {}{}", to_string(at),
                             state.module ? fmt::format(" in {} ({})", state.module->full(), state.module->kind) : ""),
                 false},
                {});
  }
}

void throw_again_in(const std::string& place, const std::string& details) {
  try {
    throw;
  } catch (const Error& error) {
    const auto* known = dynamic_cast<const HasPlace*>(&error);
    if (known && known->detailed) throw;
    place_error(error, {known ? known->sentence : error.what(), known ? known->place : place, true}, details);
  }
}
}  // namespace internal

}  // namespace chainrule
