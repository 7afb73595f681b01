#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/data/data_loader.h>
#include <gradus/optim/training/checkpoint.h>
#include <gradus/tests/io/file_testing.h>
#include <gradus/tests/support/op_testing.h>
#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <exception>
#include <limits>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using Ids = std::vector<std::int64_t>;
using Epoch = std::vector<Ids>;

Ids numbers(std::int64_t n) {
  Ids ids(static_cast<std::size_t>(n));
  std::iota(ids.begin(), ids.end(), 0);
  return ids;
}

constexpr auto as_it_is = [](const Ids& samples) { return samples; };

template <class Loader>
auto one_epoch(Loader& loader) {
  std::vector<typename Loader::Batch> batches;
  for (auto& batch : loader) batches.push_back(batch);
  return batches;
}

TEST(DataLoader, HandsOutAllSamplesInOrder) {
  const Ids set = numbers(5);
  DataLoader loader(set, as_it_is, {.batch_size = 2});
  EXPECT_EQ(loader.size(), 3);
  EXPECT_THAT(one_epoch(loader), ElementsAre(Ids{0, 1}, Ids{2, 3}, Ids{4}));
  EXPECT_EQ(loader.epoch(), 1);
  EXPECT_EQ(loader.position(), 0);
  EXPECT_THAT(one_epoch(loader), SizeIs(3));
}

TEST(DataLoader, LeavesOutAShortLastBatchWhereAsked) {
  for (const std::int64_t workers : {0, 1, 2, 8}) {
    DataLoader loader(numbers(5), as_it_is,
                      {.batch_size = 2, .drop_last = true, .num_workers = workers});
    EXPECT_THAT(one_epoch(loader), ElementsAre(Ids{0, 1}, Ids{2, 3}));
    DataLoader small(numbers(1), as_it_is,
                     {.batch_size = 2, .drop_last = true, .num_workers = workers});
    EXPECT_THAT(one_epoch(small), IsEmpty());
  }
}

TEST(DataLoader, LoadsAsFarAheadAsThereAreBatches) {
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  for (const std::int64_t workers : {std::int64_t{0}, std::int64_t{2}, most}) {
    DataLoader loader(numbers(3), as_it_is, {.num_workers = workers, .prefetch = most});
    EXPECT_THAT(one_epoch(loader), SizeIs(3));
  }
}

TEST(DataLoader, OfAnEmptySetHasNoBatches) {
  DataLoader loader(Ids{}, as_it_is, {.batch_size = 2, .shuffle = true});
  EXPECT_EQ(loader.size(), 0);
  EXPECT_THAT(one_epoch(loader), IsEmpty());
  EXPECT_EQ(loader.epoch(), 1);
}

TEST(DataLoader, GivesEachSampleOnceInANewOrderEachEpoch) {
  DataLoader loader(numbers(100), as_it_is, {.batch_size = 7, .shuffle = true, .seed = 3});
  const auto samples = [&] {
    Ids all;
    for (const Ids& batch : one_epoch(loader)) all.insert(all.end(), batch.begin(), batch.end());
    return all;
  };
  const Ids first = samples(), second = samples();
  EXPECT_NE(first, second);
  EXPECT_NE(first, numbers(100));
  EXPECT_THAT(first, testing::UnorderedElementsAreArray(numbers(100)));
  EXPECT_THAT(second, testing::UnorderedElementsAreArray(numbers(100)));
}

/// A number drawn for each batch after its samples.
Ids with_a_draw(const Ids& samples, Generator& generator) {
  Ids batch = samples;
  batch.push_back(static_cast<std::int64_t>(generator.bits() >> 1U));
  return batch;
}

TEST(DataLoader, HasTheSameBatchesForAnyNumberOfWorkersAndAnyPrefetch) {
  manual_seed(5);
  std::vector<Epoch> runs;
  for (const std::int64_t workers : {0, 1, 2, 8}) {
    for (const std::int64_t prefetch : {1, 2, 5}) {
      DataLoader loader(numbers(50), with_a_draw,
                        {.batch_size = 4,
                         .shuffle = true,
                         .seed = 11,
                         .num_workers = workers,
                         .prefetch = prefetch});
      Epoch both = one_epoch(loader);
      const Epoch second = one_epoch(loader);
      both.insert(both.end(), second.begin(), second.end());
      runs.push_back(both);
    }
  }
  for (const Epoch& run : runs) EXPECT_EQ(run, runs[0]);
  EXPECT_EQ(default_generator().offset(), 0U);
  EXPECT_NE(runs[0][0].back(), runs[0][1].back());
}

