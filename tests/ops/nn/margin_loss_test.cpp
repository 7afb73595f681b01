#include <gradus/framework/ops/nn/margin_loss.h>
#include <gradus/tests/support/op_cases.h>

#include <algorithm>

namespace gradus {
namespace {

Tensor label_rows() { return tensor<std::int64_t>({2, 0, -1, 9, 1, -1, 0, 0, 3, 1, 0, 2}, {3, 4}); }

const OpCases cases{
    OpCase{"multi_margin_loss", "weights",
           leaves_and({{3, 4}},
                      [] {
                        return Inputs{tensor({1, 0, 3}), tensor({0.5, 2.0, 1.0, 3.0})};
                      }),
           [](const Inputs& in) {
             return multi_margin_loss(in[0], in[1], {.p = 2, .weight = in[2]});
           }},
    OpCase{"multi_margin_loss", "without reduction",
           leaves_and({{3, 4}},
                      [] {
                        return Inputs{tensor({1, 0, 3})};
                      }),
           [](const Inputs& in) {
             return multi_margin_loss(in[0], in[1], {.reduction = Reduction::none});
           }},
    OpCase{"multilabel_margin_loss", "mean",
           leaves_and({{3, 4}}, [] { return Inputs{label_rows()}; }),
           [](const Inputs& in) { return multilabel_margin_loss(in[0], in[1]); }},
    OpCase{"multilabel_margin_loss", "without reduction",
           leaves_and({{3, 4}}, [] { return Inputs{label_rows()}; }),
           [](const Inputs& in) { return multilabel_margin_loss(in[0], in[1], Reduction::none); }},
};

const Reduction reductions[] = {Reduction::mean, Reduction::sum, Reduction::none};

/// Each reduction of losses of that shape.
void check_known(const std::function<Tensor(Reduction)>& loss, const Shape& shape,
                 const std::vector<double>& expected) {
  double total = 0;
  for (const double value : expected) total += value;
  EXPECT_TRUE(is_close(loss(Reduction::none), shape, expected, 1e-14));
  EXPECT_TRUE(is_close(loss(Reduction::sum), {}, {total}, 1e-14));
  EXPECT_TRUE(
      is_close(loss(Reduction::mean), {}, {total / static_cast<double>(expected.size())}, 1e-14));
}

TEST(HingeEmbeddingLoss, KnownValues) {
  const Tensor x = tensor({0.5, 2.0, 0.25, 1.0});
  for (const Tensor& y : {tensor({1, -1, -1, 1}), tensor({1.0, -1.0, -1.0, 1.0})}) {
    check_known([&](Reduction r) { return hinge_embedding_loss(x, y, {.reduction = r}); }, {4},
                {0.5, 0, 0.75, 1});
    check_known(
        [&](Reduction r) { return hinge_embedding_loss(x, y, {.margin = 3, .reduction = r}); }, {4},
        {0.5, 1, 2.75, 1});
  }
}
TEST(HingeEmbeddingLoss, GradientOfEveryReduction) {
  for (const Reduction reduction : reductions) {
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) {
          return hinge_embedding_loss(in[0], in[1], {.margin = 0.5, .reduction = reduction});
        },
        {random_leaf({2, 3}), tensor({1, -1, -1, 1, 1, -1}, {2, 3})}));
  }
  const Tensor x = leaf({1, 2}, {2});  // at the kink and past it
  hinge_embedding_loss(x, tensor({-1, -1})).backward();
  EXPECT_TRUE(has_values(x.grad().dense(), {2}, {0, 0}));
}
TEST(HingeEmbeddingLoss, BrokenInput) {
  const Tensor x = ones({2});
  EXPECT_EQ(hinge_embedding_loss(zeros({0}), zeros({0})).item(), 0);
  EXPECT_TRUE(std::isnan(hinge_embedding_loss(tensor({not_a_number}), tensor({-1})).item()));
  EXPECT_ERROR(hinge_embedding_loss(x, tensor({1, 0})), ValueError,
               "hinge_embedding_loss: y is 0 at position [1]: it must be 1 or -1");
  EXPECT_ERROR(hinge_embedding_loss(x, tensor({1.0, not_a_number}).to(DType::float32)), ValueError,
               "hinge_embedding_loss: y is nan at position [1]: it must be 1 or -1");
  EXPECT_ERROR(hinge_embedding_loss(x, tensor({1.0, 1.0})), DTypeError,
               "hinge_embedding_loss: y is float64, int64 or float32 is needed: convert it with "
               "to()");
  EXPECT_ERROR(hinge_embedding_loss(x, tensor({1})), ShapeError,
               "hinge_embedding_loss: y is [1], [2] is needed: one label for each loss");
  EXPECT_ERROR(hinge_embedding_loss(tensor({1}), tensor({1})), DTypeError,
               "hinge_embedding_loss: a tensor of dtype int64 where float32 or float64 is needed");
  EXPECT_ERROR(hinge_embedding_loss(x, ones({2}), {.margin = not_a_number}), ValueError,
               "hinge_embedding_loss: margin is nan, it must be finite");
}

