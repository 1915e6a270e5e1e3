// Where the time goes: a scope that measures every operation of its thread, forward and backward. What the numbers are
// good for (tables, operations per second) is computed from its rows elsewhere.
#pragma once

#include <fmt/core.h>

#include <cstdint>
#include <iosfwd>
#include <map>
#include <span>
#include <string>
#include <tuple>
#include <vector>

#include "engine/scopes.h"
#include "engine/types/shape.h"
#include "engine/types/source_location.h"

namespace chainrule {

class Tensor;
struct OpInfo;

enum class ProfilePhase : std::uint8_t { forward, backward };

/// All calls of one operation in one phase with the same shapes.
struct ProfileRow {
  std::string name;              ///< of the operation; "accumulate" where the walk adds gradients up
  const OpInfo* info = nullptr;  ///< for its `flops`
  ProfilePhase phase{};          ///< backward: the operation's rule, with everything that the rule computes
  bool shapes_known = true;      ///< false for calls past the limit of rows
  std::vector<Shape> inputs{};   ///< backward: of the gradients that the rule sent
  Shape output{};                ///< of the result; backward: of its gradient
  std::uint64_t calls = 0;
  double seconds = 0;
  std::uint64_t input_bytes = 0, output_bytes = 0;  ///< of all calls; of `inputs` and `output`
};

/// While it lives, every operation that its thread calls is measured. Operations inside others (in a forward, or in a
/// rule) count as a part of those. A profile inside another one takes its place. An exception leaves the call out.
class Profile {
 public:
  /// Past `most_rows` different rows, calls are summed in one row for each operation and phase, without shapes.
  explicit Profile(std::size_t most_rows = 4096) : most_rows_(most_rows), scope_(&ThreadState::profile, this) {}

  /// Most time first.
  [[nodiscard]] std::vector<ProfileRow> rows() const;

  /// Library code: counts one call.
  void add(const OpInfo& info, ProfilePhase phase, std::span<const Tensor* const> inputs, const Tensor& output,
           double seconds);

 private:
  using Key = std::tuple<const OpInfo*, ProfilePhase, bool, Shape, std::vector<Shape>>;
  std::map<Key, ProfileRow> rows_;
  std::size_t most_rows_;
  internal::Scope<Profile*> scope_;
};

/// A table: operation, phase, calls, milliseconds, share of the time, megabytes, shapes; most time first. fmt and
/// streams print it, too.
std::string to_string(const Profile& profile);
std::ostream& operator<<(std::ostream& out, const Profile& profile);

/// Sees the result of every operation that its thread calls, before anything else does, and may put another tensor of
/// the same shape and dtype in its place. Operations inside others are not shown. Set with
/// Scope(&ThreadState::observer, ..).
class Observer {
 public:
  virtual void computed(const OpInfo& info, std::span<const Tensor* const> inputs, Tensor& result) = 0;

 protected:
  ~Observer() = default;
};

namespace internal {

/// Seconds on a clock that never goes back.
double profile_clock() noexcept;

/// Watches one call of an operation when its thread asked for it: times it, shows its result, and checks that it is
/// finite.
class Watch {
 public:
  [[gnu::always_inline]] Watch() {
    const ThreadState& state = thread_state();
    if ((state.anomaly != Anomaly::none) | (state.profile != nullptr) | (state.observer != nullptr)) [[unlikely]]
      start();
  }
  [[gnu::always_inline]] ~Watch() {
    if (active_) [[unlikely]]
      stop();
  }
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  bool active() const { return active_; }
  void finish(Tensor& result, const OpInfo& info, std::span<const Tensor* const> inputs, const SourceLocation& where);

 private:
  void start();
  void stop() {
    thread_state().profile = profile_;
    thread_state().observer = observer_;
  }
  bool active_ = false;
  Profile* profile_;  // these three only while active
  Observer* observer_;
  double started_;
};

}  // namespace internal
}  // namespace chainrule

template <>
struct fmt::formatter<chainrule::Profile> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  auto format(const chainrule::Profile& profile, fmt::format_context& context) const {
    return fmt::format_to(context.out(), "{}", chainrule::to_string(profile));
  }
};
