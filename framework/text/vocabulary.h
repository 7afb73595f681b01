#pragma once
#include <gradus/framework/base/detail/text_index.h>
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// Counts how often each word occurs.
class GRADUS_API WordCounter {
 public:
  /// Throws ValueError for a negative number of times.
  void add(std::string_view word, std::int64_t times = 1);
  void add(std::span<const std::string> words);

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
};

/// Words and their ids 0, 1, ..., size() - 1.
class GRADUS_API Vocabulary {
 public:
  /// The special words, then the others by decreasing count; equal counts in byte order. The count
  /// of the unknown word is that of all words left out.
  /// Throws ValueError if the special words are equal or max_size has no room for them.
  explicit Vocabulary(const WordCounter& counter, const VocabularyOptions& options = {});

  /// The given words in order, such as those of a file of vectors; the padding and unknown words
  /// are the ones that `options` names, if they are among them. Counts are 0. Throws ValueError for
  /// a word that is listed twice.
  static Vocabulary from_words(const std::vector<std::string>& words,
                               const VocabularyOptions& options = {});

  std::int64_t size() const { return words_.size(); }
  bool contains(std::string_view word) const { return words_.find(word) >= 0; }
  /// The id of a word, or nullopt.
  std::optional<std::int64_t> find(std::string_view word) const;
  /// The id of a word, or that of the unknown word. Throws IndexError if there is neither.
  std::int64_t id(std::string_view word) const;
  /// The ids of words, in order. Throws like id().
  std::vector<std::int64_t> ids(std::span<const std::string> words) const;
  /// Throws IndexError for an id outside [0, size()).
  const std::string& word(std::int64_t id) const;

  const std::vector<std::string>& words() const { return words_.texts(); }  ///< by id
  const std::vector<std::int64_t>& counts() const { return counts_; }       ///< by id
  std::optional<std::int64_t> padding_id() const { return padding_id_; }
  std::optional<std::int64_t> unknown_id() const { return unknown_id_; }

 private:
  Vocabulary() = default;
  void append(std::string_view word, std::int64_t count);

  detail::TextIndex words_;
  std::vector<std::int64_t> counts_;
  std::optional<std::int64_t> padding_id_, unknown_id_;
};

}  // namespace gradus