TEST(MarginRankingLoss, KnownValues) {
  const Tensor a = tensor({1.0, 2.0, 3.0}), b = tensor({2.0, 1.0, 2.5}), y = tensor({1, 1, -1});
  check_known([&](Reduction r) { return margin_ranking_loss(a, b, y, {.reduction = r}); }, {3},
              {1, 0, 0.5});
  check_known(
      [&](Reduction r) { return margin_ranking_loss(a, b, y, {.margin = 1.5, .reduction = r}); },
      {3}, {2.5, 0.5, 2});
}
TEST(MarginRankingLoss, GradientOfEveryReduction) {
  for (const Reduction reduction : reductions) {
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) {
          return margin_ranking_loss(in[0], in[1], in[2], {.margin = 0.5, .reduction = reduction});
        },
        {random_leaf({4}, 1), random_leaf({4}, 2), tensor({1, -1, -1, 1})}));
  }
}
TEST(MarginRankingLoss, BrokenInput) {
  const Tensor a = ones({2}), y = tensor({1, -1});
  EXPECT_ERROR(margin_ranking_loss(a, ones({3}), y), ShapeError,
               "margin_ranking_loss: shapes differ: a is [2], b is [3]");
  EXPECT_ERROR(margin_ranking_loss(a, a, tensor({2, 1})), ValueError,
               "margin_ranking_loss: y is 2 at position [0]: it must be 1 or -1");
  EXPECT_ERROR(margin_ranking_loss(a, a, y, {.margin = infinity}), ValueError,
               "margin_ranking_loss: margin is inf, it must be finite");
}

TEST(CosineEmbeddingLoss, KnownValues) {
  const Tensor a = tensor({3.0, 4.0, 1.0, 0.0, 0.0, 0.0}, {3, 2});
  const Tensor b = tensor({4.0, 3.0, 1.0, 1.0, 1.0, 2.0}, {3, 2});
  const double half = std::sqrt(0.5);
  check_known(
      [&](Reduction r) {
        return cosine_embedding_loss(a, b, tensor({1, -1, 1}), {.margin = 0.25, .reduction = r});
      },
      {3}, {0.04, half - 0.25, 1});
}
TEST(CosineEmbeddingLoss, GradientOfEveryReduction) {
  for (const Reduction reduction : reductions) {
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) {
          return cosine_embedding_loss(in[0], in[1], in[2],
                                       {.margin = -0.5, .reduction = reduction});
        },
        {random_leaf({2, 2, 3}, 1), random_leaf({2, 2, 3}, 2), tensor({1, -1, -1, 1}, {2, 2})}));
  }
}
TEST(CosineEmbeddingLoss, BrokenInput) {
  const Tensor a = ones({2, 3}), y = tensor({1, -1});
  EXPECT_ERROR(cosine_embedding_loss(a, a, tensor({1})), ShapeError,
               "cosine_embedding_loss: y is [1], [2] is needed: one label for each loss");
  EXPECT_ERROR(cosine_embedding_loss(scalar(1.0f), scalar(1.0f), scalar(1)), ShapeError,
               "cosine_embedding_loss: a has no axis: [..., D] is needed");
  EXPECT_ERROR(cosine_embedding_loss(a, a, y, {.margin = 1.5}), ValueError,
               "cosine_embedding_loss: margin is 1.5, it must be in [-1, 1]");
}

