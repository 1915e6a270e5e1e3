// The buffer behind a value, which several views may share, and who wrote into it last.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

#include "engine/memory/ref.h"
#include "engine/types/source_location.h"

namespace chainrule {

/// Who wrote into a buffer last, for the error about an overwritten saved value.
struct Writer {
  const char* what = nullptr;
  SourceLocation where{};
};

/// A buffer that several views may share.
struct Storage {
  RefCount refs;
  std::uint32_t version = 0;
  void* data = nullptr;
  std::size_t bytes = 0;
  Writer writer;
  std::shared_ptr<void> foreign;  // keeps memory that we did not allocate
};
void destroy(Storage* storage) noexcept;

namespace internal {
/// A fresh buffer of at least `bytes`.
Ref<Storage> make_storage(std::size_t bytes);
}  // namespace internal

}  // namespace chainrule
