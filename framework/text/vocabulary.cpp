#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/vocabulary.h>

#include <algorithm>
#include <utility>

namespace gradus {

using detail::printable;

void WordCounter::add(std::string_view word, std::int64_t times) {
  if (times < 0) {
    throw ValueError(fmt::format("WordCounter: cannot add '{}' {} times", printable(word), times));
  }
  const auto place = static_cast<std::size_t>(words_.add(word));
  if (place == counts_.size()) counts_.push_back(0);
  counts_[place] += times;
}

void WordCounter::add(std::span<const std::string> words) {
  for (const std::string& word : words) add(word);
}

std::int64_t WordCounter::count(std::string_view word) const {
  const std::int64_t place = words_.find(word);
  return place < 0 ? 0 : counts_[static_cast<std::size_t>(place)];
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
  for (std::size_t i = 0; i < counter.words().size(); ++i) {
    const std::string& word = counter.words()[i];
    const std::int64_t count = counter.counts()[i];
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
      append(word, count);
    }
  }
  if (unknown_id_) counts_[static_cast<std::size_t>(*unknown_id_)] = left_out;
}

Vocabulary Vocabulary::from_words(const std::vector<std::string>& words,
                                  const VocabularyOptions& options) {
  Vocabulary vocabulary;
  for (const std::string& word : words) vocabulary.append(word, 0);
  if (!options.padding.empty()) vocabulary.padding_id_ = vocabulary.find(options.padding);
  if (!options.unknown.empty()) vocabulary.unknown_id_ = vocabulary.find(options.unknown);
  return vocabulary;
}

void Vocabulary::append(std::string_view word, std::int64_t count) {
  if (contains(word)) {
    throw ValueError(fmt::format("Vocabulary: '{}' is listed twice, the second time with id {}",
                                 printable(word), size()));
  }
  words_.add(word);
  counts_.push_back(count);
}

std::optional<std::int64_t> Vocabulary::find(std::string_view word) const {
  const std::int64_t found = words_.find(word);
  if (found < 0) return std::nullopt;
  return found;
}

std::int64_t Vocabulary::id(std::string_view word) const {
  if (const auto known = find(word)) return *known;
  if (unknown_id_) return *unknown_id_;
  throw IndexError(fmt::format(
      "Vocabulary: '{}' is not among the {} words, and there is no word for unknown ones",
      printable(word), size()));
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
  return words()[static_cast<std::size_t>(id)];
}

}  // namespace gradus