TEST(SoftMarginLoss, KnownValues) {
  const Tensor x = tensor({0.0, 2.0, -1.0}), y = tensor({1, -1, 1});
  check_known([&](Reduction r) { return soft_margin_loss(x, y, r); }, {3},
              {std::log(2.0), std::log1p(std::exp(2.0)), std::log1p(std::exp(1.0))});
  EXPECT_TRUE(has_values(soft_margin_loss(tensor({1e4, -1e4}), tensor({1, 1}), Reduction::none),
                         {2}, {0, 1e4}));
}
TEST(SoftMarginLoss, GradientOfEveryReduction) {
  for (const Reduction reduction : reductions) {
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) { return soft_margin_loss(in[0], in[1], reduction); },
        {random_leaf({4}), tensor({1, -1, -1, 1})}));
  }
}
TEST(SoftMarginLoss, BrokenInput) {
  EXPECT_ERROR(soft_margin_loss(ones({2}), tensor({0, 1})), ValueError,
               "soft_margin_loss: y is 0 at position [0]: it must be 1 or -1");
  EXPECT_ERROR(soft_margin_loss(tensor({1}), tensor({1})), DTypeError,
               "soft_margin_loss: a tensor of dtype int64 where float32 or float64 is needed");
}

TEST(TripletMarginLoss, KnownValues) {
  const Tensor a = zeros({3, 2}, DType::float64);
  const Tensor p = tensor({3.0, 4.0, 0.0, 1.0, 1.0, 0.0}, {3, 2});
  const Tensor n = tensor({0.0, 5.5, 0.0, 9.0, 1.5, 0.0}, {3, 2});
  const TripletMarginOptions base{.eps = 0};
  const auto loss = [&](TripletMarginOptions options, Reduction r) {
    options.reduction = r;
    return triplet_margin_loss(a, p, n, options);
  };
  check_known([&](Reduction r) { return loss(base, r); }, {3}, {0.5, 0, 0.5});
  check_known([&](Reduction r) { return loss({.margin = 2, .p = 1, .eps = 0}, r); }, {3},
              {3.5, 0, 1.5});
  check_known([&](Reduction r) { return loss({.eps = 0, .swap = true}, r); }, {3},
              {6 - std::hypot(3, 1.5), 0, 1.5});
}
TEST(TripletMarginLoss, GradientOfEveryOption) {
  for (const Reduction reduction : reductions) {
    for (const double p : {1.0, 2.0, 3.0}) {
      for (const bool swap : {false, true}) {
        EXPECT_TRUE(passes_gradcheck(
            [=](const Inputs& in) {
              return triplet_margin_loss(
                  in[0], in[1], in[2],
                  {.margin = 1.5, .p = p, .swap = swap, .reduction = reduction});
            },
            {random_leaf({4, 3}, 1), random_leaf({4, 3}, 2), random_leaf({4, 3}, 3)}));
      }
    }
  }
}
TEST(TripletMarginLoss, BrokenInput) {
  const Tensor a = ones({2, 3});
  EXPECT_EQ(triplet_margin_loss(zeros({0, 3}), zeros({0, 3}), zeros({0, 3})).item(), 0);
  EXPECT_ERROR(triplet_margin_loss(a, ones({3}), a), ShapeError,
               "triplet_margin_loss: shapes differ: anchor is [2, 3], positive is [3]");
  EXPECT_ERROR(triplet_margin_loss(a, a, ones({2, 2})), ShapeError,
               "triplet_margin_loss: shapes differ: anchor is [2, 3], negative is [2, 2]");
  EXPECT_ERROR(triplet_margin_loss(a, a, a, {.margin = infinity}), ValueError,
               "triplet_margin_loss: margin is inf, it must be finite");
}

