#pragma once
#include <gradus/framework/text/vocabulary.h>
#include <gradus/layers/embedding.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

namespace gradus::examples {

using Sentences = std::vector<std::vector<std::int64_t>>;

/// The recipe of word2vec, with its defaults except for the epochs: the text is small.
struct WordVectorSettings {
  std::int64_t dim = 100;
  std::int64_t window = 5;     ///< words on each side, at most: drawn from 1 to this for each word
  std::int64_t negatives = 5;  ///< drawn for each pair
  std::int64_t epochs = 15;
  std::int64_t batch = 256;  ///< pairs in a step
  double lr = 0.025;         ///< falls linearly to zero
  double subsample = 1e-3;   ///< words more frequent than this are skipped at random; 0 for none
  std::uint64_t seed = 1;
};

/// Word vectors, and how their training went.
struct TrainedVectors {
  Embedding table;                       ///< [V, dim], the padding row zeros
  double first_loss = 0, last_loss = 0;  ///< mean over pairs, of the first and last tenth
  bool stopped = false;                  ///< by Ctrl-C, before the end
};

/// Trains skip-gram vectors with negative samples. Throws ValueError if the sentences hold fewer
/// than two distinct words, Error if the loss stops being finite.
TrainedVectors train_word_vectors(const Sentences& sentences, const Vocabulary& vocabulary,
                                  const WordVectorSettings& settings);

/// The ids of words, which are normalised like any text ("King" is "king"). Throws ValueError
/// naming all words that the vocabulary lacks.
std::vector<std::int64_t> find_words(const std::vector<std::string>& words,
                                     const Vocabulary& vocabulary);

/// The words whose vectors have the greatest cosine similarity to that of `word`, best first.
std::vector<std::pair<std::string, double>> nearest_words(const Tensor& matrix,
                                                          const Vocabulary& vocabulary,
                                                          std::int64_t word, std::int64_t count);

/// Writes the vectors of all words except the special ones in word2vec's text format.
void save_vectors(const Tensor& matrix, const Vocabulary& vocabulary,
                  const std::filesystem::path& path);

}  // namespace gradus::examples
