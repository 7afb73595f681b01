#include <gradus/framework/ops/distance.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/norm.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>

namespace gradus {
namespace {

constexpr double powers[] = {0.5, 1, 1.5, 2, 3, infinity};

OpCase cdist_case(const char* form, std::vector<Shape> shapes, double p) {
  return OpCase{"cdist", form, leaves(std::move(shapes)),
                [p](const Inputs& in) { return cdist(in[0], in[1], p); }};
}

const OpCases cases{
    OpCase{"cosine_similarity", "axis 1", leaves({{3, 4}, {3, 4}}),
           [](const Inputs& in) { return cosine_similarity(in[0], in[1]); }},
    OpCase{"cosine_similarity", "the first axis", leaves({{3, 2, 2}, {3, 2, 2}}),
           [](const Inputs& in) { return cosine_similarity(in[0], in[1], 0); }},
    OpCase{"cosine_similarity", "broadcast, a large eps", leaves({{2, 1, 4}, {3, 4}}),
           [](const Inputs& in) { return cosine_similarity(in[0], in[1], -1, 100); }},
    OpCase{"cosine_similarity", "broadcast", leaves({{2, 1, 4}, {3, 4}}),
           [](const Inputs& in) { return cosine_similarity(in[0], in[1], -1); }},
    cdist_case("2", {{3, 4}, {5, 4}}, 2),
    cdist_case("1", {{3, 4}, {5, 4}}, 1),
    cdist_case("infinite", {{3, 4}, {5, 4}}, infinity),
    cdist_case("3", {{3, 4}, {5, 4}}, 3),
    cdist_case("1.5, batches", {{2, 1, 3, 2}, {3, 4, 2}}, 1.5),
    cdist_case("2, batches", {{2, 3, 2}, {2, 1, 2}}, 2),
};

TEST(OpCosineSimilarity, KnownValues) {
  const Tensor a = tensor({3.0, 4.0, 1.0, 0.0, 1.0, 1.0}, {3, 2});
  const Tensor b = tensor({4.0, 3.0, 0.0, 5.0, -2.0, -2.0}, {3, 2});
  EXPECT_TRUE(is_close(cosine_similarity(a, b), {3}, {0.96, 0, -1}, 1e-15));
  EXPECT_TRUE(is_close(cosine_similarity(a, b, 0), {2},
                       {10 / std::sqrt(11.0 * 20), 10 / std::sqrt(17.0 * 38)}, 1e-15));
  EXPECT_TRUE(is_close(cosine_similarity(a.to(DType::float32), b.to(DType::float32), -1), {3},
                       {0.96, 0, -1}, 1e-7));
}
TEST(OpCosineSimilarity, KnownValuesBroadcast) {
  const Tensor a = tensor({3.0, 4.0, 1.0, 0.0}, {2, 1, 2}),
               b = tensor({4.0, 3.0, 0.0, 5.0}, {2, 2});
  EXPECT_TRUE(is_close(cosine_similarity(a, b, 2), {2, 2}, {0.96, 0.8, 0.8, 0}, 1e-15));
  EXPECT_TRUE(
      is_close(cosine_similarity(full({}, 2, DType::float64), full({}, -3, DType::float64), 0), {},
               {-1}, 1e-15));
}
TEST(OpCosineSimilarity, KnownValuesOfZerosNothingAndNaN) {
  const Tensor a = tensor({0.0, 0.0, 1.0, not_a_number}, {2, 2}), b = ones({2, 2}, DType::float64);
  EXPECT_TRUE(has_values(cosine_similarity(a, b), {2}, {0, not_a_number}));
  EXPECT_TRUE(has_values(cosine_similarity(a, b, 1, 0), {2}, {0, not_a_number}));
  EXPECT_TRUE(has_values(cosine_similarity(zeros({2, 0}), zeros({2, 0})), {2}, {0, 0}));
  EXPECT_TRUE(has_values(cosine_similarity(zeros({0, 2}), zeros({0, 2})), {0}, {}));
}
TEST(OpCosineSimilarity, KnownValuesNeverExceedTheNormsOrEps) {
  EXPECT_TRUE(
      is_close(cosine_similarity(tensor({3.0, 4.0}), tensor({0.6, 0.8}), 0, 2), {}, {0.5}, 1e-15));
  for (const double unit : {1e200, 1e-200}) {
    const Tensor a = tensor({3 * unit, 4 * unit}), b = tensor({4 * unit, 3 * unit});
    EXPECT_TRUE(is_close(cosine_similarity(a, b, 0, 0), {}, {0.96}, 1e-15));
  }
}

TEST(OpCosineSimilarity, Gradient) {
  for (int axis = 0; axis < 3; ++axis) {
    EXPECT_TRUE(
        passes_gradcheck([=](const Inputs& in) { return cosine_similarity(in[0], in[1], axis); },
                         {random_leaf({2, 3, 4}, 1), random_leaf({2, 3, 4}, 2)}));
  }
  const Tensor x = random_leaf({2, 3});
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) { return cosine_similarity(in[0], in[0] * in[0]); }, {x}));
}
TEST(OpCosineSimilarity, GradientOfAZeroVectorIsFinite) {
  const Tensor a = leaf({0, 0}), b = leaf({3, 4});
  cosine_similarity(a, b, 0, 0.5).backward();
  EXPECT_TRUE(is_close(a.grad().dense(), {2}, {1.2, 1.6}, 1e-15));  // b / (|b| eps)
  EXPECT_EQ(gradient_of(b), (std::vector<double>{0, 0}));
  const Tensor c = leaf({0, 0}), d = leaf({0, 0});
  cosine_similarity(c, d, 0, 0).backward();
  EXPECT_EQ(gradient_of(c), (std::vector<double>{0, 0}));
  EXPECT_EQ(gradient_of(d), (std::vector<double>{0, 0}));
}
TEST(OpCosineSimilarity, GradientForAZeroCotangentIsZero) {
  const Tensor a = leaf({not_a_number, 1}), b = leaf({1, 1});
  cosine_similarity(a, b, 0).backward(full({}, 0, DType::float64));
  EXPECT_EQ(gradient_of(a), (std::vector<double>{0, 0}));
  EXPECT_EQ(gradient_of(b), (std::vector<double>{0, 0}));
}

