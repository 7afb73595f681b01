#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/bpe_training.h>
#include <gradus/framework/text/detail/tokenizer_parts.h>
#include <gradus/framework/text/detail/training_alphabet.h>
#include <gradus/framework/text/detail/unigram_training.h>
#include <gradus/framework/text/detail/word_counting.h>
#include <gradus/framework/text/tokenizer_training.h>

#include <algorithm>
#include <utility>

namespace gradus {
namespace detail {
namespace {

void check_at_least(const char* name, std::int64_t value, std::int64_t least) {
  if (value < least)
    throw ValueError(
        fmt::format("TokenizerTrainer: {} is {}, but at least {} is needed", name, value, least));
}

void check_sizes(const auto& options) {
  check_at_least("vocabulary_size", options.vocabulary_size, 1);
  if (options.max_alphabet) check_at_least("max_alphabet", *options.max_alphabet, 1);
}

std::vector<std::string> joined(std::vector<std::string> first,
                                const std::vector<std::string>& second) {
  first.insert(first.end(), second.begin(), second.end());
  return first;
}

// Those of the first ids.
std::vector<std::string> special_tokens(const BpeTraining& options) {
  if (options.byte_level) return options.special_tokens;
  return joined({options.unknown_token}, options.special_tokens);
}
std::vector<std::string> special_tokens(const UnigramTraining& options) {
  return joined({options.unknown_token}, options.special_tokens);
}
std::vector<std::string> special_tokens(const WordPieceTraining& options) {
  return joined({"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"}, options.special_tokens);
}

std::vector<std::string> byte_fallback_tokens() {
  std::vector<std::string> result;
  result.reserve(256);
  for (int byte = 0; byte < 256; ++byte) result.push_back(fmt::format("<0x{:02X}>", byte));
  return result;
}

// The tokens of bytes that the vocabulary has in any case.
std::vector<std::string> byte_tokens(const BpeTraining& options) {
  if (!options.byte_level)
    return options.byte_fallback ? byte_fallback_tokens() : std::vector<std::string>{};
  std::vector<std::string> result;
  for (int byte = 0; byte < 256; ++byte) {
    const auto c = static_cast<char>(byte);
    result.push_back(to_byte_alphabet({&c, 1}));
  }
  return result;
}
std::vector<std::string> byte_tokens(const UnigramTraining& options) {
  return options.byte_fallback ? byte_fallback_tokens() : std::vector<std::string>{};
}
std::vector<std::string> byte_tokens(const WordPieceTraining&) { return {}; }

std::vector<std::string> checked_special_tokens(const auto& options) {
  std::vector<std::string> tokens = special_tokens(options);
  const std::size_t own = tokens.size() - options.special_tokens.size();
  const std::vector<std::string> bytes = byte_tokens(options);
  for (auto token = tokens.begin(); token != tokens.end(); ++token) {
    const auto fail = [&](const char* problem) {
      throw ValueError(
          fmt::format("TokenizerTrainer: the special token '{}' {}", printable(*token), problem));
    };
    if (token->empty()) throw ValueError("TokenizerTrainer: a special token is empty");
    if (!is_utf8(*token)) fail("is not UTF-8");
    if (std::find(bytes.begin(), bytes.end(), *token) != bytes.end())
      fail("is the token of a byte: give it another name");
    const auto first = std::find(tokens.begin(), token, *token);
    if (first == token) continue;
    fail(first - tokens.begin() < static_cast<std::ptrdiff_t>(own)
             ? "is there in any case: leave it out of special_tokens"
             : "is there twice");
  }
  return tokens;
}

std::vector<AddedToken> added_tokens(const std::vector<std::string>& specials) {
  std::vector<AddedToken> result;
  result.reserve(specials.size());
  for (const std::string& token : specials)
    result.push_back({.id = std::ssize(result), .content = token, .special = true});
  return result;
}

WordSplitter splitter_of(const BpeTraining& options) {
  check_sizes(options);
  check_at_least("min_frequency", options.min_frequency, 0);
  if (options.max_token_length) check_at_least("max_token_length", *options.max_token_length, 1);
  const std::vector<std::string> specials = checked_special_tokens(options);
  AddedTokens added(added_tokens(specials), {});
  if (!options.byte_level) return {{}, {Metaspace{}}, std::move(added), false};
  return {{}, {ByteLevel{.add_prefix_space = options.add_prefix_space}}, std::move(added), true};
}

WordSplitter splitter_of(const WordPieceTraining& options) {
  check_sizes(options);
  check_at_least("min_frequency", options.min_frequency, 0);
  const std::vector<std::string> specials = checked_special_tokens(options);
  const std::vector<Normalizer> normalizers{BertNormalizer{.lowercase = options.lowercase}};
  return {
      normalizers, {BertPreTokenizer{}}, AddedTokens(added_tokens(specials), normalizers), false};
}

WordSplitter splitter_of(const UnigramTraining& options) {
  check_sizes(options);
  check_at_least("max_piece_length", options.max_piece_length, 1);
  check_at_least("seed_size", options.seed_size, 0);
  check_at_least("sub_iterations", options.sub_iterations, 1);
  if (!(options.shrinking_factor > 0 && options.shrinking_factor < 1)) {
    throw ValueError(fmt::format("TokenizerTrainer: shrinking_factor is {}, not between 0 and 1",
                                 options.shrinking_factor));
  }
  const std::vector<std::string> specials = checked_special_tokens(options);
  std::vector<Normalizer> normalizers;
  if (options.normalize) {
    // All white space but a single blank, which stays as it is.
    normalizers = {NormalForm::nfkc, Replace{TextPattern::regex(R"(\s{2,}|[^\S ])"), " "}, Strip{}};
  }
  AddedTokens added(added_tokens(specials), normalizers);
  return {std::move(normalizers), {Metaspace{}}, std::move(added), false};
}

void check_room(std::int64_t size, std::size_t specials, std::size_t all) {
  if (size >= static_cast<std::int64_t>(all)) return;
  throw ValueError(
      fmt::format("TokenizerTrainer::train: vocabulary_size is {}, but {} special tokens and an "
                  "alphabet of {} need {}",
                  size, specials, all - specials, all));
}

TokenTable numbered(std::vector<std::string> tokens) {
  std::vector<std::pair<std::string, std::int64_t>> result;
  result.reserve(tokens.size());
  for (std::string& token : tokens) result.emplace_back(std::move(token), std::ssize(result));
  return TokenTable(std::move(result));
}

std::vector<Decoder> metaspace_decoders(bool byte_fallback) {
  if (byte_fallback) return {ByteFallback{}, MetaspaceDecoder{}};
  return {MetaspaceDecoder{}};
}

TokenizerParts train(const BpeTraining& options, const WordSplitter& splitter,
                     const WordCounter& words) {
  std::vector<std::string> first = special_tokens(options);
  const bool byte_fallback = !options.byte_level && options.byte_fallback;
  if (byte_fallback) first = joined(std::move(first), byte_fallback_tokens());
  BaseTokens base =
      options.byte_level
          ? base_of_bytes(first, words)
          : base_of_characters(first, characters_of(words, options.max_alphabet), words, "");
  check_room(options.vocabulary_size, first.size(), base.tokens.size());
  LearnedTokens learned = learn_merges(base.tokens, base.words,
                                       {.vocabulary_size = options.vocabulary_size,
                                        .min_frequency = options.min_frequency,
                                        .max_token_length = options.max_token_length.value_or(0),
                                        .reserved = std::ssize(first)});
  BpeOptions model;
  if (!options.byte_level) {
    model.unknown_token = options.unknown_token;
    model.fuse_unknown = true;
    model.byte_fallback = byte_fallback;
  }
  return {splitter.normalizers(),
          splitter.pre_tokenizers(),
          Bpe(numbered(std::move(learned.tokens)), learned.merges, std::move(model),
              options.byte_level),
          options.byte_level,
          {},
          options.byte_level ? std::vector<Decoder>{ByteLevelDecoder{}}
                             : metaspace_decoders(byte_fallback),
          splitter.added(),
          {},
          {}};
}

TokenizerParts train(const WordPieceTraining& options, const WordSplitter& splitter,
                     const WordCounter& words) {
  const WordPieceOptions model;
  const std::string& prefix = model.continuing_subword_prefix;
  const std::vector<std::string> specials = special_tokens(options);
  BaseTokens base =
      base_of_characters(specials, characters_of(words, options.max_alphabet), words, prefix);
  check_room(options.vocabulary_size, specials.size(), base.tokens.size());
  LearnedTokens learned = learn_merges(base.tokens, base.words,
                                       {.vocabulary_size = options.vocabulary_size,
                                        .min_frequency = options.min_frequency,
                                        .continuing_subword_prefix = prefix,
                                        .reserved = std::ssize(specials)});
  return bert_parts(numbered(std::move(learned.tokens)), splitter.added().tokens(),
                    options.lowercase);
}

TokenizerParts train(const UnigramTraining& options, const WordSplitter& splitter,
                     const WordCounter& words) {
  std::vector<std::string> first = special_tokens(options);
  if (options.byte_fallback) first = joined(std::move(first), byte_fallback_tokens());
  const auto characters = characters_of(words, options.max_alphabet);
  check_room(options.vocabulary_size, first.size(), first.size() + characters.size());
  const std::vector<CountedWord> counted = words_of_characters(characters, words);
  std::vector<ScoredPiece> learned =
      learn_pieces(counted, {.size = options.vocabulary_size - std::ssize(first),
                             .max_piece_length = options.max_piece_length,
                             .seed_size = options.seed_size,
                             .shrinking_factor = options.shrinking_factor,
                             .sub_iterations = options.sub_iterations});
  std::vector<std::pair<std::string, double>> pieces;
  pieces.reserve(first.size() + learned.size());
  for (const std::string& token : first) pieces.emplace_back(token, 0);
  // Six characters that read <0x41> are likelier than the byte, even if they are rare.
  const double least = learned.empty() ? -1 : std::min(learned.back().score, -1.0);
  for (std::size_t i = special_tokens(options).size(); i < first.size(); ++i)
    pieces[i].second = 7 * least;
  for (ScoredPiece& piece : learned) {
    if (std::find(first.begin(), first.end(), piece.text) == first.end())
      pieces.emplace_back(std::move(piece.text), piece.score);
  }
  return {splitter.normalizers(),
          splitter.pre_tokenizers(),
          Unigram(std::move(pieces), 0, options.byte_fallback),
          false,
          {},
          metaspace_decoders(options.byte_fallback),
          splitter.added(),
          {},
          {}};
}

}  // namespace
}  // namespace detail

TokenizerTrainer::TokenizerTrainer(Options options, detail::WordSplitter splitter)
    : options_(std::move(options)),
      splitter_(std::make_shared<const detail::WordSplitter>(std::move(splitter))) {}

TokenizerTrainer::TokenizerTrainer(BpeTraining options)
    : TokenizerTrainer(Options(options), detail::splitter_of(options)) {}

TokenizerTrainer::TokenizerTrainer(WordPieceTraining options)
    : TokenizerTrainer(Options(options), detail::splitter_of(options)) {}

TokenizerTrainer::TokenizerTrainer(UnigramTraining options)
    : TokenizerTrainer(Options(options), detail::splitter_of(options)) {}

const detail::WordSplitter& TokenizerTrainer::splitter() const {
  return detail::held(splitter_, "TokenizerTrainer");
}

void TokenizerTrainer::add(std::string_view text) { add_all({&text, 1}); }

void TokenizerTrainer::add(std::span<const std::string> texts) {
  add_all(std::vector<std::string_view>(texts.begin(), texts.end()));
}

void TokenizerTrainer::add_all(std::span<const std::string_view> texts) {
  WordCounter counter;
  detail::count_words(splitter(), texts, counter);
  add_words(counter);
}

void TokenizerTrainer::add(const WordCounter& texts) {
  const detail::WordSplitter& splitter = this->splitter();
  WordCounter counter;
  for (std::size_t i = 0; i < texts.words().size(); ++i)
    splitter.count(texts.words()[i], texts.counts()[i], counter);
  add_words(counter);
}

void TokenizerTrainer::add_words(const WordCounter& words) {
  for (std::size_t i = 0; i < words.words().size(); ++i)
    words_.add(words.words()[i], words.counts()[i]);
}

namespace {

// Bytes that are not UTF-8 may be trained on, but not those of another kind of file.
void check_is_text(std::string_view first_line, const std::string& path) {
  const std::string kind = detail::looks_like(first_line.substr(0, 64));
  if (kind.empty() || detail::is_utf8(first_line)) return;
  throw FormatError(
      fmt::format("TokenizerTrainer::add_file: '{}' is not a text file{}", path, kind));
}

}  // namespace

void TokenizerTrainer::add_file(const std::string& path) {
  constexpr std::size_t bytes_at_once = std::size_t{1} << 24U;
  const detail::WordSplitter& splitter = this->splitter();
  detail::LineReader lines("TokenizerTrainer::add_file", path);
  WordCounter counter;
  bool more = true, is_first = true;
  while (more) {
    std::vector<std::string> texts;
    std::string line;
    for (std::size_t bytes = 0; bytes < bytes_at_once && (more = lines.next(line));) {
      if (std::exchange(is_first, false)) check_is_text(line, path);
      if (line.ends_with('\r')) line.pop_back();
      bytes += line.size() + 1;
      texts.push_back(std::move(line));
    }
    detail::count_words(splitter, std::vector<std::string_view>(texts.begin(), texts.end()),
                        counter);
  }
  add_words(counter);
}

Tokenizer TokenizerTrainer::train() const {
  return std::visit(
      [this](const auto& options) {
        return Tokenizer(std::make_shared<const detail::TokenizerParts>(
            detail::train(options, splitter(), words_)));
      },
      options_);
}

Tokenizer train_bpe(std::span<const std::string> texts, const BpeTraining& options) {
  TokenizerTrainer trainer(options);
  trainer.add(texts);
  return trainer.train();
}

Tokenizer train_word_piece(std::span<const std::string> texts, const WordPieceTraining& options) {
  TokenizerTrainer trainer(options);
  trainer.add(texts);
  return trainer.train();
}

Tokenizer train_unigram(std::span<const std::string> texts, const UnigramTraining& options) {
  TokenizerTrainer trainer(options);
  trainer.add(texts);
  return trainer.train();
}

}  // namespace gradus
