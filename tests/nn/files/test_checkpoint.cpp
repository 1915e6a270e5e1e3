// Checkpoints: everything comes back; damage anywhere is refused; whatever stops a writer, the one before stays.
#include "nn/files/checkpoint.h"

#include <doctest/doctest.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <limits>

#include "engine/factory.h"
#include "engine/files/array_files.h"
#include "engine/random.h"
#include "engine/system/version.h"
#include "engine/types/error.h"
#include "engine/types/threads.h"
#include "nn/files/state.h"
#include "nn/layers.h"
#include "tests/engine/files/array_bytes.h"
#include "tests/temporary_folder.h"

using namespace chainrule;
using namespace chainrule::testing;

namespace {

const std::string kCheckpoints = CHAINRULE_SOURCE_DIR "/tests/nn/files/";

/// What tests/nn/files/checkpoint_1.safetensors holds.
Checkpoint example() {
  Checkpoint c;
  c.weights = {{"out.weight", tensor({{1.5, -2}, {0.25, 3}}, {.dtype = DType::float32})},
               {"out.bias", tensor({0.5, 0}, {.dtype = DType::float32})},
               {"norm.count", full({}, 7, DType::int64)}};
  c.optimizer = {{"out.weight.exp_avg", tensor({{0.1, 0}, {0, 0.2}}, {.dtype = DType::float64})},
                 {"out.weight.step", full({}, 12, DType::int64)}};
  c.averages = {{"out.weight", tensor({{1., 2}, {3, 4}}, {.dtype = DType::float32})}};
  c.epoch = 3;
  c.batch = 5;
  c.step = 47;
  c.generators = {{"data", {1, 2, 3}}, {"dropout", {~std::uint64_t{0}, std::uint64_t{1} << 63, 9}}};
  c.metrics = {{"loss", 0.1}, {"worst", -INFINITY}, {"zero", -0.0}};
  c.texts = {{"options", "{\"lr\": 0.1}"}, {"note", "l'été\n"}};
  return c;
}

void check_tensors(const std::vector<NamedTensor>& a, const std::vector<NamedTensor>& b) {
  REQUIRE(a.size() == b.size());
  for (const NamedTensor& one : a) {
    const auto same =
        std::find_if(b.begin(), b.end(), [&](const NamedTensor& other) { return other.name == one.name; });
    REQUIRE(same != b.end());
    CHECK(one.tensor.dtype() == same->tensor.dtype());
    CHECK(one.tensor.shape() == same->tensor.shape());
    CHECK(one.tensor.to_vector() == same->tensor.to_vector());
  }
}

void check_same(const Checkpoint& a, const Checkpoint& b) {
  check_tensors(a.weights, b.weights);
  check_tensors(a.optimizer, b.optimizer);
  check_tensors(a.averages, b.averages);
  CHECK(a.epoch == b.epoch);
  CHECK(a.batch == b.batch);
  CHECK(a.step == b.step);
  CHECK(a.generators == b.generators);
  CHECK(a.metrics == b.metrics);
  CHECK(std::signbit(a.metrics.at("zero")) == std::signbit(b.metrics.at("zero")));
  CHECK(a.texts == b.texts);
}

/// All of it says which step it is of.
Checkpoint of_step(std::int64_t step) {
  Checkpoint c;
  c.weights = {{"w", full({300, 300}, static_cast<double>(step))}};
  c.optimizer = {{"w.momentum", full({300, 300}, static_cast<double>(-step))}};
  c.step = step;
  return c;
}

/// Runs in a process of its own and gives its exit status.
template <class Run>
int in_child(Run run) {
  const pid_t child = ::fork();
  if (child == 0) {
    set_num_threads(1);  // the others are not there after a fork
    int code = 99;
    try {
      code = run();
    } catch (...) {}
    ::_exit(code);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int exit_code_of_saving(const std::string& path) {
  try {
    save_checkpoint(path, of_step(2));
  } catch (const EnvironmentError& error) {
    return error.exit_code();
  }
  return 0;
}

}  // namespace

TEST_CASE("checkpoint: everything comes back, and the same things give the same bytes") {
  const TemporaryFolder folder;
  save_checkpoint(folder / "c.safetensors", example());
  const Checkpoint back = load_checkpoint(folder / "c.safetensors");
  check_same(back, example());
  CHECK(back.library == kLibraryVersion);
  CHECK(content(folder / "c.safetensors") == checkpoint_bytes(example()));
  Checkpoint nan = example();
  nan.metrics["loss"] = std::nan("");
  CHECK(std::isnan(parse_checkpoint(checkpoint_bytes(nan), "x").metrics.at("loss")));
}

TEST_CASE("checkpoint: a file of each version of the format stays readable") {
  const Checkpoint back = load_checkpoint(kCheckpoints + "checkpoint_1.safetensors");
  check_same(back, example());
  CHECK(back.library == "0.1.0");
}

TEST_CASE("checkpoint: a generator goes on where it was") {
  Generator g(5, 2);
  for (int i = 0; i < 7; ++i) g.next_u32();
  Checkpoint c;
  c.generators["g"] = g.state();
  Generator other;
  other.set_state(parse_checkpoint(checkpoint_bytes(c), "x").generators.at("g"));
  for (int i = 0; i < 9; ++i) CHECK(other.next_u32() == g.next_u32());
}

TEST_CASE("checkpoint: its weights are those of a network, and of any reader of safetensors") {
  const TemporaryFolder folder;
  struct Net : Module {
    Child<Linear> out{*this, "out", 2, 2};
  } net, other;
  save_checkpoint(folder / "c.safetensors",
                  {.weights = state_dict(net), .optimizer = {{"out.weight.momentum_buffer", ones({2, 2})}}});
  CHECK(read_array(folder / "c.safetensors", "out.weight").to_vector() == net.out.weight.to_vector());
  load_state(other, folder / "c.safetensors");
  CHECK(other.out.weight.to_vector() == net.out.weight.to_vector());
  Checkpoint wrong;
  wrong.weights = {{"optimizer/x", ones({1})}};
  CHECK(contains(fault([&] { checkpoint_bytes(wrong); }), "'optimizer/x' would not be read back"));
}

TEST_CASE("checkpoint: each damaged byte, each cut and each newer version is refused") {
  const std::string good = checkpoint_bytes(example());
  for (std::size_t i = 0; i < good.size(); ++i) {
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ (1 << (i % 8)));
    CAPTURE(i);
    CHECK(contains(fault([&] { parse_checkpoint(bad, "c"); }), "checkpoint 'c'"));
    CHECK(contains(fault([&] { parse_checkpoint(std::string_view(good).substr(0, i), "c"); }), "checkpoint 'c'"));
  }
  CHECK(contains(fault([&] { parse_checkpoint(good + "x", "c"); }), "damaged"));
  CHECK(contains(fault([&] { parse_checkpoint(safetensors_bytes({{"x", ones({1})}}), "c"); }), "is no checkpoint"));
  std::string damaged = good;
  damaged.back() = static_cast<char>(damaged.back() ^ 1);
  CHECK(contains(fault([&] { parse_checkpoint(damaged, "c"); }), "the file is damaged or cut off"));
  CHECK(!is_checkpoint(safetensors_bytes({{"x", ones({1})}})));

  // A newer version with a right checksum: what it says decides, not that it cannot be read.
  const std::string newer = content(kCheckpoints + "checkpoint_99.safetensors");
  CHECK(contains(fault([&] { parse_checkpoint(newer, "c"); }), "it has format 99, written by chainrule 9.9.0; this"));
}

TEST_CASE("checkpoint: facts that are no counts or numbers are refused, not cut to some") {
  Checkpoint c = example();
  c.step = 475;
  const std::string good = checkpoint_bytes(c);
  const auto refusal = [&](const std::string& from, const std::string& to) {
    std::string bytes = good;
    const std::size_t at = bytes.find(from);
    REQUIRE(at != std::string::npos);
    bytes.replace(at, from.size(), to);
    const std::string sum = "crc32:";
    const std::size_t digits = bytes.find(sum) + sum.size();
    bytes.replace(digits, 8, "00000000");
    const auto crc = ::crc32(0, reinterpret_cast<const Bytef*>(bytes.data()), static_cast<uInt>(bytes.size()));
    bytes.replace(digits, 8, fmt::format("{:08x}", crc));
    return fault([&] { parse_checkpoint(bytes, "c"); });
  };
  const std::string start = "checkpoint 'c': its facts are not as they should be: ";
  CHECK(refusal("475", "4.5") == start + "'step' is not a count");
  CHECK(refusal("475", "-75") == start + "'step' is not a count");
  CHECK(refusal("475", "1e9") == start + "'step' is not a count");
  CHECK(contains(refusal("475", "4,5"), start));
  CHECK(refusal("18446744073709551615", "18446744073709551616") == start + "'seed' is not a count");
  CHECK(refusal("-inf", "-in!") == start + "'worst' is not a number");
  CHECK(contains(refusal("version", "Version"), start));
}

TEST_CASE("checkpoint: a writer that is killed at any moment never costs the one before, and leaves nothing for long") {
  const TemporaryFolder folder;
  const std::string path = folder / "last.safetensors";
  save_checkpoint(path, of_step(0));
  Generator random(11);
  std::int64_t newest = 0;
  double patience = 5'000;  // microseconds
  for (int kill = 0; kill < 50; ++kill) {
    const pid_t child = ::fork();
    if (child == 0) {
      set_num_threads(1);  // the others are not there after a fork
      for (std::int64_t step = newest + 1;; ++step) save_checkpoint(path, of_step(step));
    }
    ::usleep(static_cast<useconds_t>(random.uniform() * patience));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    REQUIRE(WIFSIGNALED(status));
    const Checkpoint now = load_checkpoint(path);
    CHECK(now.step >= newest);
    // Long enough for a few files on this machine, now: a process of many pages starts slowly.
    patience = now.step > newest + 8 ? patience / 2 : now.step == newest ? patience * 1.5 : patience;
    newest = now.step;
    const Tensor &w = now.weights.at(0).tensor, &m = now.optimizer.at(0).tensor;
    for (const double v : w.to_vector())
      if (v != static_cast<double>(newest)) FAIL("a weight of another step");
    for (const double v : m.to_vector())
      if (v != static_cast<double>(-newest)) FAIL("an optimizer's state of another step");
  }
  CHECK(newest > 0);
  save_checkpoint(path, of_step(newest + 1));
  CHECK(folder.entries() == 1);
}

TEST_CASE("checkpoint: a full disk and a folder for reading only leave the one before, and say so") {
  const TemporaryFolder folder;
  const std::string path = folder / "last.safetensors";
  save_checkpoint(path, of_step(1));
  const std::string before = content(path);
  CHECK(in_child([&] {
          const rlimit small{100'000, 100'000};  // bytes of a file
          ::setrlimit(RLIMIT_FSIZE, &small);
          ::signal(SIGXFSZ, SIG_IGN);
          return exit_code_of_saving(path);
        }) == 4);
  CHECK(content(path) == before);
  CHECK(folder.entries() == 1);
  CHECK(contains(fault([] { save_checkpoint("/dev/full", of_step(1)); }), "EnvironmentError"));

  ::chmod(folder.path.c_str(), 0555);
  CHECK(in_child([&] {
          if (::geteuid() == 0 && ::seteuid(65534) != 0) return 98;  // root may write anywhere
          return exit_code_of_saving(path);
        }) == 4);
  ::chmod(folder.path.c_str(), 0755);
  CHECK(content(path) == before);
  CHECK(folder.entries() == 1);
}
