#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gradus/framework/base/atomic_file.h>
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/parallel.h>
#include <gradus/framework/text/detail/tokenizer_parts.h>
#include <gradus/framework/text/tokenizer.h>

#include <algorithm>
#include <array>
#include <utility>

namespace gradus {
namespace detail {

const std::string* TokenizerParts::token(std::int64_t id) const {
  if (const AddedToken* token = added.find(id)) return &token->content;
  return tokens().token(id);
}

namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }

// Where the character begins that a byte of the text is a part of.
std::size_t start_of_character(std::string_view text, std::size_t byte) {
  if (!is_continuation(text[byte])) return byte;
  for (std::size_t back = 1; back <= 3 && back <= byte; ++back) {
    if (decode_utf8(text, byte - back).length > back) return byte - back;
  }
  return byte;
}

/// Encodes one text: what its steps share.
class Encoder {
 public:
  Encoder(const TokenizerParts& parts, std::string_view text, bool offsets)
      : parts_(parts), text_(text), offsets_(offsets) {}

  Encoding run() && {
    reserve(std::min<std::size_t>(text_.size() / 4 + 8, 4096));  // a long text may be one token
    std::vector<Piece> found;
    parts_.added.in_source().split(text_, found);
    for (const Piece& part : found) {
      if (part.id >= 0) {
        add(part.id, part.span);
        ++words_;
      } else {
        encode_plain(part.span);
      }
    }
    return std::move(result_);
  }

 private:
  void reserve(std::size_t tokens) {
    result_.ids.reserve(tokens);
    if (!offsets_) return;
    result_.offsets.reserve(tokens);
    result_.word_ids.reserve(tokens);
  }

  // A part of the text without tokens that are found before the text is normalized.
  void encode_plain(Span span) {
    AlignedText plain(text_.substr(span.begin, span.size()), span.begin);
    for (const Normalizer& normalizer : parts_.normalizers) {
      std::visit([&](const auto& each) { normalize(plain, each); }, normalizer);
    }
    std::vector<Piece> found;
    parts_.added.in_normalized().split(plain.text(), found);
    if (found.size() == 1 && found[0].id < 0) return encode_words(std::move(plain));
    for (const Piece& part : found) {
      if (part.id >= 0) {
        add(part.id, plain.source(part.span));
        ++words_;
        continue;
      }
      TextEdit edit(plain);
      edit.keep(part.span);
      encode_words(std::move(edit).finish());
    }
  }

  void encode_words(AlignedText text) {
    const std::size_t size = text.text().size();
    Words words{std::move(text), {{0, size}}};
    const bool is_start = size > 0 && words.text.source({0, 1}).begin == 0;
    for (const PreTokenizer& each : parts_.pre_tokenizers) split(words, each, is_start);
    std::visit([&](const auto& model) { encode_each(words, model); }, parts_.model);
  }

  void split(Words& words, const PreTokenizer& pre_tokenizer, bool is_start) const {
    std::visit(
        [&]<class T>(const T& each) {
          if constexpr (std::is_same_v<T, ByteLevel>) {
            pre_tokenize(words, each,
                         parts_.byte_words && &pre_tokenizer == &parts_.pre_tokenizers.back());
          } else if constexpr (std::is_same_v<T, Metaspace>) {
            pre_tokenize(words, each, is_start);
          } else {
            pre_tokenize(words, each);
          }
        },
        pre_tokenizer);
  }

  template <class M>
  void encode_each(const Words& words, const M& model) {
    const std::string_view text = words.text.text();
    for (const Span word : words.spans) {
      pieces_.clear();
      model.encode(text.substr(word.begin, word.size()), pieces_);
      for (const Piece& piece : pieces_) {
        result_.ids.push_back(piece.id);
        if (offsets_)
          place(words.text.source({word.begin + piece.span.begin, word.begin + piece.span.end}));
      }
      ++words_;
    }
  }

  void add(std::int64_t id, Span span) {
    result_.ids.push_back(id);
    if (offsets_) place(span);
  }

  // A part of a character has the place of all of it.
  void place(Span span) {
    if (span.begin < span.end) span.begin = start_of_character(text_, span.begin);
    if (span.end < text_.size()) {
      const std::size_t start = start_of_character(text_, span.end);
      if (start < span.end) span.end = start + decode_utf8(text_, start).length;
    }
    result_.offsets.push_back(
        {static_cast<std::int64_t>(span.begin), static_cast<std::int64_t>(span.end)});
    result_.word_ids.push_back(words_);
  }

