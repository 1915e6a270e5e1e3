// Buffers: where they come from and how they go.
#include "engine/memory/storage.h"

#include <new>

#include "engine/memory/pool.h"

namespace chainrule {

void destroy(Storage* storage) noexcept {
  if (!storage->foreign) buffer_free(storage->data, storage->bytes);
  storage->~Storage();
  pool_free(storage, sizeof(Storage));
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

}  // namespace chainrule
