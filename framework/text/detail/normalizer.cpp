#include <fmt/format.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/text/detail/normalizer.h>
#include <gradus/framework/text/detail/unicode.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace gradus::detail {
namespace {

bool is_ascii(char c) { return static_cast<unsigned char>(c) < 0x80; }
bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return is_ascii(c); });
}

/// A character and the bytes of the text that it stands for.
struct CodePoint {
  std::uint32_t code;
  Span from;
};

// Marks in the order of their classes, those of one class as they stood (UAX 15, D108).
void order_marks(std::vector<CodePoint>& points) {
  const auto is_mark = [](const CodePoint& p) { return combining_class(p.code) != 0; };
  for (auto first = points.begin(); first != points.end();) {
    first = std::find_if(first, points.end(), is_mark);
    const auto last = std::find_if_not(first, points.end(), is_mark);
    std::stable_sort(first, last, [](const CodePoint& a, const CodePoint& b) {
      return combining_class(a.code) < combining_class(b.code);
    });
    first = last;
  }
}

// Each mark that nothing blocks is composed with the last starter (UAX 15, D117).
void compose(std::vector<CodePoint>& points) {
  std::size_t size = 0, starter = 0;
  int last_class = 0;
  bool has_starter = false;
  for (const CodePoint& point : std::vector<CodePoint>(points)) {
    const int own = combining_class(point.code);
    if (has_starter && (last_class == 0 || last_class < own)) {
      CodePoint& base = points[starter];
      if (const std::uint32_t both = composed(base.code, point.code); both != 0) {
        base = {
            both,
            {std::min(base.from.begin, point.from.begin), std::max(base.from.end, point.from.end)}};
        continue;
      }
    }
    if (own == 0) {
      starter = size;
      has_starter = true;
    }
    last_class = own;
    points[size++] = point;
  }
  points.resize(size);
}

// Normalizes a stretch of characters that does not depend on what is around it.
void normalize_stretch(std::vector<CodePoint>& points, NormalForm form) {
  const bool compatibility = form == NormalForm::nfkc || form == NormalForm::nfkd;
  std::vector<CodePoint> parts;
  std::vector<std::uint32_t> codes;
  for (const CodePoint& point : points) {
    codes.clear();
    decompose(point.code, compatibility, codes);
    for (const std::uint32_t code : codes) parts.push_back({code, point.from});
  }
  order_marks(parts);
  if (form == NormalForm::nfc || form == NormalForm::nfkc) compose(parts);
  points = std::move(parts);
}

void put_all(const std::vector<CodePoint>& points, std::string_view text, TextEdit& edit) {
  std::string bytes;
  std::size_t done = 0;  // of the text; marks may have been reordered
  for (const CodePoint& point : points) {
    bytes.clear();
    append_utf8(point.code, bytes);
    if (point.from.begin >= done && text.substr(point.from.begin, point.from.size()) == bytes) {
      edit.keep(point.from);
    } else {
      edit.put(bytes, point.from);
    }
    done = std::max(done, point.from.end);
  }
}

// Keeps a character that `to` does not change.
void put_or_keep(std::string_view text, std::string_view to, Span span, TextEdit& edit) {
  if (to == text.substr(span.begin, span.size())) {
    edit.keep(span);
  } else {
    edit.put(to, span);
  }
}

// An ASCII character or a byte, in lower case if wanted.
void put_ascii_lowercase(std::string_view text, Span span, bool lowercase, TextEdit& edit) {
  const char c = text[span.begin];
  if (!lowercase || c < 'A' || c > 'Z') return edit.keep(span);
  const char small = static_cast<char>(c + 32);
  edit.map({&small, 1}, span.begin);
}

// Each character through change(code, span, edit); a byte that is not UTF-8 has the code
// `not_utf8`.
template <class F>
void edit_characters(AlignedText& text, F&& change) {
  const std::string& bytes = text.text();
  TextEdit edit(text);
  for (std::size_t i = 0; i < bytes.size();) {
    const Character c = decode_utf8(bytes, i);
    change(c.code, Span{i, i + c.length}, edit);
    i += c.length;
  }
  text = std::move(edit).finish();
}

// Source: BERT's BasicTokenizer, _is_chinese_char.
bool is_chinese(std::uint32_t c) {
  const auto in = [c](std::uint32_t first, std::uint32_t last) { return first <= c && c <= last; };
  return in(0x4E00, 0x9FFF) || in(0x3400, 0x4DBF) || in(0x20000, 0x2A6DF) || in(0x2A700, 0x2B73F) ||
         in(0x2B740, 0x2B81F) || in(0x2B920, 0x2CEAF) || in(0xF900, 0xFAFF) || in(0x2F800, 0x2FA1F);
}

