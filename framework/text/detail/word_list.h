#pragma once
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

/// The text form of lists of words. A file reads:
///   # gradus vocabulary 1: 2 words
///   # padding<TAB>0                    marks, as many as there are
///                                      a blank line
///   <pad><TAB>0                        the words, each with its number if the list has numbers
///   sea<TAB>17
/// In words, \ becomes \\, and a control character or a byte that is not UTF-8 becomes \xNN, so
/// that any word comes back as it was.
namespace gradus::detail {

struct WordMark {
  std::string name;
  std::int64_t id;
};

/// What a list holds, apart from its kind ("vocabulary", "labels").
struct WordList {
  std::vector<WordMark> marks;
  std::vector<std::string> words;
  std::vector<std::int64_t> counts;  // of each word; empty if the list has none
};

GRADUS_API std::string word_list_text(const char* kind, const WordList& list);

/// where: the prefix of errors. Throws FormatError naming the line, also for a list of another kind
/// or version, a text that was truncated, and marks outside the list.
GRADUS_API WordList parse_word_list(const char* kind, bool with_counts, std::string_view text,
                                    const std::string& where);

/// The content of a text file, without a byte order mark.
GRADUS_API std::string read_text_file(const char* operation, const std::string& path);
GRADUS_API void write_text_file(const char* operation, const std::string& path,
                                std::string_view text);

}  // namespace gradus::detail
