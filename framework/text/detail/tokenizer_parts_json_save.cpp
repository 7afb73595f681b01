#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/tokenizer_parts.h>

#include <nlohmann/json.hpp>
#include <utility>

// Writes a tokenizer.json as Hugging Face's tokenizers 0.23 read it.
namespace gradus::detail {
namespace {

using Json = nlohmann::ordered_json;

Json pattern_json(const TextPattern& pattern) {
  return {{pattern.is_regex() ? "Regex" : "String", pattern.text()}};
}

const char* name_of(SplitBehavior behavior) {
  switch (behavior) {
    case SplitBehavior::removed:
      return "Removed";
    case SplitBehavior::isolated:
      return "Isolated";
    case SplitBehavior::merged_with_previous:
      return "MergedWithPrevious";
    case SplitBehavior::merged_with_next:
      return "MergedWithNext";
    case SplitBehavior::contiguous:
      break;
  }
  return "Contiguous";
}

const char* name_of(Metaspace::Prepend scheme) {
  return scheme == Metaspace::Prepend::first   ? "first"
         : scheme == Metaspace::Prepend::never ? "never"
                                               : "always";
}

Json to_json(NormalForm form) {
  return {{"type", form == NormalForm::nfc    ? "NFC"
                   : form == NormalForm::nfd  ? "NFD"
                   : form == NormalForm::nfkc ? "NFKC"
                                              : "NFKD"}};
}
Json to_json(const BertNormalizer& bert) {
  return {{"type", "BertNormalizer"},
          {"clean_text", bert.clean_text},
          {"handle_chinese_chars", bert.handle_chinese_chars},
          {"strip_accents", bert.strip_accents ? Json(*bert.strip_accents) : Json()},
          {"lowercase", bert.lowercase}};
}
Json to_json(const Lowercase&) { return {{"type", "Lowercase"}}; }
Json to_json(const StripAccents&) { return {{"type", "StripAccents"}}; }
Json to_json(const Strip& strip) {
  return {{"type", "Strip"}, {"strip_left", strip.left}, {"strip_right", strip.right}};
}
Json to_json(const Replace& replace) {
  return {{"type", "Replace"},
          {"pattern", pattern_json(replace.pattern)},
          {"content", replace.content}};
}
Json to_json(const Precompiled& table) {
  return {{"type", "Precompiled"}, {"precompiled_charsmap", table.base64}};
}
Json to_json(const Prepend& prepend) { return {{"type", "Prepend"}, {"prepend", prepend.prepend}}; }

Json to_json(const ByteLevel& bytes) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", bytes.add_prefix_space},
          {"trim_offsets", bytes.trim_offsets},
          {"use_regex", bytes.use_regex}};
}
Json to_json(const Metaspace& space) {
  return {{"type", "Metaspace"},
          {"replacement", space.replacement},
          {"prepend_scheme", name_of(space.prepend_scheme)},
          {"split", space.split}};
}
Json to_json(const Split& split) {
  return {{"type", "Split"},
          {"pattern", pattern_json(split.pattern)},
          {"behavior", name_of(split.behavior)},
          {"invert", split.invert}};
}
Json to_json(const BertPreTokenizer&) { return {{"type", "BertPreTokenizer"}}; }
Json to_json(const Whitespace&) { return {{"type", "Whitespace"}}; }
Json to_json(const WhitespaceSplit&) { return {{"type", "WhitespaceSplit"}}; }
Json to_json(const Punctuation& punctuation) {
  return {{"type", "Punctuation"}, {"behavior", name_of(punctuation.behavior)}};
}
Json to_json(const Digits& digits) {
  return {{"type", "Digits"}, {"individual_digits", digits.individual_digits}};
}
Json to_json(const CodePoints&) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", any_code_point}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}
Json to_json(const GraphemeClusters&) {
  return {{"type", "Split"},
          {"pattern", {{"Regex", any_grapheme_cluster}}},
          {"behavior", "Isolated"},
          {"invert", false}};
}
Json to_json(const TokenizeWords& words) {
  return {{"type", "GradusWords"}, {"lowercase", words.lowercase}};
}

