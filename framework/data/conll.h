#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/data/read_options.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gradus {

/// The words of a sentence, each with its tag.
struct TaggedSentence {
  std::vector<std::string> words, tags;
  /// Of each further column that was asked for, the field of each word.
  std::vector<std::vector<std::string>> further = {};
  bool operator==(const TaggedSentence&) const = default;
};

struct ConllOptions {
  std::int64_t word_column = 0;  ///< counted from 0; from -1 backwards
  std::int64_t tag_column = -1;  ///< the last
  std::vector<std::int64_t> further_columns = {};
  char separator = ' ';  ///< ' ' for runs of spaces and tabs; or '\t'
  /// First word of lines that are no words and end a sentence; empty for none.
  std::string document_start = "-DOCSTART-";
  BadLines bad_lines = BadLines::refuse;  ///< `skip` leaves out the sentence
  TextEncoding encoding = TextEncoding::utf8;
  std::int64_t* skipped = nullptr;  ///< see ReadOptions; counts lines
};

/// Reads the column format of the CoNLL tasks: a word a line with its fields, and a blank line
/// after each sentence. '#' has no meaning. A line is bad with another number of fields than the
/// first, with an empty field where one is read, and if words and tags are in one column. Throws as
/// ReadOptions says, IndexError for a column that the file lacks, ValueError for another separator.
GRADUS_API std::vector<TaggedSentence> read_conll(const std::string& path,
                                                  const ConllOptions& options = {});

}  // namespace gradus
