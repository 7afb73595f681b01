#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/word_list.h>
#include <gradus/framework/text/vocabulary.h>

#include <algorithm>
#include <limits>
#include <utility>

namespace gradus {

namespace {

constexpr const char* kind = "vocabulary";

// The sum of two counts, or the greatest count.
std::int64_t saturating_sum(std::int64_t a, std::int64_t b) {
  constexpr std::int64_t greatest = std::numeric_limits<std::int64_t>::max();
  return a > greatest - b ? greatest : a + b;
}

template <class Words>
std::vector<std::int64_t> ids_of(const Vocabulary& vocabulary, const Words& words) {
  std::vector<std::int64_t> result;
  result.reserve(words.size());
  for (const auto& text : words) result.push_back(vocabulary.id(text));
  return result;
}

template <class Words>
std::vector<std::int64_t> known_ids_of(const Vocabulary& vocabulary, const Words& words) {
  std::vector<std::int64_t> result;
  result.reserve(words.size());
  for (const auto& text : words) {
    if (const auto id = vocabulary.find(text)) result.push_back(*id);
  }
  return result;
}

}  // namespace

using detail::printable;

void WordCounter::add(std::string_view word, std::int64_t times) {
  if (times < 0) {
    throw ValueError(fmt::format("WordCounter: cannot add '{}' {} times", printable(word), times));
  }
  const auto place = static_cast<std::size_t>(words_.add(word));
  if (place == counts_.size()) counts_.push_back(0);
  counts_[place] = saturating_sum(counts_[place], times);
}

void WordCounter::add(std::span<const std::string> words) {
  for (const std::string& word : words) add(word);
}

void WordCounter::add(std::initializer_list<std::string_view> words) {
  for (const std::string_view word : words) add(word);
}

std::int64_t WordCounter::count(std::string_view word) const {
  const std::int64_t place = words_.find(word);
  return place < 0 ? 0 : counts_[static_cast<std::size_t>(place)];
}

Vocabulary::Vocabulary(const WordCounter& counter, const VocabularyOptions& options) {
  if (!options.padding.empty()) {
    padding_id_ = size();
    append_special(options.padding, counter);
  }
  if (!options.unknown.empty()) {
    unknown_id_ = size();
    append_special(options.unknown, counter);
  }
  for (const std::string& word : options.specials) append_special(word, counter);
  if (options.max_size && *options.max_size < size()) {
    throw ValueError(fmt::format("Vocabulary: max_size is {}, but there are {} special words",
                                 *options.max_size, size()));
  }

  std::vector<std::pair<std::string_view, std::int64_t>> kept;
  std::int64_t left_out = 0;
  for (std::size_t i = 0; i < counter.words().size(); ++i) {
    const std::string& word = counter.words()[i];
    const std::int64_t count = counter.counts()[i];
    const auto known = find(word);
    const bool is_unknown = known && known == unknown_id_;
    if (known && !is_unknown) continue;  // another special word
    if (is_unknown || count < options.min_count) {
      left_out = saturating_sum(left_out, count);
    } else {
      kept.emplace_back(word, count);
    }
  }
  std::sort(kept.begin(), kept.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  for (const auto& [word, count] : kept) {
    if (options.max_size && size() >= *options.max_size) {
      left_out = saturating_sum(left_out, count);
    } else {
      append(word, count);
    }
  }
  if (unknown_id_) counts_[static_cast<std::size_t>(*unknown_id_)] = left_out;
  set_default(options);
}

void Vocabulary::append_special(std::string_view word, const WordCounter& counter) {
  special_ids_.push_back(size());
  append(word, counter.count(word));
}

void Vocabulary::set_default(const VocabularyOptions& options) {
  default_id_ = options.default_id;
  if (!default_id_ || (0 <= *default_id_ && *default_id_ < size())) return;
  throw ValueError(
      fmt::format("Vocabulary: default_id {} is outside [0, {})", *default_id_, size()));
}

Vocabulary Vocabulary::from_words(const std::vector<std::string>& words,
                                  const VocabularyOptions& options) {
  Vocabulary vocabulary;
  for (const std::string& word : words) vocabulary.append(word, 0);
  if (!options.padding.empty()) vocabulary.padding_id_ = vocabulary.find(options.padding);
  if (!options.unknown.empty()) vocabulary.unknown_id_ = vocabulary.find(options.unknown);
  std::vector<std::string> specials = options.specials;
  specials.insert(specials.end(), {options.padding, options.unknown});
  for (std::int64_t id = 0; id < vocabulary.size(); ++id) {
    const std::string& word = vocabulary.words()[static_cast<std::size_t>(id)];
    if (word.empty() || std::find(specials.begin(), specials.end(), word) == specials.end())
      continue;
    vocabulary.special_ids_.push_back(id);
  }
  vocabulary.set_default(options);
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
  if (const auto other = default_id()) return *other;
  throw IndexError(fmt::format(
      "Vocabulary: '{}' is not among the {} words, and there is no word for unknown ones",
      printable(word), size()));
}

std::vector<std::int64_t> Vocabulary::ids(std::span<const std::string> words) const {
  return ids_of(*this, words);
}

std::vector<std::int64_t> Vocabulary::ids(std::initializer_list<std::string_view> words) const {
  return ids_of(*this, words);
}

std::vector<std::int64_t> Vocabulary::known_ids(std::span<const std::string> words) const {
  return known_ids_of(*this, words);
}

std::vector<std::int64_t> Vocabulary::known_ids(
    std::initializer_list<std::string_view> words) const {
  return known_ids_of(*this, words);
}

const std::string& Vocabulary::word(std::int64_t id) const {
  if (id < 0 || id >= size()) {
    throw IndexError(fmt::format("Vocabulary: id {} is outside [0, {})", id, size()));
  }
  return words()[static_cast<std::size_t>(id)];
}

std::string Vocabulary::text() const {
  std::vector<detail::WordMark> marks;
  if (padding_id_) marks.push_back({"padding", *padding_id_});
  if (unknown_id_) marks.push_back({"unknown", *unknown_id_});
  for (const std::int64_t id : special_ids_) {
    if (id != padding_id_ && id != unknown_id_) marks.push_back({"special", id});
  }
  if (default_id_) marks.push_back({"default", *default_id_});
  return detail::word_list_text(kind, {std::move(marks), words(), counts_});
}

Vocabulary Vocabulary::parse(std::string_view text, const std::string& where) {
  const detail::WordList list = detail::parse_word_list(kind, true, text, where);
  Vocabulary vocabulary;
  for (std::size_t i = 0; i < list.words.size(); ++i) {
    if (vocabulary.contains(list.words[i])) {
      throw FormatError(fmt::format("{}: '{}' is listed twice, the second time with id {}", where,
                                    printable(list.words[i]), i));
    }
    vocabulary.append(list.words[i], list.counts[i]);
  }
  for (const auto& [name, id] : list.marks) {
    if (name == "padding") {
      vocabulary.padding_id_ = id;
    } else if (name == "unknown") {
      vocabulary.unknown_id_ = id;
    } else if (name == "default") {
      vocabulary.default_id_ = id;
      continue;
    } else if (name != "special") {
      throw FormatError(
          fmt::format("{}: '{}' is not a mark: there are padding, unknown, special and default",
                      where, printable(name)));
    }
    vocabulary.special_ids_.push_back(id);
  }
  std::vector<std::int64_t>& ids = vocabulary.special_ids_;
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());  // a word may have several roles
  return vocabulary;
}

Vocabulary Vocabulary::from_text(std::string_view text) {
  return parse(text, "Vocabulary::from_text");
}

void save_vocabulary(const Vocabulary& vocabulary, const std::string& path) {
  detail::write_text_file("save_vocabulary", path, vocabulary.text());
}

Vocabulary load_vocabulary(const std::string& path) {
  return Vocabulary::parse(detail::read_text_file("load_vocabulary", path),
                           fmt::format("load_vocabulary: '{}'", path));
}

}  // namespace gradus
