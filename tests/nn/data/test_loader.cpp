// DataLoader: which batches there are, and that nothing but seed and epoch decides what is in them.
#include "nn/data/loader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <thread>

#include "engine/factory.h"
#include "engine/types/error.h"
#include "engine/types/threads.h"
#include "nn/data/augment.h"
#include "nn/data/image_set.h"

using namespace chainrule;

namespace {

/// Sample i is the pictures' number i, everywhere; its target is i.
TensorDataset numbered(std::int64_t size) {
  Tensor pictures = empty({size, 1, 4, 4}, DType::float32);
  auto* out = static_cast<float*>(pictures.mutable_data());
  for (std::int64_t i = 0; i < size * 16; ++i) out[i] = static_cast<float>(i / 16);
  return TensorDataset(pictures, arange(size));
}

using Numbers = std::vector<std::int64_t>;

Numbers targets_of(const Epoch& epoch) {
  Numbers all;
  for (const Batch& b : epoch) {
    const auto some = b.targets.values<std::int64_t>();
    all.insert(all.end(), some.begin(), some.end());
  }
  return all;
}

/// Every bit of every sample of an epoch, in order, whatever the batches.
std::vector<double> bits_of(const Epoch& epoch) {
  std::vector<double> all;
  for (const auto& [inputs, targets] : epoch) {
    for (const Tensor& t : {inputs, targets}) CHECK(t.size(0) == inputs.size(0));
    const std::vector<double> in = inputs.to_vector(), out = targets.to_vector();
    const std::size_t size = in.size() / out.size();
    for (std::size_t i = 0; i < out.size(); ++i) {
      all.insert(all.end(), in.begin() + static_cast<std::ptrdiff_t>(i * size),
                 in.begin() + static_cast<std::ptrdiff_t>((i + 1) * size));
      all.push_back(out[i]);
    }
  }
  return all;
}

/// Fails for one of its samples; counts what it is asked for, and may be slow.
struct Troubled : Dataset {
  std::int64_t bad = -1;
  std::chrono::milliseconds delay{0};
  std::shared_ptr<std::atomic<int>> calls = std::make_shared<std::atomic<int>>(0);
  std::int64_t size() const override { return 40; }
  Batch get(const Indices& indices) const override {
    ++*calls;
    std::this_thread::sleep_for(delay);
    for (const std::int64_t i : indices)
      if (i == bad) throw ValueError("sample 25 cannot be read");
    return {from_vector(indices, {static_cast<std::int64_t>(indices.size())}), {}};
  }
};

}  // namespace

TEST_CASE("loader: the example of the documentation") {
  auto [train, test] = load_digits();
  DataLoader loader{train, {.batch_size = 100, .shuffle = true, .transform = random_shift(2)}};
  CHECK(loader.size() == 15);
  std::int64_t samples = 0, batches = 0;
  for (const auto& [images, labels] : loader.epoch(0)) {
    CHECK(images.shape() == Shape{labels.size(0), 1, 8, 8});
    CHECK(images.dtype() == DType::float32);
    CHECK(labels.dtype() == DType::int64);
    samples += labels.size(0);
    ++batches;
  }
  CHECK(samples == 1437);
  CHECK(batches == 15);
  CHECK(DataLoader(test).size() == 360);
}

TEST_CASE("loader: each sample once, the last batch short or left out, sets smaller than a batch") {
  for (const bool shuffle : {false, true})
    for (const std::int64_t size : {1, 2, 9, 10, 11, 57})
      for (const std::int64_t batch : {1, 3, 10, 100}) {
        const DataLoader loader{numbered(size), {.batch_size = batch, .shuffle = shuffle}};
        CHECK(loader.size() == (size + batch - 1) / batch);
        CHECK(loader.samples() == size);
        Numbers seen = targets_of(loader.epoch(3)), all(static_cast<std::size_t>(size));
        std::iota(all.begin(), all.end(), 0);
        if (!shuffle) CHECK(seen == all);
        std::sort(seen.begin(), seen.end());
        CHECK(seen == all);
        if (size < batch) continue;
        const DataLoader whole{numbered(size), {.batch_size = batch, .shuffle = shuffle, .drop_last = true}};
        CHECK(whole.size() == size / batch);
        for (const Batch& b : whole.epoch(0)) CHECK(b.size() == batch);
        CHECK(static_cast<std::int64_t>(targets_of(whole.epoch(0)).size()) == size / batch * batch);
      }
}

