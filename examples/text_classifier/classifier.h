#pragma once
#include <gradus/examples/common/text_pieces.h>
#include <gradus/framework/data/collate.h>
#include <gradus/framework/text/label_set.h>
#include <gradus/framework/text/ngrams.h>
#include <gradus/framework/text/vocabulary.h>
#include <gradus/layers/convolution.h>
#include <gradus/layers/dropout.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/embedding_bag.h>
#include <gradus/layers/module_list.h>
#include <gradus/layers/recurrent.h>
#include <gradus/layers/sequential.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace gradus::examples {

/// What a text is to the model: rows of a table, those of its words first, or of the pieces that a
/// tokenizer cuts it into; behind them are buckets that n-grams of words and of characters share by
/// their hash.
struct TextFeatures {
  Vocabulary words = Vocabulary::from_words({});
  std::int64_t word_ngrams = 1;  ///< 1: none
  NgramOptions ngrams{.minn = 1, .maxn = 0, .buckets = 200'000};
  bool tokenized = false;  ///< words are what is between blanks, otherwise what tokenize() finds
  std::optional<TextPieces> pieces{};  ///< that take the place of words

  std::vector<std::string> split(std::string_view text) const;
  std::vector<std::int64_t> rows(std::string_view text) const;
  /// The number of rows of the table.
  std::int64_t size() const;
};

/// What makes a vector of a text, and what the vector goes through.
enum class ModelKind : std::uint8_t {
  fasttext,  ///< the mean of its rows; a linear layer
  wide_mlp,  ///< the mean of its rows; a layer of ReLUs, dropout, a linear layer
  bilstm,    ///< the mean of an LSTM in both directions over its rows; dropout, a linear layer
  textcnn,   ///< the best match of each filter among windows of its rows; dropout, a linear layer
};
const std::string& name_of(ModelKind kind);
/// Whether the model takes the rows in the order of the words; otherwise it takes their mean.
bool reads_in_order(ModelKind kind);

struct TextModelOptions {
  ModelKind kind = ModelKind::fasttext;
  std::int64_t hidden = 1024;  ///< of wide_mlp's layer, of each direction of bilstm
  double dropout = 0.5;
  std::int64_t filters = 100;                    ///< of textcnn, of each width
  std::vector<std::int64_t> widths = {3, 4, 5};  ///< of textcnn's filters, in words
};

/// The mean of the outputs of an LSTM in both directions over the rows of a text, with dropout of
/// the rows.
struct BiLstm : Module {
  BiLstm(const Tensor& rows, bool frozen, const TextModelOptions& options);
  /// [B, 2 hidden]; zeros for a text without words
  Tensor operator()(const FlatSequences& texts) const;
  /// One row more than there were at the start, for padding.
  const Parameter& rows() const { return embedding_.weight; }

 private:
  const Embedding embedding_;
  const Dropout dropout_;
  const LSTM lstm_;
};

/// The greatest output over time of filters of several widths, after a relu.
/// Source: Kim, "Convolutional Neural Networks for Sentence Classification", 2014. With zeros
/// around a text, a filter may reach beyond its ends, and a text may be shorter than a filter.
struct TextCnn : Module {
  TextCnn(const Tensor& rows, bool frozen, const TextModelOptions& options);
  /// [B, filters of all widths]; zeros for a text without words
  Tensor operator()(const FlatSequences& texts) const;
  /// One row more than there were at the start, for padding.
  const Parameter& rows() const { return embedding_.weight; }

 private:
  const Embedding embedding_;
  const ModuleList<Conv1d> filters_;
};

/// A text as a vector, then the layers to the labels. Another kind of model is another
/// alternative of the encoder, which add_encoder() makes.
struct TextModel : Module {
  /// rows: the table at the start, [N, D]
  TextModel(const Tensor& rows, bool frozen, const TextModelOptions& options, std::int64_t classes);
  /// [B, classes]
  Tensor operator()(const FlatSequences& texts) const;
  /// The table.
  const Parameter& rows() const;

  const TextModelOptions options;

 private:
  using Encoder = std::variant<EmbeddingBag, BiLstm, TextCnn>;
  Encoder add_encoder(const Tensor& rows, bool frozen);

  const Encoder encoder_;
  const Sequential head_;
};

/// All of what predicting takes, saved in one .safetensors file.
struct Classifier {
  TextFeatures features;
  LabelSet labels;
  TextModel model;

  void save(const std::string& path) const;
  /// Throws FormatError for a file that save() did not write.
  static Classifier load(const std::string& path);
};

}  // namespace gradus::examples
