#include <gradus/framework/text/detail/json_place.h>
#include <gradus/framework/text/detail/tokenizer_model_json.h>
#include <gradus/framework/text/detail/tokenizer_parts.h>

#include <map>
#include <utility>

// Reads a tokenizer.json. Source: Hugging Face's tokenizers 0.23.
namespace gradus::detail {
namespace {

TextPattern parse_pattern(const JsonPlace& place) {
  if (place.has("String")) return TextPattern::literal(place.at("String").text());
  const JsonPlace expression = place.at("Regex");
  try {
    return TextPattern::regex(expression.text());
  } catch (const ValueError& error) {
    expression.fail(error.what());
  }
}

SplitBehavior parse_behavior(const JsonPlace& place) {
  static const std::map<std::string, SplitBehavior> names{
      {"Removed", SplitBehavior::removed},
      {"Isolated", SplitBehavior::isolated},
      {"MergedWithPrevious", SplitBehavior::merged_with_previous},
      {"MergedWithNext", SplitBehavior::merged_with_next},
      {"Contiguous", SplitBehavior::contiguous}};
  const auto found = names.find(place.text());
  if (found == names.end()) place.fail(fmt::format("'{}' is no behavior", printable(place.text())));
  return found->second;
}

Metaspace::Prepend parse_prepend(const JsonPlace& place) {
  if (!place.has("prepend_scheme")) {  // older files
    return place.flag_or("add_prefix_space", true) ? Metaspace::Prepend::always
                                                   : Metaspace::Prepend::never;
  }
  const std::string& name = place.at("prepend_scheme").text();
  if (name == "first") return Metaspace::Prepend::first;
  if (name == "never") return Metaspace::Prepend::never;
  if (name == "always") return Metaspace::Prepend::always;
  place.at("prepend_scheme")
      .fail(fmt::format("'{}' is none of first, never, always", printable(name)));
}

// The parts of a sequence, each by itself.
template <class F>
void for_each_part(const JsonPlace& list, F&& f) {
  for (std::size_t i = 0; i < list.array_size(); ++i) f(list.at(i));
}

void parse_normalizer(const JsonPlace& place, std::vector<Normalizer>& out) {
  const std::string& type = place.at("type").text();
  if (type == "Sequence") {
    for_each_part(place.at("normalizers"),
                  [&](const JsonPlace& part) { parse_normalizer(part, out); });
  } else if (type == "NFC") {
    out.emplace_back(NormalForm::nfc);
  } else if (type == "NFD") {
    out.emplace_back(NormalForm::nfd);
  } else if (type == "NFKC") {
    out.emplace_back(NormalForm::nfkc);
  } else if (type == "NFKD") {
    out.emplace_back(NormalForm::nfkd);
  } else if (type == "Lowercase") {
    out.emplace_back(Lowercase{});
  } else if (type == "StripAccents") {
    out.emplace_back(StripAccents{});
  } else if (type == "Strip") {
    out.emplace_back(Strip{place.flag_or("strip_left", true), place.flag_or("strip_right", true)});
  } else if (type == "Replace") {
    out.emplace_back(Replace{parse_pattern(place.at("pattern")), place.at("content").text()});
  } else if (type == "Prepend") {
    out.emplace_back(Prepend{place.at("prepend").text()});
  } else if (type == "Precompiled") {
    const JsonPlace table = place.at("precompiled_charsmap");
    try {
      out.emplace_back(Precompiled{table.text(), CharsMap::from_base64(table.text())});
    } catch (const ValueError& error) {
      table.fail(error.what());
    }
  } else if (type == "BertNormalizer") {
    BertNormalizer bert{place.flag_or("clean_text", true),
                        place.flag_or("handle_chinese_chars", true),
                        {},
                        place.flag_or("lowercase", true)};
    if (place.has("strip_accents")) bert.strip_accents = place.at("strip_accents").flag();
    out.emplace_back(bert);
  } else {
    refuse(place, "normalizer");
  }
}

PreTokenizer parse_split(const JsonPlace& place) {
  Split split{parse_pattern(place.at("pattern")), parse_behavior(place.at("behavior")),
              place.flag_or("invert", false)};
  if (split.pattern.is_regex() && split.behavior == SplitBehavior::isolated) {
    if (split.pattern.text() == any_code_point) return CodePoints{};
    if (split.pattern.text() == any_grapheme_cluster) return GraphemeClusters{};
  }
  return split;
}

void parse_pre_tokenizer(const JsonPlace& place, std::vector<PreTokenizer>& out) {
  const std::string& type = place.at("type").text();
  if (type == "Sequence") {
    for_each_part(place.at("pretokenizers"),
                  [&](const JsonPlace& part) { parse_pre_tokenizer(part, out); });
  } else if (type == "ByteLevel") {
    out.emplace_back(ByteLevel{place.flag_or("add_prefix_space", true),
                               place.flag_or("trim_offsets", true),
                               place.flag_or("use_regex", true)});
  } else if (type == "Metaspace") {
    out.emplace_back(Metaspace{place.text_or("replacement", Metaspace{}.replacement),
                               parse_prepend(place), place.flag_or("split", true)});
  } else if (type == "Split") {
    out.push_back(parse_split(place));
  } else if (type == "BertPreTokenizer") {
    out.emplace_back(BertPreTokenizer{});
  } else if (type == "Whitespace") {
    out.emplace_back(Whitespace{});
  } else if (type == "WhitespaceSplit") {
    out.emplace_back(WhitespaceSplit{});
  } else if (type == "Punctuation") {
    out.emplace_back(Punctuation{place.has("behavior") ? parse_behavior(place.at("behavior"))
                                                       : SplitBehavior::isolated});
  } else if (type == "Digits") {
    out.emplace_back(Digits{place.flag_or("individual_digits", false)});
  } else if (type == "GradusWords") {
    out.emplace_back(TokenizeWords{place.flag_or("lowercase", true)});
  } else {
    refuse(place, "pre-tokenizer");
  }
}

std::vector<TemplateProcessing::Part> parse_template(const JsonPlace& list,
                                                     const JsonPlace& tokens) {
  std::vector<TemplateProcessing::Part> parts;
  for_each_part(list, [&](const JsonPlace& place) {
    TemplateProcessing::Part part;
    if (place.has("Sequence")) {
      const JsonPlace text = place.at("Sequence");
      if (text.at("id").text() != "A" && text.at("id").text() != "B")
        text.at("id").fail("is neither A nor B");
      part.text = text.at("id").text() == "A" ? 0 : 1;
      part.type_id = text.integer_or("type_id", 0);
    } else {
      const JsonPlace token = place.at("SpecialToken");
      part.name = token.at("id").text();
      part.type_id = token.integer_or("type_id", 0);
      const JsonPlace ids = tokens.at(part.name.c_str()).at("ids");
      for_each_part(ids, [&](const JsonPlace& id) { part.ids.push_back(id.integer()); });
    }
    parts.push_back(std::move(part));
  });
  return parts;
}

TemplateProcessing::Part token_part(const JsonPlace& pair, std::int64_t type_id) {
  if (pair.array_size() != 2) pair.fail("is not a token and its id");
  return {-1, type_id, pair.at(std::size_t{0}).text(), {pair.at(1).integer()}};
}

TemplateProcessing::Part text_part(int text, std::int64_t type_id) {
  return {text, type_id, "", {}};
}

void parse_post_processor(const JsonPlace& place, std::vector<PostProcessor>& out) {
  const std::string& type = place.at("type").text();
  if (type == "Sequence") {
    for_each_part(place.at("processors"),
                  [&](const JsonPlace& part) { parse_post_processor(part, out); });
  } else if (type == "ByteLevel") {
    if (place.flag_or("trim_offsets", true))
      out.emplace_back(TrimOffsets{place.flag_or("add_prefix_space", true)});
  } else if (type == "TemplateProcessing") {
    const JsonPlace tokens = place.at("special_tokens");
    out.emplace_back(TemplateProcessing{parse_template(place.at("single"), tokens),
                                        parse_template(place.at("pair"), tokens)});
  } else if (type == "BertProcessing") {
    const auto cls = token_part(place.at("cls"), 0), sep = token_part(place.at("sep"), 0),
               end = token_part(place.at("sep"), 1);
    out.emplace_back(TemplateProcessing{{cls, text_part(0, 0), sep},
                                        {cls, text_part(0, 0), sep, text_part(1, 1), end}});
  } else if (type == "RobertaProcessing") {
    const auto cls = token_part(place.at("cls"), 0), sep = token_part(place.at("sep"), 0);
    if (place.flag_or("trim_offsets", true))
      out.emplace_back(TrimOffsets{place.flag_or("add_prefix_space", true)});
    out.emplace_back(TemplateProcessing{{cls, text_part(0, 0), sep},
                                        {cls, text_part(0, 0), sep, sep, text_part(1, 0), sep}});
  } else {
    refuse(place, "post-processor");
  }
}

void parse_decoder(const JsonPlace& place, std::vector<Decoder>& out) {
  const std::string& type = place.at("type").text();
  if (type == "Sequence") {
    for_each_part(place.at("decoders"), [&](const JsonPlace& part) { parse_decoder(part, out); });
  } else if (type == "ByteLevel") {
    out.emplace_back(ByteLevelDecoder{});
  } else if (type == "WordPiece") {
    out.emplace_back(
        WordPieceDecoder{place.text_or("prefix", "##"), place.flag_or("cleanup", true)});
  } else if (type == "Metaspace") {
    out.emplace_back(MetaspaceDecoder{place.text_or("replacement", Metaspace{}.replacement),
                                      parse_prepend(place)});
  } else if (type == "BPEDecoder") {
    out.emplace_back(BpeDecoder{place.text_or("suffix", "</w>")});
  } else if (type == "ByteFallback") {
    out.emplace_back(ByteFallback{});
  } else if (type == "Fuse") {
    out.emplace_back(Fuse{});
  } else if (type == "Strip") {
    out.emplace_back(StripDecoder{place.at("content").text(), place.integer_or("start", 0),
                                  place.integer_or("stop", 0)});
  } else if (type == "Replace") {
    out.emplace_back(
        ReplaceDecoder{parse_pattern(place.at("pattern")), place.at("content").text()});
  } else {
    refuse(place, "decoder");
  }
}

// A token that the model has gets its id there, whatever the file says, as in the original.
AddedTokens parse_added(const JsonPlace& file, const std::vector<Normalizer>& normalizers,
                        const TokenTable& model) {
  std::vector<AddedToken> tokens;
  if (file.has("added_tokens")) {
    for_each_part(file.at("added_tokens"), [&](const JsonPlace& place) {
      const bool special = place.flag_or("special", false);
      const std::int64_t id = place.at("id").integer();
      const std::int64_t known = model.find(place.at("content").text());
      tokens.push_back({known >= 0 ? known : id, place.at("content").text(),
                        place.flag_or("single_word", false), place.flag_or("lstrip", false),
                        place.flag_or("rstrip", false), place.flag_or("normalized", !special),
                        special});
    });
  }
  return AddedTokens(std::move(tokens), normalizers);
}

Truncation parse_truncation(const JsonPlace& place) {
  const std::string strategy = place.text_or("strategy", "LongestFirst"),
                    direction = place.text_or("direction", "Right");
  Truncation result{place.at("max_length").integer(), place.integer_or("stride", 0), {}, {}};
  result.strategy = strategy == "OnlyFirst"    ? Truncation::Strategy::only_first
                    : strategy == "OnlySecond" ? Truncation::Strategy::only_second
                                               : Truncation::Strategy::longest_first;
  if (direction == "Left") result.direction = Truncation::Direction::left;
  if (const std::string problem = problem_of(result); !problem.empty()) place.fail(problem);
  return result;
}

// A fixed length of 0 pads nothing, and all lengths are multiples of 0, as in the original.
std::optional<BatchPadding> parse_padding(const JsonPlace& place) {
  BatchPadding result;
  const JsonPlace strategy = place.at("strategy");
  if (strategy.has("Fixed")) result.length = strategy.at("Fixed").integer();
  if (place.has("pad_to_multiple_of"))
    result.pad_to_multiple_of = place.at("pad_to_multiple_of").integer();
  result.pad_id = place.integer_or("pad_id", 0);
  result.pad_type_id = place.integer_or("pad_type_id", 0);
  result.pad_token = place.text_or("pad_token", "[PAD]");
  if (place.text_or("direction", "Right") == "Left")
    result.direction = BatchPadding::Direction::left;
  if (result.pad_to_multiple_of == 0) result.pad_to_multiple_of.reset();
  if (result.length == 0) return std::nullopt;
  if (const std::string problem = problem_of(result, "strategy.Fixed"); !problem.empty())
    place.fail(problem);
  return result;
}

}  // namespace

TokenizerParts parse_tokenizer(std::string_view text, const std::string& where) {
  ModelTables tables(where);
  const JsonPlace::Json json = parse_json(text, where, tables.in_file());
  const JsonPlace file(json, where);
  std::vector<Normalizer> normalizers;
  std::vector<PreTokenizer> pre_tokenizers;
  if (file.has("normalizer")) parse_normalizer(file.at("normalizer"), normalizers);
  if (file.has("pre_tokenizer")) parse_pre_tokenizer(file.at("pre_tokenizer"), pre_tokenizers);
  const JsonPlace model = file.at("model");
  const bool byte_words = !pre_tokenizers.empty() &&
                          std::holds_alternative<ByteLevel>(pre_tokenizers.back()) &&
                          model.text_or("continuing_subword_prefix", "").empty() &&
                          model.text_or("end_of_word_suffix", "").empty() && model.has("merges");
  TokenizerParts parts{std::move(normalizers),
                       std::move(pre_tokenizers),
                       parse_model(model, tables, byte_words),
                       byte_words,
                       {},
                       {},
                       AddedTokens({}, {}),
                       {},
                       {}};
  parts.added = parse_added(file, parts.normalizers, parts.tokens());
  if (file.has("post_processor"))
    parse_post_processor(file.at("post_processor"), parts.post_processors);
  if (file.has("decoder")) parse_decoder(file.at("decoder"), parts.decoders);
  if (file.has("truncation")) parts.truncation = parse_truncation(file.at("truncation"));
  if (file.has("padding")) parts.padding = parse_padding(file.at("padding"));
  return parts;
}

}  // namespace gradus::detail
