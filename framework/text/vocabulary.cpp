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

using detail::printable;

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

constexpr const char* like_specials =
    "make both with the same special words, by their VocabularyOptions";

// The word that serves a purpose in both vocabularies, or in one of them; nullptr for none.
const std::string* common_word(const char* purpose, const Vocabulary& a,
                               std::optional<std::int64_t> id_a, const Vocabulary& b,
                               std::optional<std::int64_t> id_b) {
  const std::string* first = id_a ? &a.word(*id_a) : nullptr;
  const std::string* second = id_b ? &b.word(*id_b) : nullptr;
  if (first != nullptr && second != nullptr && *first != *second) {
    throw ValueError(fmt::format(
        "merged: the {} word is '{}' in the first vocabulary and '{}' in the second: {}", purpose,
        printable(*first), printable(*second), like_specials));
  }
  return first != nullptr ? first : second;
}

bool is_special(const Vocabulary& vocabulary, std::int64_t id) {
  const std::vector<std::int64_t>& ids = vocabulary.special_ids();
  return std::binary_search(ids.begin(), ids.end(), id);
}

// Throws if a word of both is special in one of them alone.
void check_special_words(const Vocabulary& a, const Vocabulary& b) {
  for (std::int64_t id = 0; id < b.size(); ++id) {
    const auto own = a.find(b.word(id));
    if (!own || is_special(a, *own) == is_special(b, id)) continue;
    throw ValueError(fmt::format("merged: '{}' is a special word in the {} vocabulary alone: {}",
                                 printable(b.word(id)), is_special(b, id) ? "second" : "first",
                                 like_specials));
  }
}

// Of these ids the n whose words are the most frequent.
std::vector<std::int64_t> most_frequent(const Vocabulary& vocabulary, std::vector<std::int64_t> ids,
                                        std::int64_t n) {
  if (std::ssize(ids) <= n) return ids;
  const auto count = [&](std::int64_t id) {
    return vocabulary.counts()[static_cast<std::size_t>(id)];
  };
  std::stable_sort(ids.begin(), ids.end(),
                   [&](std::int64_t a, std::int64_t b) { return count(a) > count(b); });
  ids.resize(static_cast<std::size_t>(n));
  return ids;
}

// The ids of the words that cut() keeps, in order; `must_stay` says which it has to.
template <class MustStay>
std::vector<std::int64_t> kept_ids(const Vocabulary& vocabulary, const CutOptions& options,
                                   MustStay must_stay) {
  std::vector<std::int64_t> kept, others;
  for (std::int64_t id = 0; id < vocabulary.size(); ++id) {
    if (must_stay(id)) {
      kept.push_back(id);
    } else if (vocabulary.counts()[static_cast<std::size_t>(id)] >= options.min_count) {
      others.push_back(id);
    }
  }
  const std::int64_t room = options.max_size.value_or(vocabulary.size()) - std::ssize(kept);
  if (room < 0) {
    throw ValueError(fmt::format(
        "cut: max_size is {}, but {} words must stay: the special ones and that of default_id",
        *options.max_size, kept.size()));
  }
  others = most_frequent(vocabulary, std::move(others), room);
  kept.insert(kept.end(), others.begin(), others.end());
  std::sort(kept.begin(), kept.end());
  return kept;
}

}  // namespace

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

void Vocabulary::swap(Vocabulary& other) noexcept {
  std::swap(words_, other.words_);
  counts_.swap(other.counts_);
  std::swap(padding_id_, other.padding_id_);
  std::swap(unknown_id_, other.unknown_id_);
  std::swap(default_id_, other.default_id_);
  special_ids_.swap(other.special_ids_);
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

Vocabulary merged(const Vocabulary& a, const Vocabulary& b) {
  const auto* padding = common_word("padding", a, a.padding_id_, b, b.padding_id_);
  const auto* unknown = common_word("unknown", a, a.unknown_id_, b, b.unknown_id_);
  const auto* other = common_word("default", a, a.default_id(), b, b.default_id());
  check_special_words(a, b);
  Vocabulary both = a;
  for (std::int64_t id = 0; id < b.size(); ++id) {
    const auto place = static_cast<std::size_t>(both.words_.add(b.word(id)));
    if (place == both.counts_.size()) {
      if (is_special(b, id)) both.special_ids_.push_back(static_cast<std::int64_t>(place));
      both.counts_.push_back(0);
    }
    both.counts_[place] =
        saturating_sum(both.counts_[place], b.counts()[static_cast<std::size_t>(id)]);
  }
  if (padding != nullptr) both.padding_id_ = both.find(*padding);
  if (unknown != nullptr) both.unknown_id_ = both.find(*unknown);
  if (a.default_id_ || b.default_id_) both.default_id_ = both.find(*other);
  return both;
}

Vocabulary cut(const Vocabulary& vocabulary, const CutOptions& options) {
  const std::vector<std::int64_t> kept = kept_ids(vocabulary, options, [&](std::int64_t id) {
    return is_special(vocabulary, id) || id == vocabulary.default_id_;
  });
  Vocabulary less;
  std::int64_t left_out = 0;
  auto next = kept.begin();
  for (std::int64_t id = 0; id < vocabulary.size(); ++id) {
    const std::int64_t count = vocabulary.counts()[static_cast<std::size_t>(id)];
    if (next == kept.end() || *next != id) {
      left_out = saturating_sum(left_out, count);
      continue;
    }
    ++next;
    if (is_special(vocabulary, id)) less.special_ids_.push_back(less.size());
    if (id == vocabulary.padding_id_) less.padding_id_ = less.size();
    if (id == vocabulary.unknown_id_) less.unknown_id_ = less.size();
    if (id == vocabulary.default_id_) less.default_id_ = less.size();
    less.append(vocabulary.word(id), count);
  }
  if (less.unknown_id_) {
    std::int64_t& unknown = less.counts_[static_cast<std::size_t>(*less.unknown_id_)];
    unknown = saturating_sum(unknown, left_out);
  }
  return less;
}

std::vector<std::int64_t> row_sources(const Vocabulary& before, const Vocabulary& after) {
  std::vector<std::int64_t> sources;
  sources.reserve(static_cast<std::size_t>(after.size()));
  for (const std::string& word : after.words()) sources.push_back(before.find(word).value_or(-1));
  return sources;
}

void save_vocabulary(const Vocabulary& vocabulary, const std::string& path) {
  detail::write_text_file("save_vocabulary", path, vocabulary.text());
}

Vocabulary load_vocabulary(const std::string& path) {
  return Vocabulary::parse(detail::read_text_file("load_vocabulary", path),
                           fmt::format("load_vocabulary: '{}'", path));
}

}  // namespace gradus
