#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/tokenizer_parts.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

// What a .model of SentencePiece is made of, and the same in the terms of Hugging Face's library.
namespace gradus::detail {
namespace {

using Kind = SentencePieceFile::Kind;
using Type = SentencePieceFile::Type;

std::shared_ptr<const ByteTrie> user_defined(const SentencePieceFile& file) {
  auto result = std::make_shared<ByteTrie>();
  for (std::size_t i = 0; i < file.pieces.size(); ++i) {
    if (file.pieces[i].kind == Kind::user_defined)
      result->add(file.pieces[i].text, static_cast<std::int32_t>(i));
  }
  return result;
}

TemplateProcessing::Part control(const SentencePieceFile& file, const std::string& text,
                                 std::int64_t type_id) {
  for (std::size_t i = 0; i < file.pieces.size(); ++i) {
    if (file.pieces[i].text == text && file.pieces[i].kind == Kind::control)
      return {-1, type_id, text, {static_cast<std::int64_t>(i)}};
  }
  throw ValueError(
      fmt::format("'{}' is to be added, but is no piece of the type CONTROL", printable(text)));
}

std::vector<PostProcessor> around_texts(const SentencePieceFile& file, bool add_bos, bool add_eos) {
  if (!add_bos && !add_eos) return {};
  TemplateProcessing form;
  for (int text = 0; text < 2; ++text) {
    std::vector<TemplateProcessing::Part> parts;
    if (add_bos) parts.push_back(control(file, file.bos_piece, text));
    parts.push_back({text, text, "", {}});
    if (add_eos) parts.push_back(control(file, file.eos_piece, text));
    if (text == 0) form.single = parts;
    form.pair.insert(form.pair.end(), parts.begin(), parts.end());
  }
  return {form};
}

std::vector<AddedToken> control_tokens(const SentencePieceFile& file) {
  std::vector<AddedToken> result;
  for (std::size_t i = 0; i < file.pieces.size(); ++i) {
    if (file.pieces[i].kind != Kind::control) continue;
    result.push_back({.id = static_cast<std::int64_t>(i),
                      .content = file.pieces[i].text,
                      .special = true,
                      .in_text = false});
  }
  return result;
}

Model model_of(const SentencePieceFile& file, const std::shared_ptr<const ByteTrie>& symbols) {
  if (file.type == Type::unigram) return Unigram(file);
  return SentencePieceModel(file, symbols);
}

/// Puts a model into the terms of Hugging Face's library.
class Translator {
 public:
  Translator(const SentencePieceFile& file, bool has_map) : file_(file), has_map_(has_map) {
    for (const SentencePieceFile::Piece& piece : file.pieces) {
      if (piece.kind == Kind::normal) normal_.add(piece.text);
    }
  }

  // Throws ValueError for what those terms cannot say.
  void check() const {
    if (has_map_)
      refuse(
          "the table of characters of its normalizer_spec, which Hugging Face's library applies "
          "in another way");
    if (file_.type == Type::word || file_.type == Type::character)
      refuse(fmt::format("its model_type {}", file_.type == Type::word ? "word" : "char"));
    if (file_.treat_whitespace_as_suffix && file_.add_dummy_prefix)
      refuse("treat_whitespace_as_suffix");
    for (const SentencePieceFile::Piece& piece : file_.pieces) {
      const std::string text = printable(piece.text);
      if (piece.kind == Kind::unused) refuse(fmt::format("the unused piece '{}'", text));
      if (piece.kind == Kind::user_defined &&
          (file_.add_dummy_prefix || file_.remove_extra_whitespaces ||
           piece.text.find(' ') != std::string::npos ||
           piece.text.find(space_symbol) != std::string::npos)) {
        refuse(fmt::format("the user-defined piece '{}' beside what is done to blanks", text));
      }
      if (file_.type == Type::bpe && piece.kind == Kind::normal && !has_characters(piece.text))
        refuse(fmt::format("the piece '{}', which has a character that is no piece", text));
    }
  }

  std::vector<Normalizer> normalizers() const {
    const std::string blank(file_.escape_whitespaces ? space_symbol : " ");
    std::vector<Normalizer> result;
    if (file_.remove_extra_whitespaces) {
      result.emplace_back(Replace{TextPattern::regex("\\A +"), ""});
      result.emplace_back(Replace{TextPattern::regex(" {2,}"), " "});
    }
    if (file_.add_dummy_prefix) result.emplace_back(Prepend{blank});
    if (file_.escape_whitespaces) result.emplace_back(Replace{TextPattern::literal(" "), blank});
    if (file_.remove_extra_whitespaces)
      result.emplace_back(Replace{TextPattern::regex(fmt::format("(?:{})+\\z", blank)), ""});
    return result;
  }

