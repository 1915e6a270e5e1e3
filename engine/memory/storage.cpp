// Buffers: where they come from and how they go.
#include "engine/memory/storage.h"

#include <new>

#include "engine/memory/pool.h"

namespace chainrule {

void destroy(Storage* storage) noexcept {
  if (!storage->foreign) internal::buffer_free(storage->data, storage->bytes);
  storage->~Storage();
  internal::pool_free(storage, sizeof(Storage));
}

Ref<Storage> internal::make_storage(std::size_t bytes) {
  void* data = internal::buffer_allocate(bytes);
  void* block = nullptr;
  try {
    block = internal::pool_allocate(sizeof(Storage));
  } catch (...) {
    internal::buffer_free(data, bytes);
    throw;
  }
  auto* storage = new (block) Storage;
  storage->data = data;
  storage->bytes = bytes;
  return Ref<Storage>::adopt(storage);
}

}  // namespace chainrule
