#include <fmt/format.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/data/data_loader.h>
#include <gradus/framework/data/detail/ordered_prefetch.h>
#include <gradus/framework/kernels/random.h>

#include <algorithm>
#include <mutex>
#include <stdexcept>
#include <string>

namespace gradus::detail {
namespace {

constexpr std::int64_t kEpochs = std::int64_t{1} << 24;  // of 2^40 draws each

void require(bool right, const char* name, std::int64_t value, const char* cure) {
  if (!right) throw ValueError(fmt::format("DataLoader: {} is {}, it must {}", name, value, cure));
}

/// Puts the words in front of the message of an exception that is being handled, in place: it keeps
/// its type. Once only, since a data set may throw one exception for several samples, on several
/// threads.
template <class E>
void prepend(E& error, const std::string& words) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const std::string message = error.what();
  if (!message.starts_with("DataLoader: ")) error = E(words + message);
}

std::string origin(std::int64_t sample, std::int64_t batch) {
  return sample < 0 ? fmt::format("DataLoader: batch {}: ", batch)
                    : fmt::format("DataLoader: sample {} of batch {}: ", sample, batch);
}

/// What two orders hardly ever share (FNV-1a).
std::int64_t hash_of(const Batches& batches) {
  std::uint64_t hash = 0xcbf29ce484222325;
  const auto add = [&hash](std::int64_t number) {
    hash = (hash ^ static_cast<std::uint64_t>(number)) * 0x100000001b3;
  };
  for (std::int64_t k = 0; k < batches.size(); ++k) {
    add(-1);
    for (const std::int64_t i : batches[k]) add(i);
  }
  return static_cast<std::int64_t>(hash);
}

}  // namespace

LoaderBase::LoaderBase(std::function<std::int64_t()> samples, DataLoaderOptions options)
    : samples_(std::move(samples)),
      options_(std::move(options)),
      seed_(options_.seed.value_or(default_generator().seed())) {
  require(options_.batch_size > 0, "batch_size", options_.batch_size, "be above 0");
  require(options_.num_workers >= 0, "num_workers", options_.num_workers, "not be negative");
  require(options_.prefetch >= 0, "prefetch", options_.prefetch, "not be negative");
  require(options_.world_size > 0, "world_size", options_.world_size, "be above 0");
  require(options_.rank >= 0 && options_.rank < options_.world_size, "rank", options_.rank,
          "be in [0, world_size)");
  if (options_.batch_sampler && (options_.batch_size != 1 || options_.shuffle)) {
    throw ValueError(
        "DataLoader: batch_size and shuffle have no effect beside a batch_sampler: pass them to "
        "the sampler");
  }
}

LoaderBase::~LoaderBase() = default;

void LoaderBase::set_epoch(std::int64_t epoch) {
  require(epoch >= 0 && epoch < kEpochs, "the epoch", epoch, "be in [0, 2^24)");
  stop();
  place_ = {epoch, 0};
  left_.reset();
}

Batches LoaderBase::batches_of(std::uint64_t seed, std::int64_t epoch, std::int64_t samples) const {
  Generator generator;
  generator.set_state(seed, static_cast<std::uint64_t>(epoch) << 40U);
  const BatchSampler sampler =
      options_.batch_sampler
          ? options_.batch_sampler
          : batches_by_count(samples, {options_.batch_size, options_.shuffle, options_.drop_last});
  Batches all = sampler(generator);
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
  if (epoch_of_batches_ != place_.epoch || samples_of_batches_ != samples) {
    if (place_.position > 0 && epoch_of_batches_ == place_.epoch) {
      throw Error(
          fmt::format("DataLoader: the data set has {} samples in the midst of an epoch that "
                      "began with {}: begin one anew with set_epoch()",
                      samples, samples_of_batches_));
    }
    batches_ = std::make_shared<const Batches>(batches_of(seed_, place_.epoch, samples));
    epoch_of_batches_ = place_.epoch;
    samples_of_batches_ = samples;
  }
  return *batches_;
}

std::int64_t LoaderBase::size() const { return batches().size(); }

