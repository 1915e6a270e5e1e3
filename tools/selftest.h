// chainrule selftest: does this build work on this machine? Also the version line, which says what the build holds.
#pragma once

namespace chainrule {

/// Checks every derivative of order one and two, the generator, a training and a diagram, a line each on stdout, and
/// prints one verdict. Returns 0, or 1 when a check said no.
int run_selftest();

/// One line on stdout; returns 0.
int print_version();

}  // namespace chainrule