Json to_json(const ByteLevelDecoder&) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", true},
          {"trim_offsets", true},
          {"use_regex", true}};
}
Json to_json(const WordPieceDecoder& decoder) {
  return {{"type", "WordPiece"}, {"prefix", decoder.prefix}, {"cleanup", decoder.cleanup}};
}
Json to_json(const MetaspaceDecoder& decoder) {
  return {{"type", "Metaspace"},
          {"replacement", decoder.replacement},
          {"prepend_scheme", name_of(decoder.prepend_scheme)},
          {"split", true}};
}
Json to_json(const BpeDecoder& decoder) {
  return {{"type", "BPEDecoder"}, {"suffix", decoder.suffix}};
}
Json to_json(const ByteFallback&) { return {{"type", "ByteFallback"}}; }
Json to_json(const Fuse&) { return {{"type", "Fuse"}}; }
Json to_json(const StripDecoder& decoder) {
  return {{"type", "Strip"},
          {"content", decoder.content},
          {"start", decoder.start},
          {"stop", decoder.stop}};
}
Json to_json(const ReplaceDecoder& decoder) {
  return {{"type", "Replace"},
          {"pattern", pattern_json(decoder.pattern)},
          {"content", decoder.content}};
}

void add_template(const std::vector<TemplateProcessing::Part>& parts, Json& list, Json& tokens) {
  list = Json::array();
  for (const TemplateProcessing::Part& part : parts) {
    if (part.text >= 0) {
      list.push_back(
          {{"Sequence", {{"id", part.text == 0 ? "A" : "B"}, {"type_id", part.type_id}}}});
      continue;
    }
    // BertProcessing may give one name two ids.
    std::string name = part.name;
    while (tokens.contains(name) && tokens[name]["ids"] != Json(part.ids)) name += '\'';
    list.push_back({{"SpecialToken", {{"id", name}, {"type_id", part.type_id}}}});
    tokens[name] = {{"id", name},
                    {"ids", part.ids},
                    {"tokens", std::vector<std::string>(part.ids.size(), name)}};
  }
}

Json to_json(const TemplateProcessing& form) {
  Json single, pair, tokens = Json::object();
  add_template(form.single, single, tokens);
  add_template(form.pair, pair, tokens);
  return {{"type", "TemplateProcessing"},
          {"single", single},
          {"pair", pair},
          {"special_tokens", tokens}};
}
Json to_json(const TrimOffsets& trim) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", trim.add_prefix_space},
          {"trim_offsets", true},
          {"use_regex", true}};
}

// JSON is UTF-8.
const std::string& checked(const std::string& token, std::int64_t id) {
  if (is_utf8(token)) return token;
  throw ValueError(
      fmt::format("Tokenizer: the token '{}' (id {}) is not UTF-8, which a tokenizer.json cannot "
                  "hold: leave it out of the vocabulary",
                  printable(token), id));
}

// None of these is left after hugging_face_parts().
Json to_json(const SentencePieceNormalizer&) { return nullptr; }
Json to_json(const SentencePieceDecoder&) { return nullptr; }
Json to_json(const SentencePieceModel&) { return nullptr; }

// Nothing, one part, or a sequence of parts.
template <class T>
Json all_json(const std::vector<T>& parts, const char* list) {
  Json all = Json::array();
  for (const T& part : parts)
    all.push_back(std::visit([](const auto& each) { return to_json(each); }, part));
  if (all.empty()) return nullptr;
  if (all.size() == 1) return all[0];
  return {{"type", "Sequence"}, {list, std::move(all)}};
}

