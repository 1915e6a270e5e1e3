// What kernels keep between calls must never show: in results, without bound, or after it was given back. Also what the
// host program may bring: buffers of any alignment, images in either order, flush-to-zero.
#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <thread>

#include "engine/factory.h"
#include "engine/scopes.h"
#include "ops/kernels/images/window.h"
#include "ops/kernels/parallel.h"
#include "ops/kernels/scratch.h"
#include "ops/ops.h"
#include "tests/ops/kernels/support.h"

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

using namespace chainrule;
using namespace chainrule::test;

namespace {

/// One forward and backward pass that uses products, convolutions and pooling; all gradients in one list.
std::vector<float> pass(std::int64_t images, std::int64_t channels, std::int64_t side, std::uint64_t seed) {
  Generator generator(seed);
  const auto leaf = [&](const Shape& shape) {
    return randn(shape, {.dtype = DType::float32, .requires_grad = true}, generator);
  };
  const Tensor x = leaf({images, channels, side, side}), w = leaf({24, channels, 3, 3}), b = leaf({24});
  const std::int64_t half = side / 2, features = 24 * half * half;
  const Tensor v = leaf({10, features});
  const Tensor h = max_pool2d(relu(conv2d(x, w, b, {.padding = 1})), 2);
  sum(square(linear(flatten(h, 1), v))).backward();
  std::vector<float> all;
  for (const Tensor& t : {x, w, b, v}) {
    const auto values = t.grad().values<float>();
    all.insert(all.end(), values.begin(), values.end());
  }
  return all;
}

/// The same numbers at an address that no vector likes.
Tensor misaligned(const Tensor& t) {
  const auto values = t.values<float>();
  auto memory = std::make_shared<std::vector<float>>(values.size() + 17);
  const auto at = reinterpret_cast<std::uintptr_t>(memory->data());
  std::size_t skip = 1;
  while ((at + skip * sizeof(float)) % 64 != 4) ++skip;
  std::copy(values.begin(), values.end(), memory->begin() + static_cast<std::ptrdiff_t>(skip));
  return from_memory(memory->data() + skip, t.shape(), DType::float32, memory);
}

Tensor channels_last(const Tensor& x) { return permute(dense(permute(x, {0, 2, 3, 1})), {0, 3, 1, 2}); }

}  // namespace

TEST_CASE("results do not depend on earlier calls") {
  const auto a = pass(9, 3, 12, 1);
  const auto b = pass(4, 16, 8, 2);
  CHECK(same_bits(pass(9, 3, 12, 1), a));
  CHECK(same_bits(pass(4, 16, 8, 2), b));
  clear_kernel_caches();
  CHECK(same_bits(pass(4, 16, 8, 2), b));
  CHECK(same_bits(pass(9, 3, 12, 1), a));
}

TEST_CASE("a weight changed in place is seen by the next call") {
  Tensor x = randn({2, 16, 6, 6}), w = randn({16, 16, 3, 3});
  const auto before = conv2d(x, w).values<float>();
  w.copy_(w * 2);
  const auto after = conv2d(x, w).values<float>();
  bool twice = true;
  for (std::size_t i = 0; i < before.size(); ++i) twice = twice && after[i] == 2 * before[i];
  CHECK(twice);
}

TEST_CASE("working memory is bounded and goes back") {
  // A thread of its own: other threads' buffers go only when those threads compute.
  std::thread([] {
    set_num_threads(1);
    const std::size_t before = kernels::scratch_size();
    const Tensor x = randn({701, 5000}), y = randn({5000, 701});
    const Tensor z = matmul(x, y);
    const std::size_t used = kernels::scratch_size() - before;
    CHECK(used > 0);
    CHECK(used < (std::size_t{4} << 20));  // pieces of 5000, not all of it: the operands are 28 MB
    matmul(x, y);
    CHECK(kernels::scratch_size() - before == used);
    conv2d(randn({2, 16, 8, 8}), randn({16, 16, 3, 3}));
    clear_kernel_caches();
    CHECK(kernels::scratch_size() == before);
    CHECK(kernels::conv_cache_size() == 0);
    CHECK(same_bits(matmul(x, y).values<float>(), z.values<float>()));
  }).join();
  set_num_threads(0);
}

TEST_CASE("buffers of any alignment give the same bits") {
  const Tensor x = randn({3, 20, 7, 7}), w = randn({18, 20, 3, 3}), b = randn({18});
  const Tensor z = conv2d(x, w, b), odd = conv2d(misaligned(x), misaligned(w), misaligned(b));
  CHECK(same_bits(odd.values<float>(), z.values<float>()));
  const Tensor m = randn({37, 61}), v = randn({29, 61}), c = randn({29});
  CHECK(
      same_bits(linear(misaligned(m), misaligned(v), misaligned(c)).values<float>(), linear(m, v, c).values<float>()));
  CHECK(same_bits(exp(misaligned(m)).values<float>(), exp(m).values<float>()));
  CHECK(same_bits(sum(misaligned(m), {0}).values<float>(), sum(m, {0}).values<float>()));
}

TEST_CASE("channels-last and row-major images give the same bits") {
  for (const std::int64_t channels : {1, 3, 20}) {
    const Tensor x = randn({3, channels, 9, 9}), w = randn({18, channels, 3, 3}), b = randn({18});
    const Tensor last = channels_last(x);
    CHECK(
        same_bits(conv2d(last, w, b, {.padding = 1}).values<float>(), conv2d(x, w, b, {.padding = 1}).values<float>()));
    CHECK(same_bits(max_pool2d(last, 2).values<float>(), max_pool2d(x, 2).values<float>()));
    CHECK(same_bits(relu(last).values<float>(), relu(x).values<float>()));
  }
}

#if defined(__SSE__)
TEST_CASE("flush-to-zero of the host program holds on every thread, and stays as it was") {
  const unsigned before = _mm_getcsr();
  const Tensor small = full({1 << 20}, 1e-20, {.dtype = DType::float32});
  const auto subnormal = [&](int threads) {
    return with_threads(threads, [&] { return (small * small).values<float>(); });  // 1e-40
  };
  CHECK(subnormal(2).front() > 0);
  _mm_setcsr(before | 0x8040);  // results and operands
  const unsigned set = _mm_getcsr();
  const auto one = subnormal(1), two = subnormal(2);
  const unsigned after = _mm_getcsr();
  _mm_setcsr(before);
  CHECK(same_bits(one, two));
  CHECK(two.front() == 0);
  CHECK(two.back() == 0);
  CHECK((set & 0xffc0) == (after & 0xffc0));
  CHECK(subnormal(2).back() > 0);
}
#endif
