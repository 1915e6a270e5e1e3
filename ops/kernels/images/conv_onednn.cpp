// float32 convolutions through oneDNN: direct on channels-last memory, or by Winograd's method on blocks of channels;
// other layouts are copied there and back. A batch is cut into pieces by its shape; each piece runs on one thread, so
// the number of threads does not change a bit. What is run is prepared in conv_prepared.cpp.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

#include "ops/kernels/elementwise/elementwise.h"
#include "ops/kernels/images/conv_detail.h"
#include "ops/kernels/images/conv_prepared.h"
#include "ops/kernels/parallel.h"
#include "ops/kernels/scratch.h"

#if CHAINRULE_KERNELS_USE_ONEDNN

#include <utility>

namespace chainrule::kernels {
namespace detail {
namespace {

constexpr std::int64_t kMaxPieces = 8;
constexpr std::int64_t kSmallWork = std::int64_t{1} << 20;  // multiplications below which a batch stays whole
constexpr std::int64_t kPositionsOfPiece = 512;
constexpr std::int64_t kMaxSumFloats = std::int64_t{1} << 23;
constexpr std::int64_t kTilesOfPiece = 128;
constexpr std::size_t kMaxWinogradBytes = std::size_t{24} << 20;  // of working memory, which every thread keeps

/// A batch cut into pieces that differ by at most one image, the larger ones spread among the smaller.
struct Pieces {
  std::int64_t batch, count;

  Pieces(std::int64_t images, std::int64_t wanted) : batch(images), count(std::min(images, wanted)) {}
  std::int64_t begin(std::int64_t piece) const { return batch * piece / count; }
  std::int64_t size(std::int64_t piece) const { return begin(piece + 1) - begin(piece); }
  std::int64_t smallest() const { return batch / count; }
  std::int64_t largest() const { return (batch + count - 1) / count; }
};

bool empty(const Convolution& s) {
  const Windows& w = s.windows;
  return w.n == 0 || w.c == 0 || s.out_channels == 0 || w.h == 0 || w.w == 0 || w.y.size == 0 || w.x.size == 0 ||
         w.out_h() == 0 || w.out_w() == 0;
}

/// `n` images of the caller's as oneDNN wants them: the caller's own memory when it lies so already, else a buffer.
/// Channels-last, or for Winograd in blocks of channels.
class Images {
 public:
  Images(Method method, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, const ImageStrides& strides)
      : shape_{n, c, h, w}, from_(strides.begin(), strides.end()) {
    const ImageStrides last = channels_last_strides(c, h, w);
    if (method == Method::winograd && c > kBlock) {
      shape_ = {n, h, w, c / kBlock, kBlock};
      from_ = {strides[0], strides[2], strides[3], kBlock * strides[1], strides[1]};
      to_ = {last[0], w * kBlock, kBlock, h * w * kBlock, 1};
      same_ = false;
      return;
    }
    to_.assign(last.begin(), last.end());
    for (int a = 0; a < 4; ++a) same_ = same_ && (from_[a] == to_[a] || shape_[a] == 1);
  }
  const float* read(const float* data, Scratch use) const {
    if (same_) return data;
    auto* copy = scratch<float>(use, numel(shape_));
    move(data, from_, copy, to_);
    return copy;
  }
  /// The same with zeros around, as large as the images of `s`; channels-last only.
  const float* read_padded(const float* data, const Windows& s) const {
    const ImageStrides wide = channels_last_strides(s.c, s.h, s.w);
    auto* copy = scratch<float>(Scratch::images, shape_[0] * wide[0]);
    std::fill_n(copy, shape_[0] * wide[0], 0.0F);
    const std::int64_t corner = (s.h - shape_[2]) / 2 * wide[2] + (s.w - shape_[3]) / 2 * wide[3];
    copy_strided(DType::float32, data, from_, copy + corner, Strides(wide.begin(), wide.end()), shape_);
    return copy;
  }
  float* place(float* data, Scratch use) const { return same_ ? data : scratch<float>(use, numel(shape_)); }
  void write(const float* copy, float* data) const {
    if (!same_) move(copy, to_, data, from_);
  }