  const TokenizerParts& parts_;
  std::string_view text_;
  bool offsets_;
  Encoding result_;
  std::int64_t words_ = 0;
  std::vector<Piece> pieces_;
};

// Takes so many characters of the text off both ends of a span, or as many as it has.
void trim_characters(ByteSpan& span, std::string_view text, std::int64_t leading,
                     std::int64_t trailing) {
  for (; leading > 0 && span.begin < span.end; --leading)
    span.begin +=
        static_cast<std::int64_t>(decode_utf8(text, static_cast<std::size_t>(span.begin)).length);
  for (; trailing > 0 && span.begin < span.end; --trailing)
    span.end =
        static_cast<std::int64_t>(start_of_character(text, static_cast<std::size_t>(span.end - 1)));
}

// Offsets without the blanks of a token, of each part of a text that was truncated by itself: as in
// the original, the first blank of a part counts as one that was added.
// Source: Hugging Face's tokenizers, pre_tokenizers/byte_level.rs, process_offsets.
void trim_offsets(Encoding& encoding, std::string_view text, const TokenizerParts& parts,
                  const TrimOffsets& options) {
  constexpr std::string_view blank = "\xC4\xA0";  // U+0120 stands for a blank
  for (std::size_t i = 0; i < encoding.offsets.size(); ++i) {
    const std::string* token = parts.token(encoding.ids[i]);
    if (token == nullptr) continue;
    std::int64_t leading = 0, trailing = 0;
    std::string_view rest = *token;
    for (; rest.starts_with(blank) || rest.starts_with(' '); ++leading)
      rest.remove_prefix(rest.starts_with(' ') ? 1 : 2);
    rest = *token;
    for (; rest.ends_with(blank) || rest.ends_with(' '); ++trailing)
      rest.remove_suffix(rest.ends_with(' ') ? 1 : 2);
    ByteSpan& span = encoding.offsets[i];
    if (leading > 0 && (i == 0 || span.begin == 0) && options.add_prefix_space) --leading;
    if (rest.empty()) {  // nothing but blanks, which may be none of the text's
      span = leading > 0 ? ByteSpan{span.end, span.end} : ByteSpan{span.begin, span.begin};
      continue;
    }
    trim_characters(span, text, leading, trailing);
  }
  for (Encoding& part : encoding.overflowing) trim_offsets(part, text, parts, options);
}

// All steps but padding.
Encoding encode_texts(const TokenizerParts& parts, std::span<const std::string_view> texts,
                      const EncodeOptions& options) {
  std::vector<Encoding> encodings;
  for (const std::string_view text : texts)
    encodings.push_back(Encoder(parts, text, options.offsets).run());
  const std::optional<Truncation>& truncation =
      options.truncation ? options.truncation : parts.truncation;
  if (truncation) {
    truncate(
        encodings, *truncation,
        options.add_special_tokens ? added_tokens(parts.post_processors, texts.size() == 2) : 0);
  }
  const TemplateProcessing* form = nullptr;
  for (const PostProcessor& processor : parts.post_processors) {
    if (const auto* trim = std::get_if<TrimOffsets>(&processor)) {
      for (std::size_t i = 0; i < texts.size(); ++i)
        trim_offsets(encodings[i], texts[i], parts, *trim);
    } else {
      form = &std::get<TemplateProcessing>(processor);
    }
  }
  return combine(form, options.add_special_tokens, std::move(encodings));
}

}  // namespace
}  // namespace detail

namespace {

// The end of the whole characters at the beginning of a text, whose last one may not be complete.
std::size_t complete_size(std::string_view text) {
  for (std::size_t back = 1; back <= 3 && back <= text.size(); ++back) {
    const std::size_t i = text.size() - back;
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte & 0xC0U) == 0x80) continue;
    const std::size_t length = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return length > back ? i : text.size();
  }
  return text.size();
}

}  // namespace

const detail::TokenizerParts& Tokenizer::parts() const { return detail::held(parts_, "Tokenizer"); }

Tokenizer Tokenizer::load(const std::string& path) {
  return Tokenizer(std::make_shared<const detail::TokenizerParts>(detail::parse_tokenizer(
      detail::read_file("Tokenizer::load", path), fmt::format("Tokenizer::load: {}", path))));
}

Tokenizer Tokenizer::from_json(std::string_view text) {
  return Tokenizer(std::make_shared<const detail::TokenizerParts>(
      detail::parse_tokenizer(text, "Tokenizer::from_json")));
}

std::string Tokenizer::json() const { return detail::tokenizer_json(parts()); }

void Tokenizer::save(const std::string& path) const {
  const std::string text = json();
  AtomicFile file(path, "Tokenizer::save");
  file.write(text);
  file.commit();
}

Encoding Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  Encoding encoding = detail::encode_texts(parts(), {&text, 1}, options);
  const auto& padding = options.padding ? options.padding : parts().padding;
  if (padding) detail::pad({&encoding}, *padding);
  return encoding;
}

