// The elementwise functions over any strides. Axes are sorted and merged until few are left; long inner runs go to the
// dense loops directly, everything else is gathered block by block into dense buffers, so there is one formula per op.
#include <algorithm>
#include <array>
#include <cassert>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "ops/kernels/elementwise/elementwise.h"
#include "ops/kernels/matrix/transpose.h"
#include "ops/kernels/parallel.h"

namespace chainrule::kernels {
namespace {

constexpr int kMaxOperands = 4;           // the result is the last one
constexpr std::int64_t kBlock = 512;      // elements gathered at a time
constexpr std::int64_t kLongRun = 32;     // shorter inner runs are gathered
constexpr std::int64_t kGrain = 1 << 13;  // elements a thread should get at least

/// A run of n elements: operand pointers with step 0 or 1, the result dense.
struct Run {
  std::array<const std::byte*, kMaxOperands - 1> in{};
  std::array<std::int64_t, kMaxOperands - 1> step{};
  std::byte* out = nullptr;
  std::int64_t n = 0;
};

struct Loop {
  int operands = 0;
  std::array<std::byte*, kMaxOperands> data{};
  std::array<std::int64_t, kMaxOperands> item{};
  std::array<Strides, kMaxOperands> strides{};  // in bytes once prepared
  Shape shape;

  void add(const void* pointer, DType d, const Strides& s) {
    data[operands] = static_cast<std::byte*>(const_cast<void*>(pointer));
    item[operands] = static_cast<std::int64_t>(item_size(d));
    strides[operands++] = s;
  }
  int result() const { return operands - 1; }