TEST(OpMultiMarginLoss, KnownValues) {
  const Tensor x = tensor({0.5, 1.0, 0.0, 2.0, 0.0, 1.75}, {2, 3}), labels = tensor({0, 2});
  check_known([&](Reduction r) { return multi_margin_loss(x, labels, {.reduction = r}); }, {2},
              {(1.5 + 0.5) / 3, 1.25 / 3});
  check_known(
      [&](Reduction r) {
        return multi_margin_loss(
            x, labels, {.p = 2, .margin = 2, .weight = tensor({2.0, 1.0, 0.5}), .reduction = r});
      },
      {2}, {2 * (6.25 + 2.25) / 3, 0.5 * (5.0625 + 0.0625) / 3});
  EXPECT_EQ(multi_margin_loss(tensor({3.0}), scalar(0)).item(), 0);  // one class
}
TEST(OpMultiMarginLoss, GradientOfEveryOption) {
  for (const Reduction reduction : reductions) {
    for (const int p : {1, 2}) {
      for (const Tensor& weight : {Tensor(), tensor({0.5, 2.0, 0.0, 1.0})}) {
        EXPECT_TRUE(passes_gradcheck(
            [=](const Inputs& in) {
              return multi_margin_loss(
                  in[0], in[1], {.p = p, .margin = 1.5, .weight = weight, .reduction = reduction});
            },
            {random_leaf({2, 3, 4}), tensor({1, 0, 3, 2, 2, 1}, {2, 3})}));
      }
    }
  }
  const Tensor x = leaf({2, 1}, {2});  // the margin is just kept
  multi_margin_loss(x, scalar(0)).backward();
  EXPECT_TRUE(has_values(x.grad().dense(), {2}, {0, 0}));
}
TEST(OpMultiMarginLoss, NanGivesNanAndNothingGivesZero) {
  const Tensor x = leaf({not_a_number, 1, 0, 5}, {2, 2});
  const Tensor loss = multi_margin_loss(x, tensor({1, 1}), {.reduction = Reduction::none});
  EXPECT_TRUE(has_values(loss, {2}, {not_a_number, 0}));
  loss.backward(ones({2}, DType::float64));
  EXPECT_TRUE(has_values(x.grad().dense(), {2, 2}, {not_a_number, not_a_number, 0, 0}));
  EXPECT_EQ(multi_margin_loss(zeros({0, 3}), zeros({0}, DType::int64)).item(), 0);
}
TEST(OpMultiMarginLoss, BrokenInput) {
  const Tensor x = zeros({2, 3});
  for (const Reduction reduction : reductions) {
    EXPECT_ERROR(multi_margin_loss(x, tensor({0, 3}), {.reduction = reduction}), IndexError,
                 "multi_margin_loss: label 3 at position [1] is outside [0, 3)");
    EXPECT_ERROR(multi_margin_loss(x, tensor({-100, 0}), {.reduction = reduction}), IndexError,
                 "multi_margin_loss: label -100 at position [0] is outside [0, 3)");
  }
  EXPECT_ERROR(multi_margin_loss(x, tensor({0, 1}), {.p = 3}), ValueError,
               "multi_margin_loss: p is 3, it must be 1 or 2");
  EXPECT_ERROR(multi_margin_loss(x, tensor({0, 1}), {.weight = ones({2})}), ShapeError,
               "multi_margin_loss: the weight of the classes is [2], there are 3 classes");
  EXPECT_ERROR(multi_margin_loss(x, tensor({0.0f, 1.0f})), DTypeError,
               "multi_margin_loss: labels are float32, int64 is needed: convert them with "
               "to(DType::int64)");
}

