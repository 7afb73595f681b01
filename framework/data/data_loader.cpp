#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/data/data_loader.h>
#include <gradus/framework/data/detail/ordered_prefetch.h>
#include <gradus/framework/kernels/random.h>

#include <algorithm>
#include <stdexcept>
#include <string>

namespace gradus::detail {
namespace {

void require(bool right, const char* name, std::int64_t value, const char* cure) {
  if (!right) throw ValueError(fmt::format("DataLoader: {} is {}, it must {}", name, value, cure));
}

/// Puts the words in front of the message of an exception that is being handled, in place: it keeps
/// its type.
template <class E>
void prepend(E& error, const std::string& words) {
  error = E(words + error.what());
}

std::string origin(std::int64_t sample, std::int64_t batch) {
  return sample < 0 ? fmt::format("DataLoader: batch {}: ", batch)
                    : fmt::format("DataLoader: sample {} of batch {}: ", sample, batch);
}

}  // namespace

LoaderBase::LoaderBase(std::function<std::int64_t()> samples, DataLoaderOptions options)
    : samples_(std::move(samples)),
      options_(std::move(options)),
      seed_(options_.seed.value_or(default_generator().seed())) {
  require(options_.batch_size > 0, "batch_size", options_.batch_size, "be above 0");
  require(options_.num_workers >= 0, "num_workers", options_.num_workers, "not be negative");
  require(options_.prefetch > 0, "prefetch", options_.prefetch, "be above 0");
  require(options_.world_size > 0, "world_size", options_.world_size, "be above 0");
  require(options_.rank >= 0 && options_.rank < options_.world_size, "rank", options_.rank,
          "be in [0, world_size)");
}

LoaderBase::~LoaderBase() = default;

void LoaderBase::set_epoch(std::int64_t epoch) {
  require(epoch >= 0, "the epoch", epoch, "not be negative");
  stop();
  epoch_ = epoch;
  position_ = 0;
}

Batches LoaderBase::batches_of(std::uint64_t seed, std::int64_t epoch, std::int64_t samples) const {
  Generator generator;
  generator.set_state(seed, static_cast<std::uint64_t>(epoch) << 40U);
  const BatchSampler sampler =
      options_.batch_sampler
          ? options_.batch_sampler
          : batches_by_count(samples, {options_.batch_size, options_.shuffle, options_.drop_last});
  const Batches all = sampler(generator);
  for (std::int64_t k = 0; k < all.size(); ++k) {
    for (const std::int64_t i : all[k]) {
      if (i >= 0 && i < samples) continue;
      throw IndexError(fmt::format(
          "DataLoader: the batch_sampler chose sample {} for batch {}, the data set has {}", i, k,
          samples));
    }
  }
  if (options_.world_size == 1) return all;
  Batches part;
  const std::int64_t rounds = all.size() / options_.world_size * options_.world_size;
  const std::int64_t end = options_.drop_last ? rounds : all.size();
  for (std::int64_t k = options_.rank; k < end; k += options_.world_size) part.add(all[k]);
  return part;
}

const Batches& LoaderBase::batches() const {
  const std::int64_t samples = samples_();
  if (epoch_of_batches_ != epoch_ || samples_of_batches_ != samples) {
    if (position_ > 0 && epoch_of_batches_ == epoch_) {
      throw Error(
          fmt::format("DataLoader: the data set has {} samples in the midst of an epoch that "
                      "began with {}: begin one anew with set_epoch()",
                      samples, samples_of_batches_));
    }
    batches_ = std::make_shared<const Batches>(batches_of(seed_, epoch_, samples));
    epoch_of_batches_ = epoch_;
    samples_of_batches_ = samples;
  }
  return *batches_;
}

std::int64_t LoaderBase::size() const { return batches().size(); }

std::int64_t LoaderBase::start(const Load& load) {
  stop();
  failed_sample_.reset();
  batches();
  const auto work = [load, all = batches_, seed = seed_, epoch = epoch_](std::int64_t k,
                                                                         std::int64_t& current) {
    Generator generator(kernels::random_bits(seed, static_cast<std::uint64_t>(epoch),
                                             static_cast<std::uint64_t>(k)));
    try {
      return load((*all)[k], generator, current);
    } catch (std::runtime_error& error) {
      prepend(error, origin(current, k));
      throw;
    } catch (std::logic_error& error) {
      prepend(error, origin(current, k));
      throw;
    }
  };
  prefetch_ = std::make_unique<OrderedPrefetch>(position_, batches_->size(), options_.num_workers,
                                                options_.prefetch, work);
  return ++loop_;
}

std::shared_ptr<void> LoaderBase::next(std::int64_t loop) {
  if (loop != loop_ || prefetch_ == nullptr) {
    throw Error(
        "DataLoader: this loop cannot go on, since another one began or the place was set: begin a "
        "new loop, or use a loader for each");
  }
  if (position_ == batches().size()) {
    stop();
    ++epoch_;
    position_ = 0;
    return nullptr;
  }
  ++position_;
  std::int64_t sample = -1;
  try {
    return prefetch_->next(sample);
  } catch (...) {
    if (sample >= 0) failed_sample_ = sample;
    stop();
    throw;
  }
}

void LoaderBase::stop(std::int64_t loop) {
  if (loop == loop_) stop();
}

void LoaderBase::stop() { prefetch_.reset(); }

StateDict LoaderBase::state_dict() const {
  StateDict state;
  state.set("place", tensor({epoch_, position_, static_cast<std::int64_t>(seed_)}));
  state.set("counts", tensor({samples_(), size()}));
  return state;
}

void LoaderBase::load_state_dict(const StateDict& state) {
  const auto numbers = [&](const char* name, std::int64_t n) {
    const StateEntry* entry = state.find(name);
    if (entry == nullptr || entry->tensor.dtype() != DType::int64 ||
        entry->tensor.shape() != Shape{n} || state.size() != 2) {
      throw FormatError(
          "DataLoader: this is not the state of a DataLoader, which has a \"place\", int64 [3], "
          "and "
          "\"counts\", int64 [2]");
    }
    return entry->tensor.span<std::int64_t>();
  };
  const auto place = numbers("place", 3), counts = numbers("counts", 2);
  const std::int64_t epoch = place[0], position = place[1], samples = counts[0],
                     batches = counts[1];
  const auto seed = static_cast<std::uint64_t>(place[2]);
  if (epoch < 0 || position < 0 || position > batches) {
    throw FormatError(fmt::format("DataLoader: the state is at batch {} of {} in epoch {}",
                                  position, batches, epoch));
  }
  const std::int64_t now = samples_();
  if (now != samples) {
    throw Error(
        fmt::format("DataLoader: the state is that of a data set of {} samples, this one has "
                    "{}: load the same data",
                    samples, now));
  }
  const std::int64_t sized = batches_of(seed, epoch, now).size();
  if (sized != batches) {
    throw Error(
        fmt::format("DataLoader: the state is that of {} batches in an epoch, here are {}: "
                    "use the same options",
                    batches, sized));
  }
  stop();
  seed_ = seed;
  epoch_ = epoch;
  position_ = position;
  epoch_of_batches_ = -1;  // another order, perhaps
}

}  // namespace gradus::detail
