#pragma once
#include <gradus/examples/tagger/model.h>
#include <gradus/framework/metrics/span_f1.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

namespace gradus::examples {

/// How well labels are found: the F1 of spans if there is a scheme, else the share of labels that
/// are right.
class TaggingScore {
 public:
  explicit TaggingScore(std::optional<TagScheme> scheme);
  void add(const std::vector<Words>& found, const std::vector<TaggedSentence>& sentences);

  double result() const;    ///< from 0 to 1
  std::string str() const;  ///< "accuracy 94.12 %", or precision, recall and F1 of spans

 private:
  std::int64_t right_ = 0, words_ = 0;
  std::optional<SpanF1> spans_;
};

TaggingScore evaluate(const TrainedTagger& trained, const std::vector<TaggedSentence>& sentences);

/// The score of the most frequent label of each word, and of the most frequent one of all for words
/// that `train` lacks.
TaggingScore most_frequent_labels(const std::vector<TaggedSentence>& train,
                                  const std::vector<TaggedSentence>& sentences,
                                  std::optional<TagScheme> scheme);

std::vector<Words> words_of(const std::vector<TaggedSentence>& sentences);

}  // namespace gradus::examples
