#include <fmt/format.h>
#include <gradus/framework/error.h>
#include <gradus/framework/text/vocabulary.h>

#include <algorithm>
#include <utility>

namespace gradus {

void WordCounter::add(std::string_view word, std::int64_t times) {
  if (times < 0) {
    throw ValueError(fmt::format("WordCounter: '{}' was to be added {} times", word, times));
  }
  const auto found = counts_.find(word);
  if (found != counts_.end()) {
    found->second += times;
  } else {
    counts_.emplace(word, times);
  }
}

std::int64_t WordCounter::count(std::string_view word) const {
  const auto found = counts_.find(word);
  return found == counts_.end() ? 0 : found->second;
}

Vocabulary::Vocabulary(const WordCounter& counter, const VocabularyOptions& options) {
  if (!options.padding.empty()) {
    padding_id_ = size();
    append(options.padding, counter.count(options.padding));
  }
  if (!options.unknown.empty()) {
    unknown_id_ = size();
    append(options.unknown, 0);
  }
  if (options.max_size && *options.max_size < size()) {
    throw ValueError(fmt::format("Vocabulary: max_size is {}, but there are {} special words",
                                 *options.max_size, size()));
  }

  std::vector<std::pair<std::string_view, std::int64_t>> kept;
  std::int64_t left_out = 0;
  for (const auto& [word, count] : counter.counts()) {
    const bool is_unknown = unknown_id_ && word == options.unknown;
    if (!is_unknown && padding_id_ && word == options.padding) continue;
    if (is_unknown || count < options.min_count) {
      left_out += count;
    } else {
      kept.emplace_back(word, count);
    }
  }
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  for (const auto& [word, count] : kept) {
    if (options.max_size && size() >= *options.max_size) {
      left_out += count;
    } else {
      append(std::string(word), count);
    }
  }
  if (unknown_id_) counts_[static_cast<std::size_t>(*unknown_id_)] = left_out;
}

Vocabulary Vocabulary::from_words(std::vector<std::string> words,
                                  const VocabularyOptions& options) {
  Vocabulary vocabulary;
  for (std::string& word : words) vocabulary.append(std::move(word), 0);
  if (!options.padding.empty()) vocabulary.padding_id_ = vocabulary.find(options.padding);
  if (!options.unknown.empty()) vocabulary.unknown_id_ = vocabulary.find(options.unknown);
  return vocabulary;
}

void Vocabulary::append(std::string word, std::int64_t count) {
  if (!ids_.emplace(word, size()).second) {
    throw ValueError(
        fmt::format("Vocabulary: '{}' is listed twice, the second time with id {}", word, size()));
  }
  words_.push_back(std::move(word));
  counts_.push_back(count);
}

std::optional<std::int64_t> Vocabulary::find(std::string_view word) const {
  const auto found = ids_.find(word);
  if (found == ids_.end()) return std::nullopt;
  return found->second;
}

std::int64_t Vocabulary::id(std::string_view word) const {
  if (const auto known = find(word)) return *known;
  if (unknown_id_) return *unknown_id_;
  throw IndexError(
      fmt::format("Vocabulary: '{}' is not among the {} words, and no word stands for unknown ones",
                  word, size()));
}

std::vector<std::int64_t> Vocabulary::ids(std::span<const std::string> words) const {
  std::vector<std::int64_t> result;
  result.reserve(words.size());
  for (const std::string& text : words) result.push_back(id(text));
  return result;
}

const std::string& Vocabulary::word(std::int64_t id) const {
  if (id < 0 || id >= size()) {
    throw IndexError(fmt::format("Vocabulary: id {} is outside [0, {})", id, size()));
  }
  return words_[static_cast<std::size_t>(id)];
}

}  // namespace gradus
