#pragma once
#include <gradus/framework/metrics/classification_scores.h>

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace gradus {

/// ROUGE-L (Lin 2004): precision, recall and F1 of the longest common subsequence of words, on
/// average over the examples. Equal to "rougeL" of the package rouge_score without its stemmer:
/// words are runs of a to z and 0 to 9 after conversion to lower case; all else separates them, so
/// that it suits English.
class GRADUS_API RougeL {
 public:
  /// A hypothesis and its references, of which the one with the highest F1 counts. Throws
  /// ValueError without a reference, FormatError for a text that is not UTF-8.
  void add(std::string_view hypothesis, std::string_view reference);
  void add(std::string_view hypothesis, std::span<const std::string> references);
  void add(std::string_view hypothesis, std::initializer_list<std::string_view> references);
  void merge(const RougeL& other);

  /// 0 to 1. Throws ValueError if nothing was added.
  PrecisionRecall result() const;
  std::int64_t count() const { return examples_; }

 private:
  void add_all(std::string_view hypothesis, std::span<const std::string_view> references);

  PrecisionRecall sum_;
  std::int64_t examples_ = 0;
};

}  // namespace gradus
