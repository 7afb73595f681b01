#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/data/read_options.h>

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

}  // namespace gradus
