// The built command as a program: what it printed, and its exit code.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "engine/system/process.h"
#include "tests/text.h"

namespace chainrule::testing {

using Json = nlohmann::json;

inline ProcessResult command(std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), CHAINRULE_COMMAND);
  return run_process(arguments, {.time_limit = std::chrono::minutes(10)});
}

/// With --json: the document on stdout; nothing may stand on stderr.
inline Json json_of(std::vector<std::string> arguments, int exit_code = 0) {
  arguments.emplace_back("--json");
  const ProcessResult r = command(arguments);
  CHECK_MESSAGE(r.exit_code == exit_code, r.out, r.err);
  // A sanitizer says so itself when an allocation is refused.
  CHECK((r.err.empty() ||
         (std::getenv("CHAINRULE_SANITIZED") && contains(r.err, "AddressSanitizer failed to allocate"))));
  return Json::parse(r.out);
}

}  // namespace chainrule::testing
