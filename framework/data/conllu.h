#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/data/conll.h>
#include <gradus/framework/data/read_options.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// A line of a CoNLL-U file: its ten fields. "_" means that a field has no value.
struct ConlluToken {
  std::string id;  ///< "3"; "3-4" for a multiword token; "3.1" for an empty node
  std::string form, lemma, upos, xpos, feats;
  std::int64_t head = -1;  ///< id of the word it depends on; 0 for the root, -1 for "_"
  std::string deprel, deps, misc;
  bool operator==(const ConlluToken&) const = default;
};

/// A sentence of a CoNLL-U file. The words are the syntactic ones: "du" in French is the multiword
/// token of the words "de" and "le".
struct GRADUS_API ConlluSentence {
  std::vector<std::string> comments;     ///< without "#" and the blanks around them
  std::vector<ConlluToken> words;        ///< ids 1, 2, ...
  std::vector<ConlluToken> multiword;    ///< tokens that stand for several words
  std::vector<ConlluToken> empty_nodes;  ///< of the enhanced graph, such as elided words

  /// The value of a comment `key = value`, such as "text" or "sent_id"; "" for one without a value,
  /// such as "newpar"; nullopt if there is no such comment.
  std::optional<std::string> comment(std::string_view key) const;
  bool operator==(const ConlluSentence&) const = default;
};

/// Reads CoNLL-U as universaldependencies.org/format.html describes it. A sentence with a bad line
/// is left out as a whole by BadLines::skip. A line is bad if it has not ten fields, an empty one
/// or one with a blank that may have none, an id out of its order, or a head outside the sentence.
/// Throws as ReadOptions says.
GRADUS_API std::vector<ConlluSentence> read_conllu(const std::string& path,
                                                   const ReadOptions& options = {});

/// The forms of a sentence's words, with their universal parts of speech as tags.
GRADUS_API TaggedSentence upos_tagged(const ConlluSentence& sentence);

}  // namespace gradus
