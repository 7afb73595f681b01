#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/data/detail/sample_reader.h>

#include <algorithm>
#include <utility>

namespace gradus::detail {

const char* fault_of_text(std::string_view text) {
  unsigned all = 0;  // most text is ASCII: one pass without branches
  bool has_nul = false;
  for (const char byte : text) {
    all |= static_cast<unsigned char>(byte);
    has_nul |= byte == '\0';
  }
  if (all >= 0x80 && !is_utf8(text)) return "not UTF-8";
  return has_nul ? "contains a NUL" : nullptr;
}

std::string from_latin1(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x80) {
      result += c;
    } else {
      result += static_cast<char>(0xC0U | byte >> 6U);
      result += static_cast<char>(0x80U | (byte & 0x3FU));
    }
  }
  return result;
}

void split_fields(std::string_view text, char separator, std::vector<std::string_view>& fields) {
  fields.clear();
  if (separator != ' ') {
    for (;;) {
      const std::size_t end = text.find(separator);
      fields.push_back(text.substr(0, end));
      if (end == std::string_view::npos) return;
      text.remove_prefix(end + 1);
    }
  }
  const auto is_blank = [](char c) { return c == ' ' || c == '\t'; };
  const char* const end = text.data() + text.size();
  for (const char* begin = text.data();;) {
    begin = std::find_if_not(begin, end, is_blank);
    if (begin == end) return;
    const char* const stop = std::find_if(begin, end, is_blank);
    fields.emplace_back(begin, static_cast<std::size_t>(stop - begin));
    begin = stop;
  }
}

bool SampleReader::next_with_return() {
  if (!(refuses() ? lines_.next(line_) : lines_.next_cut(line_))) return false;
  if (number() == 1) head_ = line_.substr(0, 64);
  if (options_.encoding == TextEncoding::latin1) line_ = from_latin1(line_);
  return true;
}

bool SampleReader::next() {
  if (!next_with_return()) return false;
  if (line_.ends_with('\r')) line_.pop_back();
  return true;
}

const char* SampleReader::fault() const {
  return lines_.is_cut() ? "longer than 64 MiB" : fault_of_text(line_);
}

bool SampleReader::is_text() {
  const char* wrong = fault();
  if (wrong != nullptr) bad(wrong);
  return wrong == nullptr;
}

void SampleReader::finish(std::string cure) const {
  if (number() == 0) fail("it is empty");
  faults_.report(lines_.file().operation(), path(), options_, head_, std::move(cure));
}

std::string SampleReader::file() const {
  return fmt::format("{}: '{}'", lines_.file().operation(), path());
}

void SampleReader::fail(const std::string& what) const {
  throw FormatError(fmt::format("{}: {}{}", file(), what, looks_like(head_)));
}

}  // namespace gradus::detail
