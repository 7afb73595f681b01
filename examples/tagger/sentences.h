#pragma once
#include <gradus/framework/data/conll.h>
#include <gradus/framework/data/read_options.h>
#include <gradus/framework/text/tag_scheme.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::examples {

enum class ColumnFormat : std::uint8_t { automatic, conllu, conll };

/// Where a file has the words and their labels.
struct SentenceFormat {
  ColumnFormat format = ColumnFormat::automatic;  ///< CoNLL-U if the name ends in .conllu
  std::string column = {};       ///< of the labels: empty for upos of CoNLL-U, else for the last
  std::int64_t word_column = 0;  ///< of CoNLL columns
  TextEncoding encoding = TextEncoding::utf8;
};

/// Throws FormatError for a file without a sentence, ValueError for a column that the format does
/// not have.
std::vector<TaggedSentence> read_sentences(const std::string& path, const SentenceFormat& format);

/// The last tenth of the sentences, which it takes out of them. Throws Error if there are fewer
/// than 10.
std::vector<TaggedSentence> hold_out(std::vector<TaggedSentence>& sentences,
                                     const std::string& path);

/// Files of a treebank of Turkish, which are made if they are not there yet. Throws Error saying
/// what to do if that is not possible.
struct Treebank {
  std::string train, valid, test;
};
Treebank turkish_treebank();

/// The schemes of spans by their names.
struct NamedScheme {
  const char* name;
  TagScheme scheme;
};
std::span<const NamedScheme> tag_schemes();
const char* name_of(TagScheme scheme);

/// The first scheme of tag_schemes() that allows the labels of all sentences; nullopt for labels
/// that are not those of spans. Throws Error for some that no scheme allows, as IOB2 names them.
std::optional<TagScheme> find_scheme(const std::vector<TaggedSentence>& sentences);

/// Throws Error naming the first sentence whose labels a scheme does not allow.
void check_scheme(const std::vector<TaggedSentence>& sentences, TagScheme scheme);

}  // namespace gradus::examples
