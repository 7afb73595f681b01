#pragma once
#include <gradus/examples/tagger/coding.h>
#include <gradus/framework/io/word_vectors.h>
#include <gradus/framework/text/tag_scheme.h>
#include <gradus/layers/convolution.h>
#include <gradus/layers/crf.h>
#include <gradus/layers/dropout.h>
#include <gradus/layers/embedding.h>
#include <gradus/layers/linear.h>
#include <gradus/layers/recurrent.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

namespace gradus::examples {

/// What reads the characters of a word.
enum class CharacterModel : std::uint8_t {
  lstm,  ///< an LSTM in both directions: its two last states
  cnn,   ///< a convolution of three characters: the maximum over the word
  none
};
const char* name_of(CharacterModel model);

struct TaggerModelOptions {
  std::int64_t dim = 100;  ///< of the vectors of words
  CharacterModel characters = CharacterModel::lstm;
  std::int64_t character_size = 50;  ///< of their vectors; the vector of a word is twice as long
  std::int64_t hidden = 200;         ///< of each direction
  std::int64_t layers = 1;
  double dropout = 0.5;  ///< of the vectors of words, between layers and of the output
};

/// Vectors of words by their characters.
struct CharacterEncoder : Module {
  CharacterEncoder(std::int64_t characters, const TaggerModelOptions& options);
  Tensor operator()(const PaddedSequences& forms) const;  ///< [F, 2 character_size]

 private:
  using Reader = std::variant<LSTM, Conv1d>;
  Reader add_reader(const TaggerModelOptions& options);

  const Embedding embedding_;
  const Reader reader_;
};

/// A word, or a piece of it, is its vector and that of the characters of the word; LSTM layers in
/// both directions read the sentence, a linear layer scores the labels of the words by their first
/// pieces, and a conditional random field scores their order.
struct Tagger : Module {
  /// rows: the vectors of words at the start, [words, dim]
  Tagger(const Tensor& rows, const TagCoding& coding, std::optional<TagScheme> scheme,
         const TaggerModelOptions& options);
  /// Scores of the labels of each word, [B, T, labels].
  Tensor emissions(const SentenceBatch& batch) const;
  /// -log p of the labels: the mean over the sentences.
  Tensor loss(const SentenceBatch& batch) const;

  const Parameter& vectors() const { return embedding_.weight; }  ///< of words
  const CRF& crf() const { return crf_; }

 private:
  const Embedding embedding_;
  const std::optional<CharacterEncoder> characters_;
  const Dropout dropout_;
  const LSTM lstm_;
  const Linear output_;
  const CRF crf_;
};

/// Vectors of words at the start: the pretrained ones, and small random ones for other words.
Tensor make_word_rows(const Vocabulary& words, const WordVectors& vectors, std::int64_t dim);

/// All that a trained model takes, in one .safetensors file.
struct TrainedTagger {
  TagCoding coding;
  std::optional<TagScheme> scheme;  ///< of labels that mark spans
  TaggerModelOptions options;
  std::string column;  ///< of the files that it learnt from, for those that it is tried on
  std::int64_t word_column = 0;  ///< the same
  Tagger model;

  /// The labels of each word, in evaluation mode.
  std::vector<Words> tag(std::span<const Words> sentences) const;

  void save(const std::string& path) const;
  /// Throws FormatError for a file that save() did not write.
  static TrainedTagger load(const std::string& path);
};

}  // namespace gradus::examples
