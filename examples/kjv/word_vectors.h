#pragma once
#include <gradus/gradus.h>
#include <gradus/text.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace gradus::examples {

using Sentences = std::vector<std::vector<std::int64_t>>;

/// The recipe of word2vec, with its defaults except for the epochs: the text is small.
struct WordVectorSettings {
  std::int64_t dim = 100;
  std::int64_t negatives = 5;  ///< drawn for each pair
  double lr = 0.025;           ///< falls linearly to zero
  WordWindowOptions windows{.epochs = 15};
  std::uint64_t seed = 1;
};

/// Word vectors, and how their training went.
struct TrainedVectors {
  Tensor matrix;                         ///< [V, dim]
  double first_loss = 0, last_loss = 0;  ///< mean over pairs, of the first and last tenth
  int stopped_by = 0;                    ///< the signal that ended it early, such as Ctrl-C, or 0
};

/// Trains skip-gram vectors with negative samples. Throws ValueError if the sentences hold fewer
/// than two distinct words, Error if the loss stops being finite.
TrainedVectors train_word_vectors(const Sentences& sentences, const Vocabulary& vocabulary,
                                  const WordVectorSettings& settings);

/// The words whose vectors have the greatest cosine similarity to that of `word`, best first.
std::vector<std::pair<std::string, double>> nearest_words(const Tensor& matrix,
                                                          const Vocabulary& vocabulary,
                                                          std::int64_t word, std::int64_t count);

}  // namespace gradus::examples
