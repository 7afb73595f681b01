#pragma once
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// How BLEU splits texts into tokens, by the names of sacrebleu.
enum class BleuTokenizer : std::uint8_t {
  mteval_13a,     ///< "13a": ASCII punctuation apart, as WMT does
  international,  ///< "intl": the punctuation and symbols of all scripts apart
  characters,     ///< "char"
  none            ///< "none": the texts are tokenized already; white space separates
};

/// What BLEU does with orders of n-grams of which none matches.
enum class BleuSmoothing : std::uint8_t {
  none,
  floor,        ///< counts `smooth_value` matches
  add_k,        ///< adds `smooth_value` to matches and totals from bigrams on
  exponential,  ///< "exp": 1/2, 1/4, ... matches
};

struct BleuOptions {
  BleuTokenizer tokenizer = BleuTokenizer::mteval_13a;
  BleuSmoothing smoothing = BleuSmoothing::exponential;
  std::optional<double> smooth_value{};  ///< 0.1 for floor and 1 for add_k if left out
  bool lowercase = false;
  bool effective_order = false;  ///< leave out orders beyond the longest text: for single sentences
  std::int64_t max_order = 4;    ///< n-grams of 1 to this many tokens
};

struct BleuResult {
  double score = 0;                          ///< 0 to 100
  std::vector<double> precisions;            ///< of each order, 0 to 100, smoothed
  std::vector<std::int64_t> counts, totals;  ///< n-grams of each order that match, and all
  double brevity_penalty = 1;
  std::int64_t hypothesis_length = 0, reference_length = 0;  ///< in tokens

  /// As sacrebleu prints it: "BLEU = 31.20 66.7/40.0/25.0/16.7 (BP = 0.846 ratio = 0.857 hyp_len =
  /// 6 ref_len = 7)".
  std::string str() const;
};

/// BLEU of a corpus (Papineni et al. 2002), equal to that of sacrebleu 2.6. Texts are UTF-8 as they
/// were written: the tokenizer is part of the metric. Throws Error once it was moved from.
class GRADUS_API Bleu {
 public:
  /// Throws ValueError unless max_order and the smoothing value are positive.
  explicit Bleu(const BleuOptions& options = {});

  /// A hypothesis and its references. Throws ValueError without a reference, FormatError for a text
  /// that is not UTF-8.
  void add(std::string_view hypothesis, std::string_view reference);
  void add(std::string_view hypothesis, std::span<const std::string> references);
  void add(std::string_view hypothesis, std::initializer_list<std::string_view> references);
  /// Throws ValueError if the other one has different options.
  void merge(const Bleu& other);

  /// Throws ValueError if nothing was added.
  BleuResult result() const;
  /// What to report with the score, in sacrebleu's format with our version:
  /// "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp|version:gradus-0.1.0". Throws like result().
  std::string signature() const;

 private:
  void add_all(std::string_view hypothesis, std::span<const std::string_view> references);
  std::string tokens(std::string_view text) const;
  double smooth_value() const;

  BleuOptions options_;
  std::vector<std::int64_t> counts_, totals_;
  std::int64_t hypothesis_length_ = 0, reference_length_ = 0;
  std::int64_t segments_ = 0;
  std::int64_t references_ = 0;  // of each segment; -1 if they differ
  detail::MovedFrom moved_;
};

}  // namespace gradus
