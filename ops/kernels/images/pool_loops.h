// Inner header: for our own sources, not installed.
// The one-threaded loops of pooling, one source compiled for several instruction sets. All work on rows [begin, end) of
// their result, counted through all images or planes. Not for use outside ops/kernels.
#pragma once

#include "ops/kernels/images/pool.h"

namespace chainrule::kernels::detail {

template <class T>
struct MaxPoolLoops {
  void (*forward)(const Pooling& s, bool channels_last, const T* x, T* z, std::uint8_t* taps, std::int64_t begin,
                  std::int64_t end);

  static const MaxPoolLoops& fastest();
};

template <class T>
struct MaxPoolGradLoops {
  /// Channels-last; `over` holds the first and last window over every column.
  void (*gather)(const Pooling& s, const T* g, const std::uint8_t* taps, T* dx, const std::int64_t* over,
                 std::int64_t begin, std::int64_t end);

  static const MaxPoolGradLoops& fastest();
};

/// What one axis says of a position (forward: of a window, backward: of an element): the range that it sums over.
struct WindowRange {
  std::int64_t begin, end;
};
/// The columns of all rows, worked out once a call.
struct AverageColumns {
  const WindowRange* ranges;   // for each column of the result
  const std::int64_t* counts;  // for each window
};

/// `row` has room for a row of x or g; null for channels-last memory.
template <class T>
struct AveragePoolLoops {
  void (*means)(const Pooling& s, const Averaging& a, const AverageColumns& columns, const T* x, T* z, T* row,
                std::int64_t begin, std::int64_t end);
  void (*shares)(const Pooling& s, const Averaging& a, const AverageColumns& columns, const T* g, T* dx, T* row,
                 std::int64_t begin, std::int64_t end);

  static const AveragePoolLoops& fastest();
};

}  // namespace chainrule::kernels::detail
