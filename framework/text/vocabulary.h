#pragma once
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// Counts how often each word occurs.
class GRADUS_API WordCounter {
 public:
  /// Counts up to 2^63 - 1, where a count stays. Throws ValueError for a negative number of times.
  void add(std::string_view word, std::int64_t times = 1);
  void add(std::span<const std::string> words);
  void add(std::initializer_list<std::string_view> words);

  /// 0 for a word that was never added.
  std::int64_t count(std::string_view word) const;
  /// The words in the order in which they were first added, and how often each occurred.
  const std::vector<std::string>& words() const { return words_.texts(); }
  const std::vector<std::int64_t>& counts() const { return counts_; }

 private:
  detail::TextIndex words_;
  std::vector<std::int64_t> counts_;
};

struct VocabularyOptions {
  std::int64_t min_count = 1;              ///< rarer words are left out
  std::optional<std::int64_t> max_size{};  ///< keep only the most frequent, including special words
  std::string padding = "<pad>";           ///< pads sequences; gets the first id. Empty for none
  std::string unknown = "<unk>";           ///< for words left out; gets the next id. Empty for none
  std::vector<std::string> specials = {};  ///< further ones, such as "<bos>", for the next ids
  std::optional<std::int64_t> default_id{};  ///< for words left out, instead of the unknown word's
};

struct CutOptions {
  std::int64_t min_count = 0;  ///< rarer words go
  std::optional<std::int64_t>
      max_size{};  ///< keeps only the most frequent, including special words
};

/// Words and their ids 0, 1, ..., size() - 1.
class GRADUS_API Vocabulary {
 public:
  /// The special words, then the others by decreasing count; equal counts in byte order. The count
  /// of the unknown word is that of all words left out.
  /// Throws ValueError if special words are equal, max_size has no room for them, or default_id is
  /// outside [0, size()).
  explicit Vocabulary(const WordCounter& counter, const VocabularyOptions& options = {});

  /// The given words in order, such as those of a file of vectors; the special words are those that
  /// `options` names, if they are among them. Counts are 0. Throws ValueError for a word that is
  /// listed twice, and for a default_id outside [0, size()).
  static Vocabulary from_words(const std::vector<std::string>& words,
                               const VocabularyOptions& options = {});

  Vocabulary(const Vocabulary&) = default;
  /// One that was moved from is empty.
  Vocabulary(Vocabulary&& other) noexcept { swap(other); }
  Vocabulary& operator=(Vocabulary other) noexcept {
    swap(other);
    return *this;
  }
  ~Vocabulary() = default;

  std::int64_t size() const { return words_.size(); }
  bool contains(std::string_view word) const { return words_.find(word) >= 0; }
  /// The id of a word, or nullopt.
  std::optional<std::int64_t> find(std::string_view word) const;
  /// The id of a word, or default_id(). Throws IndexError if there is neither.
  std::int64_t id(std::string_view word) const;
  /// The ids of words, in order. Throws like id().
  std::vector<std::int64_t> ids(std::span<const std::string> words) const;
  std::vector<std::int64_t> ids(std::initializer_list<std::string_view> words) const;
  /// The ids of words, without the words that it lacks.
  std::vector<std::int64_t> known_ids(std::span<const std::string> words) const;
  std::vector<std::int64_t> known_ids(std::initializer_list<std::string_view> words) const;
  /// Throws IndexError for an id outside [0, size()).
  const std::string& word(std::int64_t id) const;

  const std::vector<std::string>& words() const { return words_.texts(); }  ///< by id
  const std::vector<std::int64_t>& counts() const { return counts_; }       ///< by id
  std::optional<std::int64_t> padding_id() const { return padding_id_; }
  std::optional<std::int64_t> unknown_id() const { return unknown_id_; }
  /// The id of words that are not in the vocabulary: the one set in the options, or unknown_id().
  std::optional<std::int64_t> default_id() const { return default_id_ ? default_id_ : unknown_id_; }
  /// The ids of all special words: padding, unknown and further ones, in increasing order.
  const std::vector<std::int64_t>& special_ids() const { return special_ids_; }

  /// All of this as text, for the metadata of a model's file:
  ///   state.metadata["vocabulary"] = vocabulary.text();
  ///   const auto vocabulary = Vocabulary::from_text(state.metadata.at("vocabulary"));
  std::string text() const;
  /// Throws FormatError naming the line that is wrong.
  static Vocabulary from_text(std::string_view text);

 private:
  friend GRADUS_API Vocabulary load_vocabulary(const std::string& path);
  friend GRADUS_API Vocabulary merged(const Vocabulary& a, const Vocabulary& b);
  friend GRADUS_API Vocabulary cut(const Vocabulary& vocabulary, const CutOptions& options);
  Vocabulary() = default;
  void swap(Vocabulary& other) noexcept;
  void append(std::string_view word, std::int64_t count);
  void append_special(std::string_view word, const WordCounter& counter);
  void set_default(const VocabularyOptions& options);
  static Vocabulary parse(std::string_view text, const std::string& where);

  detail::TextIndex words_;
  std::vector<std::int64_t> counts_;
  std::optional<std::int64_t> padding_id_, unknown_id_, default_id_;
  std::vector<std::int64_t> special_ids_;
};

/// The words of `a` with their ids, then those that only `b` has, in its order. Counts are added.
/// What only one of them has for padding, unknown words or as default_id() is that of both.
/// Throws ValueError if they have different words for these, or if a word that both have is a
/// special one in one of them alone.
GRADUS_API Vocabulary merged(const Vocabulary& a, const Vocabulary& b);

/// The words that the options keep, in the same order, with new ids. Special words and that of
/// default_id() stay. Of words with equal counts those with lower ids stay. The count of the
/// unknown word grows by those of the words that go. Throws ValueError if max_size has no room for
/// what must stay.
GRADUS_API Vocabulary cut(const Vocabulary& vocabulary, const CutOptions& options);

/// For each word of `after`, by id, its id in `before`, or -1: carries the rows of a table for
/// `before` over to one for `after`.
///
///   table.remap(tensor(row_sources(before, after)), {.followers = {&optimizer, &averages}});
GRADUS_API std::vector<std::int64_t> row_sources(const Vocabulary& before, const Vocabulary& after);

/// Writes text(): a header that marks the special words, then `word<TAB>count` for each word by id.
/// Backslashes, control characters and bytes that are not UTF-8 are written as \\ and \xNN. The
/// file is replaced as a whole (see AtomicFile).
GRADUS_API void save_vocabulary(const Vocabulary& vocabulary, const std::string& path);
/// Reads it back: ids, counts, special words and default_id() are the same. Throws Error if the
/// file cannot be read, FormatError naming the line that is wrong.
GRADUS_API Vocabulary load_vocabulary(const std::string& path);

}  // namespace gradus
