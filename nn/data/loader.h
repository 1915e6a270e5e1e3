// DataLoader: a data set in batches, epoch by epoch, in an order that is a function of the seed and the epoch.
//
//   auto [train, test] = load_mnist();
//   DataLoader loader{train, {.batch_size = 100, .shuffle = true, .transform = random_shift(2)}};
//   for (int epoch = 0; epoch < 10; ++epoch)
//     for (const auto& [images, labels] : loader.epoch(epoch)) ...
#pragma once

#include <cstddef>
#include <iterator>
#include <memory>
#include <optional>

#include "nn/data/dataset.h"
#include "nn/data/sampler.h"
#include "nn/data/transform.h"

namespace chainrule {

namespace internal {
class LoaderCore;
class Pass;
}  // namespace internal

/// One pass over a data set, as DataLoader::epoch() gives it: a range of batches, to be walked through once. It keeps
/// what it needs alive, also when the loader dies, and may be dropped at any batch.
class Epoch {
 public:
  class Iterator {
   public:
    using iterator_category = std::input_iterator_tag;
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;
    using pointer = const Batch*;
    using reference = const Batch&;
    explicit Iterator(internal::Pass* pass) : pass_(pass) {}
    const Batch& operator*() const;
    const Batch* operator->() const { return &**this; }
    Iterator& operator++();
    bool operator==(std::default_sentinel_t) const;

   private:
    internal::Pass* pass_;
  };

  /// Makes the first batch, or waits for it.
  Iterator begin() const;
  std::default_sentinel_t end() const { return {}; }
  /// Batches, from the first asked for to the last.
  std::int64_t size() const;

 private:
  friend class DataLoader;
  explicit Epoch(std::shared_ptr<internal::Pass> pass) : pass_(std::move(pass)) {}
  std::shared_ptr<internal::Pass> pass_;
};

class DataLoader {
 public:
  struct Options {
    std::int64_t batch_size = 1;       ///< at least 1; the last batch is smaller where the samples do not suffice
    bool shuffle = false;              ///< short for `.sampler = random_sampler()`; not both
    bool drop_last = false;            ///< leave out a last batch that is smaller
    std::uint64_t seed = 0;            ///< of the order and of the transforms
    Transform transform{};             ///< done to each batch
    std::optional<Sampler> sampler{};  ///< in place of the order of the data set
    /// As many batches ahead are made by a thread of the epoch's own while the caller computes; 0: when asked for, by
    /// the caller. Not a bit of any batch depends on it. At most 1,024.
    std::int64_t prefetch = 0;
  };

  /// Throws ValueError for an option outside its range, for an empty data set, and when drop_last would leave nothing.
  DataLoader(const AnyDataset& data, Options options);
  explicit DataLoader(const AnyDataset& data) : DataLoader(data, Options()) {}

  /// Batches of an epoch.
  std::int64_t size() const;
  /// Samples of an epoch: those of the sampler, without what drop_last leaves out.
  std::int64_t samples() const;
  const AnyDataset& dataset() const;
  const Options& options() const;

  /// The batches of an epoch, from `first_batch` on: they are the same whether those before them were made or not. An
  /// error of the data set or of a transform arrives where its batch would have. Throws ValueError for a negative epoch
  /// and for a first batch outside 0 ... size().
  Epoch epoch(std::int64_t number, std::int64_t first_batch = 0) const;

 private:
  std::shared_ptr<const internal::LoaderCore> core_;
};

}  // namespace chainrule