TEST(DataLoader, ResumesAtEveryBatchOfAnEpoch) {
  const DataLoaderOptions options{.batch_size = 3, .shuffle = true, .seed = 2, .num_workers = 2};
  const Ids set = numbers(20);
  DataLoader whole(set, with_a_draw, options);
  one_epoch(whole);
  const Epoch second = one_epoch(whole);
  for (std::size_t stop = 0; stop <= second.size(); ++stop) {
    DataLoader before(set, with_a_draw, options);
    one_epoch(before);
    std::size_t seen = 0;
    StateDict state = before.state_dict();
    if (stop > 0) {
      for (const Ids& batch : before) {
        EXPECT_EQ(batch, second[seen]);
        if (++seen < stop) continue;
        state = before.state_dict();
        break;
      }
    }
    DataLoader after(set, with_a_draw, options);
    after.load_state_dict(state);
    EXPECT_EQ(after.epoch(), 1);
    EXPECT_EQ(one_epoch(after),
              Epoch(second.begin() + static_cast<std::ptrdiff_t>(stop), second.end()));
    EXPECT_EQ(after.epoch(), 2);
  }
}

TEST(DataLoader, TakesTheSeedOfManualSeedUnlessGivenOne) {
  const auto order = [](std::uint64_t seed, const DataLoaderOptions& options) {
    manual_seed(seed);
    DataLoader loader(numbers(30), as_it_is, options);
    return one_epoch(loader);
  };
  const DataLoaderOptions plain{.batch_size = 30, .shuffle = true};
  EXPECT_EQ(order(1, plain), order(1, plain));
  EXPECT_NE(order(1, plain), order(2, plain));
  const DataLoaderOptions seeded{.batch_size = 30, .shuffle = true, .seed = 2};
  EXPECT_EQ(order(1, seeded), order(2, plain));
}

TEST(DataLoader, ResumesInTheOrderOfTheSavedLoader) {
  manual_seed(1);
  DataLoader before(numbers(9), as_it_is, {.batch_size = 3, .shuffle = true});
  Epoch rest;
  StateDict state;
  for (const Ids& batch : before) {
    if (before.position() == 1) state = before.state_dict();
    if (before.position() > 1) rest.push_back(batch);
  }
  manual_seed(2);
  DataLoader after(numbers(9), as_it_is, {.batch_size = 3, .shuffle = true});
  EXPECT_EQ(after.size(), 3);
  after.load_state_dict(state);
  EXPECT_EQ(one_epoch(after), rest);
}

class DataLoaderFile : public FolderTest {};

TEST_F(DataLoaderFile, IsAPartOfACheckpoint) {
  const Ids set = numbers(9);
  const DataLoaderOptions options{.batch_size = 3, .shuffle = true, .seed = 4};
  DataLoader before(set, as_it_is, options), after(set, as_it_is, options);
  const std::string path = file("run.safetensors");
  Epoch rest;
  for (const Ids& batch : before) {
    if (before.position() == 1) {
      save_checkpoint({{"loader", before}}, path);
    } else {
      rest.push_back(batch);
    }
  }
  load_checkpoint({{"loader", after}}, path);
  EXPECT_EQ(after.position(), 1);
  EXPECT_EQ(one_epoch(after), rest);
}

TEST(DataLoader, BeginsTheNextEpochAfterALoopThatWasLeft) {
  DataLoader loader(numbers(6), as_it_is, {.batch_size = 2});
  EXPECT_EQ(*loader.begin(), (Ids{0, 1}));  // a look at the first batch
  EXPECT_EQ(loader.epoch(), 1);
  EXPECT_EQ(loader.position(), 0);
  EXPECT_THAT(one_epoch(loader), SizeIs(3));
  EXPECT_EQ(loader.epoch(), 2);
  for (const Ids& batch : loader) {
    EXPECT_EQ(loader.epoch(), 2);
    if (batch[0] == 2) break;
  }
  EXPECT_EQ(loader.epoch(), 3);
  loader.set_epoch(0);
  EXPECT_THAT(one_epoch(loader), SizeIs(3));
}

