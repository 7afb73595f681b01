#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/data/batch_sampler.h>
#include <gradus/framework/data/dataset.h>
#include <gradus/framework/module/state_dict.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace gradus {

struct DataLoaderOptions {
  std::int64_t batch_size = 1;   ///< samples in a batch
  bool shuffle = false;          ///< a new order in each epoch
  bool drop_last = false;        ///< leave out a last batch that is smaller
  BatchSampler batch_sampler{};  ///< chooses the batches; the three above are its business then
  /// The order is a function of this and the epoch alone. nullopt: the seed of manual_seed() when
  /// the loader is made.
  std::optional<std::uint64_t> seed = std::nullopt;
  std::int64_t num_workers = 1;  ///< threads that load; 0: the thread that iterates
  std::int64_t prefetch = 2;     ///< batches loaded ahead, at least one for each worker
  std::int64_t rank = 0;         ///< which part of the batches is loaded, of
  std::int64_t world_size = 1;   ///< this many parts, for as many processes
};

namespace detail {

class OrderedPrefetch;

/// What a DataLoader does whatever its samples are.
class GRADUS_API LoaderBase {
 public:
  LoaderBase(const LoaderBase&) = delete;
  LoaderBase& operator=(const LoaderBase&) = delete;

  /// The number of the epoch that runs or comes next, from 0.
  std::int64_t epoch() const { return place_.epoch; }
  /// How many of its batches were handed out.
  std::int64_t position() const { return place_.position; }
  /// The samples of the last batch that was handed out, by position in the data set.
  std::span<const std::int64_t> batch_samples() const { return batch_samples_; }
  /// The next loop starts with this epoch, from its first batch. Throws ValueError if negative.
  void set_epoch(std::int64_t epoch);
  /// The number of batches of this epoch.
  std::int64_t size() const;

  /// The place after the last batch that was handed out, with the seed and what shows that the
  /// order is the same. For CheckpointPart.
  StateDict state_dict() const;
  /// The next loop goes on there, in the order of the saved loader. Throws, having changed nothing,
  /// FormatError for another state, Error if samples or batches are not what they were.
  void load_state_dict(const StateDict& state);

  /// The sample whose loading threw the last exception, or nullopt.
  std::optional<std::int64_t> failed_sample() const { return failed_sample_; }

 protected:
  /// Loads a batch. `current` is the sample being loaded, or -1.
  using Load = std::function<std::shared_ptr<void>(std::span<const std::int64_t> samples,
                                                   Generator& generator, std::int64_t& current)>;

  LoaderBase(std::function<std::int64_t()> samples, DataLoaderOptions options);
  ~LoaderBase();
  /// Begins a loop, which ends the one before, and returns its number.
  std::int64_t start(const Load& load);
  /// The next batch of the loop; null at the end, when the next epoch begins. Throws Error if it is
  /// not the loop that runs.
  std::shared_ptr<void> next(std::int64_t loop);
  /// Ends the loop, if it is the one that runs.
  void stop(std::int64_t loop);
  void stop();

 private:
  struct Place {
    std::int64_t epoch = 0, position = 0;
    bool operator==(const Place&) const = default;
  };
  Batches batches_of(std::uint64_t seed, std::int64_t epoch, std::int64_t samples) const;
  const Batches& batches() const;
  std::shared_ptr<void> load_batch(const Load& load, const Batches& batches, std::int64_t epoch,
                                   std::int64_t k, std::int64_t& current) const;

  std::function<std::int64_t()> samples_;
  DataLoaderOptions options_;
  std::uint64_t seed_;
  Place place_;
  std::optional<Place> left_;  // where the last loop was left, before the epoch that comes next
  std::int64_t loop_ = 0;
  std::vector<std::int64_t> batch_samples_;
  std::optional<std::int64_t> failed_sample_;
  mutable std::int64_t samples_of_batches_ = -1, epoch_of_batches_ = -1;
  mutable std::shared_ptr<const Batches> batches_;
  std::unique_ptr<OrderedPrefetch> prefetch_;
};

}  // namespace detail