bool is_blank(std::uint32_t code) {
  return code == '\t' || code == '\n' || code == '\r' || is_white_space(code);
}

bool is_removed(std::uint32_t code) {
  if (code >= ' ' && code <= '~') return false;
  if (code == 0 || code == 0xFFFD) return true;
  if (code == '\t' || code == '\n' || code == '\r' || code == not_utf8) return false;
  const Category group = category(code);
  return group == Category::control || group == Category::other;
}

void clean(AlignedText& text) {
  edit_characters(text, [](std::uint32_t code, Span span, TextEdit& edit) {
    if (is_removed(code)) return;
    if (is_blank(code)) {
      edit.put(" ", span);
    } else {
      edit.keep(span);
    }
  });
}

void space_chinese(AlignedText& text) {
  edit_characters(text, [](std::uint32_t code, Span span, TextEdit& edit) {
    if (!is_chinese(code)) return edit.keep(span);
    edit.put(" ", span);
    edit.keep(span);
    edit.put(" ", span);
  });
}

// What is put between two characters stands for the one before, as in Hugging Face's tokenizers.
Span character_before(std::string_view text, std::size_t at) {
  for (std::size_t length = std::min<std::size_t>(at, 4); length > 0; --length) {
    if (decode_utf8(text.substr(0, at), at - length).length == length) return {at - length, at};
  }
  return {at, at};
}

void remove_marks(AlignedText& text, bool all) {
  edit_characters(text, [all](std::uint32_t code, Span span, TextEdit& edit) {
    const Category group = code < 0x80 ? Category::letter : category(code);
    const bool removed =
        group == Category::nonspacing_mark || (all && group == Category::other_mark);
    if (!removed) edit.keep(span);
  });
}

// Appends what the steps of BERT's normalizer after its clean-up make of a character. False if a
// mark is left, which would have to be ordered among others. `parts` is overwritten.
bool append_plain(std::uint32_t code, bool strip, bool lowercase, std::string& out,
                  std::vector<std::uint32_t>& parts) {
  parts.clear();
  if (strip) {
    decompose(code, false, parts);
  } else {
    parts.push_back(code);
  }
  for (const std::uint32_t part : parts) {
    if (strip && category(part) == Category::nonspacing_mark) continue;
    if (strip && combining_class(part) != 0) return false;
    if (lowercase) {
      append_lowercase(part, out);
    } else {
      append_utf8(part, out);
    }
  }
  return true;
}

// All steps of BERT's normalizer in one pass; or returns false and changes nothing where that needs
// more than one character at a time.
bool normalize_at_once(AlignedText& text, const BertNormalizer& options, bool strip) {
  const std::string& bytes = text.text();
  TextEdit edit(text);
  std::string plain;
  std::vector<std::uint32_t> parts;
  for (std::size_t i = 0; i < bytes.size();) {
    const Character c = decode_utf8(bytes, i);
    const Span span{i, i + c.length};
    i = span.end;
    if (c.code == not_utf8 || (c.code >= ' ' && c.code <= '~')) {
      put_ascii_lowercase(bytes, span, options.lowercase, edit);
      continue;
    }
    if (options.clean_text && is_removed(c.code)) continue;
    if (options.clean_text && is_blank(c.code)) {
      edit.put(" ", span);
      continue;
    }
    plain.clear();
    if (!append_plain(c.code, strip, options.lowercase, plain, parts)) return false;
    const bool spaced = options.handle_chinese_chars && is_chinese(c.code);
    if (spaced) edit.put(" ", span);
    put_or_keep(bytes, plain, span, edit);
    if (spaced) edit.put(" ", span);
  }
  text = std::move(edit).finish();
  return true;
}

}  // namespace

void normalize(AlignedText& text, NormalForm form) {
  const std::string& bytes = text.text();
  if (is_ascii(bytes)) return;
  TextEdit edit(text);
  std::vector<CodePoint> points;
  std::size_t kept = 0;  // all before is in `edit`
  for (std::size_t i = 0; i < bytes.size();) {
    // An ASCII character is as it is if no mark follows.
    if (is_ascii(bytes[i]) && (i + 1 == bytes.size() || is_ascii(bytes[i + 1]))) {
      ++i;
      continue;
    }
    edit.keep({kept, i});
    points.clear();
    do {
      const Character c = decode_utf8(bytes, i);
      if (c.code == not_utf8) break;
      points.push_back({c.code, {i, i + c.length}});
      i += c.length;
    } while (i < bytes.size() &&
             (!is_ascii(bytes[i]) || (i + 1 < bytes.size() && !is_ascii(bytes[i + 1]))));
    normalize_stretch(points, form);
    put_all(points, bytes, edit);
    kept = i;
    while (i < bytes.size() && decode_utf8(bytes, i).code == not_utf8) ++i;
  }
  edit.keep({kept, bytes.size()});
  text = std::move(edit).finish();
}

