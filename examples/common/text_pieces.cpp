#include <fmt/format.h>
#include <gradus/examples/common/run_folder.h>
#include <gradus/examples/common/text_pieces.h>
#include <gradus/framework/base/error.h>

#include <algorithm>
#include <filesystem>
#include <functional>
#include <limits>
#include <utility>

namespace gradus::examples {
namespace {

constexpr const char* metadata_key = "tokenizer";

/// The two files of GPT-2, which have two pairs of names.
struct Gpt2Files {
  const char *vocabulary, *merges;
};
constexpr Gpt2Files gpt2_files[] = {{"vocab.json", "merges.txt"}, {"encoder.json", "vocab.bpe"}};

/// Whether a token other than [UNK] and the like has a capital letter of ASCII.
bool has_capitals(const Tokenizer& tokenizer) {
  for (std::int64_t id = 0; id < tokenizer.size(); ++id) {
    const std::string& token = tokenizer.token(id);
    if (token.starts_with('[') && token.ends_with(']')) continue;
    if (std::ranges::any_of(token, [](char c) { return 'A' <= c && c <= 'Z'; })) return true;
  }
  return false;
}

Tokenizer read_tokenizer(const std::filesystem::path& path) {
  for (const auto& [vocabulary, merges] : gpt2_files) {
    if (path.filename() != vocabulary && path.filename() != merges) continue;
    return Tokenizer::load_gpt2((path.parent_path() / vocabulary).string(),
                                (path.parent_path() / merges).string());
  }
  if (path.extension() != ".txt") return Tokenizer::load(path.string());
  Tokenizer uncased = Tokenizer::load_bert(path.string(), /*lowercase=*/true);
  if (!has_capitals(uncased)) return uncased;
  return Tokenizer::load_bert(path.string(), /*lowercase=*/false);
}

/// A file may ask for truncation and padding, which are for its own model.
EncodeOptions whole_text() {
  return {.add_special_tokens = false,
          .offsets = false,
          .truncation = Truncation{.max_length = std::numeric_limits<std::int64_t>::max()},
          .padding = BatchPadding{}};
}

}  // namespace

TextPieces::TextPieces(Tokenizer tokenizer)
    : tokenizer_(std::move(tokenizer)), has_blanks_(tokenizer_.decode(ids(" a")) == " a") {}

TextPieces TextPieces::load(const std::string& path) {
  try {
    return TextPieces(read_tokenizer(path));
  } catch (const Error& error) {
    throw Error(
        fmt::format("--tokenizer: {}: name a tokenizer.json, a vocab.txt of BERT, or a vocab.json "
                    "of GPT-2 with merges.txt beside it",
                    error.what()));
  }
}

std::vector<std::int64_t> TextPieces::ids(std::string_view text) const {
  return tokenizer_.encode(text, whole_text()).ids;
}

std::vector<std::string> TextPieces::of_text(std::string_view text) const {
  std::vector<std::string> pieces;
  for (const std::int64_t id : ids(text)) pieces.push_back(tokenizer_.token(id));
  return pieces;
}

std::vector<std::string> TextPieces::of_word(const std::string& word) const {
  return of_text(has_blanks_ ? " " + word : word);
}

std::uint64_t TextPieces::hash() const { return std::hash<std::string>()(tokenizer_.json()); }

void TextPieces::save(const std::optional<TextPieces>& pieces, StateDict& state) {
  if (pieces) state.metadata[metadata_key] = pieces->tokenizer_.json();
}

std::optional<TextPieces> TextPieces::saved_in(const StateDict& state, const std::string& path) {
  if (!state.metadata.contains(metadata_key)) return std::nullopt;
  try {
    return TextPieces(Tokenizer::from_json(state.metadata.at(metadata_key)));
  } catch (const FormatError& error) {
    throw FormatError(fmt::format("'{}' has a broken tokenizer: {}", path, error.what()));
  }
}

void keep_tokenizer(const std::string& folder, const TextPieces& pieces) {
  pieces.tokenizer().save(path_in(folder, tokenizer_file));
}

TextPieces kept_tokenizer(const std::string& folder) {
  const std::string path = path_in(folder, tokenizer_file);
  TextPieces pieces = [&] {
    try {
      return TextPieces(Tokenizer::load(path));
    } catch (const Error& error) {
      throw Error(
          fmt::format("--resume: {}: restore it, or begin anew with --overwrite", error.what()));
    }
  }();
  if (saved_number(folder, "tokenizer") == pieces.hash()) return pieces;
  throw Error(
      fmt::format("--resume: '{}' is not the tokenizer that this run began with: restore it, or "
                  "begin anew with --overwrite",
                  path));
}

}  // namespace gradus::examples
