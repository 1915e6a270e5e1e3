// Memory that runs out at a chosen moment: the program's operator new is replaced by one that can be told to fail on
// the calling thread.
#pragma once

#include <cstdint>

namespace chainrule::testing {

enum class Fails : std::uint8_t { once, from_then_on };

/// The allocation with this number, counted from 1 and from here, fails while this lives, or all from it on.
class FailingAllocation {
 public:
  FailingAllocation(std::int64_t number, Fails how);
  FailingAllocation(const FailingAllocation&) = delete;
  FailingAllocation& operator=(const FailingAllocation&) = delete;
  ~FailingAllocation() { stop(); }
  void stop();
  /// Was there such an allocation?
  bool failed() const;
};

}  // namespace chainrule::testing