TEST_CASE("loader: the order is a function of seed and epoch") {
  const auto order = [](std::uint64_t seed, std::int64_t epoch, std::int64_t batch) {
    return targets_of(DataLoader{numbered(200), {.batch_size = batch, .shuffle = true, .seed = seed}}.epoch(epoch));
  };
  std::set<Numbers> orders;
  for (const std::uint64_t seed : {0U, 1U, 2U})
    for (const std::int64_t epoch : {0, 1, 2}) {
      CHECK(order(seed, epoch, 7) == order(seed, epoch, 64));
      orders.insert(order(seed, epoch, 7));
    }
  CHECK(orders.size() == 9);
  // Chances: over 400 epochs every sample is first, in the middle and last about as often as any other.
  const DataLoader loader{numbered(10), {.batch_size = 10, .shuffle = true}};
  std::vector<std::vector<int>> times(10, std::vector<int>(10));
  for (std::int64_t epoch = 0; epoch < 400; ++epoch) {
    const Numbers seen = targets_of(loader.epoch(epoch));
    for (std::size_t place = 0; place < 10; ++place) ++times[place][static_cast<std::size_t>(seen[place])];
  }
  double chi = 0;
  for (const auto& row : times)
    for (const int n : row) chi += (n - 40.0) * (n - 40.0) / 40;
  CHECK(chi < 81 + 5 * std::sqrt(2 * 81.0));  // 81 degrees of freedom, five standard deviations
  CHECK(chi > 81 - 5 * std::sqrt(2 * 81.0));
}

TEST_CASE("loader: batch size, prefetching and threads change no bit, with every random transform") {
  const ImageSet digits = load_digits().train;
  Indices some(150);
  std::iota(some.begin(), some.end(), 3);
  const ImageSet few = digits.select(some);
  const Transform transform = random_shift(2) | random_rotate(15) | random_zoom(0.2) | random_flip(0.3) |
                              random_flip(0.3, Flip::vertical) | cut_out(3) | gaussian_noise(0.1) |
                              colour_jitter({.brightness = 0.2, .contrast = 0.3}) | random_apply(0.4, random_shift(1)) |
                              random_crop(7, 6, {.padding = 1});
  const auto bits = [&](DataLoader::Options options, std::int64_t epoch) {
    options.transform = transform;
    return bits_of(DataLoader(few, options).epoch(epoch));
  };
  const std::vector<double> expected = bits({.batch_size = 32, .shuffle = true, .seed = 5}, 2);
  CHECK(expected.size() == 150 * (7 * 6 + 1));
  for (const std::int64_t prefetch : {0, 1, 2, 7})
    for (const std::int64_t batch : {1, 32, 49, 150}) {
      CAPTURE(prefetch);
      CAPTURE(batch);
      CHECK(bits({.batch_size = batch, .shuffle = true, .seed = 5, .prefetch = prefetch}, 2) == expected);
    }
  for (const int threads : {1, 2, 3}) {
    set_num_threads(threads);
    CHECK(bits({.batch_size = 32, .shuffle = true, .seed = 5, .prefetch = 2}, 2) == expected);
  }
  set_num_threads(0);
  CHECK(bits({.batch_size = 32, .shuffle = true, .seed = 5}, 3) != expected);
  CHECK(bits({.batch_size = 32, .shuffle = true, .seed = 6}, 2) != expected);
  // A sample's numbers do not depend on where in the order it comes: without shuffling the same pictures, sorted.
  std::vector<std::vector<double>> rows[2];
  for (const bool shuffle : {false, true}) {
    const std::vector<double> all = bits({.batch_size = 40, .shuffle = shuffle, .seed = 5}, 2);
    for (std::size_t i = 0; i < all.size(); i += 43)
      rows[shuffle].emplace_back(all.begin() + static_cast<std::ptrdiff_t>(i),
                                 all.begin() + static_cast<std::ptrdiff_t>(i + 43));
    std::sort(rows[shuffle].begin(), rows[shuffle].end());
  }
  CHECK(rows[0] == rows[1]);
}

TEST_CASE("loader: a transform sees the caller's default dtype in the thread, too, and records nothing") {
  set_default_dtype(DType::float64);
  Tensor x = ones({10, 2}, {.requires_grad = true});
  for (const std::int64_t prefetch : {0, 2}) {
    const Transform make("zeros", [](const Batch& b, const Draws&) { return Batch{zeros({b.size(), 2}), b.targets}; });
    for (const Batch& b :
         DataLoader(TensorDataset(x), {.batch_size = 3, .transform = make, .prefetch = prefetch}).epoch(0)) {
      CHECK(b.inputs.dtype() == DType::float64);
      CHECK_FALSE(b.inputs.requires_grad());
      CHECK_FALSE(b.targets.defined());
    }
  }
  set_default_dtype(DType::float32);
}

TEST_CASE("loader: an epoch goes on in its middle") {
  for (const std::int64_t prefetch : {0, 3}) {
    const DataLoader loader{numbered(57),
                            {.batch_size = 10, .shuffle = true, .transform = random_shift(1), .prefetch = prefetch}};
    const std::vector<double> whole = bits_of(loader.epoch(4));
    for (std::int64_t first = 0; first <= 6; ++first) {
      const Epoch rest = loader.epoch(4, first);
      CHECK(rest.size() == 6 - first);
      const std::vector<double> end(whole.begin() + std::min<std::int64_t>(first * 170, 57 * 17), whole.end());
      CHECK(bits_of(rest) == end);
    }
  }
}

