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
