// What the current thread does with the operations it runs: record them or not, check every value, keep everything for
// learning, under which module path, and on behalf of which line. Each scope lasts until its object dies.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "engine/types/source_location.h"

namespace chainrule {

/// One step of a module path. Interned: equal paths are one object, and none is ever freed.
struct ModulePath {
  const ModulePath* parent = nullptr;
  std::string name;             ///< as declared: "conv1"
  std::string kind;             ///< the module's type: "Conv2d"
  std::int64_t parameters = 0;  ///< numbers that it trains, its children included
  std::string full() const;     ///< "net.conv1"
};

class Observer;
class Profile;

/// Which values stop the work while every value is looked at.
enum class Anomaly : std::uint8_t {
  none,        ///< nothing is looked at
  nan,         ///< NaN alone
  non_finite,  ///< NaN, and an infinity that appears where no input of the operation holds one
};

struct ThreadState {
  bool recording = true;
  Anomaly anomaly = Anomaly::none;
  bool teaching = false;
  const ModulePath* module = nullptr;
  const SourceLocation* place = nullptr;        // where operations are said to be; null: where each one is called
  const SourceLocation* module_call = nullptr;  // where the module that computes was called
  Profile* profile = nullptr;                   // see profile.h
  Observer* observer = nullptr;                 // the same
};

inline ThreadState& thread_state() {
  static constinit thread_local ThreadState state;
  return state;
}

namespace internal {
/// Throws the error that is being handled again, with file, line and module of the operation behind its sentence; of
/// operations inside each other the outermost counts. Only inside a module's call: elsewhere the sentence stands alone,
/// because its place is the caller's own line.
[[noreturn]] void throw_again_at(const SourceLocation& where);
/// The same with any place, unless a place stands there already, and with details behind it, unless there are some.
[[noreturn]] void throw_again_in(const std::string& place, const std::string& details);
/// Sets one field of the thread's state and puts it back.
template <class T>
class Scope {
 public:
  Scope(T ThreadState::*field, T value) : field_(field), before_(thread_state().*field) {
    thread_state().*field = value;
  }
  ~Scope() { thread_state().*field_ = before_; }
  Scope(const Scope&) = delete;
  Scope& operator=(const Scope&) = delete;

 private:
  T ThreadState::*field_;
  T before_;
};
/// Where an operation that was called `here` is said to be.
inline const SourceLocation& place_of_call(const SourceLocation& here) {
  if (const SourceLocation* place = thread_state().place) [[unlikely]]
    return *place;
  return here;
}
}  // namespace internal

/// Operations inside are computed and not recorded.
class [[nodiscard]] NoGrad : internal::Scope<bool> {
 public:
  [[nodiscard]] NoGrad() : Scope(&ThreadState::recording, false) {}
};

/// Recording again inside a NoGrad.
class [[nodiscard]] EnableGrad : internal::Scope<bool> {
 public:
  [[nodiscard]] explicit EnableGrad(bool on = true) : Scope(&ThreadState::recording, on) {}
};

/// Every value, forward and backward, is checked; the first that is not finite throws NumericError, which names the
/// operation, label, shape, module path and source line, with minimum, maximum and bad entries of each input. An
/// infinity that an input brought along, as the -inf of a mask, is meant; so that is no finding, the NaN of it is.
class [[nodiscard]] AnomalyMode : internal::Scope<Anomaly> {
 public:
  [[nodiscard]] explicit AnomalyMode(Anomaly what = Anomaly::non_finite) : Scope(&ThreadState::anomaly, what) {}
};

/// Everything recorded inside keeps its value and gradient, as graphs of `variable` leaves do.
class [[nodiscard]] TeachingMode : internal::Scope<bool> {
 public:
  [[nodiscard]] explicit TeachingMode(bool on = true) : Scope(&ThreadState::teaching, on) {}
};

/// Operations inside are said to be where the caller is: what a function that is made of others opens with, so that
/// diagrams, errors and checks name the line that called it instead of its own. Of scopes inside each other the
/// outermost counts. `where`, often that of an Operand, must outlive the scope.
class [[nodiscard]] CalledFrom : internal::Scope<const SourceLocation*> {
 public:
  explicit CalledFrom(const SourceLocation& where) : Scope(&ThreadState::place, &internal::place_of_call(where)) {}
  explicit CalledFrom(SourceLocation&&) = delete;
};

/// The path of a module inside the current one.
const ModulePath* path_of_module(std::string_view name, std::string_view kind, std::int64_t parameters);

/// Operations inside belong to the module: the path that clusters diagrams and names errors.
class [[nodiscard]] ModuleScope : internal::Scope<const ModulePath*> {
 public:
  explicit ModuleScope(std::string_view name, std::string_view kind = {}, std::int64_t parameters = 0)
      : ModuleScope(path_of_module(name, kind, parameters)) {}
  explicit ModuleScope(const ModulePath* path) : Scope(&ThreadState::module, path) {}
};

}  // namespace chainrule