void normalize(AlignedText& text, const Lowercase&) {
  if (is_ascii(text.text())) {
    std::string lower = text.text();
    for (char& c : lower) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    TextEdit edit(text);
    edit.map(lower, 0);
    text = std::move(edit).finish();
    return;
  }
  std::string lower;
  edit_characters(text, [&](std::uint32_t code, Span span, TextEdit& edit) {
    if (code < 0x80 || code == not_utf8) return put_ascii_lowercase(text.text(), span, true, edit);
    lower.clear();
    append_lowercase(code, lower);
    put_or_keep(text.text(), lower, span, edit);
  });
}

void normalize(AlignedText& text, const BertNormalizer& options) {
  const std::string& bytes = text.text();
  const auto is_plain = [](char c) { return c >= ' ' && c <= '~'; };
  const bool strip = options.strip_accents.value_or(options.lowercase);
  if (std::all_of(bytes.begin(), bytes.end(), is_plain)) {
    if (options.lowercase) normalize(text, Lowercase{});
    return;
  }
  if (normalize_at_once(text, options, strip)) return;
  if (options.clean_text) clean(text);
  if (options.handle_chinese_chars) space_chinese(text);
  if (strip) {
    normalize(text, NormalForm::nfd);
    remove_marks(text, false);
  }
  if (options.lowercase) normalize(text, Lowercase{});
}

void normalize(AlignedText& text, const StripAccents&) {
  if (!is_ascii(text.text())) remove_marks(text, true);
}

void normalize(AlignedText& text, const Strip& options) {
  const std::string& bytes = text.text();
  Span kept{bytes.size(), bytes.size()};
  std::size_t end = 0;  // of the last character that is not white space
  for (std::size_t i = 0; i < bytes.size();) {
    const Character c = decode_utf8(bytes, i);
    if (!is_white_space(c.code)) {
      kept.begin = std::min(kept.begin, i);
      end = i + c.length;
    }
    i += c.length;
  }
  if (!options.left) kept.begin = 0;
  if (options.right) kept.end = std::max(end, kept.begin);
  TextEdit edit(text);
  edit.keep(kept);
  text = std::move(edit).finish();
}

void normalize(AlignedText& text, const Replace& options) {
  std::vector<Span> matches;
  options.pattern.find_all(text.text(), matches);
  if (matches.empty()) return;
  constexpr std::size_t most = std::size_t{1} << 30U;
  if (options.content.size() > most / matches.size()) {
    throw ValueError(fmt::format(
        "Tokenizer: the normalizer Replace would put {} bytes into the place of each of {} matches",
        options.content.size(), matches.size()));
  }
  TextEdit edit(text);
  std::size_t kept = 0;
  for (const Span match : matches) {
    edit.keep({kept, match.begin});
    edit.put(options.content,
             match.size() > 0 ? match : character_before(text.text(), match.begin));
    kept = match.end;
  }
  edit.keep({kept, text.text().size()});
  text = std::move(edit).finish();
}

void normalize(AlignedText& text, const Precompiled& options) {
  const std::string& bytes = text.text();
  TextEdit edit(text);
  GraphemeBreaks breaks;
  const auto edit_cluster = [&](Span cluster) {
    const auto found = [&](Span span) {
      return options.map.shortest(std::string_view(bytes).substr(span.begin, span.size()));
    };
    if (cluster.size() < 6) {
      if (const auto replacement = found(cluster)) return edit.put(*replacement, cluster);
    }
    for (std::size_t i = cluster.begin; i < cluster.end;) {
      const Span character{i, i + decode_utf8(bytes, i).length};
      if (const auto replacement = found(character)) {
        edit.put(*replacement, character);
      } else {
        edit.keep(character);
      }
      i = character.end;
    }
  };
  std::size_t begin = 0;
  for (std::size_t i = 0; i < bytes.size();) {
    const Character c = decode_utf8(bytes, i);
    if (breaks(c.code) && i > 0) {
      edit_cluster({begin, i});
      begin = i;
    }
    i += c.length;
  }
  if (!bytes.empty()) edit_cluster({begin, bytes.size()});
  text = std::move(edit).finish();
}

void normalize(AlignedText& text, const Prepend& options) {
  if (text.text().empty()) return;
  TextEdit edit(text);
  edit.put(options.prepend, {0, decode_utf8(text.text(), 0).length});
  edit.keep({0, text.text().size()});
  text = std::move(edit).finish();
}

}  // namespace gradus::detail
