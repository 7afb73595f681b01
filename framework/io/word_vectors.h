#pragma once
#include <gradus/framework/base/bad_lines.h>
#include <gradus/framework/base/export.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/text/vocabulary.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// How a file has words and their vectors.
enum class WordVectorFormat : std::uint8_t {
  automatic,        ///< one of the others; load_word_vectors() finds out which
  glove,            ///< lines of a word and its numbers
  word2vec_text,    ///< the same after a line "V D"; fastText's .vec too
  word2vec_binary,  ///< "V D", then words and their float32 as bytes
  fasttext_bin,     ///< a fastText model: its words. FastTextModel has the rest
};

struct WordVectorOptions {
  WordVectorFormat format = WordVectorFormat::automatic;
  /// How many numbers a word has; 0: what the first line says, and in GloVe's format what most of
  /// the first lines have.
  std::int64_t dim = 0;
  std::optional<std::int64_t> max_words{};  ///< reads only so many words, from the first on
  bool allow_not_finite = false;            ///< takes nan and inf, which are bad otherwise
  /// `skip` also takes files that have more or fewer words than their first line says.
  BadLines bad_lines = BadLines::refuse;
};

/// What load_word_vectors() found in a file.
struct WordVectorReport {
  WordVectorFormat format = WordVectorFormat::automatic;
  std::int64_t words = 0;                      ///< in the file, as far as it was read
  std::optional<std::int64_t> announced{};     ///< by its first line
  std::int64_t duplicates = 0;                 ///< words that had come before, and were left out
  std::vector<std::string> duplicate_words{};  ///< which, each once
  std::int64_t bad_lines = 0;                  ///< that BadLines::skip left out
};

/// Words and their vectors, row i of the matrix [V, D] for words[i].
struct WordVectors {
  std::vector<std::string> words;
  Tensor matrix;
  WordVectorReport report{};
};

/// Reads the vectors of words into float32: from a file, a pipe, or "-", standard input; unpacks
/// gzip. The format is recognised by content. Where the first line may be "V D" as well as a word
/// and its only number, an error asks for .format.
///
/// Text: fields are separated by spaces or tabs, and by no other blank; lines end in a line feed.
/// Blanks at the end of a line, a carriage return, blank lines and a byte order mark are ignored. A
/// word may have blanks in it, for the numbers are counted from the right, but it may not end in a
/// number. Words are bytes, which need not be UTF-8. A number becomes the nearest float32: 1e-46 is
/// 0, 1e39 is bad.
///
/// Of a fastText model, all of which is read, these are the vectors that fastText writes as .vec.
///
/// The first vector of a word counts; a warning speaks of others. Throws FormatError that lists all
/// bad lines, or says what is wrong with the file, Error if it cannot be read.
/// Sources: the tools word2vec, GloVe and fastText, whose files they are.
GRADUS_API WordVectors load_word_vectors(const std::string& path,
                                         const WordVectorOptions& options = {});

/// The same for the words of a vocabulary alone, in the file's order. Other words take no memory,
/// and their numbers are not looked at.
GRADUS_API WordVectors load_word_vectors(const std::string& path, const Vocabulary& vocabulary,
                                         const WordVectorOptions& options = {});

/// The words of a file of vectors, by their order in it; memory is taken for words alone (but a
/// fastText model is read as a whole). `specials` says which of them are special, as in
/// Vocabulary::from_words(). Checks the file, warns and throws as load_word_vectors() does. For all
/// words of a text and a file of vectors:
///
///   const Vocabulary all = merged(vocabulary, load_word_vector_vocabulary("vectors.txt"));
GRADUS_API Vocabulary load_word_vector_vocabulary(const std::string& path,
                                                  const VocabularyOptions& specials = {},
                                                  const WordVectorOptions& options = {});

struct SaveWordVectorsOptions {
  WordVectorFormat format = WordVectorFormat::word2vec_text;
};

/// Writes words and vectors. In text, numbers have all their digits: float32 reads back as the same
/// bits, other types as the nearest float32. The binary format has float32. The file is replaced as
/// a whole (see AtomicFile). Throws, before it touches the file, ShapeError unless matrix is
/// [words.size(), D], D > 0, ValueError for an undefined matrix, a finite number beyond float32, an
/// empty word or one with a blank that separates the fields of the format, and for formats that
/// cannot be written; Error with the system's reason.
GRADUS_API void save_word_vectors(const WordVectors& vectors, const std::string& path,
                                  const SaveWordVectorsOptions& options = {});

/// The row of a word that has no vector.
enum class MissingWords : std::uint8_t {
  zeros,
  mean,    ///< the mean of all vectors
  normal,  ///< random numbers
};

struct MatrixForOptions {
  MissingWords missing = MissingWords::zeros;
  /// Of `normal`; without a value, that of all numbers of the vectors.
  std::optional<double> mean{}, std{};
  /// Is asked first about a word without a vector: it writes the row (of zeros) and returns true,
  /// or returns false. For vectors that are made from parts of words.
  std::function<bool(std::string_view word, std::span<float> row)> compose{};
  /// Takes the vector of a word that differs in case alone (see case_fold()), if a word has none of
  /// its own: of several, the first.
  bool ignore_case = false;
};

/// Which words of a vocabulary have vectors. The padding word is left out.
struct VectorCoverage {
  struct Word {
    std::string word;
    std::int64_t count;  ///< in the vocabulary
    bool operator==(const Word&) const = default;
  };
  std::int64_t found = 0;     ///< words that have a vector
  std::int64_t folded = 0;    ///< of these, through a word that differs in case
  std::int64_t composed = 0;  ///< words whose vector `compose` made
  std::vector<Word> missing;  ///< the others, by decreasing count
  double words = 0;           ///< the share of words that have a vector, found or composed
  /// The same of tokens, by the counts of the vocabulary; that of words if it has none.
  double tokens = 0;

  /// "98.2 % of the words and 99.7 % of the tokens have a vector; the most frequent without: ..."
  GRADUS_API std::string str() const;
};

struct VocabularyMatrix {
  Tensor matrix;
  VectorCoverage coverage;
};

/// The rows of a table for a vocabulary: matrix [vocabulary.size(), D] in float32, with the vector
/// of each word, and what the options say for words that have none. The row of the padding word is
/// zeros. Throws ShapeError unless the vectors are [words, D], DTypeError unless they are float32,
/// ValueError for a std below 0 and for `mean` and `normal` if there are no vectors to take them
/// from.
GRADUS_API VocabularyMatrix matrix_for(const WordVectors& vectors, const Vocabulary& vocabulary,
                                       const MatrixForOptions& options = {},
                                       Generator& generator = default_generator());

}  // namespace gradus
