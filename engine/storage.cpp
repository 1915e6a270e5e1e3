// Headers and buffers: where they come from and how they go.
#include "engine/storage.h"

#include <cstring>
#include <new>

#include "engine/node.h"

namespace chainrule {

namespace {
std::atomic<std::uint64_t> last_number{0};
}

std::uint64_t next_number() noexcept {
  if (single_threaded()) {
    const auto n = last_number.load(std::memory_order_relaxed) + 1;
    last_number.store(n, std::memory_order_relaxed);
    return n;
  }
  return last_number.fetch_add(1, std::memory_order_relaxed) + 1;
}

TensorImpl::TensorImpl() noexcept {}  // `inside` stays as it is
TensorImpl::~TensorImpl() = default;

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
