// Every form of operator new and delete, so that sanitizers see pairs that belong together. boost::pool and our buffers
// come here, too; malloc and what C libraries take from it do not.
#include "tests/optim/failing_allocation.h"

#include <cstdlib>
#include <new>

namespace {

struct Plan {
  std::int64_t left = 0;  // allocations until one fails; 0: none does
  bool for_good = false, failed = false;
};
thread_local Plan plan;

bool fails() {
  if (plan.left == 0) return false;
  if (--plan.left > 0) return false;
  if (plan.for_good) plan.left = 1;
  return plan.failed = true;
}

void* allocate(std::size_t bytes) noexcept { return fails() ? nullptr : std::malloc(bytes > 0 ? bytes : 1); }
void* allocate(std::size_t bytes, std::align_val_t alignment) noexcept {
  const auto step = static_cast<std::size_t>(alignment);
  return fails() ? nullptr : std::aligned_alloc(step, (bytes + step) / step * step);
}
void* expect(void* block) {
  if (!block) throw std::bad_alloc();
  return block;
}

}  // namespace

namespace chainrule::testing {
FailingAllocation::FailingAllocation(std::int64_t number, Fails how) {
  plan = {.left = number, .for_good = how == Fails::from_then_on};
}
void FailingAllocation::stop() { plan.left = 0; }
bool FailingAllocation::failed() const { return plan.failed; }
}  // namespace chainrule::testing

// NOLINTBEGIN(misc-new-delete-overloads, cert-dcl54-cpp)
void* operator new(std::size_t bytes) { return expect(allocate(bytes)); }
void* operator new[](std::size_t bytes) { return expect(allocate(bytes)); }
void* operator new(std::size_t bytes, std::align_val_t alignment) { return expect(allocate(bytes, alignment)); }
void* operator new[](std::size_t bytes, std::align_val_t alignment) { return expect(allocate(bytes, alignment)); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return allocate(bytes); }
void* operator new(std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(bytes, alignment);
}
void* operator new[](std::size_t bytes, std::align_val_t alignment, const std::nothrow_t&) noexcept {
  return allocate(bytes, alignment);
}
void operator delete(void* block) noexcept { std::free(block); }
void operator delete[](void* block) noexcept { std::free(block); }
void operator delete(void* block, std::size_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }
void operator delete[](void* block, std::size_t, std::align_val_t) noexcept { std::free(block); }
void operator delete(void* block, const std::nothrow_t&) noexcept { std::free(block); }
void operator delete[](void* block, const std::nothrow_t&) noexcept { std::free(block); }
void operator delete(void* block, std::align_val_t, const std::nothrow_t&) noexcept { std::free(block); }
void operator delete[](void* block, std::align_val_t, const std::nothrow_t&) noexcept { std::free(block); }
// NOLINTEND(misc-new-delete-overloads, cert-dcl54-cpp)
