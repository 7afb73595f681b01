// Layers that were moved from throw an Error, as a Tensor does, or still work; none crashes.
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/grad_mode.h>
#include <gradus/framework/data/negative_sampler.h>
#include <gradus/framework/ops/elementwise.h>
#include <gradus/framework/ops/nn/sampled_loss.h>
#include <gradus/layers/adaptive_log_softmax.h>
#include <gradus/layers/attention.h>
#include <gradus/layers/batch_norm.h>
#include <gradus/layers/convolution.h>
#include <gradus/layers/crf.h>
#include <gradus/layers/dropout.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/embedding_bag.h>
#include <gradus/layers/group_norm.h>
#include <gradus/layers/hierarchical_softmax.h>
#include <gradus/layers/identity.h>
#include <gradus/layers/instance_norm.h>
#include <gradus/layers/layer_norm.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/pooling.h>
#include <gradus/layers/positions.h>
#include <gradus/layers/prelu.h>
#include <gradus/layers/quotient_remainder_embedding.h>
#include <gradus/layers/recurrent.h>
#include <gradus/layers/recurrent_cell.h>
#include <gradus/layers/sequential.h>
#include <gradus/layers/skip_gram.h>
#include <gradus/layers/subword_embedding.h>
#include <gradus/layers/transformer.h>
#include <gradus/layers/weight_norm.h>
#include <gradus/tests/support/message_of.h>
#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace gradus {
namespace {

template <class F>
void works_or_throws(F f) {
  try {
    f();
  } catch (const Error&) {
    SUCCEED();
  }
}

// Moves a layer away, and calls it all the same.
template <class Layer, class F>
void check(Layer layer, F call) {
  const Layer moved = std::move(layer);
  EXPECT_NO_THROW(call(moved));
  // NOLINTBEGIN(bugprone-use-after-move): what is tested
  EXPECT_THROW((void)layer.parameters(), Error);
  EXPECT_THROW((void)layer.state_dict(), Error);
  EXPECT_THROW(layer.eval(), Error);
  EXPECT_THROW((void)layer.str(), Error);
  works_or_throws([&] { call(layer); });
  // NOLINTEND(bugprone-use-after-move)
}

TEST(MovedFrom, NoLayerCrashes) {
  const Tensor x = ones({2, 3}), ids = tensor({0, 1}), bags = tensor({0, 1, 1, 0}, {2, 2});
  const auto of_values = [&](const auto& layer) { (void)layer(x); };
  const auto of_ids = [&](const auto& layer) { (void)layer(ids); };
  const Vocabulary words = Vocabulary::from_words({"of", "the", "sea"});
  check(Linear(3, 2), of_values);
  check(LayerNorm({3}), of_values);
  check(RMSNorm({3}), of_values);
  check(BatchNorm1d(3), of_values);
  check(GroupNorm(1, 3), of_values);
  check(WeightNorm(Linear(3, 2)), of_values);
  check(PReLU(3), of_values);
  check(Identity(), of_values);
  check(Flatten(), of_values);
  check(Unflatten(1, {3, 1}), of_values);
  check(Dropout(0.5), of_values);
  check(LockedDropout(0.5), of_values);
  check(Dropout1d(0.5), of_values);
  check(EmbeddingDropout(0.5),
        [&](const EmbeddingDropout& layer) { (void)layer(Embedding(4, 3), ids); });
  const auto of_sequences = [&](const auto& layer) { (void)layer(ones({2, 4, 3})); };
  check(InstanceNorm1d(3), of_sequences);
  check(RNN(3, 2), of_sequences);
  check(GRU(3, 2), of_sequences);
  check(LSTM(3, 2), of_sequences);
  check(LSTM(3, 2), [](const LSTM& layer) { (void)layer.weights(0); });
  check(Conv1d(3, 2, 2), of_sequences);
  check(Conv1d(3, 2, 2), [](const Conv1d& layer) {
    (void)layer.relu_max(ones({2, 4, 3}));
    (void)layer.output_lengths(tensor({1}));
    (void)(layer.in_channels() + layer.out_channels() + layer.kernel_size());
  });
  check(ConvTranspose1d(3, 2, 2), of_sequences);
  check(MaxPool1d(2), of_sequences);
  check(AvgPool1d(2), of_sequences);
  check(AdaptiveMaxPool1d(2), of_sequences);
  check(AdaptiveAvgPool1d(2), of_sequences);
  check(MultiheadAttention(3, 1), of_sequences);
  check(MultiheadAttention(3, 1), [](const MultiheadAttention& layer) {
    (void)layer.weights(ones({2, 4, 3}));
    KeyValueCache cache;
    const NoGradGuard no_grad;
    layer.append(cache, ones({2, 4, 3}), ones({2, 4, 3}));
  });
  const auto of_pairs = [&](const auto& layer) { (void)layer(ones({2, 4, 3}), ones({2, 5, 3})); };
  const auto encoder = [](std::int64_t) { return TransformerEncoderLayer(3, 1); };
  const auto decoder = [](std::int64_t) { return TransformerDecoderLayer(3, 1); };
  check(encoder(0), of_sequences);
  check(decoder(0), of_pairs);
  check(TransformerEncoder(2, encoder, LayerNorm(3)), of_sequences);
  check(TransformerDecoder(2, decoder, LayerNorm(3)), of_pairs);
  check(Transformer(3, 1, {.num_encoder_layers = 1, .num_decoder_layers = 1}), of_pairs);
  check(LearnedPositions(4, 3), of_sequences);
  check(SinusoidalPositions(4, 4), [](const SinusoidalPositions& layer) {
    (void)layer(ones({2, 4, 4}));
  });
  check(RNNCell(3, 2), of_values);
  check(GRUCell(3, 2), of_values);
  check(LSTMCell(3, 2), of_values);
  const std::vector<std::int64_t> counts{3, 2, 1};
  const auto classify = [&](const auto& layer) { (void)layer(x, ids); };
  check(HierarchicalSoftmax(3, counts), classify);
  check(AdaptiveLogSoftmaxWithLoss(3, 4, {2}, {.div_value = 1}), classify);
  check(CRF(3), [](const CRF& layer) { (void)layer.decode(ones({2, 4, 3})); });
  check(Sequential(Linear(3, 2), [](const Tensor& y) { return tanh(y); }), of_values);
  check(Embedding(4, 3), of_ids);
  check(Embedding(4, 3), [](const Embedding& layer) {
    (void)layer.row(0);
    layer.set_row(0, ones({3}));
    layer.resize(5);
  });
  check(EmbeddingBag(4, 3), [&](const EmbeddingBag& layer) { (void)layer(bags); });
  check(QuotientRemainderEmbedding(100, 4), of_ids);
  check(SubwordEmbedding(words, 4), of_ids);
}

TEST(Undefined, LayersNameTheArgument) {
  const Tensor none, ids = tensor({0, 1}), negatives = tensor({2, 3}, {2, 1});
  const Embedding in(4, 3), out(4, 3);
  const SubwordEmbedding subwords(Vocabulary::from_words({"of", "the"}), 4);
  const auto says = [](const std::function<void()>& use, const std::string& what) {
    EXPECT_EQ(message_of<Error>(use),
              what + " is an undefined tensor (default-constructed or moved from)");
  };
  says([&] { Linear(3, 2)(none); }, "linear: x");
  says([&] { LayerNorm({3})(none); }, "layer_norm: x");
  says([&] { RMSNorm({3})(none); }, "rms_norm: x");
  says([&] { BatchNorm1d(3)(none); }, "batch_norm: x");
  says([&] { GroupNorm(1, 3)(none); }, "group_norm: x");
  says([&] { WeightNorm(Linear(3, 2))(none); }, "linear: x");
  says([&] { PReLU()(none); }, "prelu: x");
  says([&] { Flatten()(none); }, "flatten: x");
  says([&] { Unflatten(1, {3})(none); }, "unflatten: x");
  says([&] { InstanceNorm1d(3)(none); }, "InstanceNorm1d: x");
  says([&] { Dropout(0.5)(none); }, "dropout: x");
  says([&] { LockedDropout(0.5)(none); }, "locked_dropout: x");
  says([&] { EmbeddingDropout(0.5)(in, none); }, "embedding: ids");
  says([&] { RNN(3, 2)(none); }, "rnn: x");
  says([&] { GRU(3, 2)(none); }, "gru: x");
  says([&] { LSTM(3, 2)(none); }, "lstm: x");
  says([&] { Conv1d(3, 2, 2)(none); }, "conv1d: x");
  says([&] { Conv1d(3, 2, 2).relu_max(none); }, "conv1d_relu_max: x");
  says([&] { Conv1d(3, 2, 2).output_lengths(none); }, "conv1d_lengths: lengths");
  says([&] { ConvTranspose1d(3, 2, 2)(none); }, "conv_transpose1d: x");
  says([&] { MaxPool1d(2)(none); }, "max_pool1d: x");
  says([&] { AvgPool1d(2)(none); }, "avg_pool1d: x");
  says([&] { AdaptiveMaxPool1d(2)(none); }, "adaptive_max_pool1d: x");
  says([&] { AdaptiveAvgPool1d(2)(none); }, "adaptive_avg_pool1d: x");
  says([&] { RNNCell(3, 2)(none); }, "rnn: x");
  says([&] { GRUCell(3, 2)(none); }, "gru: x");
  says([&] { LSTMCell(3, 2)(none); }, "lstm: x");
  const std::vector<std::int64_t> counts{3, 2, 1};
  says([&] { HierarchicalSoftmax(3, counts)(none, ids); }, "HierarchicalSoftmax: x");
  says([&] { HierarchicalSoftmax(3, counts)(ones({2, 3}), none); }, "HierarchicalSoftmax: labels");
  const AdaptiveLogSoftmaxWithLoss adaptive(4, 4, {2});
  says([&] { adaptive(none, ids); }, "AdaptiveLogSoftmaxWithLoss: x");
  says([&] { adaptive(ones({2, 4}), none); }, "AdaptiveLogSoftmaxWithLoss: labels");
  says([&] { adaptive.log_prob(none); }, "AdaptiveLogSoftmaxWithLoss: x");
  says([&] { CRF(3)(none, ids); }, "crf_log_likelihood: emissions");
  says([&] { CRF(3)(ones({1, 2, 3}), none); }, "crf_log_likelihood: labels");
  says([&] { CRF(3).decode(none); }, "crf_decode: emissions");
  says([&] { in(none); }, "embedding: ids");
  says([&] { in.rows(none); }, "Embedding: ids");
  says([&] { in.set_row(0, none); }, "set_row: values");
  says([&] { in.set_rows(none, ones({1, 3})); }, "set_rows: ids");
  says([&] { EmbeddingBag(4, 3)(none); }, "embedding_bag: ids");
  says([&] { QuotientRemainderEmbedding(100, 4)(none); }, "QuotientRemainderEmbedding: ids");
  says([&] { subwords(none); }, "SubwordEmbedding: ids");
  says(
      [&] {
        NegativeSampler(std::vector<std::int64_t>{1, 2})(none, 1);
      },
      "NegativeSampler: contexts");
  says([&] { skip_gram_loss(in, out, none, ids, negatives); }, "skip_gram_loss: centers");
  says([&] { skip_gram_loss(in, out, ids, none, negatives); }, "skip_gram_loss: contexts");
  says([&] { skip_gram_loss(in, out, ids, ids, none); }, "skip_gram_loss: negatives");
}

TEST(MovedFrom, AClassSamplerThrows) {
  ClassSampler sampler = ClassSampler::log_uniform(5);
  const ClassSampler moved = std::move(sampler);
  EXPECT_THROW(sampler(2), Error);  // NOLINT(bugprone-use-after-move)
  EXPECT_THROW(sampler.log_probabilities(tensor({0})), Error);
  EXPECT_NO_THROW(moved(2));
}

TEST(MovedFrom, ASamplerThrows) {
  const std::vector<std::int64_t> counts{1, 2, 3};
  NegativeSampler sampler(counts);
  const NegativeSampler moved = std::move(sampler);
  EXPECT_THROW(sampler(tensor({0}), 2), Error);  // NOLINT(bugprone-use-after-move)
  EXPECT_THROW(sampler(zeros({0}, DType::int64), 2), Error);
  EXPECT_NO_THROW(moved(tensor({0}), 2));
}

}  // namespace
}  // namespace gradus
