// float32 convolutions through oneDNN, always on channels-last memory (other layouts are copied there and back). A
// batch is cut into pieces by its shape; each piece runs on one thread, so the number of threads does not change a bit.
#include <algorithm>
#include <cstddef>

#include "ops/kernels/conv_detail.h"
#include "ops/kernels/conv_prepared.h"
#include "ops/kernels/elementwise.h"
#include "ops/kernels/parallel.h"
#include "ops/kernels/scratch.h"

#if CHAINRULE_KERNELS_USE_ONEDNN

#include <dnnl.hpp>
#include <unordered_map>
#include <utility>

namespace chainrule::kernels {
namespace detail {
namespace {

using dnnl::memory;

constexpr std::int64_t kMaxPieces = 8;
constexpr std::int64_t kSmallWork = std::int64_t{1} << 20;  // multiplications below which a batch stays whole
constexpr std::int64_t kPositionsOfPiece = 512;
constexpr std::int64_t kMaxSumBytes = std::int64_t{1} << 25;

/// A batch cut into equal pieces, the last one possibly smaller.
struct Pieces {
  std::int64_t batch, length, count;

  Pieces(const Convolution& s, std::int64_t most) : batch(s.windows.n) {
    const Windows& w = s.windows;
    const std::int64_t image = s.out_channels * w.out_h() * w.out_w() * w.c / s.groups * w.y.size * w.x.size;
    const std::int64_t wanted = std::clamp<std::int64_t>(image * batch / kSmallWork, 1, most);
    length = (batch + wanted - 1) / wanted;
    count = (batch + length - 1) / length;
  }
  std::int64_t size(std::int64_t piece) const { return std::min(length, batch - piece * length); }
};

bool empty(const Convolution& s) {
  const Windows& w = s.windows;
  return w.n == 0 || w.c == 0 || s.out_channels == 0 || w.h == 0 || w.w == 0 || w.y.size == 0 || w.x.size == 0 ||
         w.out_h() == 0 || w.out_w() == 0;
}

/// `n` images of the caller's as channels-last memory: the caller's own when it is that already, else a buffer.
struct Images {
  Shape shape;
  ImageStrides last;
  Strides from, to;
  bool same = true;

  Images(std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w, const ImageStrides& strides)
      : shape{n, c, h, w}, last(channels_last_strides(c, h, w)) {
    from.assign(strides.begin(), strides.end());
    to.assign(last.begin(), last.end());
    for (int a = 0; a < 4; ++a) same = same && (from[a] == to[a] || shape[a] == 1);
  }
  const float* read(const float* data, Scratch use) const {
    if (same) return data;
    auto* copy = scratch<float>(use, numel(shape));
    copy_strided(DType::float32, data, from, copy, to, shape);
    return copy;
  }
  /// The same with zeros around, as large as the images of `s`.
  const float* read_padded(const float* data, const Windows& s) const {
    const ImageStrides wide = channels_last_strides(s.c, s.h, s.w);
    auto* copy = scratch<float>(Scratch::images, shape[0] * wide[0]);
    std::fill_n(copy, shape[0] * wide[0], 0.0F);
    const std::int64_t corner = (s.h - shape[2]) / 2 * wide[2] + (s.w - shape[3]) / 2 * wide[3];
    copy_strided(DType::float32, data, from, copy + corner, Strides(wide.begin(), wide.end()), shape);
    return copy;
  }
  float* place(float* data, Scratch use) const { return same ? data : scratch<float>(use, numel(shape)); }
  void write(const float* copy, float* data) const {
    if (!same) copy_strided(DType::float32, copy, to, data, from, shape);
  }
};

/// The same convolution of images that carry their padding.
Convolution padded(Convolution s) {
  s.windows.h += 2 * std::exchange(s.windows.y.padding, 0);
  s.windows.w += 2 * std::exchange(s.windows.x.padding, 0);
  return s;
}

memory wrap(const memory::desc& d, const float* data) { return {d, engine(), const_cast<float*>(data)}; }

dnnl::stream& stream() {
  thread_local dnnl::stream mine(engine());
  return mine;
}

void reorder(const memory::desc& from, const float* x, const memory::desc& to, float* z) {
  const OneThread one_thread;
  memory source = wrap(from, x), target = wrap(to, z);
  dnnl::reorder(source, target).execute(stream(), source, target);
  stream().wait();
}

// The caller's weights in the layout that the primitive wants.
const float* pack(const Prepared& p, const float* weight) {
  if (p.weight == p.user_weight) return weight;
  auto* packed = static_cast<float*>(scratch_bytes(Scratch::weights, p.weight.get_size()));
  reorder(p.user_weight, weight, p.weight, packed);
  return packed;
}

void execute(const Prepared& p, std::unordered_map<int, memory> arguments) {
  const OneThread one_thread;
  arguments.insert(
      {DNNL_ARG_SCRATCHPAD, {p.scratch, engine(), scratch_bytes(Scratch::primitive, p.scratch.get_size())}});
  p.primitive.execute(stream(), arguments);
  stream().wait();
}

// Runs f(piece, prepared) for all pieces. The last piece may need a primitive of its own, with weights laid out the
// same way (that is what `first` is compared with); false before anything has run when there is none.
template <class F>
bool each_piece(Kind kind, const Convolution& s, const Pieces& pieces, const Prepared& first, F f) {
  auto last = prepared(kind, s, pieces.size(pieces.count - 1));
  if (!last->usable || last->weight != first.weight) return false;
  parallel_for(pieces.count, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t piece = begin; piece < end; ++piece) f(piece, piece + 1 == pieces.count ? *last : first);
  });
  return true;
}

}  // namespace

