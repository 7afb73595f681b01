#include <fmt/format.h>
#include <gradus/examples/tagger/coding.h>
#include <gradus/framework/base/error.h>

#include <string_view>
#include <unordered_map>

namespace gradus::examples {
namespace {

constexpr const char* begin_of_word = "<w>";
constexpr const char* end_of_word = "</w>";

/// The characters of a text in UTF-8.
std::vector<std::string> split_characters(std::string_view text) {
  std::vector<std::string> characters;
  for (const char byte : text) {
    const bool is_first = (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U;
    if (is_first || characters.empty()) characters.emplace_back();
    characters.back() += byte;
  }
  return characters;
}

/// The positions of words among the distinct ones, which it collects.
class Forms {
 public:
  explicit Forms(const TagCoding& coding) : coding_(coding) {}

  std::int64_t add(const std::string& word) {
    const auto [found, is_new] = ids_.try_emplace(word, std::ssize(characters_));
    if (is_new) characters_.push_back(coding_.character_ids(word));
    return found->second;
  }
  const std::vector<std::vector<std::int64_t>>& characters() const { return characters_; }

 private:
  const TagCoding& coding_;
  std::unordered_map<std::string, std::int64_t> ids_;
  std::vector<std::vector<std::int64_t>> characters_;
};

}  // namespace

Words word_keys(const std::string& word, bool cased, const std::optional<TextPieces>& pieces) {
  if (pieces) return pieces->of_word(word);
  std::string key = word;
  for (char& c : key) {
    if (!cased && 'A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return {key};
}

TagCoding TagCoding::of(std::span<const TaggedSentence> sentences,
                        std::span<const std::string> known, const TagCodingOptions& options) {
  WordCounter words, characters;
  LabelSet labels;
  for (const TaggedSentence& sentence : sentences) {
    for (const std::string& word : sentence.words) {
      words.add(word_keys(word, options.cased, options.pieces));
      characters.add(split_characters(word));
    }
    labels.add(sentence.tags);
  }
  for (const std::string& word : known) words.add(word, options.min_count);
  return {Vocabulary(words, {.min_count = options.min_count}),
          Vocabulary(characters, {.min_count = 2, .specials = {begin_of_word, end_of_word}}),
          labels.sorted(), options.cased, options.pieces};
}

std::vector<std::int64_t> TagCoding::word_ids(const std::string& word) const {
  std::vector<std::int64_t> ids = words.ids(word_keys(word, cased, pieces));
  if (ids.empty()) ids.push_back(*words.unknown_id());
  return ids;
}

std::vector<std::int64_t> TagCoding::character_ids(const std::string& word) const {
  std::vector<std::int64_t> ids = {characters.id(begin_of_word)};
  for (const std::string& c : split_characters(word)) ids.push_back(characters.id(c));
  ids.push_back(characters.id(end_of_word));
  return ids;
}

SentenceBatch TagCoding::batch(std::span<const Words> sentences) const {
  std::vector<std::vector<std::int64_t>> ids(sentences.size()), form_ids(sentences.size()),
      begins(sentences.size());
  Forms forms(*this);
  for (std::size_t i = 0; i < sentences.size(); ++i) {
    for (const std::string& word : sentences[i]) {
      const std::vector<std::int64_t> of_word = word_ids(word);
      begins[i].push_back(std::ssize(ids[i]));
      ids[i].insert(ids[i].end(), of_word.begin(), of_word.end());
      form_ids[i].insert(form_ids[i].end(), of_word.size(), forms.add(word));
    }
  }
  SentenceBatch batch{pad_sequences(ids, *words.padding_id()),
                      pad_sequences(forms.characters(), *characters.padding_id()),
                      pad_sequences(form_ids).ids,
                      {},
                      {},
                      {}};
  batch.lengths = batch.words.lengths;
  if (pieces) {
    const std::int64_t P = batch.words.ids.size(1);
    for (std::size_t i = 0; i < begins.size(); ++i) {
      for (std::int64_t& begin : begins[i]) begin += static_cast<std::int64_t>(i) * P;
    }
    const auto [first_pieces, lengths] = pad_sequences(begins);
    batch.first_pieces = first_pieces;
    batch.lengths = lengths;
  }
  return batch;
}

SentenceBatch CollateSentences::operator()(const std::vector<TaggedSentence>& sentences,
                                           Generator& generator) const {
  std::vector<Words> words;
  std::vector<std::vector<std::int64_t>> labels;
  for (const TaggedSentence& sentence : sentences) {
    words.push_back(sentence.words);
    labels.push_back(coding->labels.ids(sentence.tags));
  }
  SentenceBatch batch = coding->batch(words);
  batch.labels = pad_sequences(labels).ids;
  for (std::int64_t& id : batch.words.ids.mutable_span<std::int64_t>()) {
    if (coding->is_singleton(id) && generator.uniform() < replaced)
      id = *coding->words.unknown_id();
  }
  return batch;
}

}  // namespace gradus::examples