TEST(OpMultilabelMarginLoss, KnownValues) {
  // PyTorch's example: labels 3 and 0, the id after -1 does not count.
  const Tensor x = tensor({0.1, 0.2, 0.4, 0.8}, {1, 4});
  const Tensor labels = tensor({3, 0, -1, 1}, {1, 4});
  EXPECT_TRUE(is_close(multilabel_margin_loss(x, labels), {}, {0.85}, 1e-15));
  const Tensor three = frozen(random_leaf({3, 4}));
  const std::vector<double> v = values_of(three);
  const std::vector<std::vector<std::size_t>> sets{{2, 0}, {1}, {3, 1, 0, 2}};
  std::vector<double> expected;
  for (std::size_t r = 0; r < 3; ++r) {
    double total = 0;
    for (const std::size_t j : sets[r]) {
      for (std::size_t c = 0; c < 4; ++c) {
        if (std::find(sets[r].begin(), sets[r].end(), c) != sets[r].end()) continue;
        total += std::max(0.0, 1 - v[4 * r + j] + v[4 * r + c]);
      }
    }
    expected.push_back(total / 4);
  }
  check_known([&](Reduction r) { return multilabel_margin_loss(three, label_rows(), r); }, {3},
              expected);
}
TEST(OpMultilabelMarginLoss, GradientOfEveryReduction) {
  for (const Reduction reduction : reductions) {
    EXPECT_TRUE(passes_gradcheck(
        [=](const Inputs& in) { return multilabel_margin_loss(in[0], in[1], reduction); },
        {random_leaf({3, 4}), label_rows()}));
  }
}
TEST(OpMultilabelMarginLoss, NanGivesNanAndNoLabelsGiveZero) {
  const Tensor x = leaf({not_a_number, 1, 0, 5}, {2, 2});
  const Tensor loss = multilabel_margin_loss(x, tensor({1, -1, -1, 0}, {2, 2}), Reduction::none);
  EXPECT_TRUE(has_values(loss, {2}, {not_a_number, 0}));
  loss.backward(ones({2}, DType::float64));
  EXPECT_TRUE(has_values(x.grad().dense(), {2, 2}, {not_a_number, not_a_number, 0, 0}));
  EXPECT_EQ(multilabel_margin_loss(zeros({0, 3}), zeros({0, 3}, DType::int64)).item(), 0);
}
TEST(OpMultilabelMarginLoss, BrokenInput) {
  const Tensor x = zeros({2, 3});
  for (const Reduction reduction : reductions) {
    EXPECT_ERROR(multilabel_margin_loss(x, tensor({0, -1, 7, 2, 3, -1}, {2, 3}), reduction),
                 IndexError,
                 "multilabel_margin_loss: label 3 at position [1, 1] is outside [-1, 3)");
    EXPECT_ERROR(multilabel_margin_loss(x, tensor({0, -2, -1, 2, 1, -1}, {2, 3}), reduction),
                 IndexError,
                 "multilabel_margin_loss: label -2 at position [0, 1] is outside [-1, 3)");
  }
  EXPECT_ERROR(multilabel_margin_loss(x, tensor({0, 1})), ShapeError,
               "multilabel_margin_loss: x is [2, 3], labels are [2]: they must have one shape, "
               "with the ids of a row followed by -1");
  EXPECT_ERROR(multilabel_margin_loss(x, x), DTypeError,
               "multilabel_margin_loss: labels are float32, int64 is needed: convert them with "
               "to(DType::int64)");
}

TEST(MultilabelSoftMarginLoss, KnownValues) {
  const Tensor x = tensor({0.0, 2.0, -1.0, 1.0}, {2, 2});
  const Tensor target = tensor({1.0, 0.0, 1.0, 1.0}, {2, 2}), w = tensor({2.0, 0.5});
  const auto softplus = [](double v) { return std::log1p(std::exp(v)); };
  check_known([&](Reduction r) { return multilabel_soft_margin_loss(x, target, {.reduction = r}); },
              {2}, {(softplus(0) + softplus(2)) / 2, (softplus(1) + softplus(-1)) / 2});
  check_known(
      [&](Reduction r) {
        return multilabel_soft_margin_loss(x, target, {.weight = w, .reduction = r});
      },
      {2}, {softplus(0) + softplus(2) / 4, softplus(1) + softplus(-1) / 4});
}
TEST(MultilabelSoftMarginLoss, GradientOfEveryOption) {
  for (const Reduction reduction : reductions) {
    for (const Tensor& weight : {Tensor(), tensor({0.5, 2.0, 0.0})}) {
      EXPECT_TRUE(passes_gradcheck(
          [=](const Inputs& in) {
            return multilabel_soft_margin_loss(in[0], in[1],
                                               {.weight = weight, .reduction = reduction});
          },
          {random_leaf({2, 3}, 1), random_leaf({2, 3}, 2, 0, 1)}));
    }
  }
}
TEST(MultilabelSoftMarginLoss, BrokenInput) {
  const Tensor x = ones({2, 3});
  EXPECT_EQ(multilabel_soft_margin_loss(zeros({0, 3}), zeros({0, 3})).item(), 0);
  EXPECT_EQ(multilabel_soft_margin_loss(zeros({2, 0}), zeros({2, 0})).item(), 0);
  EXPECT_ERROR(multilabel_soft_margin_loss(x, ones({2})), ShapeError,
               "multilabel_soft_margin_loss: shapes differ: x is [2, 3], target is [2]");
  EXPECT_ERROR(multilabel_soft_margin_loss(x, x, {.weight = ones({2})}), ShapeError,
               "multilabel_soft_margin_loss: the weight of the classes is [2], there are 3 "
               "classes");
}

}  // namespace
}  // namespace gradus
