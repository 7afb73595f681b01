// The dtype that the options of a layer name.
#include <gradus/framework/text/vocabulary.h>
#include <gradus/layers/adaptive_log_softmax.h>
#include <gradus/layers/attention.h>
#include <gradus/layers/batch_norm.h>
#include <gradus/layers/convolution.h>
#include <gradus/layers/crf.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/embedding_bag.h>
#include <gradus/layers/group_norm.h>
#include <gradus/layers/hierarchical_softmax.h>
#include <gradus/layers/instance_norm.h>
#include <gradus/layers/layer_norm.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/positions.h>
#include <gradus/layers/prelu.h>
#include <gradus/layers/quotient_remainder_embedding.h>
#include <gradus/layers/recurrent.h>
#include <gradus/layers/recurrent_cell.h>
#include <gradus/layers/subword_embedding.h>
#include <gradus/layers/transformer.h>
#include <gradus/tests/support/op_testing.h>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

namespace gradus {
namespace {

// One layer of each kind, made with a dtype, and what it gives for its input.
struct Layer {
  std::string name;
  Module module;
  std::function<Tensor()> output;
};

template <class L>
Layer layer(const std::string& name, const L& made, const Tensor& input) {
  return {name, made, [made, input] { return made(input); }};
}

template <class L>
Layer recurrent(const std::string& name, const L& made, const Tensor& input) {
  return {name, made, [made, input] { return made(input).output; }};
}

Vocabulary words() { return Vocabulary::from_words({"one", "two", "three"}); }

std::vector<Layer> layers_of(std::optional<DType> dtype) {
  const Tensor x = randn({2, 4}, dtype.value_or(DType::float32));
  const Tensor ids = tensor({{0, 2, 1}, {2, 2, 0}});
  const Tensor sequences = randn({2, 3, 4}, dtype.value_or(DType::float32));
  const LSTMCell cell(4, 3, {.dtype = dtype});
  const CRF crf(4, {.dtype = dtype});
  const AdaptiveLogSoftmaxWithLoss adaptive(4, 5, {2, 3}, {.div_value = 2, .dtype = dtype});
  const std::vector<std::int64_t> counts{3, 2, 1};
  const HierarchicalSoftmax hierarchical(4, counts, {.dtype = dtype});
  return {
      layer("Linear", Linear(4, 3, {.dtype = dtype}), x),
      layer("LayerNorm", LayerNorm(4, {.dtype = dtype}), x),
      layer("RMSNorm", RMSNorm(4, {.dtype = dtype}), x),
      layer("BatchNorm1d", BatchNorm1d(4, {.dtype = dtype}), x),
      layer("PReLU", PReLU(4, {.dtype = dtype}), x),
      layer("GroupNorm", GroupNorm(2, 4, {.dtype = dtype}), sequences),
      layer("InstanceNorm1d", InstanceNorm1d(4, {.affine = true, .dtype = dtype}), sequences),
      recurrent("RNN", RNN(4, 3, {.dtype = dtype}), sequences),
      recurrent("GRU", GRU(4, 3, {.dtype = dtype}), sequences),
      recurrent("LSTM", LSTM(4, 3, {.dtype = dtype}), sequences),
      layer("Conv1d", Conv1d(4, 3, 2, {.dtype = dtype}), sequences),
      layer("ConvTranspose1d", ConvTranspose1d(4, 3, 2, {.dtype = dtype}), sequences),
      layer("MultiheadAttention", MultiheadAttention(4, 2, {.dtype = dtype}), sequences),
      layer("TransformerEncoderLayer",
            TransformerEncoderLayer(4, 2, {.dim_feedforward = 3, .dropout = 0, .dtype = dtype}),
            sequences),
      layer("LearnedPositions", LearnedPositions(5, 4, {.dtype = dtype}), sequences),
      layer("RNNCell", RNNCell(4, 3, {.dtype = dtype}), x),
      layer("GRUCell", GRUCell(4, 3, {.dtype = dtype}), x),
      {"LSTMCell", cell, [cell, x] { return cell(x).h; }},
      {"AdaptiveLogSoftmaxWithLoss", adaptive,
       [adaptive, x] {
         return adaptive(x, tensor({1, 4})).output;
       }},
      {"HierarchicalSoftmax", hierarchical,
       [hierarchical, x] {
         return hierarchical(x, tensor({1, 2}));
       }},
      {"CRF", crf,
       [crf, sequences] {
         return crf(sequences, zeros({2, 3}, DType::int64));
       }},
      layer("Embedding", Embedding(3, 4, {.dtype = dtype}), ids),
      layer("EmbeddingBag", EmbeddingBag(3, 4, {.dtype = dtype}), ids),
      layer("QuotientRemainderEmbedding",
            QuotientRemainderEmbedding(9, 4, {.padding_idx = 1, .dtype = dtype}), ids),
      layer(
          "SubwordEmbedding",
          SubwordEmbedding(words(), 4, {.ngrams = {.buckets = 5}, .sparse = false, .dtype = dtype}),
          ids),
  };
}

TEST(LayerDType, IsThatOfAllParametersAndOfTheResult) {
  for (const std::optional<DType> dtype :
       {std::optional<DType>(), std::optional(DType::float32), std::optional(DType::float64)}) {
    for (const Layer& layer : layers_of(dtype)) {
      SCOPED_TRACE(layer.name);
      EXPECT_EQ(layer.output().dtype(), dtype.value_or(DType::float32));
      EXPECT_FALSE(layer.module.parameters().empty());
      for (const NamedParameter& p : layer.module.parameters()) {
        EXPECT_EQ(p.parameter.dtype(), dtype.value_or(DType::float32)) << p.path;
      }
    }
  }
}

TEST(LayerDType, Float64StartsFromAllDigitsAndHasRightGradients) {
  for (const Layer& layer : layers_of(DType::float64)) {
    SCOPED_TRACE(layer.name);
    const auto values = values_of(layer.module.parameters()[0].parameter);
    const bool fixed = layer.name.find("Norm") != std::string::npos || layer.name == "PReLU" ||
                       layer.name == "HierarchicalSoftmax";
    if (!fixed) {  // those start as ones, 0.25, or zeros
      EXPECT_TRUE(std::any_of(values.begin(), values.end(), [](double v) {
        return v != static_cast<double>(static_cast<float>(v));
      }));
    }
    const GradcheckResult result = gradcheck(layer.output, layer.module.parameters());
    EXPECT_TRUE(result) << result.message;
  }
}

TEST(LayerDType, IsThatOfAWeightThatIsThere) {
  const Tensor rows = zeros({3, 2}, DType::float64);
  EXPECT_EQ(Embedding::from_pretrained(rows).weight.dtype(), DType::float64);
  EXPECT_EQ(Embedding::from_pretrained(rows, true, {.dtype = DType::float64}).weight.dtype(),
            DType::float64);
  const Embedding table(3, 2, {.dtype = DType::float64});
  EXPECT_EQ(Linear(table.weight).bias.dtype(), DType::float64);
  EXPECT_EQ(Linear(table.weight, {.dtype = DType::float64}).bias.dtype(), DType::float64);
}

TEST(LayerDType, BrokenInputNamesWhatIsWrong) {
  const DType integer = DType::int64;
  const std::string rest = ": dtype is int64, it must be float32 or float64";
  EXPECT_ERROR(Linear(4, 3, {.dtype = integer}), DTypeError, "Linear" + rest);
  EXPECT_ERROR(Conv1d(4, 3, 2, {.dtype = integer}), DTypeError, "Conv1d" + rest);
  EXPECT_ERROR(ConvTranspose1d(4, 3, 2, {.dtype = integer}), DTypeError, "ConvTranspose1d" + rest);
  EXPECT_ERROR(CRF(4, {.dtype = integer}), DTypeError, "CRF" + rest);
  EXPECT_ERROR(AdaptiveLogSoftmaxWithLoss(16, 4, {2}, {.dtype = integer}), DTypeError,
               "Linear" + rest);
  EXPECT_ERROR(HierarchicalSoftmax(4, std::vector<std::int64_t>{1, 1}, {.dtype = integer}),
               DTypeError, "HierarchicalSoftmax" + rest);
  EXPECT_ERROR(LayerNorm(4, {.dtype = integer}), DTypeError, "LayerNorm" + rest);
  EXPECT_ERROR(RMSNorm(4, {.dtype = integer}), DTypeError, "RMSNorm" + rest);
  EXPECT_ERROR(BatchNorm1d(4, {.dtype = integer}), DTypeError, "BatchNorm1d" + rest);
  EXPECT_ERROR(PReLU(1, {.dtype = integer}), DTypeError, "PReLU" + rest);
  EXPECT_ERROR(GroupNorm(2, 4, {.dtype = integer}), DTypeError, "GroupNorm" + rest);
  EXPECT_ERROR(InstanceNorm1d(4, {.affine = true, .dtype = integer}), DTypeError,
               "InstanceNorm1d" + rest);
  EXPECT_ERROR(Embedding(3, 4, {.dtype = integer}), DTypeError, "Embedding" + rest);
  EXPECT_ERROR(EmbeddingBag(3, 4, {.dtype = integer}), DTypeError, "EmbeddingBag" + rest);
  EXPECT_ERROR(QuotientRemainderEmbedding(9, 4, {.dtype = integer}), DTypeError,
               "QuotientRemainderEmbedding" + rest);
  EXPECT_ERROR(SubwordEmbedding(words(), 4, {.dtype = integer}), DTypeError,
               "SubwordEmbedding" + rest);

  const Tensor rows = zeros({3, 2});
  const std::string other =
      ": dtype is float64, but the weight [3, 2] is float32: convert it with to(), or leave the "
      "option out";
  const DType wide = DType::float64;
  EXPECT_ERROR(Embedding::from_pretrained(rows, true, {.dtype = wide}), DTypeError,
               "Embedding" + other);
  EXPECT_ERROR(EmbeddingBag::from_pretrained(rows, true, {.dtype = wide}), DTypeError,
               "EmbeddingBag" + other);
  EXPECT_ERROR(Linear(Embedding(3, 2).weight, {.dtype = wide}), DTypeError, "Linear" + other);
  EXPECT_ERROR(SubwordEmbedding::from_pretrained(zeros({8, 2}), words(), true,
                                                 {.ngrams = {.buckets = 5}, .dtype = wide}),
               DTypeError,
               "SubwordEmbedding: dtype is float64, but the weight [8, 2] is float32: convert it "
               "with to(), or leave the option out");
}

}  // namespace
}  // namespace gradus
