#include <fmt/format.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/text/detail/json_place.h>
#include <gradus/framework/text/detail/tokenizer_parts.h>
#include <gradus/framework/text/tokenizer.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <utility>

// Tokenizers in the files that came before tokenizer.json.
namespace gradus {
namespace detail {

std::string read_file(const char* operation, const std::string& path) {
  InputFile file(operation, path);
  std::string text;
  constexpr std::uint64_t most = std::uint64_t{1} << 30U;  // a sparse file may seem larger
  if (!file.is_stream()) text.reserve(std::min(file.size(), most));
  std::string block(std::size_t{1} << 16U, '\0');
  for (;;) {
    const std::size_t n = file.read(block.data(), block.size());
    text.append(block, 0, n);
    if (n < block.size()) return text;
  }
}

namespace {

// Calls f for each line without what ends it, a carriage return too.
template <class F>
void for_each_line(const char* operation, const std::string& path, F&& f) {
  LineReader reader(operation, path);
  for (std::string line; reader.next(line);) {
    if (line.ends_with('\r')) line.pop_back();
    f(line, reader.number());
  }
}

Merges read_merges(const char* operation, const std::string& path) {
  Merges merges;
  for_each_line(operation, path, [&](std::string_view line, std::int64_t number) {
    if (line.empty() || (number == 1 && line.starts_with("#version"))) return;
    const std::size_t blank = line.find(' ');
    if (blank == 0 || blank == std::string::npos || blank + 1 == line.size() ||
        line.find(' ', blank + 1) != std::string::npos) {
      throw FormatError(
          fmt::format("{}: {}:{}: '{}' is not two tokens with a blank between them: GPT-2's file "
                      "of merges (merges.txt, vocab.bpe) was expected",
                      operation, path, number, printable(line)));
    }
    merges.emplace_back(line.substr(0, blank), line.substr(blank + 1));
  });
  return merges;
}

std::vector<AddedToken> special_tokens(const TokenTable& tokens,
                                       std::initializer_list<const char*> contents) {
  std::vector<AddedToken> result;
  for (const char* content : contents) {
    const std::int64_t id = tokens.find(content);
    if (id >= 0) result.push_back({.id = id, .content = content, .special = true});
  }
  return result;
}

// Tokens of several bytes are made by merges alone.
void check_single_bytes(const TokenTable& tokens, const char* operation, const std::string& path) {
  for (const std::string& token : tokens.tokens()) {
    const std::optional<std::string> bytes = from_byte_alphabet(token);
    if (!bytes || bytes->size() <= 1 || token == "<|endoftext|>") continue;
    throw FormatError(
        fmt::format("{}: {}: has no merges, but the vocabulary has tokens that need them, such as "
                    "'{}': give the file of merges (merges.txt, vocab.bpe) that came with it",
                    operation, path, printable(token)));
  }
}

TokenTable read_vocabulary(const char* operation, const std::string& path) {
  const std::string where = fmt::format("{}: {}", operation, path);
  TokenList tokens;
  const JsonTable table{"",
                        [&](const std::string& token, const JsonPlace::Json& id) {
                          tokens.emplace_back(token,
                                              JsonPlace(id, where, printable(token)).integer());
                        },
                        {}};
  const JsonPlace::Json json = parse_json(read_file(operation, path), where, {table});
  if (!json.is_object()) JsonPlace(json, where).fail("is not an object of tokens and their ids");
  return TokenTable(std::move(tokens));
}

}  // namespace

TokenizerParts bert_parts(TokenTable tokens, std::vector<AddedToken> special, bool lowercase) {
  const auto token = [&](const char* name, std::int64_t type_id) {
    if (tokens.find(name) < 0) throw ValueError(fmt::format("there is no token '{}'", name));
    return TemplateProcessing::Part{-1, type_id, name, {tokens.find(name)}};
  };
  const TemplateProcessing::Part cls = token("[CLS]", 0), sep = token("[SEP]", 0),
                                 end = token("[SEP]", 1);
  const TemplateProcessing::Part first{0, 0, "", {}}, second{1, 1, "", {}};
  const TemplateProcessing form{{cls, first, sep}, {cls, first, sep, second, end}};
  const std::vector<Normalizer> normalizers{BertNormalizer{.lowercase = lowercase}};
  return {normalizers,
          {BertPreTokenizer{}},
          WordPiece(std::move(tokens), {}),
          false,
          {form},
          {WordPieceDecoder{}},
          AddedTokens(std::move(special), normalizers),
          {},
          {}};
}

}  // namespace detail

Tokenizer Tokenizer::load_gpt2(const std::string& vocabulary_path, const std::string& merges_path) {
  using namespace detail;
  constexpr const char* operation = "Tokenizer::load_gpt2";
  try {
    TokenTable tokens = read_vocabulary(operation, vocabulary_path);
    std::vector<AddedToken> special = special_tokens(tokens, {"<|endoftext|>"});
    const Merges merges = read_merges(operation, merges_path);
    if (merges.size() == 0) check_single_bytes(tokens, operation, merges_path);
    Bpe model(std::move(tokens), merges, {}, true);
    return Tokenizer(std::make_shared<const TokenizerParts>(
        TokenizerParts{{},
                       {ByteLevel{.add_prefix_space = false}},
                       std::move(model),
                       true,
                       {},
                       {ByteLevelDecoder{}},
                       AddedTokens(std::move(special), {}),
                       {},
                       {}}));
  } catch (const ValueError& error) {
    throw FormatError(
        fmt::format("{}: {}, {}: {}", operation, vocabulary_path, merges_path, error.what()));
  }
}

Tokenizer Tokenizer::load_bert(const std::string& vocabulary_path, bool lowercase) {
  using namespace detail;
  constexpr const char* operation = "Tokenizer::load_bert";
  TokenList lines;
  for_each_line(operation, vocabulary_path, [&](const std::string& line, std::int64_t number) {
    lines.emplace_back(line, number - 1);
  });
  try {
    TokenTable tokens(std::move(lines));
    std::vector<AddedToken> special =
        special_tokens(tokens, {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"});
    return Tokenizer(std::make_shared<const TokenizerParts>(
        bert_parts(std::move(tokens), std::move(special), lowercase)));
  } catch (const ValueError& error) {
    throw FormatError(fmt::format("{}: {}: {}: a vocab.txt of BERT has one token a line", operation,
                                  vocabulary_path, error.what()));
  }
}

Tokenizer Tokenizer::load_sentencepiece(const std::string& path,
                                        const SentencePieceOptions& options) {
  constexpr const char* operation = "Tokenizer::load_sentencepiece";
  const std::string where = fmt::format("{}: {}", operation, path);
  const std::string bytes = detail::read_file(operation, path);
  detail::SentencePieceFile file = detail::parse_sentencepiece(bytes, where);
  try {
    return Tokenizer(std::make_shared<const detail::TokenizerParts>(
        detail::sentencepiece_parts(std::move(file), options.add_bos, options.add_eos)));
  } catch (const ValueError& error) {
    throw ValueError(fmt::format("{}: {}", where, error.what()));
  }
}

}  // namespace gradus
