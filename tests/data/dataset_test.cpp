#include <gmock/gmock.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/data/dataset.h>
#include <gradus/tests/support/message_of.h>

#include <algorithm>
#include <map>
#include <memory>
#include <numeric>
#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;

struct Mail {
  std::string text, label;
};

// A set that computes its samples, and tells how often it was copied.
struct Squares {
  std::int64_t size() const { return n; }
  std::int64_t operator[](std::int64_t i) const { return i * i; }
  std::int64_t n = 5;
};
struct NotCopied : Squares {
  NotCopied() = default;
  NotCopied(NotCopied&&) = default;
};

static_assert(DataSet<std::vector<int>> && DataSet<std::vector<bool>> && DataSet<Squares>);
static_assert(!DataSet<int> && !DataSet<std::map<std::int64_t, int>>);
static_assert(std::is_same_v<SampleOf<std::vector<Mail>>, Mail>);
static_assert(std::is_same_v<SampleOf<Squares>, std::int64_t>);

// What would dangle does not compile or is a value.
template <class S, class F>
concept Mappable = requires(S set, F f) {
  mapped(set, f);
};
static_assert(Mappable<Squares, std::int64_t (*)(std::int64_t)>);
static_assert(!Mappable<Squares, std::string (*)(std::string)>);
using Mails = std::vector<Mail>;
static_assert(std::is_same_v<decltype(taken(Mails(), 2)[0]), Mail>);
static_assert(std::is_same_v<decltype(mapped(Mails(), &Mail::text)[0]), std::string>);
static_assert(std::is_same_v<decltype(concatenated(Mails(), Mails())[0]), Mail>);

template <DataSet S>
std::vector<SampleOf<S>> all(const S& set) {
  std::vector<SampleOf<S>> samples;
  for (std::int64_t i = 0; i < detail::size_of(set); ++i)
    samples.push_back(detail::sample_at(set, i));
  return samples;
}

std::vector<std::int64_t> numbers(std::int64_t n) {
  std::vector<std::int64_t> result(static_cast<std::size_t>(n));
  std::iota(result.begin(), result.end(), 0);
  return result;
}

template <class Splits>
std::vector<std::int64_t> sizes(const Splits& parts) {
  std::vector<std::int64_t> result;
  for (const auto& part : parts) result.push_back(part.size());
  return result;
}

TEST(DataSet, IsMappedFilteredTakenAndConcatenatedByIndex) {
  const std::vector<std::int64_t> set = {3, 1, 4, 1, 5};
  EXPECT_THAT(all(mapped(set, [](std::int64_t x) { return 10 * x; })),
              ElementsAre(30, 10, 40, 10, 50));
  EXPECT_THAT(all(filtered(set, [](std::int64_t x) { return x > 2; })), ElementsAre(3, 4, 5));
  EXPECT_THAT(all(subset(set, {4, 0, 0})), ElementsAre(5, 3, 3));
  EXPECT_THAT(all(taken(set, 2)), ElementsAre(3, 1));
  EXPECT_THAT(all(taken(set, 9)), ElementsAre(3, 1, 4, 1, 5));
  EXPECT_THAT(all(concatenated(set, Squares{3}, taken(set, 1))),
              ElementsAre(3, 1, 4, 1, 5, 0, 1, 4, 3));
}

TEST(DataSet, IsAnythingWithSizeAndIndex) {
  EXPECT_THAT(all(taken(Squares{}, 3)), ElementsAre(0, 1, 4));
  EXPECT_THAT(all(mapped(std::vector<bool>{true, false}, [](bool b) { return !b; })),
              ElementsAre(false, true));
}

TEST(DataSet, IsMappedToAMember) {
  const std::vector<Mail> mails = {{"win now", "spam"}, {"hello", "ham"}};
  const auto labels = mapped(mails, &Mail::label);
  EXPECT_THAT(all(labels), ElementsAre("spam", "ham"));
  EXPECT_EQ(&labels[1], &mails[1].label);  // no copy
}

TEST(DataSet, IsReadByRangeFor) {
  std::int64_t sum = 0;
  for (const std::int64_t x : taken(Squares{}, 4)) sum += x;
  for (const std::int64_t x : concatenated(Squares{2}, Squares{3})) sum += x;
  for (const std::int64_t x : mapped(Squares{2}, [](std::int64_t s) { return 100 * s; })) sum += x;
  EXPECT_EQ(sum, 14 + 6 + 100);
}

