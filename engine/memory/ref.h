// Counted references: the count that lives in an object, and the handle that holds it.
#pragma once

#include <atomic>
#include <cstdint>
#include <utility>

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace chainrule {

namespace internal {
/// True while the process has never had a second thread: then a plain add does for an atomic one.
inline bool single_threaded() {
#if __has_include(<sys/single_threaded.h>)
  return __libc_single_threaded;
#else
  return false;
#endif
}
}  // namespace internal

/// An intrusive reference count that starts at one. Always inline: recording a number counts a dozen times, and a call
/// would cost more than the count.
class RefCount {
 public:
  [[gnu::always_inline]] void add() noexcept {
    if (internal::single_threaded())
      count_.store(alone() + 1, std::memory_order_relaxed);
    else
      count_.fetch_add(1, std::memory_order_relaxed);
  }
  /// True when the last reference has gone. A sole owner needs no atomic write: nobody else can add one.
  [[nodiscard, gnu::always_inline]] bool drop() noexcept {
    if (internal::single_threaded()) {
      const std::uint32_t left = alone() - 1;
      count_.store(left, std::memory_order_relaxed);
      return left == 0;
    }
    return unique() || count_.fetch_sub(1, std::memory_order_acq_rel) == 1;
  }
  bool unique() const noexcept { return count_.load(std::memory_order_acquire) == 1; }

 private:
  // A plain load: with one thread there is nothing to be atomic against.
  std::uint32_t alone() const noexcept { return count_.load(std::memory_order_relaxed); }
  std::atomic<std::uint32_t> count_{1};
};

/// A counted reference to an object with `refs` and a free function `destroy(T*)`.
template <class T>
class Ref {
 public:
  Ref() = default;
  /// Takes over a reference that the caller holds.
  [[gnu::always_inline]] static Ref adopt(T* p) noexcept {
    Ref r;
    r.p_ = p;
    return r;
  }
  [[gnu::always_inline]] static Ref share(T* p) noexcept {
    if (p) p->refs.add();
    return adopt(p);
  }
  [[gnu::always_inline]] Ref(const Ref& other) noexcept : p_(other.p_) {
    if (p_) p_->refs.add();
  }
  Ref(Ref&& other) noexcept : p_(std::exchange(other.p_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(p_, other.p_);
    return *this;
  }
  [[gnu::always_inline]] ~Ref() {
    if (p_ && p_->refs.drop()) destroy(p_);
  }
  void reset() noexcept {
    if (T* p = std::exchange(p_, nullptr); p && p->refs.drop()) destroy(p);
  }
  T* get() const noexcept { return p_; }
  T* operator->() const noexcept { return p_; }
  T& operator*() const noexcept { return *p_; }
  explicit operator bool() const noexcept { return p_ != nullptr; }

 private:
  T* p_ = nullptr;
};

}  // namespace chainrule
