// Inner header: for our own sources, not installed.
// Ctrl-C and kill as a flag that loops look at between two steps, so that what is being written is finished first.
// Deliberately not here: what to do then. That is the caller's business.
#pragma once

namespace chainrule {

/// From now on SIGINT and SIGTERM set the flag instead of ending the program. A second one of the same kind ends it at
/// once, in case the loop hangs. A signal that was ignored on entry (a job under nohup) stays ignored.
void watch_interrupts();

/// The number of the first signal that arrived, or 0.
int interrupted() noexcept;

/// What a program that was asked to stop returns: 128 + the signal's number, as shells do. 0 without a signal.
int interrupt_exit_code() noexcept;

}  // namespace chainrule
