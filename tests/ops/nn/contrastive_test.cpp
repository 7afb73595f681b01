#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/contrastive.h>
#include <gradus/tests/support/op_testing.h>

namespace gradus {
namespace {

using Inputs = std::vector<Tensor>;

const Reduction reductions[] = {Reduction::mean, Reduction::sum, Reduction::none};

/// By the definition; `negatives` may be empty.
std::vector<double> losses_of(const Tensor& anchors, const Tensor& positives,
                              const Tensor& negatives, double t, bool cosine) {
  const std::int64_t B = anchors.size(0);
  const std::int64_t M = negatives.defined() ? negatives.size(0) : 0;
  const auto similarity = [&](const Tensor& a, const Tensor& b) {
    const std::vector<double> x = values_of(a), y = values_of(b);
    double dot = 0, xx = 0, yy = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      dot += x[i] * y[i];
      xx += x[i] * x[i];
      yy += y[i] * y[i];
    }
    return cosine ? dot / std::sqrt(xx * yy) : dot;
  };
  std::vector<double> losses;
  for (std::int64_t b = 0; b < B; ++b) {
    double total = 0;
    for (std::int64_t c = 0; c < B; ++c) {
      total += std::exp(similarity(anchors[b], positives[c]) / t);
    }
    for (std::int64_t m = 0; m < M; ++m) {
      total += std::exp(similarity(anchors[b], negatives[m]) / t);
    }
    losses.push_back(std::log(total) - similarity(anchors[b], positives[b]) / t);
  }
  return losses;
}

TEST(InfoNceLoss, KnownValues) {
  const Tensor a = frozen(random_leaf({4, 3}, 1)), p = frozen(random_leaf({4, 3}, 2));
  const Tensor n = frozen(random_leaf({5, 3}, 3));
  for (const Tensor& negatives : {Tensor(), n}) {
    for (const double t : {0.05, 1.0}) {
      for (const Similarity similarity : {Similarity::cosine, Similarity::dot}) {
        const bool cosine = similarity == Similarity::cosine;
        const std::vector<double> expected = losses_of(a, p, negatives, t, cosine);
        const double total = expected[0] + expected[1] + expected[2] + expected[3];
        const auto loss = [&](Reduction reduction) {
          return info_nce_loss(
              a, p, negatives,
              {.temperature = t, .similarity = similarity, .reduction = reduction});
        };
        EXPECT_TRUE(is_close(loss(Reduction::none), {4}, expected, 1e-12));
        EXPECT_TRUE(is_close(loss(Reduction::sum), {}, {total}, 1e-12));
        EXPECT_TRUE(is_close(loss(Reduction::mean), {}, {total / 4}, 1e-12));
      }
    }
  }
}
TEST(InfoNceLoss, KnownValuesOfBothDirections) {
  const Tensor a = frozen(random_leaf({3, 2}, 1)), p = frozen(random_leaf({3, 2}, 2));
  const std::vector<double> there = losses_of(a, p, {}, 0.5, true),
                            back = losses_of(p, a, {}, 0.5, true);
  std::vector<double> expected;
  for (std::size_t i = 0; i < 3; ++i) expected.push_back((there[i] + back[i]) / 2);
  EXPECT_TRUE(
      is_close(info_nce_loss(a, p, {},
                             {.temperature = 0.5, .symmetric = true, .reduction = Reduction::none}),
               {3}, expected, 1e-13));
}
TEST(InfoNceLoss, GradientOfEveryOption) {
  for (const Reduction reduction : reductions) {
    for (const Similarity similarity : {Similarity::cosine, Similarity::dot}) {
      for (const bool symmetric : {false, true}) {
        const InfoNceOptions options{.temperature = 0.5,
                                     .similarity = similarity,
                                     .symmetric = symmetric,
                                     .reduction = reduction};
        EXPECT_TRUE(passes_gradcheck(
            [=](const Inputs& in) { return info_nce_loss(in[0], in[1], {}, options); },
            {random_leaf({3, 4}, 1), random_leaf({3, 4}, 2)}));
        if (symmetric) continue;
        EXPECT_TRUE(passes_gradcheck(
            [=](const Inputs& in) { return info_nce_loss(in[0], in[1], in[2], options); },
            {random_leaf({3, 4}, 1), random_leaf({3, 4}, 2), random_leaf({2, 4}, 3)}));
      }
    }
  }
}
TEST(InfoNceLoss, ZeroVectorsAndExtremeSimilaritiesStayFinite) {
  const Tensor a = leaf({0, 0, 1, 2}, {2, 2}), p = leaf({1, 0, 0, 0}, {2, 2});
  const Tensor loss = info_nce_loss(a, p, {}, {.reduction = Reduction::none});
  EXPECT_TRUE(
      is_close(loss, {2}, {std::log(2.0), std::log1p(std::exp(20 / std::sqrt(5.0)))}, 1e-14));
  loss.backward(ones({2}, DType::float64));
  for (const Tensor& x : {a, p}) {
    for (const double g : gradient_of(x)) EXPECT_TRUE(std::isfinite(g));
  }
  const Tensor far = tensor({100.0, 0.0, 0.0, 100.0}, {2, 2});
  EXPECT_TRUE(has_values(
      info_nce_loss(
          far, far * -1, {},
          {.temperature = 1, .similarity = Similarity::dot, .reduction = Reduction::none}),
      {2}, {1e4, 1e4}));
}
TEST(InfoNceLoss, OfNothingAndOfOnePairIsZero) {
  EXPECT_EQ(info_nce_loss(zeros({0, 3}), zeros({0, 3})).item(), 0);
  EXPECT_EQ(info_nce_loss(zeros({0, 3}), zeros({0, 3}), ones({2, 3})).item(), 0);
  EXPECT_EQ(info_nce_loss(ones({1, 3}), ones({1, 3})).item(), 0);
}
TEST(InfoNceLoss, BrokenInput) {
  const Tensor a = ones({2, 3});
  EXPECT_ERROR(info_nce_loss(a, ones({2, 2})), ShapeError,
               "info_nce_loss: shapes differ: anchors is [2, 3], positives is [2, 2]");
  EXPECT_ERROR(info_nce_loss(ones({3}), ones({3})), ShapeError,
               "info_nce_loss: anchors are [3], [B, D] is needed");
  EXPECT_ERROR(info_nce_loss(a, a, ones({2, 2, 3})), ShapeError,
               "info_nce_loss: negatives are [2, 2, 3], [M, 3] is needed: flatten all axes but the "
               "last");
  EXPECT_ERROR(info_nce_loss(a, a, ones({2, 3}, DType::float64)), DTypeError,
               "info_nce_loss: dtypes differ: negatives are float64, positives float32: convert "
               "one with to()");
  for (const double t : {0.0, -1.0, infinity, not_a_number}) {
    EXPECT_THROW(info_nce_loss(a, a, {}, {.temperature = t}), ValueError);
  }
  EXPECT_ERROR(info_nce_loss(a, a, {}, {.temperature = 0}), ValueError,
               "info_nce_loss: temperature is 0, it must be finite and > 0");
  EXPECT_ERROR(info_nce_loss(a, a, a, {.symmetric = true}), ValueError,
               "info_nce_loss: symmetric, with hard negatives: they have no other direction");
  EXPECT_ERROR(info_nce_loss(tensor({{1}}), tensor({{1}})), DTypeError,
               "info_nce_loss: a tensor of dtype int64 where float32 or float64 is needed");
}

Tensor pair_loss(const Inputs& cut) { return info_nce_loss(cut[0], cut[1]); }

TEST(MatryoshkaLoss, KnownValues) {
  const Tensor a = random_leaf({3, 4}, 1), p = random_leaf({3, 4}, 2);
  const auto first = [](const Tensor& x, std::int64_t size) {
    std::vector<double> values;
    const std::vector<double> all = values_of(x);
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (static_cast<std::int64_t>(i % 4) < size) values.push_back(all[i]);
    }
    return tensor(values, {3, size});
  };
  const double whole = info_nce_loss(frozen(a), frozen(p)).item(),
               half = info_nce_loss(first(a, 2), first(p, 2)).item();
  EXPECT_NEAR(matryoshka_loss({a, p}, {4, 2}, pair_loss).item(), whole + half, 1e-14);
  EXPECT_NEAR(matryoshka_loss({a, p}, {4, 2}, pair_loss, {0.5, 3}).item(), whole / 2 + 3 * half,
              1e-14);
}
TEST(MatryoshkaLoss, Gradient) {
  EXPECT_TRUE(passes_gradcheck(
      [](const Inputs& in) {
        return matryoshka_loss(in, {5, 3, 1}, pair_loss, {1, 0.5, 2});
      },
      {random_leaf({3, 5}, 1), random_leaf({3, 5}, 2)}));
}
TEST(MatryoshkaLoss, BrokenInput) {
  const Tensor a = ones({2, 3});
  EXPECT_ERROR(matryoshka_loss({}, {2}, pair_loss), ValueError,
               "matryoshka_loss: there are no embeddings");
  EXPECT_ERROR(matryoshka_loss({a, a}, {}, pair_loss), ValueError,
               "matryoshka_loss: there are no dimensions");
  EXPECT_ERROR(matryoshka_loss({a, a}, {2}, {}), ValueError, "matryoshka_loss: the loss is empty");
  EXPECT_ERROR(matryoshka_loss({a, a}, {3, 2}, [](const Inputs&) { return Tensor(); }), ValueError,
               "matryoshka_loss: the loss of the first 3 elements is undefined");
  EXPECT_ERROR(matryoshka_loss({a, a}, {2, 1}, pair_loss, {1}), ValueError,
               "matryoshka_loss: 1 weights for 2 dimensions");
  for (const std::int64_t size : {0, 4}) {
    EXPECT_ERROR(matryoshka_loss({a, a}, {size}, pair_loss), ShapeError,
                 "matryoshka_loss: an embedding of shape [2, 3] has no first " +
                     std::to_string(size) + " elements");
  }
}

}  // namespace
}  // namespace gradus
