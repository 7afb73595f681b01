#include <gradus/framework/base/error.h>
#include <gradus/framework/data/collate.h>
#include <gradus/framework/data/data_loader.h>
#include <gradus/framework/data/token_stream.h>
#include <gradus/tests/support/op_testing.h>
#include <gtest/gtest.h>

namespace gradus {
namespace {

using Sequences = std::vector<std::vector<std::int64_t>>;

TEST(PadSequences, FillsUpToTheLongest) {
  const PaddedSequences batch = pad_sequences(Sequences{{1, 2, 3}, {}, {4}}, 9);
  EXPECT_TRUE(has_values(batch.ids, {3, 3}, {1, 2, 3, 9, 9, 9, 4, 9, 9}));
  EXPECT_TRUE(has_values(batch.lengths, {3}, {3, 0, 1}));
}
TEST(PadSequences, CutsOffAtMaxLength) {
  const PaddedSequences batch = pad_sequences(Sequences{{1, 2, 3}, {4}}, 0, 2);
  EXPECT_TRUE(has_values(batch.ids, {2, 2}, {1, 2, 4, 0}));
  EXPECT_TRUE(has_values(batch.lengths, {2}, {2, 1}));
  EXPECT_ERROR(pad_sequences(Sequences{{1}}, 0, -1), ValueError,
               "pad_sequences: max_length is -1, it must not be negative");
}
TEST(PadSequences, OfNothing) {
  EXPECT_EQ(pad_sequences({}).ids.shape(), (Shape{0, 0}));
  EXPECT_EQ(pad_sequences(Sequences{{}, {}}).ids.shape(), (Shape{2, 0}));
}

TEST(FlattenSequences, KeepsWhereEachBegins) {
  const FlatSequences batch = flatten_sequences(Sequences{{1, 2, 3}, {}, {4}});
  EXPECT_TRUE(has_values(batch.ids, {4}, {1, 2, 3, 4}));
  EXPECT_TRUE(has_values(batch.offsets, {3}, {0, 3, 3}));
  EXPECT_EQ(flatten_sequences({}).ids.shape(), Shape{0});
}

TEST(Collate, MakesBatchesOfLabeledIds) {
  const std::vector<LabeledIds> samples = {{{1, 2, 3}, 1}, {{}, 0}, {{4}, 2}};
  const FlatBatch flat = CollateFlat{}(samples);
  EXPECT_TRUE(has_values(flat.ids, {4}, {1, 2, 3, 4}));
  EXPECT_TRUE(has_values(flat.offsets, {3}, {0, 3, 3}));
  EXPECT_TRUE(has_values(flat.labels, {3}, {1, 0, 2}));
  const PaddedBatch padded = CollatePadded{.padding = 7, .max_length = 2}(samples);
  EXPECT_TRUE(has_values(padded.ids, {3, 2}, {1, 2, 7, 7, 4, 7}));
  EXPECT_TRUE(has_values(padded.lengths, {3}, {2, 0, 1}));
  EXPECT_TRUE(has_values(padded.labels, {3}, {1, 0, 2}));
  EXPECT_EQ(CollateFlat{}({}).labels.shape(), Shape{0});
}
TEST(Collate, PadsBothSidesOfPairs) {
  const PairBatch batch = CollatePairs{}({{{1}, {5, 6}}, {{2}, {}}});
  EXPECT_TRUE(has_values(batch.first.ids, {2, 1}, {1, 2}));
  EXPECT_TRUE(has_values(batch.second.ids, {2, 2}, {5, 6, 0, 0}));
  EXPECT_TRUE(has_values(batch.second.lengths, {2}, {2, 0}));
}

TEST(Collate, PadsTagsOtherwiseThanWords) {
  const PairBatch batch = CollatePairs{.second_padding = -100}({{{1, 2}, {0, 1}}, {{3}, {1}}});
  EXPECT_TRUE(has_values(batch.first.ids, {2, 2}, {1, 2, 3, 0}));
  EXPECT_TRUE(has_values(batch.second.ids, {2, 2}, {0, 1, 1, -100}));
}

TEST(TokenStream, IsASetForALoader) {
  const TokenStream stream({0, 1, 2, 3, 4, 5, 6}, 1, 2);
  DataLoader loader(stream, CollateFirst{});
  std::int64_t k = 0;
  for (const StreamBatch& batch : loader) {
    EXPECT_TRUE(has_values(batch.targets, {1, 2},
                           {2. * static_cast<double>(k) + 1, 2. * static_cast<double>(k) + 2}));
    ++k;
  }
  EXPECT_EQ(k, 3);
}
TEST(TokenStream, GoesOnWhereTheBatchBeforeEnded) {
  const TokenStream stream({0, 1, 2, 3, 4, 10, 11, 12, 13, 14, 99}, 2, 3);
  ASSERT_EQ(stream.size(), 2);
  EXPECT_TRUE(has_values(stream[0].inputs, {2, 3}, {0, 1, 2, 10, 11, 12}));
  EXPECT_TRUE(has_values(stream[0].targets, {2, 3}, {1, 2, 3, 11, 12, 13}));
  EXPECT_TRUE(has_values(stream[1].inputs, {2, 1}, {3, 13}));
  EXPECT_TRUE(has_values(stream[1].targets, {2, 1}, {4, 14}));
  EXPECT_ERROR(stream[2], IndexError, "TokenStream: there is no batch 2, there are 2");
  EXPECT_EQ(TokenStream({1, 2, 3, 4}, 1, 3).size(), 1);
  EXPECT_EQ(TokenStream({1, 2}, 1, 3).size(), 1);
}
TEST(TokenStream, BrokenInput) {
  EXPECT_ERROR(TokenStream({1, 2, 3}, 2, 1), ValueError,
               "TokenStream: 3 tokens are too few for 2 streams: each needs two");
  EXPECT_ERROR(TokenStream({1, 2, 3}, 0, 1), ValueError,
               "TokenStream: batch_size is 0, steps 1: both must be above 0");
}

}  // namespace
}  // namespace gradus
