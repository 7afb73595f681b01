#include <fmt/format.h>
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/text/detail/json_place.h>
#include <gradus/framework/text/detail/tokenizer_parts.h>
#include <gradus/framework/text/tokenizer.h>

#include <memory>
#include <utility>

// Tokenizers in the files that came before tokenizer.json.
namespace gradus {
namespace detail {

std::string read_file(const char* operation, const std::string& path) {
  InputFile file(operation, path);
  std::string text;
  std::string block(std::size_t{1} << 16U, '\0');
  for (;;) {
    const std::size_t n = file.read(block.data(), block.size());
    text.append(block, 0, n);
    if (n < block.size()) return text;
  }
}

namespace {

// Lines without what ends them, a carriage return too.
std::vector<std::string> lines_of(const char* operation, const std::string& path) {
  std::vector<std::string> lines;
  LineReader reader(operation, path);
  for (std::string line; reader.next(line);) {
    if (line.ends_with('\r')) line.pop_back();
    lines.push_back(line);
  }
  return lines;
}

Bpe::Merges read_merges(const char* operation, const std::string& path) {
  Bpe::Merges merges;
  const std::vector<std::string> lines = lines_of(operation, path);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    if (line.empty() || (i == 0 && line.starts_with("#version"))) continue;
    const std::size_t blank = line.find(' ');
    if (blank == 0 || blank == std::string::npos || blank + 1 == line.size() ||
        line.find(' ', blank + 1) != std::string::npos) {
      throw FormatError(
          fmt::format("{}: {}:{}: '{}' is not two tokens with a blank between them: GPT-2's file "
                      "of merges (merges.txt, vocab.bpe) was expected",
                      operation, path, i + 1, printable(line)));
    }
    merges.emplace_back(line.substr(0, blank), line.substr(blank + 1));
  }
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

TokenTable read_vocabulary(const char* operation, const std::string& path) {
  const std::string where = fmt::format("{}: {}", operation, path);
  const JsonPlace::Json json = parse_json(read_file(operation, path), where);
  std::vector<std::pair<std::string, std::int64_t>> tokens;
  if (!json.is_object()) JsonPlace(json, where).fail("is not an object of tokens and their ids");
  for (const auto& [token, id] : json.items())
    tokens.emplace_back(token, JsonPlace(id, where, printable(token)).integer());
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
    Bpe model(std::move(tokens), read_merges(operation, merges_path), {}, true);
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
  std::vector<std::pair<std::string, std::int64_t>> lines;
  for (std::string& line : lines_of(operation, vocabulary_path))
    lines.emplace_back(std::move(line), std::ssize(lines));
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

}  // namespace gradus