Json vocabulary_json(const TokenTable& tokens) {
  Json result = Json::object();
  auto& members = result.get_ref<Json::object_t&>();
  for (std::size_t i = 0; i < tokens.tokens().size(); ++i)
    members.emplace_back(checked(tokens.tokens()[i], tokens.ids()[i]), tokens.ids()[i]);
  return result;
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

Json to_json(const Bpe& model) {
  const BpeOptions& options = model.options();
  Json merges = Json::array();
  const Merges all = model.merges();
  for (std::size_t i = 0; i < all.size(); ++i)
    merges.push_back({std::string(all[i].first), std::string(all[i].second)});
  return {{"type", "BPE"},
          {"dropout", nullptr},
          {"unk_token", text_or_null(options.unknown_token)},
          {"continuing_subword_prefix", text_or_null(options.continuing_subword_prefix)},
          {"end_of_word_suffix", text_or_null(options.end_of_word_suffix)},
          {"fuse_unk", options.fuse_unknown},
          {"byte_fallback", options.byte_fallback},
          {"ignore_merges", options.ignore_merges},
          {"vocab", vocabulary_json(model.tokens())},
          {"merges", std::move(merges)}};
}
Json to_json(const WordPiece& model) {
  return {{"type", "WordPiece"},
          {"unk_token", model.options().unknown_token},
          {"continuing_subword_prefix", model.options().continuing_subword_prefix},
          {"max_input_chars_per_word", model.options().max_input_chars_per_word},
          {"vocab", vocabulary_json(model.tokens())}};
}
Json to_json(const WordLevel& model) {
  return {{"type", "WordLevel"},
          {"vocab", vocabulary_json(model.tokens())},
          {"unk_token", model.unknown_token()}};
}

Json to_json(const Unigram& model) {
  Json vocabulary = Json::array();
  for (std::size_t i = 0; i < model.scores().size(); ++i) {
    const std::string& piece =
        checked(*model.tokens().token(std::ssize(vocabulary)), std::ssize(vocabulary));
    vocabulary.push_back(Json::array({piece, model.scores()[i]}));
  }
  return {{"type", "Unigram"},
          {"unk_id", model.unknown_id() < 0 ? Json() : Json(model.unknown_id())},
          {"vocab", std::move(vocabulary)},
          {"byte_fallback", model.byte_fallback()}};
}

Json to_json(const Truncation& truncation) {
  return {{"direction", truncation.direction == Truncation::Direction::right ? "Right" : "Left"},
          {"max_length", truncation.max_length},
          {"strategy", truncation.strategy == Truncation::Strategy::only_first    ? "OnlyFirst"
                       : truncation.strategy == Truncation::Strategy::only_second ? "OnlySecond"
                                                                                  : "LongestFirst"},
          {"stride", truncation.stride}};
}

Json to_json(const BatchPadding& padding) {
  return {{"strategy", padding.length ? Json{{"Fixed", *padding.length}} : Json("BatchLongest")},
          {"direction", padding.direction == BatchPadding::Direction::right ? "Right" : "Left"},
          {"pad_to_multiple_of",
           padding.pad_to_multiple_of ? Json(*padding.pad_to_multiple_of) : Json()},
          {"pad_id", padding.pad_id},
          {"pad_type_id", padding.pad_type_id},
          {"pad_token", padding.pad_token}};
}

Json to_json(const AddedToken& token) {
  return {{"id", token.id},
          {"content", checked(token.content, token.id)},
          {"single_word", token.single_word},
          {"lstrip", token.lstrip},
          {"rstrip", token.rstrip},
          {"normalized", token.normalized},
          {"special", token.special}};
}

}  // namespace

std::string tokenizer_json(const TokenizerParts& parts) {
  if (parts.sentencepiece != nullptr) return tokenizer_json(hugging_face_parts(parts));
  Json added = Json::array();
  for (const AddedToken& token : parts.added.tokens()) added.push_back(to_json(token));
  const Json file = {
      {"version", "1.0"},
      {"truncation", parts.truncation ? to_json(*parts.truncation) : Json()},
      {"padding", parts.padding ? to_json(*parts.padding) : Json()},
      {"added_tokens", std::move(added)},
      {"normalizer", all_json(parts.normalizers, "normalizers")},
      {"pre_tokenizer", all_json(parts.pre_tokenizers, "pretokenizers")},
      {"post_processor", all_json(parts.post_processors, "processors")},
      {"decoder", all_json(parts.decoders, "decoders")},
      {"model", std::visit([](const auto& each) { return to_json(each); }, parts.model)}};
  return file.dump(2) + "\n";
}

}  // namespace gradus::detail
