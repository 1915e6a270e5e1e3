// Programs of the tests read their numbers as the command does.
#pragma once

#include "engine/factory.h"

namespace chainrule::testing {

/// Lists of numbers in a program are float64, as on the command line.
struct DoubleLists {
  DoubleLists() { set_default_dtype(DType::float64); }
  ~DoubleLists() { set_default_dtype(DType::float32); }
  DoubleLists(const DoubleLists&) = delete;
  DoubleLists& operator=(const DoubleLists&) = delete;
};

}  // namespace chainrule::testing
