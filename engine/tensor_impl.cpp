// Headers of values: where they come from and how they go.
#include "engine/tensor_impl.h"

#include <cstring>
#include <new>

#include "engine/node.h"
#include "engine/tensor.h"

namespace chainrule {

inline TensorImpl::TensorImpl(bool axes) noexcept : has_axes(axes) {}  // `inside` stays as it is
inline TensorImpl::~TensorImpl() = default;

namespace {
std::size_t block_size(bool axes) { return sizeof(TensorImpl) + (axes ? sizeof(internal::Layout) : 0); }
}  // namespace

inline TensorImpl* TensorImpl::make(bool axes) {
  return new (internal::pool_allocate(block_size(axes))) TensorImpl(axes);
}

void TensorImpl::set_strides(const Strides& strides) {
  if (has_axes) reinterpret_cast<internal::Layout*>(this + 1)->strides = strides;
}

[[gnu::noinline]] void TensorImpl::destroy_whole() noexcept {
  const bool axes = has_axes;
  this->~TensorImpl();
  internal::pool_free(this, block_size(axes));
}

void destroy(TensorImpl* impl) noexcept {
  if (impl->storage || impl->meta || impl->has_axes) return impl->destroy_whole();
  // A computed number: its node is all that it holds.
  impl->node.reset();
  internal::pool_free(impl, sizeof(TensorImpl));
}

Ref<TensorImpl> internal::make_impl(const Shape& shape, const Strides& strides) {
  static_assert(sizeof(TensorImpl) % alignof(internal::Layout) == 0);
  TensorImpl* t = TensorImpl::make(!shape.empty());
  if (t->has_axes) new (t + 1) internal::Layout{shape, strides};
  return Ref<TensorImpl>::adopt(t);
}

Ref<TensorImpl> internal::make_number_impl() {
  TensorImpl* t = TensorImpl::make(false);
  t->data = t->inside;
  return Ref<TensorImpl>::adopt(t);
}

Tensor internal::number_result(double value) {
  Ref<TensorImpl> t = internal::make_number_impl();
  t->dtype = DType::float64;
  std::memcpy(t->inside, &value, sizeof value);
  return Tensor(std::move(t));
}

void internal::move_outside(TensorImpl& impl) {
  if (impl.storage) return;
  Ref<Storage> storage = internal::make_storage(sizeof impl.inside);
  std::memcpy(storage->data, impl.inside, sizeof impl.inside);
  // The old bytes stay valid as long as the header, so a pointer taken before still reads this value.
  impl.data = storage->data;
  impl.storage = std::move(storage);
}

}  // namespace chainrule
