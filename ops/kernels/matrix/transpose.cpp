// A square is one cache line wide and as many lines high. Its lines are read whole into a buffer and leave it as
// columns: reading columns from memory directly would meet the same few cache sets again and again where strides are
// powers of 2.
#include "ops/kernels/matrix/transpose.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "ops/kernels/parallel.h"

namespace chainrule::kernels {
namespace {

constexpr std::int64_t kShort = 8;                      // axes below this are left to the general loop
constexpr std::int64_t kLine = 64;                      // bytes of a cache line
constexpr std::int64_t kGrain = std::int64_t{1} << 14;  // elements a thread should get at least

/// One of the two axes: its length and strides in elements.
struct Side {
  std::int64_t n, x, z;
};

template <class T>
struct Squares {
  static constexpr std::int64_t kSide = kLine / static_cast<std::int64_t>(sizeof(T));
  Side fast_in, fast_out;  // x steps by 1 along the first, z along the second

  /// All squares of a strip: kSide elements, from `first`, of the axis along which x is dense.
  void strip(const T* x, T* z, std::int64_t first) const {
    const std::int64_t width = std::min(kSide, fast_in.n - first);
    alignas(kLine) std::array<std::array<T, kSide>, kSide> buffer;
    for (std::int64_t j = 0; j < fast_out.n; j += kSide) {
      const std::int64_t height = std::min(kSide, fast_out.n - j);
      const T* from = x + first + j * fast_out.x;
      T* to = z + first * fast_in.z + j;
      if (width == kSide && height == kSide) {
        for (std::int64_t r = 0; r < kSide; ++r) std::memcpy(buffer[r].data(), from + r * fast_out.x, kLine);
        for (std::int64_t c = 0; c < kSide; ++c)
          for (std::int64_t r = 0; r < kSide; ++r) to[c * fast_in.z + r] = buffer[r][c];
        continue;
      }
      for (std::int64_t c = 0; c < width; ++c)
        for (std::int64_t r = 0; r < height; ++r) to[c * fast_in.z + r] = from[r * fast_out.x + c];
    }
  }
};

}  // namespace

bool copy_transposed(DType d, const void* x, const Strides& x_strides, void* z, const Strides& z_strides,
                     const Shape& shape) {
  int in = -1, out = -1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] >= kShort && x_strides[i] == 1) in = i;
    if (shape[i] >= kShort && z_strides[i] == 1) out = i;
  }
  if (in < 0 || out < 0 || in == out) return false;
  boost::container::static_vector<Side, kMaxRank> others;
  std::int64_t outer = 1;
  for (int i = 0; i < shape.rank(); ++i) {
    if (i == in || i == out) continue;
    others.push_back({shape[i], x_strides[i], z_strides[i]});
    outer *= shape[i];
  }
  const Side fast_in{shape[in], 1, z_strides[in]}, fast_out{shape[out], x_strides[out], 1};
  dispatch(d, [&](auto zero) {
    using T = decltype(zero);
    const Squares<T> squares{fast_in, fast_out};
    constexpr std::int64_t side = Squares<T>::kSide;
    const std::int64_t strips = (fast_in.n + side - 1) / side;
    const std::int64_t grain = std::max<std::int64_t>(kGrain / (side * fast_out.n), 1);
    parallel_for(outer * strips, grain, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t k = begin; k < end; ++k) {
        std::int64_t rest = k / strips, from = 0, to = 0;
        for (std::size_t i = others.size(); i-- > 0; rest /= others[i].n) {
          const std::int64_t at = rest % others[i].n;
          from += at * others[i].x;
          to += at * others[i].z;
        }
        squares.strip(static_cast<const T*>(x) + from, static_cast<T*>(z) + to, k % strips * side);
      }
    });
  });
  return true;
}

}  // namespace chainrule::kernels
