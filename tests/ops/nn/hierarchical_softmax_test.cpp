#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/hierarchical_softmax.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/framework/ops/shape.h>
#include <gradus/tests/support/op_cases.h>

#include <cmath>
#include <limits>
#include <queue>
#include <utility>

namespace gradus {
namespace {

using Ids = std::vector<std::int64_t>;

Ids path_of(const HuffmanTree& tree, std::int64_t label) {
  const auto path = tree.path(label);
  return {path.begin(), path.end()};
}
std::string code_of(const HuffmanTree& tree, std::int64_t label) {
  std::string code;
  for (const std::uint8_t bit : tree.code(label)) code += bit == 0 ? '0' : '1';
  return code;
}

// As fastText builds it: of equal counts, an inner node comes before a class.
TEST(HuffmanTree, HasThePathsAndCodesOfFastText) {
  const HuffmanTree tree(Ids{5, 3, 2, 1});
  EXPECT_EQ(tree.num_classes(), 4);
  EXPECT_EQ(tree.num_nodes(), 3);
  const std::vector<Ids> paths{{2}, {1, 2}, {0, 1, 2}, {0, 1, 2}};
  const std::vector<std::string> codes{"0", "11", "101", "001"};
  for (std::int64_t k = 0; k < 4; ++k) {
    EXPECT_EQ(path_of(tree, k), paths[static_cast<std::size_t>(k)]) << k;
    EXPECT_EQ(code_of(tree, k), codes[static_cast<std::size_t>(k)]) << k;
  }
}

TEST(HuffmanTree, TakesCountsInAnyOrder) {
  const HuffmanTree sorted(Ids{5, 3, 2, 1}), mixed(Ids{1, 5, 2, 3});
  const Ids place{3, 0, 2, 1};
  for (std::int64_t k = 0; k < 4; ++k) {
    const std::int64_t other = place[static_cast<std::size_t>(k)];
    EXPECT_EQ(path_of(mixed, k), path_of(sorted, other));
    EXPECT_EQ(code_of(mixed, k), code_of(sorted, other));
  }
}

TEST(HuffmanTree, IsTheShortestCode) {
  Ids counts;
  for (std::int64_t k = 0; k < 500; ++k) counts.push_back(k * 7919 % 1000);
  const HuffmanTree tree(counts);
  std::int64_t length = 0, best = 0;
  for (std::size_t k = 0; k < counts.size(); ++k) {
    length += counts[k] * static_cast<std::int64_t>(tree.path(static_cast<std::int64_t>(k)).size());
  }
  std::priority_queue<std::int64_t, Ids, std::greater<>> queue(counts.begin(), counts.end());
  while (queue.size() > 1) {  // the definition
    std::int64_t sum = queue.top();
    queue.pop();
    sum += queue.top();
    queue.pop();
    best += sum;
    queue.push(sum);
  }
  EXPECT_EQ(length, best);
}

TEST(HuffmanTree, BrokenInput) {
  EXPECT_ERROR(HuffmanTree(Ids{}), ValueError, "HuffmanTree: there are no counts");
  EXPECT_ERROR(HuffmanTree(Ids{1, -1}), ValueError,
               "HuffmanTree: the count -1 of class 1 is negative");
  const std::int64_t most = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(HuffmanTree(Ids{most - 2, 0, 1, 1}).num_classes(), 4);
  EXPECT_ERROR(HuffmanTree(Ids{most - 1, 1, 1, 1}), ValueError,
               "HuffmanTree: the sum of the first 3 counts is beyond int64: divide them all by the "
               "same number");
}

TEST(HuffmanTree, SaysThatItWasMovedFrom) {
  HuffmanTree tree(Ids{3, 2, 1});
  const HuffmanTree other = std::move(tree);
  EXPECT_EQ(other.num_classes(), 3);
  const Tensor x = zeros({1, 2}), weight = zeros({2, 2});
  // NOLINTBEGIN(bugprone-use-after-move)
  EXPECT_THROW(tree.num_nodes(), Error);
  EXPECT_THROW(tree.path(0), Error);
  EXPECT_THROW(tree.code(0), Error);
  EXPECT_THROW(hierarchical_softmax_loss(x, weight, tensor({0}), tree), Error);
  EXPECT_THROW(hierarchical_softmax_log_probabilities(x, weight, tree), Error);
  // NOLINTEND(bugprone-use-after-move)
}

const HuffmanTree& a_tree() {
  static const HuffmanTree tree(Ids{5, 3, 2, 1});
  return tree;
}
Tensor some_labels() { return tensor({3, 0, 1, 2, 0}); }

std::function<Tensor(const Inputs&)> apply(Reduction reduction, bool sparse) {
  return [=](const Inputs& in) {
    return hierarchical_softmax_loss(in[0], in[1], some_labels(), a_tree(),
                                     {.reduction = reduction, .sparse = sparse});
  };
}

const OpCases cases{
    OpCase{"hierarchical_softmax_loss", "the mean", leaves({{5, 3}, {3, 3}}),
           apply(Reduction::mean, false)},
    OpCase{"hierarchical_softmax_loss", "no reduction, sparse", leaves({{5, 3}, {3, 3}}),
           apply(Reduction::none, true)},
};

double logistic_loss(double score) { return std::log1p(std::exp(-score)); }

TEST(OpHierarchicalSoftmaxLoss, KnownValues) {
  const Tensor x = tensor({1.0, 2.0}, {1, 2});
  const Tensor weight = tensor({0.5, -1.0, 0.25, 0.5, -1.0, 1.0}, {3, 2});  // scores -1.5 1.25 1
  const auto loss = [&](std::int64_t label) {
    return hierarchical_softmax_loss(x, weight, tensor({label}), a_tree()).item();
  };
  EXPECT_NEAR(loss(0), logistic_loss(-1), 1e-15);
  EXPECT_NEAR(loss(1), logistic_loss(1.25) + logistic_loss(1), 1e-15);
  EXPECT_NEAR(loss(2), logistic_loss(-1.5) + logistic_loss(-1.25) + logistic_loss(1), 1e-15);
  EXPECT_NEAR(loss(3), logistic_loss(1.5) + logistic_loss(-1.25) + logistic_loss(1), 1e-15);
}

TEST(OpHierarchicalSoftmaxLoss, KnownValuesAreThoseOfADistribution) {
  Ids counts;
  for (std::int64_t k = 0; k < 40; ++k) counts.push_back(1 + k * 37 % 101);
  const HuffmanTree tree(counts);
  const Tensor x = frozen(random_leaf({3, 5}, 1)), weight = frozen(random_leaf({39, 5}, 2));
  const Tensor all = hierarchical_softmax_log_probabilities(x, weight, tree);
  EXPECT_TRUE(is_close(sum(exp(all), 1), {3}, {1, 1, 1}, 1e-13));
  for (std::int64_t k = 0; k < 40; ++k) {
    const Tensor loss = hierarchical_softmax_loss(x, weight, full({3}, k, DType::int64), tree,
                                                  {.reduction = Reduction::none});
    EXPECT_TRUE(is_close(-loss, {3}, values_of(select(all, 1, k)), 1e-13));
  }
}

TEST(OpHierarchicalSoftmaxLoss, KnownValuesOfReductions) {
  const Inputs in = leaves({{5, 3}, {3, 3}})();
  const Tensor each = apply(Reduction::none, false)(in);
  EXPECT_EQ(each.shape(), Shape{5});
  EXPECT_NEAR(apply(Reduction::sum, false)(in).item(), sum(each).item(), 1e-14);
  EXPECT_NEAR(apply(Reduction::mean, false)(in).item(), mean(each).item(), 1e-14);
}

TEST(OpHierarchicalSoftmaxLoss, KnownValuesAtTheEdges) {
  const HuffmanTree one(Ids{7});
  const Tensor x = zeros({2, 3}).set_trainable(true), none = zeros({0, 3}).set_trainable(true);
  const Tensor loss = hierarchical_softmax_loss(x, none, tensor({0, 0}), one);
  EXPECT_TRUE(has_values(loss, {}, {0}));
  loss.backward();
  EXPECT_EQ(gradient_of(x), std::vector<double>(6, 0));
  EXPECT_TRUE(has_values(hierarchical_softmax_log_probabilities(x.detach(), none.detach(), one),
                         {2, 1}, {0, 0}));
  const Tensor weight = ones({3, 3}).set_trainable(true);
  const Tensor empty_loss =
      hierarchical_softmax_loss(none, weight, zeros({0}, DType::int64), a_tree());
  EXPECT_TRUE(has_values(empty_loss, {}, {0}));
  empty_loss.backward();
  EXPECT_EQ(gradient_of(weight), std::vector<double>(9, 0));
  // Scores of 1e4.
  const Tensor large = full({1, 1}, 1e4, DType::float64);
  const auto of = [&](std::int64_t label) {
    return hierarchical_softmax_loss(large, ones({3, 1}, DType::float64), tensor({label}), a_tree())
        .item();
  };
  EXPECT_EQ(of(0), 1e4);
  EXPECT_EQ(of(1), 0);
}

// As long as log(1 + exp(-score)) is not lost in rounding.
TEST(OpHierarchicalSoftmaxLoss, KnownValuesKeepTheDigitsOfLargeScores) {
  const HuffmanTree tree(Ids{2, 1});
  const Tensor x = tensor({21.0}, {1, 1});
  const double sign = tree.code(0)[0] != 0 ? -1 : 1, loss = 21 + std::log1p(std::exp(-21.0));
  const Tensor weight = tensor({sign}, {1, 1});
  EXPECT_NEAR(hierarchical_softmax_loss(x, weight, tensor({0}), tree).item(), loss, 1e-13);
  EXPECT_NEAR(values_of(hierarchical_softmax_log_probabilities(x, weight, tree))[0], -loss, 1e-13);
}

TEST(OpHierarchicalSoftmaxLoss, Gradient) {
  for (const Reduction reduction : {Reduction::mean, Reduction::sum, Reduction::none}) {
    for (const bool sparse : {false, true}) {
      EXPECT_TRUE(passes_gradcheck(apply(reduction, sparse), leaves({{5, 3}, {3, 3}})()));
    }
  }
}

TEST(OpHierarchicalSoftmaxLoss, GradientIsSparseIfAskedFor) {
  const Inputs in = leaves({{1, 3}, {3, 3}})();
  hierarchical_softmax_loss(in[0], in[1], tensor({1}), a_tree(), {.sparse = true}).backward();
  ASSERT_TRUE(in[1].grad().is_sparse());
  EXPECT_TRUE(has_values(in[1].grad().sparse().coalesce().ids(), {2}, {1, 2}));
  const auto sparse = values_of(in[1].grad().to_dense());
  in[1].clear_grad();
  hierarchical_softmax_loss(in[0], in[1], tensor({1}), a_tree()).backward();
  EXPECT_EQ(values_of(in[1].grad().dense()), sparse);
}

TEST(OpHierarchicalSoftmaxLoss, BrokenInput) {
  const Tensor x = zeros({2, 3}), weight = zeros({3, 3}), labels = tensor({0, 1});
  EXPECT_ERROR(hierarchical_softmax_loss(x, zeros({4, 3}), labels, a_tree()), ShapeError,
               "hierarchical_softmax_loss: x is [2, 3], weight is [4, 3]: they must be [N, D] and "
               "[3, D] for a tree of 4 classes");
  EXPECT_THROW(hierarchical_softmax_loss(zeros({3}), weight, labels, a_tree()), ShapeError);
  EXPECT_ERROR(hierarchical_softmax_loss(x, weight, tensor({0}), a_tree()), ShapeError,
               "hierarchical_softmax_loss: x is [2, 3], labels are [1]: each row has one label");
  EXPECT_ERROR(hierarchical_softmax_loss(x, weight, tensor({0, 4}), a_tree()), IndexError,
               "hierarchical_softmax_loss: labels: index 4 at position [1] is outside [0, 4)");
  EXPECT_ERROR(hierarchical_softmax_loss(x, zeros({3, 3}, DType::float64), labels, a_tree()),
               DTypeError,
               "hierarchical_softmax_loss: dtypes differ: x is float32, weight is float64: convert "
               "one with to()");
  EXPECT_THROW(hierarchical_softmax_loss(x, weight, zeros({2}), a_tree()), DTypeError);
  EXPECT_ERROR(
      hierarchical_softmax_log_probabilities(x, weight.clone().set_trainable(true), a_tree()),
      AutogradError,
      "hierarchical_softmax_log_probabilities: no derivative, and an argument requires a "
      "gradient: detach() it or use a NoGradGuard");
}

}  // namespace
}  // namespace gradus
