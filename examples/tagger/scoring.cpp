#include <fmt/format.h>
#include <gradus/examples/tagger/scoring.h>

#include <algorithm>
#include <map>

namespace gradus::examples {
namespace {

using LabelCounts = std::map<std::string, std::int64_t>;

std::string most_frequent(const LabelCounts& counts) {
  return std::ranges::max_element(counts, {}, &LabelCounts::value_type::second)->first;
}

}  // namespace

TaggingScore::TaggingScore(std::optional<TagScheme> scheme) {
  if (scheme) spans_.emplace(SpanOptions{.scheme = *scheme});
}

void TaggingScore::add(const std::vector<Words>& found,
                       const std::vector<TaggedSentence>& sentences) {
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    const Words& tags = sentences[i].tags;
    if (spans_) spans_->add(found[i], tags);
    for (std::size_t t = 0; t < tags.size(); ++t) right_ += found[i][t] == tags[t] ? 1 : 0;
    words_ += std::ssize(tags);
  }
}

double TaggingScore::result() const {
  return spans_
             ? spans_->result().all.f1
             : static_cast<double>(right_) / static_cast<double>(std::max<std::int64_t>(words_, 1));
}

std::string TaggingScore::str() const {
  if (!spans_) return fmt::format("accuracy {:.2f} %", 100 * result());
  const ClassScore all = spans_->result().all;
  return fmt::format("precision {:.2f} %, recall {:.2f} %, F1 {:.2f} %", 100 * all.precision,
                     100 * all.recall, 100 * all.f1);
}

std::vector<Words> words_of(const std::vector<TaggedSentence>& sentences) {
  std::vector<Words> words;
  words.reserve(sentences.size());
  for (const TaggedSentence& sentence : sentences) words.push_back(sentence.words);
  return words;
}

TaggingScore evaluate(const TrainedTagger& trained, const std::vector<TaggedSentence>& sentences) {
  TaggingScore score(trained.scheme);
  score.add(trained.tag(words_of(sentences)), sentences);
  return score;
}

TaggingScore most_frequent_labels(const std::vector<TaggedSentence>& train,
                                  const std::vector<TaggedSentence>& sentences,
                                  std::optional<TagScheme> scheme) {
  LabelCounts all;
  std::unordered_map<std::string, LabelCounts> counts;
  for (const TaggedSentence& sentence : train) {
    for (std::size_t t = 0; t < sentence.words.size(); ++t) {
      ++all[sentence.tags[t]];
      ++counts[sentence.words[t]][sentence.tags[t]];
    }
  }
  std::vector<Words> found;
  for (const TaggedSentence& sentence : sentences) {
    Words& tags = found.emplace_back();
    for (const std::string& word : sentence.words) {
      const auto known = counts.find(word);
      tags.push_back(most_frequent(known == counts.end() ? all : known->second));
    }
  }
  TaggingScore score(scheme);
  score.add(found, sentences);
  return score;
}

}  // namespace gradus::examples
