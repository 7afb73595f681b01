#include <gradus/framework/kernels/nn/packed_sequences.h>
#include <gradus/tests/kernels/kernel_testing.h>
#include <gtest/gtest.h>

#include <algorithm>

namespace gradus::kernels {
namespace {

using Places = std::vector<int64_t>;

Places places_of(const PackedSequences& sequences) {
  return {sequences.places(), sequences.places() + sequences.rows()};
}

TEST(PackedSequences, GoStepByStepFromTheLongest) {
  const Ids lengths{2, 0, 3};
  const PackedSequences forward(lengths.data(), 3, 4, false, 8),
      back(lengths.data(), 3, 4, true, 8);
  ASSERT_EQ(forward.blocks().size(), 1u);
  const PackedSequences::Block& block = forward.blocks()[0];
  EXPECT_EQ(Places(block.order.begin(), block.order.end()), (Places{2, 0, 1}));
  EXPECT_EQ(block.rows, (Places{0, 2, 4, 5}));
  EXPECT_EQ(block.active(0), 2);
  EXPECT_EQ(block.active(2), 1);
  EXPECT_EQ(block.active(3), 0);
  EXPECT_EQ(places_of(forward), (Places{8, 0, 9, 1, 10}));
  EXPECT_EQ(places_of(back), (Places{10, 1, 9, 0, 8}));
}

TEST(PackedSequences, OfOneLengthKeepTheirOrder) {
  const PackedSequences sequences(nullptr, 2, 3, false, 8);
  EXPECT_EQ(places_of(sequences), (Places{0, 3, 1, 4, 2, 5}));
  EXPECT_EQ(sequences.most_steps(), 3);
}

TEST(PackedSequences, AreCutIntoBlocksOfAboutEqualSizes) {
  const PackedSequences sequences(nullptr, 25, 2, false, 12);
  Places sizes;
  int64_t row = 0;
  for (const PackedSequences::Block& block : sequences.blocks()) {
    sizes.push_back(block.size());
    EXPECT_EQ(block.first_row(0), row);
    row += 2 * block.size();
  }
  EXPECT_EQ(sizes, (Places{8, 8, 9}));
  EXPECT_EQ(row, sequences.rows());
}

TEST(PackedSequences, AreCutIntoBlocksOfAboutEqualNumbersOfRows) {
  Ids lengths;
  for (int64_t i = 0; i < 20; ++i) lengths.push_back(10 + 10 * i);  // 2100 in all
  const PackedSequences two(lengths.data(), 20, 200, false, 12),
      four(lengths.data(), 20, 200, false, 5);
  for (const PackedSequences* sequences : {&two, &four}) {
    const auto count = static_cast<int64_t>(sequences->blocks().size());
    EXPECT_EQ(count, sequences == &two ? 2 : 4);
    int64_t begin = 0;
    for (const PackedSequences::Block& block : sequences->blocks()) {
      EXPECT_EQ(block.first_row(0), begin);
      begin = block.rows.back();
      EXPECT_NEAR(static_cast<double>(begin - block.first_row(0)),
                  static_cast<double>(2100 / count), 100);  // half a sequence
    }
    EXPECT_EQ(begin, 2100);
    EXPECT_EQ(sequences->most_steps(), 200);
  }
}

TEST(PackedSequences, ALongSequenceIsABlockOfItsOwn) {
  Ids lengths(30, 1);
  lengths[7] = 500;
  lengths[9] = 0;
  const PackedSequences sequences(lengths.data(), 30, 500, false, 12);
  ASSERT_EQ(sequences.blocks().size(), 2u);
  EXPECT_EQ(sequences.blocks()[0].size(), 1);
  EXPECT_EQ(sequences.blocks()[0].order[0], 7);
  EXPECT_EQ(sequences.blocks()[1].size(), 29);
  EXPECT_EQ(sequences.rows(), 528);
}

// With one block, the whole recurrence would run on one thread.
TEST(PackedSequences, OfOneBatchAreAtLeastTwoBlocksFrom13On) {
  const int64_t small = int64_t{8} << 20, large = small + 1;
  for (const int64_t B : {1, 12, 13, 20, 24, 25, 48, 49, 96, 97, 1000}) {
    for (const int64_t bytes : {int64_t{4}, small, large}) {
      const int64_t size = PackedSequences::block_size(B, 3, bytes);
      const PackedSequences sequences(nullptr, B, 3, false, size);
      EXPECT_EQ(sequences.blocks().size() > 1, B > 12) << B << " " << bytes;
    }
    EXPECT_EQ(PackedSequences::block_size(B, 2, small), 12);
    EXPECT_EQ(PackedSequences::block_size(B, 1, large), B);  // a single step
  }
  EXPECT_EQ(PackedSequences::block_size(0, 1, small), 1);
  EXPECT_EQ(PackedSequences::block_size(20, 2, large), 12);
  EXPECT_EQ(PackedSequences::block_size(49, 2, large), 25);
  EXPECT_EQ(PackedSequences::block_size(500, 2, large), 48);
}

TEST(PackedSequences, CanBeNothing) {
  const PackedSequences none(nullptr, 0, 3, false, 8), empty(nullptr, 2, 0, false, 8);
  EXPECT_EQ(none.rows(), 0);
  EXPECT_TRUE(none.blocks().empty());
  EXPECT_EQ(none.most_steps(), 0);
  EXPECT_EQ(empty.rows(), 0);
  EXPECT_EQ(empty.blocks()[0].size(), 2);
  EXPECT_EQ(empty.blocks()[0].active(0), 0);
}

TEST(PackedSequences, MoveElementsToRowsAndBack) {
  const Ids lengths{1, 3, 0, 2};
  const int64_t B = 4, T = 3, C = 5;
  const auto x = random_values<float>(B * T * C, -1, 1);
  const PackedSequences sequences(lengths.data(), B, T, true, 3);
  std::vector<float> packed(at(sequences.rows() * C)), back(x.size(), nan_value<float>);
  sequences.pack(x.data(), C, packed.data());
  sequences.unpack(packed.data(), C, back.data());
  sequences.clear_padding(back.data(), C);
  for (int64_t b = 0; b < B; ++b) {
    for (int64_t t = 0; t < T; ++t) {
      for (int64_t c = 0; c < C; ++c) {
        const size_t place = at((b * T + t) * C + c);
        EXPECT_EQ(back[place], t < lengths[at(b)] ? x[place] : 0) << b << t << c;
      }
    }
  }
}

}  // namespace
}  // namespace gradus::kernels
