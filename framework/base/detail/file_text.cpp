#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/utf8.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <vector>

namespace gradus::detail {
namespace {

struct Range {
  std::uint32_t first, last;
};
constexpr std::array<Range, 12> unseen{{{0x00, 0x1F},           // controls
                                        {0x7F, 0xA0},           // controls, the no-break space
                                        {0xAD, 0xAD},           // the soft hyphen
                                        {0x2000, 0x200F},       // blanks, joiners, directions
                                        {0x2028, 0x202F},       // separators, directions
                                        {0x205F, 0x206F},       // a blank, joiners, directions
                                        {0x3000, 0x3000},       // the ideographic space
                                        {0xE000, 0xF8FF},       // private use
                                        {0xFEFF, 0xFEFF},       // the byte order mark
                                        {0xFFF9, 0xFFFB},       // annotations
                                        {0xFFFE, 0xFFFF},       // noncharacters
                                        {0xE0000, not_utf8}}};  // tags, private use

bool is_seen(std::uint32_t code) {
  return std::none_of(unseen.begin(), unseen.end(), [code](const Range& range) {
    return range.first <= code && code <= range.last;
  });
}

struct Kind {
  std::string_view begin, text;
};
using namespace std::string_view_literals;
constexpr std::array<Kind, 17> kinds{{
    {"\x1f\x8b"sv, "a gzip file: unpack it first"},
    {"BZh"sv, "a bzip2 file: unpack it first"},
    {"\xfd\x37zXZ"sv, "an xz file: unpack it first"},
    {"\x28\xb5\x2f\xfd"sv, "a zstd file: unpack it first"},
    {"PK\x03\x04"sv, "a zip archive (a PyTorch .pt or a NumPy .npz file?)"},
    {"\x93NUMPY"sv, "a NumPy .npy file"},
    {"\x80\x02"sv, "a Python pickle"},
    {"\x80\x03"sv, "a Python pickle"},
    {"\x80\x04"sv, "a Python pickle"},
    {"\x80\x05"sv, "a Python pickle"},
    {"GGUF"sv, "a GGUF file"},
    {"\xba\x16\x4f\x2f"sv, "a fastText model: FastTextModel::load() reads it"},
    {"\xff\xfe"sv, "UTF-16 text: convert it to UTF-8"},
    {"version https://git-lfs"sv, "a Git LFS pointer: fetch the file itself"},
    {"<!DOCTYPE"sv, "a web page"},
    {"<!doctype"sv, "a web page"},
    {"<html"sv, "a web page"},
}};

}  // namespace

std::string printable(std::string_view text, std::size_t limit) {
  std::string shown;
  std::size_t width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto [code, length] = decode_utf8(text, i);
    const bool seen = is_seen(code);
    width += seen ? 1 : 4 * length;
    if (width > limit) return shown + "...";
    for (const std::size_t end = i + length; i < end; ++i) {
      if (seen) {
        shown += text[i];
      } else {
        shown += fmt::format("\\x{:02x}", static_cast<unsigned char>(text[i]));
      }
    }
  }
  return shown;
}

std::string printable_names(const std::vector<std::string>& names) {
  std::string all;
  for (const std::string& name : names) {
    if (&name != &names.front()) all += ", ";
    all += printable(name, std::string::npos);
  }
  return all;
}

std::string looks_like(std::string_view head) {
  for (const Kind& kind : kinds) {
    if (head.starts_with(kind.begin)) return fmt::format(": it looks like {}", kind.text);
  }
  const bool header = head.size() > 8 && head[8] == '{' && head.substr(5, 3) == "\0\0\0"sv;
  return header ? ": it looks like a .safetensors file" : "";
}

// The numbers of rows and columns, or a word and its numbers.
std::string looks_like_vectors(std::string_view head) {
  constexpr std::size_t least_numbers = 3;
  const std::size_t end = head.find('\n');
  const bool is_whole = end != std::string_view::npos;
  std::vector<std::string_view> fields;
  for (std::string_view line = head.substr(0, end); !line.empty();) {
    const std::size_t blank = std::min(line.find_first_of(" \t"), line.size());
    if (blank == line.size() && !is_whole) break;  // a field that may be cut
    if (blank > 0) fields.push_back(line.substr(0, blank));
    line.remove_prefix(std::min(blank + 1, line.size()));
  }
  const auto only = [&](std::size_t from, std::string_view characters) {
    return std::all_of(fields.begin() + static_cast<std::ptrdiff_t>(from), fields.end(),
                       [&](std::string_view field) {
                         return field.find_first_not_of(characters) == std::string_view::npos;
                       });
  };
  const bool has_sizes = is_whole && fields.size() == 2 && only(0, "0123456789");
  const bool has_numbers = fields.size() > least_numbers && only(1, "0123456789.+-eE");
  return has_sizes || has_numbers ? ": it looks like word vectors: load_word_vectors() reads them"
                                  : "";
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto [code, length] = decode_utf8(text, i);
    if (code == not_utf8) return false;
    i += length;
  }
  return true;
}

}  // namespace gradus::detail
