// How batches come about, and the thread that makes them ahead. Caller and thread run the same function with the same
// numbers, so they cannot differ.
#include "nn/data/loader.h"

#include <fmt/format.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include "engine/factory.h"
#include "engine/scopes.h"
#include "engine/types/error.h"

namespace chainrule {
namespace internal {

class LoaderCore {
 public:
  LoaderCore(const AnyDataset& data, DataLoader::Options options) : data_(data), options_(std::move(options)) {
    const std::int64_t size = data_.size();
    if (options_.batch_size < 1)
      throw ValueError(fmt::format("DataLoader: batch_size must be at least 1, not {}", options_.batch_size));
    if (options_.prefetch < 0 || options_.prefetch > 1024)
      throw ValueError(fmt::format("DataLoader: prefetch is 0 to 1024 batches, not {}", options_.prefetch));
    if (options_.shuffle && options_.sampler)
      throw ValueError(
          fmt::format("DataLoader: shuffle and {} both say the order; leave one out", options_.sampler->name()));
    if (size < 1) throw ValueError("DataLoader: the data set has no samples");
    if (!options_.sampler) options_.sampler = options_.shuffle ? random_sampler() : sequential_sampler();
    const std::int64_t all = options_.sampler->count(size), last = all % options_.batch_size;
    samples_ = options_.drop_last ? all - last : all;
    if (samples_ == 0)
      throw ValueError(
          fmt::format("DataLoader: drop_last leaves nothing of {} samples in batches of {}", all, options_.batch_size));
  }

  const AnyDataset& data() const { return data_; }
  const DataLoader::Options& options() const { return options_; }
  std::int64_t samples() const { return samples_; }
  std::int64_t batches() const { return (samples_ - 1) / options_.batch_size + 1; }

  Indices order(std::int64_t epoch) const {
    Generator generator = sample_generator(options_.seed, epoch, -1, 0);
    return options_.sampler->order(data_.size(), generator);
  }

  Batch batch(std::int64_t epoch, const Indices& order, std::int64_t number) const {
    const NoGrad data;
    const std::int64_t first = number * options_.batch_size, last = std::min(first + options_.batch_size, samples_);
    Indices indices(order.begin() + first, order.begin() + last);
    Batch plain = data_.get(indices);
    if (options_.transform.empty()) return plain;
    Batch batch = options_.transform(plain, {.seed = options_.seed, .epoch = epoch, .indices = std::move(indices)});
    if (batch.inputs.dim() == 0 || batch.size() != last - first)
      throw ShapeError(fmt::format("DataLoader: {} made shape {} of a batch of {}", to_string(options_.transform),
                                   to_string(batch.inputs.shape()), last - first));
    return batch;
  }

 private:
  AnyDataset data_;
  DataLoader::Options options_;
  std::int64_t samples_ = 0;
};

/// A walk through an epoch. `current_` belongs to the caller, what the mutex guards to both.
class Pass {
 public:
  Pass(std::shared_ptr<const LoaderCore> core, std::int64_t epoch, std::int64_t first)
      : core_(std::move(core)), epoch_(epoch), first_(first), next_(first), order_(core_->order(epoch)) {}
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;
  ~Pass() {
    if (!thread_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
    thread_.join();  // it stops when the batch that it works on is done
  }

  std::int64_t size() const { return core_->batches() - first_; }
  bool at_end() const { return at_end_; }
  const Batch& current() const { return current_; }

  void begin() {
    if (begun_) throw ValueError("DataLoader: an epoch is walked through once; ask the loader for it again");
    begun_ = true;
    if (core_->options().prefetch > 0 && size() > 1) start();
    advance();
  }

  void advance() {
    current_ = {};  // before the next one is made, so that its memory can be used again
    at_end_ = next_ == core_->batches();
    if (at_end_) return;
    current_ = thread_.joinable() ? take() : core_->batch(epoch_, order_, next_);
    ++next_;
  }

 private:
  void start() {
    ahead_.resize(static_cast<std::size_t>(core_->options().prefetch));
    try {
      // What a thread decides for itself and a data set or transform may depend on is that of the caller.
      thread_ = std::thread([this, dtype = default_dtype()] {
        set_default_dtype(dtype);
        fill();
      });
    } catch (const std::system_error& e) {
      throw EnvironmentError(fmt::format("DataLoader: no thread for prefetching: {}", e.what()));
    }
  }

  /// The thread: batch after batch, until the epoch or the caller's interest ends, or one fails.
  void fill() {
    for (std::int64_t number = first_; number < core_->batches(); ++number) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stop_ || made_ - taken_ < ahead_.size(); });
        if (stop_) return;
      }
      Made made;
      try {
        made.batch = core_->batch(epoch_, order_, number);
      } catch (...) {
        made.error = std::current_exception();
      }
      const bool failed = made.error != nullptr;
      {
        const std::lock_guard lock(mutex_);
        ahead_[made_++ % ahead_.size()] = std::move(made);
      }
      changed_.notify_all();
      if (failed) return;
    }
  }

  Batch take() {
    Batch batch;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return made_ > taken_; });
      Made& front = ahead_[taken_ % ahead_.size()];
      if (front.error) std::rethrow_exception(front.error);  // it stays in front: asking again says it again
      batch = std::exchange(front.batch, {});
      ++taken_;
    }
    changed_.notify_all();
    return batch;
  }

  struct Made {
    Batch batch{};
    std::exception_ptr error{};
  };

  std::shared_ptr<const LoaderCore> core_;
  std::int64_t epoch_, first_, next_;
  Indices order_;
  Batch current_;
  bool begun_ = false, at_end_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stop_ = false;
  std::vector<Made> ahead_;  // a ring: all memory of the thread's own is there before it starts
  std::size_t made_ = 0, taken_ = 0;
  std::thread thread_;
};

}  // namespace internal

const Batch& Epoch::Iterator::operator*() const { return pass_->current(); }

Epoch::Iterator& Epoch::Iterator::operator++() {
  pass_->advance();
  return *this;
}

bool Epoch::Iterator::operator==(std::default_sentinel_t) const { return pass_->at_end(); }

Epoch::Iterator Epoch::begin() const {
  pass_->begin();
  return Iterator(pass_.get());
}

std::int64_t Epoch::size() const { return pass_->size(); }

DataLoader::DataLoader(const AnyDataset& data, Options options)
    : core_(std::make_shared<const internal::LoaderCore>(data, std::move(options))) {}

std::int64_t DataLoader::size() const { return core_->batches(); }
std::int64_t DataLoader::samples() const { return core_->samples(); }
const AnyDataset& DataLoader::dataset() const { return core_->data(); }
const DataLoader::Options& DataLoader::options() const { return core_->options(); }

Epoch DataLoader::epoch(std::int64_t number, std::int64_t first_batch) const {
  if (number < 0) throw ValueError(fmt::format("DataLoader: epoch {}; epochs are counted from 0", number));
  if (first_batch < 0 || first_batch > size())
    throw ValueError(fmt::format("DataLoader: first_batch is {}, an epoch has {} batches", first_batch, size()));
  return Epoch(std::make_shared<internal::Pass>(core_, number, first_batch));
}

}  // namespace chainrule
