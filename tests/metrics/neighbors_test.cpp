#include <gradus/framework/base/memory.h>
#include <gradus/framework/metrics/neighbors.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/message_of.h>
#include <gradus/tests/support/op_testing.h>
#include <gradus/tests/support/threads_guard.h>

#include <cmath>
#include <limits>
#include <utility>
#include <vector>

namespace gradus {
namespace {

using Ids = std::vector<std::int64_t>;
using testing::ElementsAre;
using testing::HasSubstr;

Ids ids_of(const Neighbors& found) {
  const auto ids = found.ids.span<std::int64_t>();
  return {ids.begin(), ids.end()};
}

std::vector<float> scores_of(const Neighbors& found) {
  const auto scores = found.scores.span<float>();
  return {scores.begin(), scores.end()};
}

void expect_same(const Neighbors& a, const Neighbors& b) {
  EXPECT_EQ(ids_of(a), ids_of(b));
  EXPECT_EQ(scores_of(a), scores_of(b));
}

// Rows at angles of 0, 90, 180 degrees and of (3, 4); lengths 1, 2, 1, 5; and a zero row.
Tensor rows() { return tensor({{1.f, 0.f}, {0.f, 2.f}, {-1.f, 0.f}, {3.f, 4.f}, {0.f, 0.f}}); }

TEST(NearestNeighbors, ByCosine) {
  const Neighbors found = nearest_neighbors(rows(), tensor({{2.f, 0.f}, {0.f, -1.f}}), 5);
  EXPECT_EQ(found.ids.shape(), Shape({2, 5}));
  EXPECT_EQ(ids_of(found), (Ids{0, 3, 1, 4, 2, 0, 2, 4, 3, 1}));
  EXPECT_THAT(scores_of(found), ElementsAre(1.f, 0.6f, 0.f, 0.f, -1.f, 0.f, 0.f, 0.f, -0.8f, -1.f));
}

TEST(NearestNeighbors, ByDotProduct) {
  const Neighbors found =
      nearest_neighbors(rows(), tensor({{2.f, 1.f}}), 3, {.closeness = Closeness::dot});
  EXPECT_EQ(ids_of(found), (Ids{3, 0, 1}));
  EXPECT_THAT(scores_of(found), ElementsAre(10.f, 2.f, 2.f));
}

TEST(NearestNeighbors, ByDistance) {
  const Neighbors found =
      nearest_neighbors(rows(), tensor({{0.f, 0.f}}), 4, {.closeness = Closeness::euclidean});
  EXPECT_EQ(ids_of(found), (Ids{4, 0, 2, 1}));
  EXPECT_THAT(scores_of(found), ElementsAre(0.f, 1.f, 1.f, 2.f));
}

TEST(NearestNeighbors, OfAZeroQueryAllHaveCosineZero) {
  const Neighbors found = nearest_neighbors(rows(), zeros({1, 2}), 3);
  EXPECT_EQ(ids_of(found), (Ids{0, 1, 2}));
  EXPECT_THAT(scores_of(found), ElementsAre(0.f, 0.f, 0.f));
}

TEST(NearestNeighbors, BeyondTheRowsAreMarked) {
  const Tensor query = tensor({{1.f, 0.f}});
  const Neighbors found = nearest_neighbors(slice(rows(), 0, 0, 2), query, 4);
  EXPECT_EQ(ids_of(found), (Ids{0, 1, -1, -1}));
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_THAT(scores_of(found), ElementsAre(1.f, 0.f, -infinity, -infinity));
  const Neighbors none =
      nearest_neighbors(zeros({0, 2}), query, 2, {.closeness = Closeness::euclidean});
  EXPECT_EQ(ids_of(none), (Ids{-1, -1}));
  EXPECT_THAT(scores_of(none), ElementsAre(infinity, infinity));
  EXPECT_EQ(nearest_neighbors(rows(), query, 0).ids.shape(), Shape({1, 0}));
  EXPECT_EQ(nearest_neighbors(rows(), zeros({0, 2}), 3).ids.shape(), Shape({0, 3}));
}

TEST(NearestNeighbors, LeaveOutWhatIsExcluded) {
  const Tensor excluded = tensor({{3, -1}, {0, 2}});
  const Neighbors found =
      nearest_neighbors(rows(), tensor({{3.f, 4.f}, {1.f, 0.f}}), 2, {.excluded = excluded});
  EXPECT_EQ(ids_of(found), (Ids{1, 0, 3, 1}));
}

TEST(NearestNeighbors, InFloat64) {
  const Tensor matrix = rows().to(DType::float64);
  const Neighbors found = nearest_neighbors(matrix, tensor({{1.0, 1.0}}), 2);
  EXPECT_EQ(ids_of(found), (Ids{3, 0}));
  EXPECT_EQ(found.scores.dtype(), DType::float64);
  EXPECT_NEAR(found.scores.data<double>()[0], 7 / (5 * std::sqrt(2.0)), 1e-15);
}

// A query alone, among many, and against a part of the rows has the same bits.
TEST(NearestNeighbors, HaveTheSameBitsForAnyThreadsAndQueries) {
  const ThreadsGuard guard;
  Generator generator(1);
  const Tensor matrix = randn({50'000, 20}, generator), queries = randn({150, 20}, generator);
  std::vector<Neighbors> all;
  for (const int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    all.push_back(nearest_neighbors(matrix, queries, 10));
    expect_same(all.back(), all.front());
  }
  const Neighbors one = nearest_neighbors(matrix, slice(queries, 0, 7, 8), 10);
  expect_same(one, {slice(all[0].ids, 0, 7, 8), slice(all[0].scores, 0, 7, 8)});
}

TEST(NearestNeighbors, NeedMemoryForBlocksOnly) {
  const OneThread one;
  Generator generator(1);
  const Tensor matrix = randn({100'000, 4}, generator), queries = randn({1000, 4}, generator);
  reset_peak_memory();
  const std::int64_t before = memory_stats().peak;
  nearest_neighbors(matrix, queries, 10);
  EXPECT_LT(memory_stats().peak - before, 8 << 20);  // all scores are 400 MB
}

TEST(NearestNeighbors, RefuseWhatDoesNotFit) {
  const Tensor query = zeros({1, 2});
  EXPECT_EQ(message_of<ShapeError>([&] { nearest_neighbors(zeros({2}), query, 1); }),
            "nearest_neighbors: the matrix is [2]: it must be [V, D]");
  EXPECT_EQ(message_of<ShapeError>([&] {
              nearest_neighbors(rows(), zeros({1, 3}), 1);
            }),
            "nearest_neighbors: queries are [1, 3]: they must be [Q, 2], as the matrix is [5, 2]");
  EXPECT_EQ(message_of<DTypeError>([&] {
              nearest_neighbors(rows(), zeros({1, 2}, DType::float64), 1);
            }),
            "nearest_neighbors: queries are float64, but the matrix is float32: convert one with "
            "to()");
  EXPECT_THAT(message_of<DTypeError>([&] {
                nearest_neighbors(zeros({1, 2}, DType::int64), zeros({1, 2}, DType::int64), 1);
              }),
              HasSubstr("nearest_neighbors"));
  EXPECT_EQ(message_of<ValueError>([&] { nearest_neighbors(rows(), query, -1); }),
            "nearest_neighbors: k is -1: it must be 0 or more");
  EXPECT_THAT(message_of<Error>([&] { nearest_neighbors(Tensor(), query, 1); }),
              HasSubstr("matrix"));
  EXPECT_THAT(message_of<Error>([&] { nearest_neighbors(rows(), Tensor(), 1); }),
              HasSubstr("queries"));
}

TEST(NearestNeighbors, RefuseExcludedIdsThatDoNotFit) {
  const Tensor query = zeros({1, 2});
  const auto with = [&](const Tensor& excluded) {
    return
        [&rows_ = query, excluded] { nearest_neighbors(rows(), rows_, 1, {.excluded = excluded}); };
  };
  EXPECT_EQ(message_of<IndexError>(with(tensor({{0, 5}}))),
            "nearest_neighbors: excluded id 5 at [0, 1] is outside [-1, 5)");
  EXPECT_EQ(message_of<IndexError>(with(tensor({{-2}}))),
            "nearest_neighbors: excluded id -2 at [0, 0] is outside [-1, 5)");
  EXPECT_EQ(message_of<ShapeError>(with(tensor({0}))),
            "nearest_neighbors: excluded ids are [1]: they must be [1, E], a row per query");
  EXPECT_EQ(message_of<DTypeError>(with(zeros({1, 1}))),
            "nearest_neighbors: excluded ids are float32: they must be int64");
}

TEST(NearestNeighbors, RefuseNumbersThatAreNotFinite) {
  for (const float bad : {std::nanf(""), std::numeric_limits<float>::infinity()}) {
    const Tensor matrix = rows();
    matrix.mutable_data<float>()[5] = bad;
    EXPECT_THAT(message_of<ValueError>([&] {
                  nearest_neighbors(matrix, zeros({1, 2}), 1);
                }),
                HasSubstr("nearest_neighbors: matrix at [2, 1] is "));
    EXPECT_THAT(message_of<ValueError>([&] { nearest_neighbors(rows(), matrix, 1); }),
                HasSubstr("nearest_neighbors: queries at [2, 1] is "));
  }
  EXPECT_EQ(message_of<ValueError>([&] {
              nearest_neighbors(tensor({{1.0, 1e200}}), zeros({1, 2}, DType::float64), 1);
            }),
            "nearest_neighbors: row 0 of the matrix is too long: its squared length is beyond "
            "1e+300");
}

TEST(NeighborIndex, AnswersManySearches) {
  const NeighborIndex index(rows(), Closeness::dot);
  EXPECT_EQ(ids_of(index.search(tensor({{1.f, 0.f}}), 1)), Ids{3});
  EXPECT_EQ(ids_of(index.search(tensor({{0.f, 1.f}}), 2, tensor({{3}}))), (Ids{1, 0}));
  EXPECT_EQ(index.closeness(), Closeness::dot);
}

TEST(NeighborIndex, RefusesAMatrixThatWasChanged) {
  const Tensor matrix = rows();
  const NeighborIndex index(matrix);
  matrix.mul_(2);
  EXPECT_EQ(message_of<Error>([&] {
              index.search(zeros({1, 2}), 1);
            }),
            "nearest_neighbors: the matrix [5, 2] was changed in place: make a new NeighborIndex");
}

TEST(NeighborIndex, SaysThatItWasMovedFrom) {
  NeighborIndex index(rows());
  const NeighborIndex other = std::move(index);
  EXPECT_THAT(message_of<Error>([&] {
                index.search(zeros({1, 2}), 1);
              }),  // NOLINT
              HasSubstr("NeighborIndex"));
  EXPECT_EQ(ids_of(other.search(tensor({{1.f, 0.f}}), 1)), Ids{0});
}

}  // namespace
}  // namespace gradus