TEST(DataLoader, KeepsThePlaceWhereALoopWasLeft) {
  DataLoader loader(numbers(6), as_it_is, {.batch_size = 2}),
      other(numbers(6), as_it_is, {.batch_size = 2});
  for (const Ids& batch : loader) {
    if (batch[0] == 2) break;
  }
  other.load_state_dict(loader.state_dict());
  EXPECT_EQ(other.epoch(), 0);
  EXPECT_EQ(other.position(), 2);
  EXPECT_THAT(one_epoch(other), ElementsAre(Ids{4, 5}));
  EXPECT_THAT(one_epoch(loader), SizeIs(3));
  other.load_state_dict(loader.state_dict());
  EXPECT_EQ(other.epoch(), 2);
}

TEST(DataLoader, TellsWhichSamplesABatchHas) {
  DataLoader loader(numbers(20), as_it_is, {.batch_size = 3, .shuffle = true, .num_workers = 2});
  EXPECT_THAT(loader.batch_samples(), IsEmpty());
  for (const Ids& batch : loader) {
    EXPECT_THAT(batch, testing::ElementsAreArray(loader.batch_samples()));
  }
}

TEST(DataLoader, RecordsIfTheLoopDoes) {
  const auto collate = [](const Ids&) { return grad_enabled(); };
  for (const std::int64_t workers : {0, 1}) {
    DataLoader loader(numbers(1), collate, {.num_workers = workers});
    EXPECT_THAT(one_epoch(loader), ElementsAre(true));
    const NoGradGuard guard;
    EXPECT_THAT(one_epoch(loader), ElementsAre(false));
  }
}

TEST(DataLoader, HasAGeneratorOfItsOwnForEachBatch) {
  const auto collate = [](const Ids& samples) {
    return Ids{samples[0], static_cast<std::int64_t>(default_generator().bits() >> 1U)};
  };
  std::vector<Epoch> runs;
  for (const std::int64_t workers : {0, 1, 8}) {
    manual_seed(3);
    DataLoader loader(numbers(30), collate, {.batch_size = 2, .num_workers = workers});
    runs.push_back(one_epoch(loader));
    EXPECT_EQ(default_generator().offset(), 0U);
  }
  for (const Epoch& run : runs) EXPECT_EQ(run, runs[0]);
  EXPECT_NE(runs[0][0][1], runs[0][1][1]);
}

TEST(DataLoader, NamesTheSampleOnceInAnExceptionThatIsThrownAgain) {
  const auto cached = std::make_exception_ptr(FormatError("it is broken"));
  const auto collate = [&](const Ids&) -> Ids { std::rethrow_exception(cached); };
  DataLoader loader(numbers(3), collate, {.num_workers = 2});
  for (int i = 0; i < 3; ++i) EXPECT_THROW(one_epoch(loader), FormatError);
  EXPECT_ERROR(std::rethrow_exception(cached), FormatError, "DataLoader: batch 0: it is broken");
}

TEST(DataLoader, LoadsABatchAheadForEachWorker) {
  std::barrier all(4);
  const auto collate = [&](const Ids& samples) {
    all.arrive_and_wait();
    return samples;
  };
  DataLoader loader(numbers(8), collate, {.num_workers = 4, .prefetch = 1});
  EXPECT_THAT(one_epoch(loader), SizeIs(8));
}

TEST(DataLoader, RunsOneLoopAtATime) {
  DataLoader loader(numbers(6), as_it_is, {.batch_size = 2});
  const auto nested = [&] {
    for (const Ids& outer : loader) {
      static_cast<void>(outer);
      one_epoch(loader);
    }
  };
  EXPECT_ERROR(
      nested(), Error,
      "DataLoader: this loop cannot go on, since it ended, another one began or the place was "
      "set: begin a new loop, or use a loader for each");
  const auto jumps = [&] {
    for (const Ids& batch : loader) {
      static_cast<void>(batch);
      loader.set_epoch(4);
    }
  };
  EXPECT_THROW(jumps(), Error);
  EXPECT_EQ(loader.epoch(), 4);
  std::optional before(loader.begin());
  auto last = loader.begin();
  before.reset();
  EXPECT_EQ(*last, (Ids{0, 1}));
  ++last;
  EXPECT_EQ(*last, (Ids{2, 3}));
}

