// The header behind a Tensor handle: what describes one value. Library code only; users see engine/tensor.h.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/memory/pool.h"
#include "engine/memory/ref.h"
#include "engine/memory/storage.h"
#include "engine/types/dtype.h"
#include "engine/types/shape.h"

namespace chainrule {

class Node;
struct Meta;
struct OpInfo;
struct TensorImpl;

/// Why a value has no history although an input of it had one.
enum class Stop : std::uint8_t { none, no_grad, detach, frozen };

namespace internal {
/// A fresh header from the pool, with one reference.
Ref<TensorImpl> make_impl(const Shape& shape, const Strides& strides);
/// The same without axes, for a value inside.
Ref<TensorImpl> make_number_impl();

/// Sizes and strides of a value with axes.
struct Layout {
  Shape shape;
  Strides strides;
};
inline const Layout kNoAxes;
}  // namespace internal

/// The header of one value. A computed number lives inside it, until somebody takes a view. The layout of a value with
/// axes stands behind its header in the same block; without axes there is none, and the header is one cache line.
struct TensorImpl {
  RefCount refs;
  DType dtype = DType::float32;
  const bool has_axes;
  bool requires_grad = false;  // a trainable leaf
  bool teaching : 1 = false;   // graphs that start here keep every value and gradient
  Stop stop : 7 = Stop::none;
  const OpInfo* stopped_at = nullptr;    // the unrecorded operation, for Stop::no_grad
  void* data = nullptr;                  // the first element
  Ref<Storage> storage;                  // none while the value lives inside
  Ref<Node> node;                        // the operation that made the value; none for a leaf
  std::atomic<std::uint64_t> number{0};  // creation number of a leaf; the id in diagrams
  std::unique_ptr<Meta> meta;
  alignas(8) std::byte inside[8];  // only set where a value lives here

  const Shape& shape() const { return layout().shape; }
  const Strides& strides() const { return layout().strides; }
  /// As many as before.
  void set_strides(const Strides& strides);
  /// Whoever writes takes a buffer first, so what lives inside is as it was made.
  std::uint32_t version() const { return storage ? storage->version : 0; }

 private:
  explicit TensorImpl(bool axes) noexcept;
  ~TensorImpl();
  void destroy_whole() noexcept;
  const internal::Layout& layout() const {
    return has_axes ? *reinterpret_cast<const internal::Layout*>(this + 1) : internal::kNoAxes;
  }
  static TensorImpl* make(bool axes);
  friend void destroy(TensorImpl* impl) noexcept;
  friend Ref<TensorImpl> internal::make_impl(const Shape& shape, const Strides& strides);
  friend Ref<TensorImpl> internal::make_number_impl();
};
void destroy(TensorImpl* impl) noexcept;

namespace internal {

/// Moves an inside value into a buffer, so that views can share it.
void move_outside(TensorImpl& impl);

inline constinit std::atomic<std::uint64_t> last_number{0};
/// The next creation number: creation order is a topological order of every graph.
[[gnu::always_inline]] inline std::uint64_t next_number() noexcept {
  if (single_threaded()) {
    const auto n = last_number.load(std::memory_order_relaxed) + 1;
    last_number.store(n, std::memory_order_relaxed);
    return n;
  }
  return last_number.fetch_add(1, std::memory_order_relaxed) + 1;
}

}  // namespace internal
}  // namespace chainrule