Encoding Tokenizer::encode(std::string_view first, std::string_view second,
                           const EncodeOptions& options) const {
  const std::array<std::string_view, 2> texts{first, second};
  Encoding encoding = detail::encode_texts(parts(), texts, options);
  const auto& padding = options.padding ? options.padding : parts().padding;
  if (padding) detail::pad({&encoding}, *padding);
  return encoding;
}

std::vector<Encoding> Tokenizer::encode_batch(std::span<const std::string> texts,
                                              const EncodeOptions& options) const {
  const detail::TokenizerParts& parts = this->parts();
  std::vector<Encoding> encodings(texts.size());
  std::size_t bytes = 0;
  for (const std::string& text : texts) bytes += text.size();
  const auto mean = static_cast<std::int64_t>(bytes / std::max<std::size_t>(texts.size(), 1));
  parallel_for_each(std::ssize(texts), 1000 + 50 * mean, [&](std::int64_t i) {
    const std::string_view text = texts[static_cast<std::size_t>(i)];
    encodings[static_cast<std::size_t>(i)] = detail::encode_texts(parts, {&text, 1}, options);
  });
  const auto& padding = options.padding ? options.padding : parts.padding;
  if (padding) {
    std::vector<Encoding*> all;
    all.reserve(encodings.size());
    for (Encoding& encoding : encodings) all.push_back(&encoding);
    detail::pad(all, *padding);
  }
  return encodings;
}

bool Tokenizer::is_left_out(std::int64_t id, const DecodeOptions& options) const {
  return parts().token(id) == nullptr || (options.skip_special_tokens && is_special(id));
}

std::string Tokenizer::decode(std::span<const std::int64_t> ids,
                              const DecodeOptions& options) const {
  std::vector<std::string> tokens;
  for (const std::int64_t id : ids) {
    if (!is_left_out(id, options)) tokens.push_back(*parts().token(id));
  }
  if (parts().decoders.empty()) return fmt::format("{}", fmt::join(tokens, " "));
  for (const detail::Decoder& decoder : parts().decoders) {
    std::visit([&](const auto& each) { detail::decode(tokens, each); }, decoder);
  }
  return fmt::format("{}", fmt::join(tokens, ""));
}

std::int64_t Tokenizer::size() const {
  const auto& ids = parts().tokens().ids();
  const auto& added = parts().added.tokens();
  return std::max(ids.empty() ? 0 : ids.back() + 1, added.empty() ? 0 : added.back().id + 1);
}

std::optional<std::int64_t> Tokenizer::id(std::string_view token) const {
  if (const detail::AddedToken* added = parts().added.find(token)) return added->id;
  const std::int64_t id = parts().tokens().find(token);
  return id < 0 ? std::nullopt : std::optional(id);
}

const std::string& Tokenizer::token(std::int64_t id) const {
  if (const std::string* token = parts().token(id)) return *token;
  throw IndexError(
      fmt::format("Tokenizer: id {} has no token; there are ids up to {}", id, size() - 1));
}

bool Tokenizer::is_special(std::int64_t id) const {
  const detail::AddedToken* token = parts().added.find(id);
  if (token == nullptr && parts().tokens().has_repeated()) {
    const std::string* text = parts().token(id);
    if (text != nullptr) token = parts().added.find(*text);
  }
  return token != nullptr && token->special;
}

const std::optional<Truncation>& Tokenizer::truncation() const { return parts().truncation; }
const std::optional<BatchPadding>& Tokenizer::padding() const { return parts().padding; }

std::string DecodeStream::step(std::int64_t id) {
  if (tokenizer_.is_left_out(id, options_)) return {};
  ids_.push_back(id);
  const std::string all = tokenizer_.decode(ids_, options_);
  const std::size_t size = complete_size(all);
  if (size <= done_.size()) return {};
  std::string added = all.substr(done_.size(), size - done_.size());
  done_ = all.substr(0, size);
  forget(all.size() - size);
  return added;
}

// Forgets the ids that nothing which follows depends on: those before the last ones that have some
// text by themselves, at its beginning, that was given. `held` are the bytes that were not.
void DecodeStream::forget(std::size_t held) {
  constexpr std::size_t most = 8;
  for (std::size_t n = 1; n <= most && n < ids_.size(); ++n) {
    const std::span<const std::int64_t> last = std::span(ids_).last(n);
    std::string text = tokenizer_.decode(last, options_);
    if (text.size() <= held) continue;
    text.resize(text.size() - held);
    done_ = std::move(text);
    ids_.erase(ids_.begin(), ids_.end() - static_cast<std::ptrdiff_t>(n));
    return;
  }
}

std::string DecodeStream::finish() {
  std::string rest = tokenizer_.decode(ids_, options_);
  rest.erase(0, std::min(rest.size(), done_.size()));
  ids_.clear();
  done_.clear();
  return rest;
}

}  // namespace gradus
