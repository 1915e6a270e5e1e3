// The handler only stores a number: nothing else is safe inside a signal handler.
#include "engine/system/interrupt.h"

#include <signal.h>

#include <atomic>
#include <initializer_list>

namespace chainrule {
namespace {

std::atomic<int> received{0};
static_assert(std::atomic<int>::is_always_lock_free, "a lock inside a signal handler could wait forever");

extern "C" void remember_signal(int number) {
  int none = 0;
  received.compare_exchange_strong(none, number, std::memory_order_relaxed);
}

}  // namespace

void watch_interrupts() {
  for (const int number : {SIGINT, SIGTERM}) {
    struct sigaction before {};
    if (sigaction(number, nullptr, &before) == 0 && before.sa_handler == SIG_IGN) continue;
    struct sigaction action {};
    action.sa_handler = remember_signal;
    action.sa_flags = static_cast<int>(SA_RESETHAND) | SA_RESTART;  // the second one meets the default action again
    sigemptyset(&action.sa_mask);
    sigaction(number, &action, nullptr);
  }
}

int interrupted() noexcept { return received.load(std::memory_order_relaxed); }

int interrupt_exit_code() noexcept {
  const int number = interrupted();
  return number == 0 ? 0 : 128 + number;
}

}  // namespace chainrule
