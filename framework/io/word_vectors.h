#pragma once
#include <gradus/framework/core/tensor.h>

#include <string>
#include <vector>

namespace gradus {

/// Words and their vectors, row i of the matrix [V, D] for words[i].
struct WordVectors {
  std::vector<std::string> words;
  Tensor matrix;
};

/// Writes word2vec's text format: "V D", then a line with the word and D numbers for each row.
/// Numbers are written with all their digits: float32 reads back as the same bits, other types as
/// the nearest float32. The file is replaced as a whole (see AtomicFile). Throws, before it touches
/// the file, ShapeError unless matrix is [words.size(), D], D > 0, ValueError for an undefined
/// matrix, a finite number beyond float32, an empty word or one with white space; Error with the
/// system's reason.
GRADUS_API void save_word_vectors(const WordVectors& vectors, const std::string& path);

/// Reads word2vec's text format (also fastText's .vec) into float32, from a file or a pipe. Fields
/// are separated by spaces or tabs, lines by a line feed. Blanks at the end of a line, a carriage
/// return, blank lines and a byte order mark are ignored. A number becomes the nearest float32:
/// 1e-46 is 0, 1e39 is an error.
/// Throws FormatError with file and line, Error if it cannot be read.
GRADUS_API WordVectors load_word_vectors(const std::string& path);

}  // namespace gradus
