// chainrule selftest: does this build work on this machine? Also the version line, which says what the build holds.
#pragma once

namespace chainrule {

/// Checks every derivative of order one and two, a training and a diagram, a line each on stdout, and prints one
/// verdict; or all of it as JSON, {"ok", "seconds", "checks": [{"name", "ok", "facts"}]}. Returns 0, or 1 when a check
/// said no.
int run_selftest(bool json);

/// One line on stdout, or {"version", "build", "threads"}; returns 0.
int print_version(bool json);

}  // namespace chainrule