std::shared_ptr<void> LoaderBase::load_batch(const Load& load, const Batches& batches,
                                             std::int64_t epoch, std::int64_t k,
                                             std::int64_t& current) const {
  Generator generator(kernels::random_bits(seed_, static_cast<std::uint64_t>(epoch),
                                           static_cast<std::uint64_t>(k)));
  const DefaultGeneratorScope scope(generator);
  try {
    return load(batches[k], generator, current);
  } catch (std::runtime_error& error) {
    prepend(error, origin(current, k));
    throw;
  } catch (std::logic_error& error) {
    prepend(error, origin(current, k));
    throw;
  }
}

std::int64_t LoaderBase::start(const Load& load) {
  stop();
  left_.reset();
  failed_sample_.reset();
  batches();
  const auto work = [this, load, all = batches_, epoch = place_.epoch, records = grad_enabled()](
                        std::int64_t k, std::int64_t& current) {
    std::optional<NoGradGuard> no_grad;
    if (!records) no_grad.emplace();
    return load_batch(load, *all, epoch, k, current);
  };
  prefetch_ = std::make_unique<OrderedPrefetch>(place_.position, batches_->size(),
                                                options_.num_workers, options_.prefetch, work);
  return ++loop_;
}

std::shared_ptr<void> LoaderBase::next(std::int64_t loop) {
  if (loop != loop_ || prefetch_ == nullptr) {
    throw Error(
        "DataLoader: this loop cannot go on, since it ended, another one began or the place was "
        "set: begin a new loop, or use a loader for each");
  }
  if (place_.position == batches().size()) {
    prefetch_.reset();
    place_ = {place_.epoch + 1, 0};
    return nullptr;
  }
  const std::span<const std::int64_t> samples = batches()[place_.position];
  ++place_.position;
  std::int64_t failed = -1;
  try {
    std::shared_ptr<void> batch = prefetch_->next(failed);
    batch_samples_.assign(samples.begin(), samples.end());
    return batch;
  } catch (...) {
    if (failed >= 0) failed_sample_ = failed;
    prefetch_.reset();
    throw;
  }
}

void LoaderBase::stop(std::int64_t loop) {
  if (loop == loop_) stop();
}

void LoaderBase::stop() {
  if (prefetch_ == nullptr) return;
  prefetch_.reset();
  left_ = place_;
  place_ = {place_.epoch + 1, 0};
}

StateDict LoaderBase::state_dict() const {
  const Place place = left_.value_or(place_);
  const std::int64_t samples = samples_();
  const bool known = epoch_of_batches_ == place.epoch && samples_of_batches_ == samples;
  const auto all =
      known ? batches_ : std::make_shared<const Batches>(batches_of(seed_, place.epoch, samples));
  StateDict state;
  state.set("place", tensor({place.epoch, place.position, static_cast<std::int64_t>(seed_)}));
  state.set("order", tensor({samples, all->size(), hash_of(*all)}));
  return state;
}

void LoaderBase::load_state_dict(const StateDict& state) {
  const auto numbers = [&](const char* name) {
    const StateEntry* entry = state.find(name);
    if (entry == nullptr || entry->tensor.dtype() != DType::int64 ||
        entry->tensor.shape() != Shape{3} || state.size() != 2) {
      throw FormatError(
          "DataLoader: this is not the state of a DataLoader, which has a \"place\" and an "
          "\"order\", each int64 [3]");
    }
    return entry->tensor.span<std::int64_t>();
  };
  const auto place = numbers("place"), order = numbers("order");
  const std::int64_t epoch = place[0], position = place[1], batches = order[1];
  if (epoch < 0 || epoch >= kEpochs || position < 0 || position > batches) {
    throw FormatError(fmt::format("DataLoader: the state is at batch {} of {} in epoch {}",
                                  position, batches, epoch));
  }
  const auto seed = static_cast<std::uint64_t>(place[2]);
  const std::int64_t samples = samples_();
  if (samples != order[0]) {
    throw Error(
        fmt::format("DataLoader: the state is that of a data set of {} samples, this one has "
                    "{}: load the same data",
                    order[0], samples));
  }
  const Batches now = batches_of(seed, epoch, samples);
  if (now.size() != batches || hash_of(now) != order[2]) {
    throw Error(
        fmt::format("DataLoader: the state is that of {} batches in an epoch, here are {}{}: use "
                    "the same options",
                    batches, now.size(), now.size() == batches ? " of other samples" : ""));
  }
  prefetch_.reset();
  seed_ = seed;
  place_ = {epoch, position};
  left_.reset();
  epoch_of_batches_ = -1;  // another order, perhaps
}

}  // namespace gradus::detail