TEST(DataLoader, RefusesAStateOfOtherData) {
  DataLoader loader(numbers(6), as_it_is, {.batch_size = 2});
  const StateDict state = loader.state_dict();
  DataLoader other(numbers(7), as_it_is, {.batch_size = 2});
  EXPECT_ERROR(other.load_state_dict(state), Error,
               "DataLoader: the state is that of a data set of 6 samples, this one has 7: load the "
               "same data");
  DataLoader larger(numbers(6), as_it_is, {.batch_size = 3});
  EXPECT_ERROR(larger.load_state_dict(state), Error,
               "DataLoader: the state is that of 3 batches in an epoch, here are 2: use the same "
               "options");
  EXPECT_ERROR(loader.load_state_dict({}), FormatError,
               "DataLoader: this is not the state of a DataLoader, which has a \"place\" and an "
               "\"order\", each int64 [3]");
  DataLoader random(numbers(6), as_it_is, {.batch_size = 2, .shuffle = true});
  EXPECT_ERROR(random.load_state_dict(state), Error,
               "DataLoader: the state is that of 3 batches in an epoch, here are 3 of other "
               "samples: use the same options");
  StateDict broken = state;
  broken.set("place", tensor({0, 4, 0}));
  EXPECT_ERROR(loader.load_state_dict(broken), FormatError,
               "DataLoader: the state is at batch 4 of 3 in epoch 0");
}

TEST(DataLoader, DividesOnePermutationAmongProcesses) {
  const Ids set = numbers(23);
  const DataLoaderOptions all{.batch_size = 2, .shuffle = true, .seed = 9};
  DataLoader whole(set, as_it_is, all);
  const Epoch batches = one_epoch(whole);
  for (const bool drop : {false, true}) {
    std::vector<Epoch> parts;
    for (std::int64_t rank = 0; rank < 3; ++rank) {
      DataLoaderOptions options = all;
      options.rank = rank;
      options.world_size = 3;
      options.drop_last = drop;
      DataLoader part(set, as_it_is, options);
      parts.push_back(one_epoch(part));
    }
    std::size_t seen = 0;
    for (std::size_t k = 0; k < batches.size(); ++k) {
      const Epoch& part = parts[k % 3];
      if (k / 3 >= part.size()) continue;
      EXPECT_EQ(part[k / 3], batches[k]);
      ++seen;
    }
    EXPECT_EQ(seen, drop ? 9U : 12U);  // 11 whole batches: 3 rounds of 3
  }
}

struct Broken : std::out_of_range {
  using std::out_of_range::out_of_range;
};

/// Throws for sample 5.
template <class E>
struct SetWithAFault {
  std::int64_t size() const { return 8; }
  std::int64_t operator[](std::int64_t i) const {
    if (i == 5) throw E("it is broken");
    return i;
  }
};

template <class E>
std::string message_of_fault(std::int64_t workers) {
  DataLoader loader(SetWithAFault<E>{}, as_it_is, {.batch_size = 2, .num_workers = workers});
  Epoch seen;
  std::string message = "nothing was thrown";
  try {
    for (const Ids& batch : loader) seen.push_back(batch);
  } catch (const E& error) {
    message = error.what();
  }
  EXPECT_THAT(seen, ElementsAre(Ids{0, 1}, Ids{2, 3}));
  EXPECT_EQ(loader.failed_sample(), 5);
  EXPECT_THAT(one_epoch(loader), ElementsAre(Ids{6, 7}));
  EXPECT_EQ(loader.failed_sample(), std::nullopt);
  return message;
}

TEST(DataLoader, GivesTheLoopAnErrorInItsOwnTypeWithTheSample) {
  for (const std::int64_t workers : {0, 1, 2, 8}) {
    const std::string expected = "DataLoader: sample 5 of batch 2: it is broken";
    EXPECT_EQ(message_of_fault<FormatError>(workers), expected);
    EXPECT_EQ(message_of_fault<Broken>(workers), expected);
  }
}