 private:
  void move(const float* x, const Strides& xs, float* z, const Strides& zs) const {
    if (shape_.size() != 5 || xs[4] != 1 || zs[4] != 1) return copy_strided(DType::float32, x, xs, z, zs, shape_);
    // Row by row: what is read at a distance for one block is still near for the next. The same places of the next row
    // are asked for early, since no processor guesses such steps; that doubles the speed.
    for (std::int64_t n = 0; n < shape_[0]; ++n) {
      for (std::int64_t i = 0; i < shape_[1]; ++i) {
        for (std::int64_t b = 0; b < shape_[3]; ++b) {
          const float* from = x + n * xs[0] + i * xs[1] + b * xs[3];
          float* to = z + n * zs[0] + i * zs[1] + b * zs[3];
          const std::int64_t more = i + 1 < shape_[1] ? 1 : 0;
          for (std::int64_t j = 0; j < shape_[2]; ++j) {
            __builtin_prefetch(from + j * xs[2] + more * xs[1]);
            __builtin_prefetch(to + j * zs[2] + more * zs[1], 1);
            std::memcpy(to + j * zs[2], from + j * xs[2], kBlock * sizeof(float));
          }
        }
      }
    }
  }
  Shape shape_;
  Strides from_, to_;
  bool same_ = true;
};

/// The same convolution of images that carry their padding.
Convolution padded(Convolution s) {
  s.windows.h += 2 * std::exchange(s.windows.y.padding, 0);
  s.windows.w += 2 * std::exchange(s.windows.x.padding, 0);
  return s;
}

/// The caller's weights in the layout that the primitive wants.
const float* pack(const Prepared& p, const float* weight) {
  if (!p.reorder) return weight;
  auto* packed = static_cast<float*>(scratch_bytes(Scratch::weights, p.weight_bytes));
  p.reorder->run({weight, packed});
  return packed;
}

void* working_memory(const Prepared& p) { return scratch_bytes(Scratch::primitive, p.scratch_bytes); }

std::int64_t weight_count(const Convolution& s) {
  return s.out_channels * s.windows.c / s.groups * s.windows.y.size * s.windows.x.size;
}

/// How a batch is cut for the direct method: pieces of enough work. Each piece of a weight gradient also costs a pass
/// over a sum of its own, so it should see enough positions.
std::int64_t direct_pieces(Kind kind, const Convolution& s) {
  const std::int64_t positions = s.windows.n * s.windows.out_h() * s.windows.out_w(), weights = weight_count(s);
  std::int64_t most = kMaxPieces;
  if (kind == Kind::weight_grad)
    most = std::clamp<std::int64_t>(std::min(positions / kPositionsOfPiece, kMaxSumFloats / weights), 2, kMaxPieces);
  return std::clamp<std::int64_t>(positions * weights / kSmallWork, 1, most);
}

std::int64_t tiles(const Windows& w) { return w.n * ((w.out_h() + 3) / 4) * ((w.out_w() + 3) / 4); }

/// Winograd's transforms pay from some channels and tiles on, and when the last tiles do not hang far over the edge.
bool winograd_pays(Kind kind, const Convolution& s) {
  const Windows& w = s.windows;
  const auto fits = [](const WindowAxis& a) {
    return a.size == 3 && a.stride == 1 && a.dilation == 1 && a.padding <= 1;
  };
  const std::int64_t few = std::min(w.c, s.out_channels), pairs = w.c * s.out_channels;
  return winograd_wanted() && fits(w.y) && fits(w.x) && s.groups == 1 && w.c % kBlock == 0 &&
         s.out_channels % kBlock == 0 && few >= 32 && pairs >= (kind == Kind::weight_grad ? 4096 : 2048) &&
         tiles(w) >= kTilesOfPiece && 10 * 16 * tiles(w) <= 14 * w.n * w.out_h() * w.out_w();
}

/// A piece transforms all weights once, so it should have many tiles; a power of two pieces shares out evenly.
std::int64_t winograd_pieces(const Convolution& s) {
  const auto many = static_cast<std::uint64_t>(tiles(s.windows) / kTilesOfPiece);
  return std::clamp<std::int64_t>(static_cast<std::int64_t>(std::bit_floor(many)), 2, kMaxPieces);
}

/// What is run on the pieces of a batch.
struct Plan {
  Convolution s;
  Method method;
  Pieces pieces;
  std::shared_ptr<const Prepared> small, large;  // for pieces of the two sizes

  Plan(Kind kind, Method how, const Convolution& convolution)
      : s(convolution),
        method(how),
        pieces(s.windows.n, how == Method::winograd ? winograd_pieces(s) : direct_pieces(kind, s)),
        small(prepared(kind, how, s, pieces.smallest())),
        large(prepared(kind, how, s, pieces.largest())) {}
  /// All pieces can be run, on weights laid out in one way.
  bool usable() const { return small->usable && large->usable && small->weight == large->weight; }

