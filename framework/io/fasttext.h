#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/io/word_vectors.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

class FastTextModel;
namespace detail {
class ByteBlocks;
FastTextModel read_fasttext_model(ByteBlocks& file);
}  // namespace detail

enum class FastTextTask : std::uint8_t { cbow = 1, skip_gram = 2, supervised = 3 };
enum class FastTextLoss : std::uint8_t {
  hierarchical_softmax = 1,
  negative_sampling = 2,
  softmax = 3,
  one_vs_all = 4,
};

/// The options that a fastText model was trained with, as its file has them.
struct FastTextOptions {
  std::int64_t dim = 0;
  std::int64_t window = 0, epochs = 0, min_count = 0, negatives = 0;
  std::int64_t word_ngrams = 1;  ///< of neighbouring words, up to so many; for supervised models
  FastTextLoss loss = FastTextLoss::negative_sampling;
  FastTextTask task = FastTextTask::skip_gram;
  std::int64_t buckets = 0;         ///< rows that the n-grams share; 0 for no n-grams
  std::int64_t minn = 0, maxn = 0;  ///< lengths of the character n-grams; maxn = 0 for none
  std::int64_t lr_update_rate = 0;
  double sampling = 0;  ///< t, the threshold for frequent words
};

/// A label and its probability. With one-vs-all and negative sampling the probabilities of the
/// labels are independent of each other.
struct FastTextPrediction {
  std::int64_t id = 0;  ///< in labels()
  std::string label;    ///< with its prefix, as in the file
  float probability = 0;
};

/// A model of the fastText program, read from its `.bin` file: words, their vectors, those of words
/// it never saw, and the labels that a supervised one predicts. Everything is computed as fastText
/// 0.9.2 does, rounding included. A copy is a handle to the same model, which nothing changes:
/// several threads may use it at once.
///   const FastTextModel model = FastTextModel::load("lid.176.bin");
///   model.predict("Wovon man nicht sprechen kann")[0].label;  // "__label__de"
class GRADUS_API FastTextModel {
 public:
  /// Reads versions 12 and 11, from a file, a pipe, or "-", standard input; unpacks gzip. In
  /// version 11, supervised models have no character n-grams. Memory is taken for what the file
  /// has, whatever sizes it says.
  /// Throws FormatError with the position in the file, also for a quantised model (`.ftz`) and for
  /// n-grams of more than 256 characters; Error if it cannot be read.
  static FastTextModel load(const std::string& path);

  FastTextOptions options() const;
  /// The words, whose ids are their positions: the rows of input() that they have. Frequent ones
  /// come first.
  const std::vector<std::string>& words() const;
  const std::vector<std::int64_t>& counts() const;  ///< how often each word occurred
  const std::vector<std::string>& labels() const;   ///< words that began with the label's prefix
  const std::vector<std::int64_t>& label_counts() const;
  std::int64_t tokens() const;  ///< how many words and labels the model was trained on

  /// The rows [words + buckets, dim] of words and n-grams, and those of what is predicted: [labels,
  /// dim], or [words, dim]. They share the memory of the model: clone() what you want to change.
  Tensor input() const;
  Tensor output() const;

  /// The id of a word, or nullopt. Labels are not words.
  std::optional<std::int64_t> find(std::string_view word) const;
  /// The rows of input() that the vector of a word is made of: its own, if the model knows the
  /// word, then those of its character n-grams.
  std::vector<std::int64_t> rows(std::string_view word) const;
  /// The vector [dim] of a word: the mean of its rows. Zeros, as in fastText, for a word without
  /// any: one that the model does not know, where it has no n-grams or the word is too short.
  Tensor vector(std::string_view word) const;
  /// Writes the vector of a word, or returns false for a word without rows and writes nothing.
  /// Throws ShapeError unless `out` has dim elements.
  bool compute(std::string_view word, std::span<float> out) const;
  /// The vectors [words, dim] of all words, as fastText writes them into its `.vec` file.
  WordVectors word_vectors() const;

  /// The vector [dim] of a text. In supervised models, the mean of the rows of a line: of its
  /// words, their n-grams, the end of the line and the n-grams of words. In others, the mean of the
  /// vectors of its words, each divided by its norm. Zeros if there are none. Throws ValueError for
  /// a text with a line feed: a text is one line.
  Tensor sentence_vector(std::string_view text) const;

  /// The k most probable labels of a text, and none below the threshold, best first. Words that
  /// begin with `__label__` do not count, and `</s>` ends the text. fastText adds 1e-5 to each
  /// probability, so that it may exceed 1; with hierarchical softmax, labels below about 1e-5 are
  /// left out even if the threshold is 0. A text without any row has no labels.
  /// Throws ValueError unless the model is supervised, k > 0, and the text is one line; if a score
  /// is NaN.
  std::vector<FastTextPrediction> predict(std::string_view text, std::int64_t k = 1,
                                          float threshold = 0) const;
  /// The same for each of several texts, in parallel.
  std::vector<std::vector<FastTextPrediction>> predict(std::span<const std::string> texts,
                                                       std::int64_t k = 1,
                                                       float threshold = 0) const;

 private:
  friend FastTextModel detail::read_fasttext_model(detail::ByteBlocks& file);
  struct State;
  explicit FastTextModel(std::shared_ptr<const State> state);

  std::shared_ptr<const State> state_;
};

}  // namespace gradus
