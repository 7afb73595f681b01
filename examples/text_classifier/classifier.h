#pragma once
#include <gradus/framework/data/collate.h>
#include <gradus/framework/text/label_set.h>
#include <gradus/framework/text/ngrams.h>
#include <gradus/framework/text/vocabulary.h>
#include <gradus/layers/embedding_bag.h>
#include <gradus/layers/sequential.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::examples {

/// What a text is to the model: rows of a table, those of its words first; behind them are buckets
/// that n-grams of words and of characters share by their hash.
struct TextFeatures {
  Vocabulary words = Vocabulary::from_words({});
  std::int64_t word_ngrams = 1;  ///< 1: none
  NgramOptions ngrams{.minn = 1, .maxn = 0, .buckets = 200'000};
  bool tokenized = false;  ///< words are what is between blanks, otherwise what tokenize() finds

  std::vector<std::string> split(std::string_view text) const;
  std::vector<std::int64_t> rows(std::string_view text) const;
  /// The number of rows of the table.
  std::int64_t size() const;
};

/// The mean of the rows of a text, then a linear layer; with `hidden` above 0 a layer of as many
/// ReLUs and dropout between them.
struct TextModel : Module {
  TextModel(const EmbeddingBag& table, std::int64_t hidden, double dropout, std::int64_t classes);
  /// [B, classes]
  Tensor operator()(const FlatSequences& texts) const {
    return head(bag(texts.ids, texts.offsets));
  }

  const std::int64_t hidden_size;  ///< 0: no hidden layer
  const EmbeddingBag bag;
  const Sequential head;
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