TEST_CASE("loader: errors arrive where their batch would have, from the thread, too") {
  for (const std::int64_t prefetch : {0, 1, 5}) {
    Troubled data;
    data.bad = 25;
    const DataLoader loader{data, {.batch_size = 10, .prefetch = prefetch}};
    std::int64_t good = 0;
    const auto walk = [&] {
      for (const Batch& b : loader.epoch(0)) good += b.size();
    };
    CHECK_THROWS_WITH_AS(walk(), "sample 25 cannot be read", ValueError);
    CHECK(good == 20);
    Epoch epoch = loader.epoch(0, 2);
    CHECK_THROWS_AS(epoch.begin(), ValueError);
    CHECK(targets_of(DataLoader(numbered(3)).epoch(0)).size() == 3);
  }
}

TEST_CASE("loader: an epoch that is left early ends its thread, and makes no more ahead than it was told") {
  Troubled data;
  data.delay = std::chrono::milliseconds(2);
  for (const std::int64_t prefetch : {1, 4}) {
    *data.calls = 0;
    const DataLoader loader{data, {.batch_size = 1, .prefetch = prefetch}};
    {
      const Epoch never_begun = loader.epoch(0);
      const Epoch epoch = loader.epoch(0);
      for (const Batch& b : epoch) {
        CHECK(b.size() == 1);
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
        break;
      }
    }
    const int made = *data.calls;
    CHECK(made >= 2);
    CHECK(made <= 2 + prefetch);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    CHECK(*data.calls == made);
  }
}

TEST_CASE("loader: nothing dangles") {
  std::optional<Epoch> epoch;
  {
    auto data = std::make_unique<TensorDataset>(numbered(20));
    auto loader = std::make_unique<DataLoader>(*data, DataLoader::Options{.batch_size = 6, .prefetch = 2});
    data.reset();
    epoch = loader->epoch(0);
    loader.reset();
  }
  CHECK(targets_of(*epoch).size() == 20);
  CHECK_THROWS_WITH_AS(targets_of(*epoch), "DataLoader: an epoch is walked through once; ask the loader for it again",
                       ValueError);
  std::vector<Batch> kept;
  for (const Batch& b : DataLoader(load_digits().test, {.batch_size = 100, .prefetch = 1}).epoch(1)) kept.push_back(b);
  CHECK(kept.size() == 4);
  CHECK(kept[3].inputs.to_vector() == load_digits()
                                          .test
                                          .select([] {
                                            Indices last(60);
                                            std::iota(last.begin(), last.end(), 300);
                                            return last;
                                          }())
                                          .images.to_vector());
}

TEST_CASE("loader: what makes no loader is refused by name") {
  const TensorDataset data = numbered(37);
  CHECK_THROWS_WITH_AS(DataLoader(data, {.batch_size = 0}), "DataLoader: batch_size must be at least 1, not 0",
                       ValueError);
  CHECK_THROWS_WITH_AS(DataLoader(data, {.prefetch = -1}), "DataLoader: prefetch is 0 to 1024 batches, not -1",
                       ValueError);
  CHECK_THROWS_WITH_AS(DataLoader(data, {.shuffle = true, .sampler = sequential_sampler()}),
                       "DataLoader: shuffle and sequential_sampler both say the order; leave one out", ValueError);
  CHECK_THROWS_WITH_AS(DataLoader(data, {.batch_size = 100, .drop_last = true}),
                       "DataLoader: drop_last leaves nothing of 37 samples in batches of 100", ValueError);
  CHECK_THROWS_WITH_AS(DataLoader(TensorDataset(zeros({0, 3}))), "DataLoader: the data set has no samples", ValueError);
  CHECK_THROWS_WITH_AS(DataLoader(data).epoch(-1), "DataLoader: epoch -1; epochs are counted from 0", ValueError);
  CHECK_THROWS_WITH_AS(DataLoader(data, {.batch_size = 10}).epoch(0, 5),
                       "DataLoader: first_batch is 5, an epoch has 4 batches", ValueError);
  CHECK_THROWS_WITH_AS(DataLoader(std::shared_ptr<Dataset>()), "data set: the pointer to it is null", ValueError);
  CHECK_THROWS_AS(TensorDataset(tensor(1)), ShapeError);
  CHECK_THROWS_WITH_AS(TensorDataset(zeros({3, 2}), zeros({4})),
                       "TensorDataset: inputs (3, 2) and targets (4,) are of different numbers of samples", ShapeError);
  CHECK_THROWS_WITH_AS(AnyDataset(data).get({0, 37}), "data set: index 37 is outside of its 37 samples", ValueError);
}