  std::vector<Decoder> decoders() const {
    std::vector<Decoder> result{
        ReplaceDecoder{TextPattern::literal(std::string(space_symbol)), " "}};
    if (file_.byte_fallback) result.emplace_back(ByteFallback{});
    result.emplace_back(Fuse{});
    if (file_.add_dummy_prefix || file_.remove_extra_whitespaces)
      result.emplace_back(StripDecoder{" ", 1, 0});
    return result;
  }

  std::vector<AddedToken> added() const {
    std::vector<AddedToken> result;
    for (std::size_t i = 0; i < file_.pieces.size(); ++i) {
      const auto& [text, score, kind] = file_.pieces[i];
      const bool special = kind == Kind::control || kind == Kind::unknown;
      if (special || kind == Kind::user_defined)
        result.push_back({.id = static_cast<std::int64_t>(i), .content = text, .special = special});
    }
    return result;
  }

  Model model() const {
    if (file_.type == Type::unigram) {
      std::vector<std::pair<std::string, double>> pieces;
      for (const SentencePieceFile::Piece& piece : file_.pieces)
        pieces.emplace_back(piece.text, piece.score);
      return Unigram(std::move(pieces), file_.unknown_id, file_.byte_fallback);
    }
    std::vector<std::pair<std::string, std::int64_t>> tokens;
    for (const SentencePieceFile::Piece& piece : file_.pieces)
      tokens.emplace_back(piece.text, std::ssize(tokens));
    BpeOptions options;
    options.unknown_token = tokens[static_cast<std::size_t>(file_.unknown_id)].first;
    options.fuse_unknown = true;
    options.byte_fallback = file_.byte_fallback;
    return Bpe(TokenTable(std::move(tokens)), merges(), std::move(options), false);
  }

 private:
  [[noreturn]] static void refuse(const std::string& what) {
    throw ValueError(fmt::format(
        "Tokenizer: a tokenizer.json cannot express all of this model of SentencePiece: "
        "{}. Keep its .model, which Tokenizer::load_sentencepiece reads",
        what));
  }

  bool has_characters(std::string_view piece) const {
    for (std::size_t i = 0; i < piece.size();) {
      const std::size_t length = decode_utf8(piece, i).length;
      if (normal_.find(piece.substr(i, length)) < 0) return false;
      i += length;
    }
    return true;
  }

  // All pairs of pieces that make one, those of greater scores first.
  Bpe::Merges merges() const {
    std::vector<const SentencePieceFile::Piece*> order;
    for (const SentencePieceFile::Piece& piece : file_.pieces) {
      if (piece.kind == Kind::normal) order.push_back(&piece);
    }
    std::stable_sort(order.begin(), order.end(),
                     [](const auto* a, const auto* b) { return a->score > b->score; });
    Bpe::Merges result;
    for (const SentencePieceFile::Piece* piece : order) {
      const std::string& text = piece->text;
      for (std::size_t i = decode_utf8(text, 0).length; i < text.size();
           i += decode_utf8(text, i).length) {
        const std::string left = text.substr(0, i), right = text.substr(i);
        if (normal_.find(left) >= 0 && normal_.find(right) >= 0) result.emplace_back(left, right);
      }
    }
    return result;
  }

  const SentencePieceFile& file_;
  bool has_map_;
  TextIndex normal_;
};

}  // namespace

TokenizerParts sentencepiece_parts(SentencePieceFile file, bool add_bos, bool add_eos) {
  const auto symbols = user_defined(file);
  SentencePieceNormalizer normalizer{std::exchange(file.map, std::nullopt),
                                     symbols,
                                     file.add_dummy_prefix,
                                     file.remove_extra_whitespaces,
                                     file.escape_whitespaces,
                                     file.treat_whitespace_as_suffix};
  SentencePieceDecoder decoder{file.add_dummy_prefix || file.remove_extra_whitespaces,
                               file.remove_extra_whitespaces, file.byte_fallback,
                               file.pieces[static_cast<std::size_t>(file.unknown_id)].text,
                               file.unk_surface};
  return TokenizerParts{{std::move(normalizer)},
                        {},
                        model_of(file, symbols),
                        false,
                        around_texts(file, add_bos, add_eos),
                        {std::move(decoder)},
                        AddedTokens(control_tokens(file), {}),
                        {},
                        {},
                        std::make_shared<const SentencePieceFile>(std::move(file))};
}

TokenizerParts hugging_face_parts(const TokenizerParts& parts) {
  const auto& normalizer = std::get<SentencePieceNormalizer>(parts.normalizers.front());
  const Translator translator(*parts.sentencepiece, normalizer.map.has_value());
  translator.check();
  return TokenizerParts{translator.normalizers(),
                        {},
                        translator.model(),
                        false,
                        parts.post_processors,
                        translator.decoders(),
                        AddedTokens(translator.added(), {}),
                        {},
                        {}};
}

}  // namespace gradus::detail
