// Headers and buffers: where they come from and how they go.
#include "engine/storage.h"

#include <cstring>
#include <new>

#include "engine/node.h"
#include "engine/tensor.h"

namespace chainrule {

TensorImpl::TensorImpl() noexcept {}  // `inside` stays as it is
inline TensorImpl::~TensorImpl() = default;

void destroy(TensorImpl* impl) noexcept {
  impl->~TensorImpl();
  pool_free(impl, sizeof(TensorImpl));
}

void destroy(Storage* storage) noexcept {
  if (!storage->foreign) buffer_free(storage->data, storage->bytes);
  storage->~Storage();
  pool_free(storage, sizeof(Storage));
}

Ref<TensorImpl> make_impl() { return Ref<TensorImpl>::adopt(new (pool_allocate(sizeof(TensorImpl))) TensorImpl); }

Tensor number_result(double value) {
  auto* t = new (pool_allocate(sizeof(TensorImpl))) TensorImpl;
  t->dtype = DType::float64;
  std::memcpy(t->inside, &value, sizeof value);
  t->data = t->inside;
  return Tensor(Ref<TensorImpl>::adopt(t));
}

Ref<Storage> make_storage(std::size_t bytes) {
  void* data = buffer_allocate(bytes);
  void* block = nullptr;
  try {
    block = pool_allocate(sizeof(Storage));
  } catch (...) {
    buffer_free(data, bytes);
    throw;
  }
  auto* storage = new (block) Storage;
  storage->data = data;
  storage->bytes = bytes;
  return Ref<Storage>::adopt(storage);
}

void move_outside(TensorImpl& impl) {
  if (impl.storage) return;
  Ref<Storage> storage = make_storage(sizeof impl.inside);
  std::memcpy(storage->data, impl.inside, sizeof impl.inside);
  storage->version = impl.inline_version;
  // The old bytes stay valid as long as the header, so a pointer taken before still reads this value.
  impl.data = storage->data;
  impl.storage = std::move(storage);
}

}  // namespace chainrule
