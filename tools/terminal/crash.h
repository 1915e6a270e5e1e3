// The last words of a program that a fault of its own kills. Deliberately not here: Ctrl-C and kill, which are wishes
// of the user (interrupt.h).
#pragma once

namespace chainrule {

/// From now on a program that dies by SIGSEGV, SIGBUS, SIGFPE, SIGILL or SIGABRT, by an exception that nobody catches,
/// or by a stack that has no more room on the calling thread, says so in one line on stderr and exits with 128 + the
/// signal's number. Signals that something else already handles stay as they are; under sanitizers, which know more
/// of a fault, nothing is done.
void report_crashes();

}  // namespace chainrule
