#pragma once
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/core/tensor.h>
#include <gradus/framework/metrics/classification_scores.h>
#include <gradus/framework/text/tag_scheme.h>

#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <vector>

namespace gradus {

/// What is done with tags that break the scheme, such as I after O in IOB2.
enum class InvalidTags : std::uint8_t {
  repair,   ///< begin a span, as the CoNLL script conlleval and seqscore's "conlleval" repair do;
            ///< in IOBES, which that script does not know, as seqeval does by default
  discard,  ///< their spans do not count, as with seqscore's "discard" repair
  refuse    ///< throw FormatError, as seqscore does without a repair
};

struct SpanOptions {
  TagScheme scheme = TagScheme::iob2;
  InvalidTags invalid = InvalidTags::repair;
  std::vector<std::string> tags{};   ///< by id, for tensors
  std::int64_t ignore_index = -100;  ///< positions with this label are left out of their sequence
};

/// A span of tokens [begin, end).
struct TagSpan {
  std::int64_t begin = 0, end = 0;
  std::string type;

  friend bool operator==(const TagSpan& a, const TagSpan& b) {
    return a.begin == b.begin && a.end == b.end && a.type == b.type;
  }
};

/// The spans that a sequence of tags marks, in order. A tag is "O", or a prefix of the scheme, then
/// "-" and the type; the type may be missing everywhere. Throws FormatError for any other tag, and
/// for one that breaks the scheme if those are refused.
GRADUS_API std::vector<TagSpan> tag_spans(std::span<const std::string> tags,
                                          TagScheme scheme = TagScheme::iob2,
                                          InvalidTags invalid = InvalidTags::repair);

struct SpanResult {
  ClassScore all;                           ///< of the spans of all types together
  std::map<std::string, ClassScore> types;  ///< of each type in options.tags, or that came up
  double accuracy = 0;                      ///< the share of tags that are equal
};

/// Precision, recall and F1 of spans: one is right if its begin, end and type are. What would be
/// 0 / 0 is 0. Throws Error once it was moved from.
class GRADUS_API SpanF1 {
 public:
  /// Throws FormatError for a tag in the options that the scheme does not have.
  explicit SpanF1(const SpanOptions& options = {});

  /// The tags of one sequence. Throws ShapeError, and FormatError like tag_spans.
  void add(std::span<const std::string> predicted, std::span<const std::string> labels);
  /// Sequences of ids of options.tags. predictions: scores [B, T, C], whose highest is the
  /// prediction, or int64 ids [B, T]; labels: int64 [B, T]; lengths: int64 [B], undefined for T.
  /// Throws ShapeError, DTypeError, IndexError for an id or a length outside its range, ValueError
  /// for a score that is NaN and if there are no options.tags; FormatError like tag_spans.
  void add(const Tensor& predictions, const Tensor& labels, const Tensor& lengths = Tensor());
  /// Throws ValueError if the other one has a different scheme, treatment of invalid tags or
  /// ignore_index.
  void merge(const SpanF1& other);

  /// Throws ValueError if no tag was added.
  SpanResult result() const;

 private:
  struct Counts {
    std::int64_t right = 0, predicted = 0, labels = 0;
  };
  static ClassScore score(const Counts& counts);
  void add_sequence(const std::string& which, std::span<const std::string> predicted,
                    std::span<const std::string> labels);

  SpanOptions options_;
  std::map<std::string, Counts> types_;
  std::int64_t right_tags_ = 0, tags_ = 0;
  detail::MovedFrom moved_;
};

}  // namespace gradus
