// What the fuzz targets share: bytes as text, and the rule that only our own errors may come out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "engine/types/error.h"

namespace chainrule::testing {

/// Runs; errors of ours are an answer, everything else goes on and ends the fuzzer.
template <class Run>
int expect_value_or_error(const std::uint8_t* data, std::size_t size, Run run) {
  try {
    run(std::string_view(reinterpret_cast<const char*>(data), size));
  } catch (const Error&) {}
  return 0;
}

}  // namespace chainrule::testing