bool onednn_conv2d(const Convolution& s, const float* x, const ImageStrides& x_strides, const float* weight,
                   const float* bias, float* z, const ImageStrides& z_strides) {
  if (empty(s)) return false;
  const Windows& w = s.windows;
  const Kind kind = bias != nullptr ? Kind::forward_bias : Kind::forward;
  const Pieces pieces(s, kMaxPieces);
  const auto first = prepared(kind, s, pieces.length);
  if (!first->usable) return false;
  const float* packed = pack(*first, weight);
  return each_piece(kind, s, pieces, *first, [&](std::int64_t piece, const Prepared& p) {
    const std::int64_t n = pieces.size(piece), at = piece * pieces.length;
    const Images in(n, w.c, w.h, w.w, x_strides), out(n, s.out_channels, w.out_h(), w.out_w(), z_strides);
    float* target = z + at * z_strides[0];
    float* place = out.place(target, Scratch::cotangents);
    std::unordered_map<int, memory> arguments{
        {DNNL_ARG_SRC, wrap(p.x, in.read(x + at * x_strides[0], Scratch::images))},
        {DNNL_ARG_WEIGHTS, wrap(p.weight, packed)},
        {DNNL_ARG_DST, wrap(p.z, place)}};
    if (bias != nullptr) arguments.insert({DNNL_ARG_BIAS, wrap(p.bias, bias)});
    execute(p, std::move(arguments));
    out.write(place, target);
  });
}

bool onednn_input_grad(const Convolution& s, const float* g, const ImageStrides& g_strides, const float* weight,
                       float* dx, const ImageStrides& dx_strides) {
  if (empty(s)) return false;
  const Windows& w = s.windows;
  const Pieces pieces(s, kMaxPieces);
  const auto first = prepared(Kind::input_grad, s, pieces.length);
  if (!first->usable) return false;
  const float* packed = pack(*first, weight);
  return each_piece(Kind::input_grad, s, pieces, *first, [&](std::int64_t piece, const Prepared& p) {
    const std::int64_t n = pieces.size(piece), at = piece * pieces.length;
    const Images in(n, s.out_channels, w.out_h(), w.out_w(), g_strides), out(n, w.c, w.h, w.w, dx_strides);
    float* target = dx + at * dx_strides[0];
    float* place = out.place(target, Scratch::images);
    execute(p, {{DNNL_ARG_DIFF_DST, wrap(p.z, in.read(g + at * g_strides[0], Scratch::cotangents))},
                {DNNL_ARG_WEIGHTS, wrap(p.weight, packed)},
                {DNNL_ARG_DIFF_SRC, wrap(p.x, place)}});
    out.write(place, target);
  });
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
  const std::int64_t weight_bytes = s.out_channels * w.c / s.groups * w.y.size * w.x.size * 4;
  // Every piece costs a pass over its own sum of the weights' gradients, so it should see enough positions.
  const std::int64_t worth = std::min(w.n * w.out_h() * w.out_w() / kPositionsOfPiece, kMaxSumBytes / weight_bytes);
  const Pieces pieces(s, std::clamp<std::int64_t>(worth, 2, kMaxPieces));
  const Convolution wide = padded(s);
  auto first = prepared(Kind::weight_grad, s, pieces.length);
  // Wide padding keeps oneDNN from its best code; on images padded beforehand it may have that.
  const bool pad = !first->widest && (w.y.padding > 1 || w.x.padding > 1) &&
                   prepared(Kind::weight_grad, wide, pieces.length)->widest;
  if (pad) first = prepared(Kind::weight_grad, wide, pieces.length);
  if (!first->usable) return false;
  const auto size = static_cast<std::int64_t>(first->weight.get_size() / sizeof(float));
  auto* sums = scratch<float>(Scratch::sums, pieces.count * size);
  const bool done =
      each_piece(Kind::weight_grad, pad ? wide : s, pieces, *first, [&](std::int64_t piece, const Prepared& p) {
        const std::int64_t n = pieces.size(piece), at = piece * pieces.length;
        const Images in(n, w.c, w.h, w.w, x_strides), back(n, s.out_channels, w.out_h(), w.out_w(), g_strides);
        const float* from = x + at * x_strides[0];
        execute(p,
                {{DNNL_ARG_SRC, wrap(p.x, pad ? in.read_padded(from, wide.windows) : in.read(from, Scratch::images))},
                 {DNNL_ARG_DIFF_DST, wrap(p.z, back.read(g + at * g_strides[0], Scratch::cotangents))},
                 {DNNL_ARG_DIFF_WEIGHTS, wrap(p.weight, sums + piece * size)}});
      });
  if (!done) return false;
  add_pieces(sums, pieces.count, size);
  reorder(first->weight, sums, first->user_weight, dweight);
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
