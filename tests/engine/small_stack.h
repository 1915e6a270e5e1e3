// Runs a function on a thread of its own with a stack of 256 KiB: recursion over a large graph would not survive there.
#pragma once

#include <doctest/doctest.h>
#include <pthread.h>

#include <exception>
#include <functional>

namespace chainrule::testing {

/// Waits for the end; an exception of f comes out here.
inline void on_small_stack(const std::function<void()>& f) {
  struct Job {
    const std::function<void()>& f;
    std::exception_ptr error;
  } job{f, nullptr};
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, 256 * 1024) == 0);
  pthread_t thread;
  auto run = [](void* p) -> void* {
    auto* j = static_cast<Job*>(p);
    try {
      j->f();
    } catch (...) {
      j->error = std::current_exception();
    }
    return nullptr;
  };
  REQUIRE(pthread_create(&thread, &attributes, run, &job) == 0);
  pthread_attr_destroy(&attributes);
  pthread_join(thread, nullptr);
  if (job.error) std::rethrow_exception(job.error);
}

}  // namespace chainrule::testing