TEST(DataLoader, GivesTheLoopWhatCollateThrowsAsItIs) {
  for (const std::int64_t workers : {0, 2}) {
    const auto collate = [](const Ids& samples) -> std::int64_t {
      if (samples[0] == 4) throw 17;
      return samples[0];
    };
    DataLoader loader(numbers(6), collate, {.batch_size = 2, .num_workers = workers});
    Ids seen;
    EXPECT_THROW(for (const std::int64_t first : loader) seen.push_back(first), int);
    EXPECT_THAT(seen, ElementsAre(0, 2));
    EXPECT_EQ(loader.failed_sample(), std::nullopt);
  }
}

TEST(DataLoader, LoadsAheadAndNoFurther) {
  std::atomic<int> collated = 0;
  const auto collate = [&](const Ids& samples) {
    ++collated;
    return samples;
  };
  DataLoader loader(numbers(100), collate, {.batch_size = 1, .num_workers = 2, .prefetch = 3});
  int taken = 0;
  for (const Ids& batch : loader) {
    EXPECT_EQ(batch, Ids{taken});
    ++taken;
    EXPECT_LE(collated, taken + 3);
  }
  EXPECT_EQ(collated, 100);
}

TEST(DataLoader, RefersToASetThatLivesAndKeepsATemporary) {
  Ids set = numbers(2);
  DataLoader refers(set, as_it_is, {.batch_size = 4});
  set[1] = 9;
  EXPECT_THAT(one_epoch(refers), ElementsAre(Ids{0, 9}));
  set.push_back(7);
  EXPECT_THAT(one_epoch(refers), ElementsAre(Ids{0, 9, 7}));
  DataLoader keeps(numbers(3), as_it_is, {.batch_size = 4});
  EXPECT_THAT(one_epoch(keeps), ElementsAre(Ids{0, 1, 2}));
}

TEST(DataLoader, RefusesASetThatChangesItsSizeWithinAnEpoch) {
  Ids set = numbers(6);
  DataLoader loader(set, as_it_is, {.batch_size = 2, .num_workers = 0});
  const auto grow = [&] {
    for (const Ids& batch : loader) set.push_back(batch[0]);
  };
  EXPECT_ERROR(grow(), Error,
               "DataLoader: the data set has 7 samples in the midst of an epoch that began with 6: "
               "begin one anew with set_epoch()");
  EXPECT_THAT(one_epoch(loader), SizeIs(4));
}

TEST(DataLoader, TakesABatchSamplerOfItsOwn) {
  const auto backwards = [](Generator&) {
    Batches batches;
    batches.add(Ids{3, 2});
    batches.add(Ids{1});
    return batches;
  };
  DataLoader loader(numbers(4), as_it_is, {.batch_sampler = backwards});
  EXPECT_THAT(one_epoch(loader), ElementsAre(Ids{3, 2}, Ids{1}));
  DataLoader small(numbers(3), as_it_is, {.batch_sampler = backwards});
  EXPECT_ERROR(small.begin(), IndexError,
               "DataLoader: the batch_sampler chose sample 3 for batch 0, the data set has 3");
}

TEST(DataLoader, RefusesOptionsOutOfRange) {
  const auto make = [](const DataLoaderOptions& options) { DataLoader(Ids{}, as_it_is, options); };
  EXPECT_ERROR(make({.batch_size = 0}), ValueError,
               "DataLoader: batch_size is 0, it must be above 0");
  EXPECT_ERROR(make({.num_workers = -1}), ValueError,
               "DataLoader: num_workers is -1, it must not be negative");
  EXPECT_ERROR(make({.prefetch = -1}), ValueError,
               "DataLoader: prefetch is -1, it must not be negative");
  EXPECT_ERROR(
      make({.batch_size = 2, .batch_sampler = batches_by_count(1, {.batch_size = 1})}), ValueError,
      "DataLoader: batch_size and shuffle have no effect beside a batch_sampler: pass them "
      "to the sampler");
  EXPECT_ERROR(make({.rank = 2, .world_size = 2}), ValueError,
               "DataLoader: rank is 2, it must be in [0, world_size)");
  EXPECT_ERROR(make({.world_size = 0}), ValueError,
               "DataLoader: world_size is 0, it must be above 0");
  DataLoader loader(Ids{}, as_it_is);
  EXPECT_ERROR(loader.set_epoch(-1), ValueError,
               "DataLoader: the epoch is -1, it must be in [0, 2^24)");
}

}  // namespace
}  // namespace gradus