/// The samples of a data set in batches, loaded ahead on other threads:
///
///   DataLoader loader(set, collate, {.batch_size = 32, .shuffle = true});
///   for (int epoch = 0; epoch < 10; ++epoch) {
///     for (const auto& batch : loader) train(batch);
///   }
///
/// `collate` makes a batch, of any type, from a std::vector of samples; it may take a Generator&
/// as well, for random changes. Both the data set and `collate` are called by several threads if
/// num_workers is above 1, and by one that is not the caller's if it is 1.
///
/// The order is a function of seed and epoch, and what is drawn while a batch is loaded one of
/// seed, epoch and batch: neither depends on the number of workers. The program's
/// default_generator() is left alone: in the data set and in `collate`, it is the batch's own. They
/// record for autograd if the thread of the loop does.
///
/// One loop is one epoch, also one that is left early: the next loop begins the next epoch. An
/// exception of the data set or of `collate` ends the loop in its own type, when its batch would
/// have come; the message of a standard or gradus error then begins with the sample, and the next
/// loop goes on with the batch after it.
///
/// A data set that is an lvalue is referred to and must outlive the loader; a temporary is kept.
template <class S, class Collate>
class DataLoader : public detail::LoaderBase {
 public:
  using Sample = SampleOf<std::remove_cvref_t<S>>;
  using Samples = std::vector<Sample>;

 private:
  static constexpr bool takes_generator =
      std::invocable<const Collate&, const Samples&, Generator&>;
  static auto collated(const Collate& collate, const Samples& samples, Generator& generator) {
    if constexpr (takes_generator) {
      return collate(samples, generator);
    } else {
      return collate(samples);
    }
  }

 public:
  static_assert(takes_generator || std::invocable<const Collate&, const Samples&>,
                "DataLoader: collate has to take a const std::vector<Sample>&, and may take a "
                "Generator& after it; it is called as a const object");
  using Batch = std::remove_cvref_t<decltype(collated(
      std::declval<const Collate&>(), std::declval<const Samples&>(), std::declval<Generator&>()))>;

  /// Throws ValueError for an option out of range.
  DataLoader(S&& set, Collate collate, DataLoaderOptions options = {})
      : LoaderBase([this] { return static_cast<std::int64_t>(set_.size()); }, std::move(options)),
        set_(std::forward<S>(set)),
        collate_(std::move(collate)) {}
  ~DataLoader() { stop(); }

  class Iterator {
   public:
    using iterator_concept = std::input_iterator_tag;
    using value_type = Batch;
    using difference_type = std::ptrdiff_t;

    Iterator(DataLoader& loader, std::int64_t loop) : loader_(&loader), loop_(loop) { ++*this; }
    ~Iterator() {
      if (loader_ != nullptr) loader_->stop(loop_);
    }
    Iterator(Iterator&& other) noexcept
        : loader_(std::exchange(other.loader_, nullptr)),
          loop_(other.loop_),
          batch_(std::move(other.batch_)) {}
    Iterator& operator=(Iterator&& other) noexcept {
      std::swap(loader_, other.loader_);
      std::swap(loop_, other.loop_);
      std::swap(batch_, other.batch_);
      return *this;
    }

    Batch& operator*() const { return *batch_; }
    Batch* operator->() const { return batch_.get(); }
    Iterator& operator++() {
      batch_ = std::static_pointer_cast<Batch>(loader_->next(loop_));
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return batch_ == nullptr; }

   private:
    DataLoader* loader_;
    std::int64_t loop_;
    std::shared_ptr<Batch> batch_;
  };

  /// Starts loading. Only one loop over a loader runs at a time, the last one that began; those
  /// before it throw Error when they go on.
  Iterator begin() {
    const std::int64_t loop =
        start([this](std::span<const std::int64_t> which, Generator& generator,
                     std::int64_t& current) -> std::shared_ptr<void> {
          Samples samples;
          samples.reserve(which.size());
          for (const std::int64_t i : which) {
            current = i;
            samples.push_back(detail::sample_at(set_, i));
          }
          current = -1;
          return std::make_shared<Batch>(collated(collate_, samples, generator));
        });
    return Iterator(*this, loop);
  }
  std::default_sentinel_t end() const { return {}; }

 private:
  std::conditional_t<std::is_lvalue_reference_v<S>, S, const S> set_;
  const Collate collate_;
};

template <class S, class Collate>
DataLoader(S&& set, Collate collate, DataLoaderOptions options = {}) -> DataLoader<S, Collate>;

}  // namespace gradus