TEST(OpCosineSimilarity, BrokenInput) {
  EXPECT_ERROR(cosine_similarity(ones({2, 3}), ones({2, 4})), ShapeError,
               "cosine_similarity: shapes do not broadcast: a is [2, 3], b is [2, 4]");
  EXPECT_ERROR(cosine_similarity(ones({2, 3}), ones({2, 3}), 2), IndexError,
               "cosine_similarity: axis 2 is outside [-2, 2)");
  EXPECT_ERROR(cosine_similarity(ones({2, 3}), ones({2, 3}), 1, -1), ValueError,
               "cosine_similarity: eps is -1: it must be a finite number >= 0");
  EXPECT_ERROR(cosine_similarity(tensor({1}), tensor({1}), 0), DTypeError,
               "cosine_similarity: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_THROW(cosine_similarity(ones({2}), ones({2}, DType::float64), 0), DTypeError);
}

TEST(OpCdist, KnownValues) {
  const Tensor a = tensor({0.0, 0.0, 3.0, 4.0}, {2, 2});
  const Tensor b = tensor({3.0, 4.0, 0.0, 0.0, 3.0, 0.0}, {3, 2});
  EXPECT_TRUE(is_close(cdist(a, b), {2, 3}, {5, 0, 3, 0, 5, 4}, 1e-15));
  EXPECT_TRUE(is_close(cdist(a, b, 1), {2, 3}, {7, 0, 3, 0, 7, 4}, 1e-15));
  EXPECT_TRUE(is_close(cdist(a, b, infinity), {2, 3}, {4, 0, 3, 0, 4, 4}, 1e-15));
  EXPECT_TRUE(
      is_close(cdist(a, b, 3), {2, 3}, {std::cbrt(91.0), 0, 3, 0, std::cbrt(91.0), 4}, 1e-15));
  EXPECT_TRUE(is_close(cdist(a, b, 0), {2, 3}, {2, 0, 1, 0, 2, 1}, 1e-15));
}
TEST(OpCdist, KnownValuesOfTheNormOfTheDifferences) {
  const Tensor a = random_leaf({2, 1, 3, 5}, 1), b = random_leaf({3, 4, 5}, 2);
  for (const double p : powers) {
    SCOPED_TRACE(p);
    const Tensor composed = norm(unsqueeze(a, 3) - unsqueeze(b, 1), p, -1);
    const Tensor fused = cdist(a, b, p);
    EXPECT_TRUE(is_close(fused, {2, 3, 3, 4}, values_of(composed), 1e-13));
    const Tensor g = frozen(random_leaf({2, 3, 3, 4}, 3));
    composed.backward(g);
    const auto expected_a = gradient_of(a), expected_b = gradient_of(b);
    a.clear_grad();
    b.clear_grad();
    fused.backward(g);
    EXPECT_TRUE(is_close(a.grad().dense(), a.shape(), expected_a, 1e-12));
    EXPECT_TRUE(is_close(b.grad().dense(), b.shape(), expected_b, 1e-12));
    a.clear_grad();
    b.clear_grad();
  }
}
TEST(OpCdist, KnownValuesOfRowsThatLieCloseTogether) {
  const Tensor a = tensor({10000.F, 0.001F}, {1, 2}), b = tensor({10000.F, 0.003F}, {1, 2});
  EXPECT_TRUE(is_close(cdist(a, b), {1, 1}, {0.002}, 1e-8));
  EXPECT_TRUE(has_values(cdist(a, a), {1, 1}, {0}));
}
TEST(OpCdist, KnownValuesOfNothing) {
  EXPECT_TRUE(has_values(cdist(zeros({0, 2}), zeros({3, 2})), {0, 3}, {}));
  EXPECT_TRUE(has_values(cdist(zeros({2, 2}), zeros({0, 2})), {2, 0}, {}));
  EXPECT_TRUE(has_values(cdist(zeros({1, 0}), zeros({2, 0})), {1, 2}, {0, 0}));
  EXPECT_TRUE(has_values(cdist(zeros({0, 1, 3}), zeros({2, 3})), {0, 1, 2}, {}));
  EXPECT_TRUE(has_values(cdist(tensor({1.0}, {1, 1}), tensor({-2.0}, {1, 1})), {1, 1}, {3}));
}

TEST(OpCdist, Gradient) {
  for (const double p : powers) {
    EXPECT_TRUE(passes_gradcheck([p](const Inputs& in) { return cdist(in[0], in[1], p); },
                                 {random_leaf({2, 3}, 1), random_leaf({4, 3}, 2)}))
        << p;
  }
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return cdist(in[0], in[0] * in[0]); },
                               {random_leaf({2, 3})}));
}
TEST(OpCdist, GradientFromADistanceOfZeroIsZero) {
  for (const double p : {0.0, 0.5, 1.0, 1.5, 2.0, 3.0, infinity}) {
    const Tensor a = leaf({1, 2, 5, 2}, {2, 2}), b = leaf({1, 2}, {1, 2});
    cdist(a, b, p).backward(ones({2, 1}, DType::float64));
    const double one = p == 0 ? 0 : 1;
    EXPECT_TRUE(has_values(a.grad().dense(), {2, 2}, {0, 0, one, 0})) << p;
    EXPECT_TRUE(has_values(b.grad().dense(), {1, 2}, {-one, 0})) << p;
    const Tensor x = leaf({1, 2, 1, 2}, {2, 2});  // all distances are 0
    cdist(x, x, p).backward(ones({2, 2}, DType::float64));
    EXPECT_EQ(gradient_of(x), std::vector<double>(4, 0.0)) << p;
  }
}
TEST(OpCdist, GradientOfTiesIsSharedEvenly) {
  const Tensor a = leaf({2, -2, 1}, {1, 3}), b = leaf({0, 0, 0}, {1, 3});
  cdist(a, b, infinity).backward(full({1, 1}, 6, DType::float64));
  EXPECT_EQ(gradient_of(a), (std::vector<double>{3, -3, 0}));
  EXPECT_EQ(gradient_of(b), (std::vector<double>{-3, 3, 0}));
}
TEST(OpCdist, GradientForAZeroCotangentIsZero) {
  for (const double p : powers) {
    const Tensor a = leaf({not_a_number, 1}, {1, 2}), b = leaf({1, infinity}, {1, 2});
    const Tensor y = cdist(a, b, p);
    EXPECT_TRUE(std::isnan(y.item()));
    y.backward(zeros({1, 1}, DType::float64));
    EXPECT_EQ(gradient_of(a), (std::vector<double>{0, 0}));
    EXPECT_EQ(gradient_of(b), (std::vector<double>{0, 0}));
  }
}

