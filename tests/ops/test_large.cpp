// Tensors of more than 2^31 elements: no index, count or size may be 32 bits wide. They need gigabytes, so the larger
// cases run only with CHAINRULE_LARGE=1 and where the memory is there.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <string>

#include "engine/factory.h"
#include "engine/memory/pool.h"
#include "ops/ops.h"

using namespace chainrule;

namespace {

constexpr std::int64_t kLarge = (std::int64_t{1} << 31) + 24;

/// True when asked for and `gigabytes` are free; says why not.
bool wanted(double gigabytes) {
  const char* asked = std::getenv("CHAINRULE_LARGE");
  if (asked == nullptr || std::string(asked) != "1") {
    MESSAGE("skipped: set CHAINRULE_LARGE=1 to run it, with " << gigabytes << " GB of free memory");
    return false;
  }
  std::ifstream info("/proc/meminfo");
  std::string word;
  double kilobytes = 0;
  while (info >> word) {
    if (word == "MemAvailable:") info >> kilobytes;
  }
  const bool there = kilobytes * 1024 > (gigabytes + 1) * 1e9;
  if (!there) MESSAGE("skipped: " << gigabytes << " GB are wanted, " << kilobytes * 1024e-9 << " are free");
  return there;
}

struct Release {
  ~Release() { empty_cache(); }
};

}  // namespace

TEST_CASE("bool: counting more than 2^31 elements") {
  const Release release;
  if (!wanted(2.2)) return;
  Tensor x = zeros({kLarge}, {.dtype = DType::boolean});
  auto* values = static_cast<bool*>(x.mutable_data());
  values[0] = values[kLarge - 1] = values[kLarge - 20] = true;
  CHECK(sum(x).item() == 3);
  CHECK(slice(x, 0, kLarge - 20, kLarge).to_vector().front() == 1);
}

TEST_CASE("float32: sums, sums of pairs and products of more than 2^31 elements") {
  const Release release;
  if (!wanted(17.5)) return;
  Tensor x = zeros({kLarge}, {.dtype = DType::float32});
  auto* values = static_cast<float*>(x.mutable_data());
  values[0] = 1;
  values[kLarge - 1] = 2;
  CHECK(sum(x).item() == 3);
  CHECK(matmul(reshape(x, {kLarge / 8, 8}), ones({8, 1})).size(0) == kLarge / 8);
  const Tensor y = x + x;
  CHECK(y.data<float>()[0] == 2);
  CHECK(y.data<float>()[kLarge - 1] == 4);
}
