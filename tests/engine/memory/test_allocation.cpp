// The second step of a training like the first asks nothing of the system: every malloc and operator new of the whole
// program is counted, the libraries' own included. Needs glibc, which lets a program put itself before its malloc; not
// under sanitizers, which do the same.
#include <doctest/doctest.h>
#include <features.h>

#if defined(__GLIBC__) && !CHAINRULE_PLAIN_ALLOCATION

#include <execinfo.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>

#include "engine/factory.h"
#include "nn/layers.h"
#include "ops/ops.h"
#include "optim/adam.h"
#include "optim/sgd.h"

using namespace chainrule;

namespace {
std::atomic<bool> counting{false};
std::atomic<int> allocations{0};

// Set CHAINRULE_SHOW_ALLOCATIONS to see where they come from.
void note() {
  if (!counting.load(std::memory_order_relaxed)) return;
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (!std::getenv("CHAINRULE_SHOW_ALLOCATIONS")) return;
  counting = false;
  void* frames[24];
  backtrace_symbols_fd(frames, backtrace(frames, 24), STDERR_FILENO);
  (void)!write(STDERR_FILENO, "\n", 1);
  counting = true;
}
}  // namespace

// operator new of libstdc++ ends here too.
extern "C" {
void* __libc_malloc(std::size_t bytes);
void* __libc_calloc(std::size_t count, std::size_t bytes);
void* __libc_realloc(void* block, std::size_t bytes);
void* __libc_memalign(std::size_t alignment, std::size_t bytes);

void* malloc(std::size_t bytes) {
  note();
  return __libc_malloc(bytes);
}
void* calloc(std::size_t count, std::size_t bytes) {
  note();
  return __libc_calloc(count, bytes);
}
void* realloc(void* block, std::size_t bytes) {
  note();
  return __libc_realloc(block, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) {
  note();
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) {
  note();
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) {
  note();
  *block = __libc_memalign(alignment, bytes);
  return *block ? 0 : ENOMEM;
}
}

namespace {

/// Allocations of the third of three equal steps.
template <class Step>
int allocations_of_third(Step&& step) {
  step();
  step();
  allocations = 0;
  counting = true;
  step();
  counting = false;
  return allocations;
}

struct Mlp : Module {
  Child<Linear> first{*this, "first", 20, 32};
  Child<Linear> second{*this, "second", 32, 10};

 protected:
  Tensor forward(const Tensor& x) override { return second(tanh(first(relu(x)))); }
};

struct ConvNet : Module {
  Child<Conv2d> conv{*this, "conv", 1, 4, Conv2d::Options{.kernel_size = 3, .padding = 1}};
  Child<Linear> out{*this, "out", 4 * 4 * 4, 10};

 protected:
  Tensor forward(const Tensor& x) override { return out(flatten(max_pool2d(relu(conv(x)), 2), 1)); }
};

// In float64 the kernels are all our own.
template <class Net, class O>
int training(const Shape& input, typename O::Options options, DType dtype = DType::float64) {
  const struct Default {
    DType before = default_dtype();
    explicit Default(DType d) { set_default_dtype(d); }
    ~Default() { set_default_dtype(before); }
  } numbers(dtype);
  Generator generator{7};
  Net net;
  const Tensor x = randn(input, {}, generator), labels = randint(0, 10, {input[0]}, generator);
  O optimizer(net.parameters(), options);
  return allocations_of_third([&] {
    const Tensor loss = cross_entropy(net(x), labels);
    optimizer.zero_grad();
    loss.backward();
    optimizer.step();
  });
}

}  // namespace

TEST_CASE("allocation: the counter counts") {
  allocations = 0;
  counting = true;
  void* volatile block = ::operator new(100);
  ::operator delete(block);
  block = std::malloc(100);
  std::free(block);
  counting = false;
  CHECK(allocations == 2);
}

TEST_CASE("allocation: a step of a perceptron makes none") {
  CHECK(training<Mlp, Sgd>({16, 20}, {.lr = 0.1, .momentum = 0.9}) == 0);
  CHECK(training<Mlp, Adam>({16, 20}, {.lr = 0.01}) == 0);
}

TEST_CASE("allocation: a step of a convolutional network makes none") {
  CHECK(training<ConvNet, Sgd>({8, 1, 8, 8}, {.lr = 0.1}) == 0);
  CHECK(training<ConvNet, Adam>({8, 1, 8, 8}, {.lr = 0.01}) == 0);
}

TEST_CASE("allocation: a step of a convolutional network in float32 makes only those of oneDNN") {
  // oneDNN makes a few small blocks whenever it runs something, here four times: the convolution, its weight gradient
  // and the layouts of a weight and of its gradient. 17 with oneDNN 2.6; what we add for a call would show many times.
  CHECK(training<ConvNet, Adam>({8, 1, 8, 8}, {.lr = 0.01}, DType::float32) <= 32);
}

TEST_CASE("allocation: a graph of numbers, built, walked and destroyed, makes none") {
  const TensorOptions trainable{.dtype = DType::float64, .requires_grad = true};
  Tensor x = full({}, 0.5, trainable), y = full({}, 0.25, trainable);
  CHECK(allocations_of_third([&] {
          Tensor z = x;
          for (int i = 0; i < 5000; ++i) z = z * x + y;
          x.zero_grad();
          y.zero_grad();
          z.backward();
        }) == 0);
}

TEST_CASE("allocation: sums over axes make none, nor do their gradients") {
  const Tensor x = full({3, 4, 5}, 0.5, {.dtype = DType::float64, .requires_grad = true});
  CHECK(allocations_of_third([&] {
          Tensor leaf = x;
          leaf.zero_grad();
          (sum(sum(x * x, {0, 2})) + sum(mean(x + full({4, 1}, 2), {1}))).backward();
        }) == 0);
}

#endif