  /// f(piece, its images, the first of them, what to run)
  template <class F>
  void each_piece(F f) const {
    parallel_for(pieces.count, 1, [&](std::int64_t begin, std::int64_t end) {
      for (std::int64_t piece = begin; piece < end; ++piece) {
        const std::int64_t images = pieces.size(piece);
        f(piece, images, pieces.begin(piece), images == pieces.smallest() ? *small : *large);
      }
    });
  }
};

Plan plan(Kind kind, const Convolution& s) {
  if (winograd_pays(kind, s)) {
    Plan quick(kind, Method::winograd, s);
    if (quick.usable() && quick.large->scratch_bytes <= kMaxWinogradBytes) return quick;
  }
  Plan direct(kind, Method::direct, s);
  // Wide padding keeps oneDNN's weight gradient from its best code; on images padded beforehand it may have that.
  if (kind != Kind::weight_grad || direct.large->widest || std::max(s.windows.y.padding, s.windows.x.padding) < 2)
    return direct;
  Plan wide(kind, Method::direct, padded(s));
  return wide.usable() && wide.large->widest ? wide : direct;
}

}  // namespace

bool onednn_conv2d(const Convolution& s, const float* x, const ImageStrides& x_strides, const float* weight,
                   const float* bias, float* z, const ImageStrides& z_strides) {
  if (empty(s)) return false;
  const Windows& w = s.windows;
  const Plan todo = plan(bias != nullptr ? Kind::forward_bias : Kind::forward, s);
  if (!todo.usable()) return false;
  const float* packed = pack(*todo.large, weight);
  todo.each_piece([&](std::int64_t, std::int64_t n, std::int64_t at, const Prepared& p) {
    const Images in(todo.method, n, w.c, w.h, w.w, x_strides),
        out(todo.method, n, s.out_channels, w.out_h(), w.out_w(), z_strides);
    float* target = z + at * z_strides[0];
    float* place = out.place(target, Scratch::cotangents);
    const float* from = in.read(x + at * x_strides[0], Scratch::images);
    if (bias != nullptr)
      p.convolution->run({from, packed, place, working_memory(p), bias});
    else
      p.convolution->run({from, packed, place, working_memory(p)});
    out.write(place, target);
  });
  return true;
}

bool onednn_input_grad(const Convolution& s, const float* g, const ImageStrides& g_strides, const float* weight,
                       float* dx, const ImageStrides& dx_strides) {
  if (empty(s)) return false;
  const Windows& w = s.windows;
  const Plan todo = plan(Kind::input_grad, s);
  if (!todo.usable()) return false;
  const float* packed = pack(*todo.large, weight);
  todo.each_piece([&](std::int64_t, std::int64_t n, std::int64_t at, const Prepared& p) {
    const Images in(todo.method, n, s.out_channels, w.out_h(), w.out_w(), g_strides),
        out(todo.method, n, w.c, w.h, w.w, dx_strides);
    float* target = dx + at * dx_strides[0];
    float* place = out.place(target, Scratch::images);
    const float* from = in.read(g + at * g_strides[0], Scratch::cotangents);
    p.convolution->run({place, packed, from, working_memory(p)});
    out.write(place, target);
  });
  return true;
}

// sums[i] += sums[piece * size + i] for all pieces in order, a run that fits the cache at a time.
void add_pieces(float* sums, std::int64_t pieces, std::int64_t size) {
  constexpr std::int64_t run = 1024;
  parallel_for((size + run - 1) / run, 16, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t at = begin * run; at < std::min(end * run, size); at += run) {
      const std::int64_t n = std::min(run, size - at);
      for (std::int64_t piece = 1; piece < pieces; ++piece) {
        const float* more = sums + piece * size + at;
        for (std::int64_t i = 0; i < n; ++i) sums[at + i] += more[i];
      }
    }
  });
}

// Each piece sums over its images; the pieces' sums are added in order, still in the layout of the primitive.
bool onednn_weight_grad(const Convolution& s, const float* x, const ImageStrides& x_strides, const float* g,
                        const ImageStrides& g_strides, float* dweight) {
  if (empty(s)) return false;
  const Windows& w = s.windows;
  const Plan todo = plan(Kind::weight_grad, s);
  if (!todo.usable()) return false;
  const bool pad = todo.s.windows.h != w.h || todo.s.windows.w != w.w;
  const auto size = static_cast<std::int64_t>(todo.large->weight_bytes / sizeof(float));
  auto* sums = scratch<float>(Scratch::sums, todo.pieces.count * size);
  todo.each_piece([&](std::int64_t piece, std::int64_t n, std::int64_t at, const Prepared& p) {
    const Images in(todo.method, n, w.c, w.h, w.w, x_strides),
        back(todo.method, n, s.out_channels, w.out_h(), w.out_w(), g_strides);
    const float* images = x + at * x_strides[0];
    const float* from = pad ? in.read_padded(images, todo.s.windows) : in.read(images, Scratch::images);
    const float* cotangents = back.read(g + at * g_strides[0], Scratch::cotangents);
    p.convolution->run({from, sums + piece * size, cotangents, working_memory(p)});
  });
  add_pieces(sums, todo.pieces.count, size);
  if (todo.large->reorder)
    todo.large->reorder->run({sums, dweight});
  else
    std::copy_n(sums, size, dweight);
  return true;
}

}  // namespace detail

}  // namespace chainrule::kernels

#else

namespace chainrule::kernels {
namespace detail {

bool onednn_conv2d(const Convolution&, const float*, const ImageStrides&, const float*, const float*, float*,
                   const ImageStrides&) {
  return false;
}
bool onednn_input_grad(const Convolution&, const float*, const ImageStrides&, const float*, float*,
                       const ImageStrides&) {
  return false;
}
bool onednn_weight_grad(const Convolution&, const float*, const ImageStrides&, const float*, const ImageStrides&,
                        float*) {
  return false;
}

}  // namespace detail

}  // namespace chainrule::kernels
#endif
