#pragma once
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

struct ChrfOptions {
  std::int64_t char_order = 6;  ///< n-grams of 1 to this many characters
  std::int64_t word_order = 0;  ///< and of 1 to this many words: 2 makes it chrF++
  std::int64_t beta = 2;        ///< how much more recall weighs than precision
  bool lowercase = false;
  bool whitespace = false;     ///< n-grams of characters include white space
  bool eps_smoothing = false;  ///< orders without n-grams count, as in chrF++.py, Moses and NLTK
};

/// chrF and chrF++ of a corpus (Popović 2015, 2017), equal to those of sacrebleu 2.6. Throws Error
/// once it was moved from.
class GRADUS_API Chrf {
 public:
  /// Throws ValueError unless char_order and beta are positive and word_order is not negative.
  explicit Chrf(const ChrfOptions& options = {});

  /// A hypothesis and its references, of which the best one counts. Throws ValueError without a
  /// reference, FormatError for a text that is not UTF-8.
  void add(std::string_view hypothesis, std::string_view reference);
  void add(std::string_view hypothesis, std::span<const std::string> references);
  void add(std::string_view hypothesis, std::initializer_list<std::string_view> references);
  /// Throws ValueError if the other one has different options.
  void merge(const Chrf& other);

  /// 0 to 100. Throws ValueError if nothing was added.
  double result() const;
  /// "nrefs:1|case:mixed|eff:yes|nc:6|nw:0|space:no|version:gradus-0.1.0". Throws like result().
  std::string signature() const;

 private:
  struct Counts {
    std::int64_t hypothesis = 0, reference = 0, matches = 0;
  };
  void add_all(std::string_view hypothesis, std::span<const std::string_view> references);
  double score(const std::vector<Counts>& orders) const;

  ChrfOptions options_;
  std::vector<Counts> orders_;  // of characters, then of words
  std::int64_t segments_ = 0;
  std::int64_t references_ = 0;  // of each segment; -1 if they differ
  detail::MovedFrom moved_;
};

}  // namespace gradus