TEST(DataSet, EmptyOnesHaveEmptyViews) {
  const std::vector<std::int64_t> none;
  EXPECT_EQ(mapped(none, [](std::int64_t x) { return x; }).size(), 0);
  EXPECT_EQ(filtered(none, [](std::int64_t) { return true; }).size(), 0);
  EXPECT_EQ(shuffled(none, 1).size(), 0);
  EXPECT_EQ(concatenated(none, none).size(), 0);
  EXPECT_THAT(sizes(random_split(none, {0.5, 0.5}, 1)), ElementsAre(0, 0));
  const auto itself = [](std::int64_t x) { return x; };
  EXPECT_THAT(sizes(stratified_split(none, {0.5, 0.5}, itself, 1)), ElementsAre(0, 0));
}

TEST(DataSet, ViewsReferToNamedSetsAndOwnTemporaries) {
  std::vector<std::int64_t> set = {1, 2, 3};
  const auto view = taken(set, 2);
  set[0] = 7;
  EXPECT_THAT(all(view), ElementsAre(7, 2));
  EXPECT_EQ(&view[1], &set[1]);

  const auto make = [] { return taken(shuffled(numbers(100), 3), 100); };
  auto owner = std::make_unique<decltype(make())>(make());
  const auto copy = *owner;
  owner.reset();
  std::vector<std::int64_t> sorted = all(copy);
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sorted, numbers(100));

  EXPECT_THAT(all(taken(NotCopied(), 2)), ElementsAre(0, 1));
  const auto [first, second] = random_split(NotCopied(), {3, 2}, 1);  // they share the one set
  EXPECT_EQ(first.size() + second.size(), 5);
}

TEST(DataSet, ErrorsNameIndexAndSize) {
  const std::vector<std::int64_t> set = {1, 2, 3};
  EXPECT_EQ(message_of<IndexError>([&] { (void)taken(set, 2)[2]; }),
            "subset: index 2 is outside [0, 2)");
  EXPECT_EQ(message_of<IndexError>([&] { (void)mapped(set, std::identity())[-1]; }),
            "mapped: index -1 is outside [0, 3)");
  EXPECT_EQ(message_of<IndexError>([&] { (void)concatenated(set, set)[6]; }),
            "concatenated: index 6 is outside [0, 6)");
  EXPECT_EQ(message_of<IndexError>([&] {
              (void)subset(set, {0, 3});
            }),
            "subset: index 3 at position 1 is outside [0, 3)");
  EXPECT_EQ(message_of<ValueError>([&] { (void)taken(set, -1); }), "taken: cannot take -1 samples");
}

TEST(DataSet, ViewsOfASetThatShrankThrow) {
  std::vector<std::int64_t> set = numbers(10);
  const auto view = subset(set, {1, 9});
  const auto longer = mapped(shuffled(set, 1), std::identity());
  set.resize(3);
  set.shrink_to_fit();
  EXPECT_EQ(view[0], 1);
  EXPECT_EQ(message_of<IndexError>([&] { (void)view[1]; }),
            "subset: the set: index 9 is outside [0, 3)");
  EXPECT_THROW((void)all(longer), IndexError);
}

TEST(Shuffled, IsAPermutationThatTheSeedDecides) {
  const std::vector<std::int64_t> set = numbers(1000);
  std::vector<std::int64_t> order = all(shuffled(set, 1));
  EXPECT_EQ(order, all(shuffled(set, 1)));
  EXPECT_NE(order, all(shuffled(set, 2)));
  EXPECT_NE(order, set);
  std::sort(order.begin(), order.end());
  EXPECT_EQ(order, set);
}

TEST(Shuffled, LeavesTheDefaultGeneratorAlone) {
  const std::uint64_t before = default_generator().offset();
  const std::vector<std::int64_t> set = numbers(100);
  (void)shuffled(set, 1);
  (void)random_split(set, {0.5, 0.5}, 1);
  (void)stratified_split(
      set, {0.5, 0.5}, [](std::int64_t x) { return x % 3; }, 1);
  EXPECT_EQ(default_generator().offset(), before);
}

TEST(Shuffled, EveryOrderIsAsLikely) {
  std::map<std::vector<std::int64_t>, int> seen;
  const std::vector<std::int64_t> set = {0, 1, 2};
  for (std::uint64_t seed = 0; seed < 6000; ++seed) ++seen[all(shuffled(set, seed))];
  ASSERT_EQ(seen.size(), 6U);
  for (const auto& [order, times] : seen) EXPECT_NEAR(times, 1000, 150);  // 5 standard deviations
}

