#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/text/detail/sentencepiece_normalizer.h>

#include <string>
#include <utility>

namespace gradus::detail {
namespace {

/// What the beginning of a text becomes, and its length.
using Replacement = CharsMap::Match;

Replacement replacement_at(std::string_view text, const SentencePieceNormalizer& rules) {
  if (const std::size_t length = rules.symbols->longest(text); length > 0)
    return {text.substr(0, length), length};
  if (rules.map) {
    if (const auto match = rules.map->longest(text)) return *match;
  }
  const Character c = decode_utf8(text, 0);
  if (c.code == not_utf8) return {"\xEF\xBF\xBD", 1};
  return {text.substr(0, c.length), c.length};
}

/// Writes the new text. What a part stands for ends where that of the next part begins, so that
/// what is left out belongs to the part before it.
class Writer {
 public:
  explicit Writer(const AlignedText& before) : source_(before.text()), edit_(before) {}

  // Bytes for what begins at `begin` of the source.
  void put(std::string_view bytes, std::size_t begin) {
    flush(begin);
    bytes_ = bytes;
    last_ = begin;
  }
  // Bytes of the source, as they are.
  void keep(std::size_t begin, std::size_t size) {
    if (bytes_.empty() && kept_end_ == begin && kept_end_ > kept_) {
      last_ = begin;
      kept_end_ = begin + size;
      return;
    }
    flush(begin);
    kept_ = last_ = begin;
    kept_end_ = begin + size;
  }
  AlignedText finish() && {
    flush(source_.size());
    return std::move(edit_).finish();
  }

 private:
  // What is not in `edit_` yet: some bytes of the source, the last character of which begins at
  // `last_`, or other bytes.
  void flush(std::size_t next) {
    if (!bytes_.empty()) {
      edit_.put(bytes_, {last_, next});
      bytes_.clear();
    } else if (kept_end_ == next) {
      edit_.keep({kept_, kept_end_});
    } else if (kept_end_ > kept_) {
      edit_.keep({kept_, last_});
      edit_.put(std::string_view(source_).substr(last_, kept_end_ - last_), {last_, next});
    }
    kept_ = kept_end_ = next;
  }

  const std::string& source_;
  TextEdit edit_;
  std::string bytes_;
  std::size_t kept_ = 0, kept_end_ = 0, last_ = 0;
};

// Without the blanks at the end, and with one after it that add_dummy_prefix wants there.
AlignedText with_end(AlignedText text, const AlignedText& before, std::string_view blank,
                     const SentencePieceNormalizer& rules) {
  std::string_view rest = text.text();
  while (rules.remove_extra_whitespaces && rest.ends_with(blank)) rest.remove_suffix(blank.size());
  const bool suffix = rules.whitespace_as_suffix && rules.add_dummy_prefix;
  if (rest.size() == text.text().size() && !suffix) return text;
  if (text.text().empty()) {  // what is added stands at the end of the text before
    TextEdit edit(before);
    edit.put(blank, {before.text().size(), before.text().size()});
    return std::move(edit).finish();
  }
  TextEdit edit(text);
  edit.keep({0, rest.size()});
  if (suffix) edit.put(blank, {rest.size(), rest.size()});
  return std::move(edit).finish();
}

}  // namespace

void normalize(AlignedText& text, const SentencePieceNormalizer& rules) {
  const std::string_view bytes = text.text();
  const std::string_view blank = rules.escape_whitespaces ? space_symbol : " ";
  std::size_t i = 0;
  while (rules.remove_extra_whitespaces && i < bytes.size()) {
    const Replacement first = replacement_at(bytes.substr(i), rules);
    if (first.replacement != " ") break;
    i += first.length;
  }
  if (i == bytes.size()) {
    text = AlignedText();
    return;
  }
  Writer writer(text);
  if (rules.add_dummy_prefix && !rules.whitespace_as_suffix) writer.put(blank, i);
  bool after_blank = rules.remove_extra_whitespaces;
  std::string escaped;
  while (i < bytes.size()) {
    const Replacement next = replacement_at(bytes.substr(i), rules);
    std::string_view added = next.replacement;
    while (after_blank && added.starts_with(' ')) added.remove_prefix(1);
    const bool has_blank = rules.escape_whitespaces && added.find(' ') != std::string_view::npos;
    if (has_blank) {
      escaped.clear();
      for (const char c : added) c == ' ' ? escaped += blank : escaped += c;
      writer.put(escaped, i);
    } else if (added.data() == bytes.data() + i && added.size() == next.length) {
      writer.keep(i, next.length);
    } else if (!added.empty()) {
      writer.put(added, i);
    }
    if (!added.empty()) after_blank = rules.remove_extra_whitespaces && added.ends_with(' ');
    i += next.length;
  }
  text = with_end(std::move(writer).finish(), text, blank, rules);
}

}  // namespace gradus::detail
