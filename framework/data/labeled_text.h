#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/data/read_options.h>
#include <gradus/framework/data/text_table.h>

#include <cstdint>
#include <string>
#include <vector>

namespace gradus {

/// A text and its label, for classification.
struct LabeledText {
  std::string text, label;
  bool operator==(const LabeledText&) const = default;
};

/// A text and any number of labels.
struct MultilabelText {
  std::string text;
  std::vector<std::string> labels;
  bool operator==(const MultilabelText&) const = default;
};

struct LabeledLinesOptions {
  /// What marks a label, and is not part of it. Empty: the first word of a line is its label.
  std::string prefix = "__label__";
  BadLines bad_lines = BadLines::refuse;
  TextEncoding encoding = TextEncoding::utf8;
  std::int64_t* skipped = nullptr;  ///< see ReadOptions
};

/// Reads fastText's format: each line is a text, in which the words that begin with the prefix are
/// its labels, wherever they are. They are cut out of the text together with the blanks before
/// them; blanks at its ends go too. Blank lines are ignored. A line without label, with several
/// ones, or without text is bad. Throws as ReadOptions says.
GRADUS_API std::vector<LabeledText> read_labeled_lines(const std::string& path,
                                                       const LabeledLinesOptions& options = {});

/// The same for lines with any number of labels; they need at least one.
GRADUS_API std::vector<MultilabelText> read_multilabel_lines(
    const std::string& path, const LabeledLinesOptions& options = {});

/// How a file has texts and their labels.
enum class TextFormat : std::uint8_t {
  automatic,    ///< one of those below; read_labeled_texts() finds out which
  fasttext,     ///< `__label__x text`
  label_first,  ///< `x text`: the first word of a line is its label
  tsv,          ///< columns
  csv,
  json_lines,  ///< an object a line
};

struct LabeledTextOptions {
  TextFormat format = TextFormat::automatic;
  Column label = "label", text = "text";  ///< of tables; JSON lines have them by name
  BadLines bad_lines = BadLines::refuse;
  TextEncoding encoding = TextEncoding::utf8;
  std::int64_t* skipped = nullptr;  ///< see ReadOptions
};

/// Reads texts and their labels in any of these formats. `automatic` goes by the end of the name
/// (.tsv, .csv, .jsonl), and otherwise by the first line that is not blank: one that begins with a
/// brace is JSON, one that has a word `__label__...` fastText's format, and one with a tab columns;
/// all else is label_first.
///
/// A table has a header if its first line names both columns. Without one, label and text are the
/// first two of two columns, or those that are given by position. A row without label or text is
/// bad. Throws as ReadOptions says, FormatError if the columns are not there, Error for a pipe
/// whose format is to be found out.
GRADUS_API std::vector<LabeledText> read_labeled_texts(const std::string& path,
                                                       const LabeledTextOptions& options = {});

}  // namespace gradus