// The sizes that torch.utils.data.random_split gives for these fractions.
TEST(RandomSplit, HasTheSizesOfPyTorch) {
  EXPECT_THAT(sizes(random_split(numbers(10), {0.9, 0.1}, 1)), ElementsAre(9, 1));
  EXPECT_THAT(sizes(random_split(numbers(7), {0.5, 0.3, 0.2}, 1)), ElementsAre(4, 2, 1));
  EXPECT_THAT(sizes(random_split(numbers(100), {0.29, 0.71}, 1)), ElementsAre(29, 71));
  EXPECT_THAT(sizes(random_split(numbers(2), {0.4, 0.3, 0.3}, 1)), ElementsAre(1, 1, 0));
  EXPECT_THAT(sizes(random_split(numbers(9), {0.7, 0.2, 0.1}, 1)), ElementsAre(7, 2, 0));
  EXPECT_THAT(sizes(random_split(numbers(10), {6, 4}, 1)), ElementsAre(6, 4));
  EXPECT_THAT(sizes(random_split(numbers(10), std::vector<double>{1, 0}, 1)), ElementsAre(10, 0));
}

TEST(RandomSplit, PutsEachSampleIntoOnePart) {
  const std::vector<std::int64_t> set = numbers(1000);
  const auto [train, dev, test] = random_split(set, {0.8, 0.1, 0.1}, 7);
  std::vector<std::int64_t> together = all(concatenated(train, dev, test));
  EXPECT_EQ(together, all(shuffled(set, 7)));
  EXPECT_EQ(all(test), all(random_split(set, {0.8, 0.1, 0.1}, 7)[2]));
  EXPECT_NE(all(test), all(random_split(set, {0.8, 0.1, 0.1}, 8)[2]));
  std::sort(together.begin(), together.end());
  EXPECT_EQ(together, set);
}

TEST(RandomSplit, RefusesFractionsThatDoNotAddUp) {
  EXPECT_EQ(message_of<ValueError>([] {
              (void)random_split(numbers(10), {0.5, 0.4}, 1);
            }),
            "split: 10 samples cannot be split into [0.5, 0.4]: give fractions that add up to 1, "
            "or sizes that add up to 10");
  for (const auto& wrong : std::vector<std::vector<double>>{{}, {1.5, -0.5}, {6, 5}, {NAN, 1}}) {
    EXPECT_THROW((void)random_split(numbers(10), wrong, 1), ValueError);
  }
}

TEST(StratifiedSplit, SpreadsTheLabelsEvenly) {
  // 700 a, 200 b, 100 c in a row
  std::vector<Mail> mails;
  for (int i = 0; i < 1000; ++i) mails.push_back({"", i < 700 ? "a" : i < 900 ? "b" : "c"});
  const auto parts = stratified_split(mails, {0.8, 0.1, 0.1}, &Mail::label, 3);
  EXPECT_THAT(sizes(parts), ElementsAre(800, 100, 100));
  const std::vector<double> shares = {0.8, 0.1, 0.1};
  for (std::size_t part = 0; part < 3; ++part) {
    std::map<std::string, int> counts;
    for (const Mail& mail : parts[part]) ++counts[mail.label];
    EXPECT_NEAR(counts["a"], 700 * shares[part], 2);
    EXPECT_NEAR(counts["b"], 200 * shares[part], 2);
    EXPECT_NEAR(counts["c"], 100 * shares[part], 2);
  }
}

TEST(StratifiedSplit, PutsEachSampleIntoOnePartInRandomOrder) {
  const std::vector<std::int64_t> set = numbers(101);
  const auto third = [](std::int64_t x) { return x % 3; };
  for (const auto& fractions : std::vector<std::vector<double>>{{0.5, 0.5}, {0.6, 0.3, 0.1}, {1}}) {
    const auto parts = stratified_split(set, fractions, third, 5);
    EXPECT_EQ(sizes(parts), sizes(random_split(set, fractions, 5)));
    std::vector<std::int64_t> together;
    for (const auto& part : parts) {
      for (const std::int64_t x : part) together.push_back(x);
      const auto samples = all(part);
      EXPECT_FALSE(std::is_sorted(samples.begin(), samples.end()));
    }
    std::sort(together.begin(), together.end());
    EXPECT_EQ(together, set);
  }
  const auto a = stratified_split(set, {0.5, 0.5}, third, 5);
  EXPECT_EQ(all(a[0]), all(stratified_split(set, {0.5, 0.5}, third, 5)[0]));
  EXPECT_NE(all(a[0]), all(stratified_split(set, {0.5, 0.5}, third, 6)[0]));
}

}  // namespace
}  // namespace gradus
