// Inner header: for our own sources, not installed.
// What the sources of optimizer steps share: a piece of a parameter's memory, and how a pass is shared out to threads.
// Not for use outside ops/kernels.
#pragma once

#include <array>
#include <cassert>
#include <cstdint>

#include "ops/kernels/network/update.h"
#include "ops/kernels/parallel.h"

namespace chainrule::kernels::detail {

/// The part of UpdateMemory that one thread works on.
template <class T>
struct UpdatePiece {
  T* p;
  const T* g;
  std::array<T*, 3> slots;
  std::int64_t n;
};

/// Runs loops.*loop on pieces of the memory. Each element is computed by itself, so pieces change no bit.
template <template <class> class Loops, class Step, class Choose>
void run_update(const UpdateMemory& u, const Step& step, Choose choose) {
  assert(is_floating(u.dtype));
  constexpr std::int64_t kGrain = 1 << 15;
  dispatch_floating(u.dtype, [&](auto zero) {
    using T = decltype(zero);
    const auto loop = choose(Loops<T>::fastest());
    parallel_for(u.n, kGrain, [&](std::int64_t begin, std::int64_t end) {
      UpdatePiece<T> piece{
          static_cast<T*>(u.parameter) + begin, static_cast<const T*>(u.gradient) + begin, {}, end - begin};
      for (std::size_t i = 0; i < u.slots.size(); ++i)
        piece.slots[i] = u.slots[i] != nullptr ? static_cast<T*>(u.slots[i]) + begin : nullptr;
      loop(piece, step);
    });
  });
}

}  // namespace chainrule::kernels::detail
