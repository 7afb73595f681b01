#include <gradus/framework/core/autograd.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/reduce.h>
#include <gradus/layers/subword_embedding.h>
#include <gradus/tests/support/op_testing.h>

#include <cmath>
#include <string>
#include <vector>

namespace gradus {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

const std::vector<std::string> word_list{"<pad>", "<unk>", "cat", "a", "na\u00efve"};
const SubwordOptions small{.ngrams = {.minn = 3, .maxn = 4, .buckets = 50}};

Vocabulary vocabulary() { return Vocabulary::from_words(word_list); }

SubwordEmbedding table_of(std::int64_t width, SubwordOptions options = small) {
  Generator generator(3);
  const SubwordEmbedding table(vocabulary(), width, options, generator);
  table.to(DType::float64);
  return table;
}

// The sum or mean of rows of the weight.
std::vector<double> composed(const SubwordEmbedding& table, const std::vector<std::int64_t>& rows,
                             bool mean) {
  const auto width = static_cast<std::size_t>(table.embedding_dim());
  const std::vector<double> weight = values_of(table.weight);
  std::vector<double> sum(width, 0.0);
  for (const std::int64_t row : rows) {
    for (std::size_t i = 0; i < width; ++i)
      sum[i] += weight[static_cast<std::size_t>(row) * width + i];
  }
  if (mean && !rows.empty()) {
    for (double& x : sum) x /= static_cast<double>(rows.size());
  }
  return sum;
}

TEST(SubwordEmbedding, KnowsTheRowsOfAWord) {
  const SubwordEmbedding table = table_of(3);
  EXPECT_EQ(table.weight.shape(), (Shape{55, 3}));
  const auto bucket = [](const char* ngram) { return 5 + fasttext_hash(ngram) % 50; };
  EXPECT_THAT(table.rows("cat"), ElementsAre(2, bucket("<ca"), bucket("<cat"), bucket("cat"),
                                             bucket("cat>"), bucket("at>")));
  EXPECT_THAT(table.rows("a"), ElementsAre(3, bucket("<a>")));
  EXPECT_THAT(table.rows("at"), ElementsAre(bucket("<at"), bucket("<at>"), bucket("at>")));
  EXPECT_THAT(table.rows("<pad>"), IsEmpty());
  EXPECT_THAT(table.rows("<unk>"), ElementsAre(1));
}

TEST(SubwordEmbedding, ComposesWordsAndTheirNgrams) {
  for (const BagMode mode : {BagMode::mean, BagMode::sum}) {
    SubwordOptions options = small;
    options.mode = mode;
    const SubwordEmbedding table = table_of(3, options);
    const std::vector<std::string> words{"cat", "unseen", "<pad>", "na\u00efve", "<unk>"};
    const Tensor y = table(words);
    ASSERT_EQ(y.shape(), (Shape{5, 3}));
    const std::vector<double> values = values_of(y);
    for (std::size_t k = 0; k < words.size(); ++k) {
      const std::vector<double> expected =
          composed(table, table.rows(words[k]), mode == BagMode::mean);
      for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(values[k * 3 + i], expected[i], 1e-14);
    }
    EXPECT_EQ(values[2 * 3], 0);
    EXPECT_TRUE(is_close(
        table(tensor({2, 4, 0, 1}, {2, 2})), {2, 2, 3},
        values_of(table(std::vector<std::string>{"cat", "na\u00efve", "<pad>", "<unk>"})), 0));
  }
}

TEST(SubwordEmbedding, GivesAWordWithoutRowsZeros) {
  SubwordOptions options = small;
  options.ngrams = {.minn = 6, .maxn = 6, .buckets = 50};
  const SubwordEmbedding table = table_of(2, options);
  EXPECT_TRUE(has_values(table(std::vector<std::string>{"xy"}), {1, 2}, {0, 0}));
  EXPECT_EQ(table(std::vector<std::string>()).shape(), (Shape{0, 2}));
  EXPECT_EQ(table(zeros({0, 3}, DType::int64)).shape(), (Shape{0, 3, 2}));
  options.ngrams = {.minn = 0, .maxn = 0, .buckets = 1};  // words alone
  EXPECT_THAT(table_of(2, options).rows("cat"), ElementsAre(2));
}

TEST(SubwordEmbedding, PassesGradientsToTheRowsOfItsWords) {
  for (const bool sparse : {false, true}) {
    SubwordOptions options = small;
    options.sparse = sparse;
    const SubwordEmbedding table = table_of(2, options);
    const Tensor ids = tensor({2, 2, 0, 3});
    sum(table(ids)).backward();
    EXPECT_EQ(table.weight.grad().is_sparse(), sparse);
    std::vector<double> expected(110, 0.0);
    for (const char* word : {"cat", "cat", "a"}) {
      const std::vector<std::int64_t> rows = table.rows(word);
      for (const std::int64_t row : rows) {
        for (std::int64_t i = 0; i < 2; ++i) {
          expected[static_cast<std::size_t>(2 * row + i)] += 1 / static_cast<double>(rows.size());
        }
      }
    }
    EXPECT_TRUE(is_close(table.weight.grad().to_dense(), {55, 2}, expected, 1e-15));
    table.zero_grad();
    EXPECT_TRUE(passes_gradcheck([&](const std::vector<Tensor>&) { return tanh(table(ids)); },
                                 {table.weight}));
  }
}

TEST(SubwordEmbedding, StartsAsFasttext) {
  Generator generator(3);
  const SubwordEmbedding table(vocabulary(), 4, {.ngrams = {.buckets = 20000}}, generator);
  EXPECT_EQ(table.weight.shape(), (Shape{20005, 4}));
  double most = 0, squares = 0;
  for (const double x : values_of(table.weight)) {
    most = std::max(most, std::abs(x));
    squares += x * x;
  }
  EXPECT_LE(most, 0.25);
  EXPECT_GT(most, 0.2499);
  EXPECT_NEAR(squares / (20005 * 4), 0.25 * 0.25 / 3, 1e-3);
  EXPECT_EQ(table.str(),
            "SubwordEmbedding(5, 4, minn=3, maxn=6, buckets=20000, mode=mean, sparse=true)");
}

TEST(SubwordEmbedding, TakesRowsOfAModel) {
  const Tensor rows = rand({55, 2}, 0, 1, DType::float64);
  const SubwordEmbedding table = SubwordEmbedding::from_pretrained(rows, vocabulary(), true, small);
  EXPECT_FALSE(table.weight.trainable());
  EXPECT_FALSE(table(tensor({2})).requires_grad());
  EXPECT_EQ(values_of(table(tensor({3}))), composed(table, table.rows("a"), true));
  EXPECT_ERROR(SubwordEmbedding::from_pretrained(zeros({54, 2}), vocabulary(), true, small),
               ShapeError,
               "SubwordEmbedding: weight is [54, 2], [55, columns] is needed, words and buckets");
  EXPECT_ERROR(
      SubwordEmbedding::from_pretrained(zeros({55, 2}, DType::int64), vocabulary(), true, small),
      DTypeError,
      "SubwordEmbedding: weight is int64, it must be a float type: convert it with "
      "to(DType::float32)");
}

TEST(SubwordEmbedding, SaysWhatIsWrong) {
  const SubwordEmbedding table = table_of(2);
  EXPECT_ERROR(table(tensor({4, 5})), IndexError,
               "SubwordEmbedding: index 5 at position [1] is outside [0, 5)");
  EXPECT_THROW(table(tensor({1.0})), DTypeError);
  SubwordOptions options = small;
  options.mode = BagMode::max;
  EXPECT_ERROR(table_of(2, options), ValueError,
               "SubwordEmbedding: mode is max, it must be mean or sum");
  EXPECT_ERROR(table_of(-2), ValueError,
               "SubwordEmbedding: embedding_dim is -2: it cannot be negative");
  EXPECT_THROW(table_of(2, {.ngrams = {.buckets = 0}}), ValueError);
}

}  // namespace
}  // namespace gradus