TEST(OpCdist, BrokenInput) {
  EXPECT_ERROR(cdist(ones({2, 3}), ones({2, 4})), ShapeError,
               "cdist: a is [2, 3], b is [2, 4]: they must be [..., P, M] and [..., R, M]");
  EXPECT_ERROR(cdist(ones({3}), ones({2, 3})), ShapeError,
               "cdist: a is [3], b is [2, 3]: they must be [..., P, M] and [..., R, M]");
  EXPECT_ERROR(cdist(ones({2, 2, 3}), ones({3, 2, 3})), ShapeError,
               "cdist: leading axes do not broadcast: a is [2, 2, 3], b is [3, 2, 3]");
  EXPECT_ERROR(cdist(ones({2, 3}), ones({2, 3}), -1), ValueError,
               "cdist: p is -1: it must be a number >= 0");
  EXPECT_THROW(cdist(ones({2, 3}), ones({2, 3}), not_a_number), ValueError);
  EXPECT_ERROR(cdist(tensor({1}, {1, 1}), tensor({1}, {1, 1})), DTypeError,
               "cdist: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_THROW(cdist(ones({1, 2}), ones({1, 2}, DType::float64)), DTypeError);
}

TEST(PairwiseDistance, IsTheNormOfTheDifferenceAndEps) {
  const Tensor a = tensor({3.0, 4.0, 1.0, 1.0}, {2, 2}), b = tensor({0.0, 0.0});
  EXPECT_TRUE(is_close(pairwise_distance(a, b, 2, 0), {2}, {5, std::sqrt(2.0)}, 1e-15));
  EXPECT_TRUE(is_close(pairwise_distance(a, b, 1, 0.5, true), {2, 1}, {8, 3}, 1e-15));
  EXPECT_TRUE(
      is_close(pairwise_distance(a, a), {2}, {1e-6 * std::sqrt(2), 1e-6 * std::sqrt(2)}, 1e-12));
  EXPECT_TRUE(passes_gradcheck([](const Inputs& in) { return pairwise_distance(in[0], in[1], 3); },
                               {random_leaf({2, 3}, 1), random_leaf({3}, 2)}));
  EXPECT_THROW(pairwise_distance(ones({2}), ones({3})), ShapeError);
}

}  // namespace
}  // namespace gradus