  void prepare();
  bool direct() const;
  void offsets(std::int64_t position, std::array<std::int64_t, kMaxOperands>& out) const;
};

// Drops axes of size 1, puts the axis along which the result is densest last, and merges axes that all operands walk
// through without a jump. What is left has at least one axis.
void Loop::prepare() {
  std::array<int, kMaxRank> order{};
  int rank = 0;
  for (int a = 0; a < static_cast<int>(shape.size()); ++a) {
    if (shape[a] != 1) order[rank++] = a;
  }
  const auto& z = strides[result()];
  sort_axes(order.begin(), order.begin() + rank, [&](int a, int b) { return std::abs(z[a]) > std::abs(z[b]); });

  const auto old_shape = shape;
  const auto old_strides = strides;
  shape.clear();
  for (int k = 0; k < operands; ++k) strides[k].clear();
  for (int r = 0; r < rank; ++r) {
    const int a = order[r];
    bool merges = !shape.empty();
    for (int k = 0; merges && k < operands; ++k) {
      merges = strides[k].back() == old_strides[k][a] * item[k] * old_shape[a];
    }
    if (merges) {
      shape.back() *= old_shape[a];
    } else {
      shape.push_back(old_shape[a]);
    }
    for (int k = 0; k < operands; ++k) {
      const std::int64_t bytes = old_strides[k][a] * item[k];
      if (merges)
        strides[k].back() = bytes;
      else
        strides[k].push_back(bytes);
    }
  }
  if (shape.empty()) {
    shape.push_back(1);
    for (int k = 0; k < operands; ++k) strides[k].push_back(item[k]);
  }
}

bool Loop::direct() const {
  if (shape.back() < kLongRun && shape.size() > 1) return false;
  for (int k = 0; k < operands; ++k) {
    const std::int64_t s = strides[k].back();
    if (s != item[k] && (s != 0 || k == result())) return false;
  }
  return true;
}

void Loop::offsets(std::int64_t position, std::array<std::int64_t, kMaxOperands>& out) const {
  out.fill(0);
  for (int a = static_cast<int>(shape.size()) - 1; a >= 0; --a) {
    const std::int64_t i = position % shape[a];
    position /= shape[a];
    for (int k = 0; k < operands; ++k) out[k] += i * strides[k][a];
  }
}

// Between a strided operand (elements [begin, begin + n) in the loop's order) and a dense buffer.
template <class T, bool to_buffer>
void move(const Loop& loop, int k, std::int64_t begin, std::int64_t n, std::byte* buffer) {
  const int inner = static_cast<int>(loop.shape.size()) - 1;
  const std::int64_t length = loop.shape[inner], stride = loop.strides[k][inner];
  std::array<std::int64_t, kMaxRank> at{};
  std::byte* p = loop.data[k];
  for (int a = inner; a >= 0; --a) {
    at[a] = begin % loop.shape[a];
    begin /= loop.shape[a];
    p += at[a] * loop.strides[k][a];
  }
  while (n > 0) {
    const std::int64_t count = std::min(n, length - at[inner]);
    for (std::int64_t i = 0; i < count; ++i, p += stride, buffer += sizeof(T)) {
      if constexpr (to_buffer)
        std::memcpy(buffer, p, sizeof(T));
      else
        std::memcpy(p, buffer, sizeof(T));
    }
    n -= count;
    at[inner] += count;
    for (int a = inner; a > 0 && at[a] == loop.shape[a]; --a) {
      p += loop.strides[k][a - 1] - loop.shape[a] * loop.strides[k][a];
      at[a] = 0;
      ++at[a - 1];
    }
  }
}

template <bool to_buffer>
void move(const Loop& loop, int k, std::int64_t begin, std::int64_t n, std::byte* buffer) {
  switch (loop.item[k]) {
    case 1:
      return move<std::uint8_t, to_buffer>(loop, k, begin, n, buffer);
    case 4:
      return move<std::uint32_t, to_buffer>(loop, k, begin, n, buffer);
    default:
      return move<std::uint64_t, to_buffer>(loop, k, begin, n, buffer);
  }
}

template <class F>
void run_direct(const Loop& loop, const F& f) {
  const std::int64_t length = loop.shape.back(), rows = numel(loop.shape) / length;
  parallel_for(rows, (kGrain + length - 1) / length, [&](std::int64_t begin, std::int64_t end) {
    std::array<std::int64_t, kMaxOperands> offset;
    Run run;
    run.n = length;
    for (int k = 0; k < loop.result(); ++k) run.step[k] = loop.strides[k].back() == 0 ? 0 : 1;
    for (std::int64_t row = begin; row < end; ++row) {
      loop.offsets(row * length, offset);
      for (int k = 0; k < loop.result(); ++k) run.in[k] = loop.data[k] + offset[k];
      run.out = loop.data[loop.result()] + offset[loop.result()];
      f(run);
    }
  });
}

template <class F>
void run_gathered(const Loop& loop, const F& f) {
  parallel_for(numel(loop.shape), kGrain, [&](std::int64_t begin, std::int64_t end) {
    alignas(64) std::byte buffer[kMaxOperands][kBlock * 8];
    for (std::int64_t i = begin; i < end; i += kBlock) {
      Run run;
      run.n = std::min(kBlock, end - i);
      for (int k = 0; k < loop.result(); ++k) {
        move<true>(loop, k, i, run.n, buffer[k]);
        run.in[k] = buffer[k];
        run.step[k] = 1;
      }
      run.out = buffer[loop.result()];
      f(run);
      move<false>(loop, loop.result(), i, run.n, buffer[loop.result()]);
    }
  });
}

template <class F>
void launch(Loop& loop, const Shape& shape, const F& f) {
  loop.shape = shape;
  if (numel(shape) == 0) return;
  loop.prepare();
  if (loop.direct())
    run_direct(loop, f);
  else
    run_gathered(loop, f);
}

}  // namespace

void unary_strided(Unary op, DType d, const void* x, const Strides& x_strides, void* z, const Strides& z_strides,
                   const Shape& shape, const Parameters& p) {
  Loop loop;
  loop.add(x, d, x_strides);
  loop.add(z, d, z_strides);
  launch(loop, shape, [&](const Run& r) {
    if (r.step[0] == 1 || r.n == 1) return unary(op, d, r.in[0], r.out, r.n, p);
    alignas(8) std::byte value[8];
    unary(op, d, r.in[0], value, 1, p);
    fill(d, value, r.out, r.n);
  });
}

void binary_strided(Binary op, DType d, const void* x, const Strides& x_strides, const void* y,
                    const Strides& y_strides, void* z, const Strides& z_strides, const Shape& shape,
                    const Parameters& p) {
  Loop loop;
  loop.add(x, d, x_strides);
  loop.add(y, d, y_strides);
  loop.add(z, d, z_strides);
  launch(loop, shape, [&](const Run& r) { binary(op, d, r.in[0], r.step[0], r.in[1], r.step[1], r.out, r.n, p); });
}

void compare_strided(Compare op, DType d, const void* x, const Strides& x_strides, const void* y,
                     const Strides& y_strides, bool* z, const Strides& z_strides, const Shape& shape) {
  Loop loop;
  loop.add(x, d, x_strides);
  loop.add(y, d, y_strides);
  loop.add(z, DType::boolean, z_strides);
  launch(loop, shape, [&](const Run& r) {
    compare(op, d, r.in[0], r.step[0], r.in[1], r.step[1], reinterpret_cast<bool*>(r.out), r.n);
  });
}

void where_strided(DType d, const bool* condition, const Strides& condition_strides, const void* x,
                   const Strides& x_strides, const void* y, const Strides& y_strides, void* z, const Strides& z_strides,
                   const Shape& shape) {
  Loop loop;
  loop.add(condition, DType::boolean, condition_strides);
  loop.add(x, d, x_strides);
  loop.add(y, d, y_strides);
  loop.add(z, d, z_strides);
  launch(loop, shape, [&](const Run& r) {
    const auto* c = reinterpret_cast<const bool*>(r.in[0]);
    where(d, c, r.step[0], r.in[1], r.step[1], r.in[2], r.step[2], r.out, r.n);
  });
}

void cast_strided(DType from, DType to, const void* x, const Strides& x_strides, void* z, const Strides& z_strides,
                  const Shape& shape) {
  if (from == to) return copy_strided(from, x, x_strides, z, z_strides, shape);
  Loop loop;
  loop.add(x, from, x_strides);
  loop.add(z, to, z_strides);
  launch(loop, shape, [&](const Run& r) {
    if (r.step[0] == 1 || r.n == 1) return cast(from, to, r.in[0], r.out, r.n);
    alignas(8) std::byte value[8];
    cast(from, to, r.in[0], value, 1);
    fill(to, value, r.out, r.n);
  });
}

void copy_strided(DType d, const void* x, const Strides& x_strides, void* z, const Strides& z_strides,
                  const Shape& shape) {
  if (copy_transposed(d, x, x_strides, z, z_strides, shape)) return;
  Loop loop;
  loop.add(x, d, x_strides);
  loop.add(z, d, z_strides);
  launch(loop, shape, [&](const Run& r) {
    if (r.step[0] == 1 || r.n == 1)
      copy(d, r.in[0], r.out, r.n);
    else
      fill(d, r.in[0], r.out, r.n);
  });
}

}  // namespace chainrule::kernels
