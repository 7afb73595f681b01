#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/data/detail/line_faults.h>

#include <algorithm>

namespace gradus::detail {

std::string line_range(std::int64_t first, std::int64_t lines) {
  if (lines == 1) return fmt::format("line {}", first);
  return fmt::format("lines {} to {}", first, first + lines - 1);
}

void LineFaults::add(std::int64_t line, std::string_view kind, std::string_view example,
                     std::int64_t lines) {
  count_ += lines;
  const auto known = std::find_if(kinds_.begin(), kinds_.end(),
                                  [&](const Kind& other) { return other.text == kind; });
  if (known != kinds_.end()) {
    ++known->count;
  } else {
    kinds_.push_back({std::string(kind), std::string(example), line_range(line, lines), 1});
  }
}

void LineFaults::report(const char* operation, const std::string& path, const ReadOptions& options,
                        std::string_view head, std::string cure) const {
  if (options.skipped != nullptr) *options.skipped = count_;
  if (count_ == 0) return;
  std::string list;
  for (const Kind& kind : kinds_) {
    list += fmt::format("{}{} ({}{}{}{})", list.empty() ? "" : "; ", kind.text,
                        kind.count == 1 ? "" : fmt::format("{} times, first in ", kind.count),
                        kind.where, kind.example.empty() ? "" : ": ", kind.example);
  }
  const std::string lines = count_ == 1 ? "1 bad line" : fmt::format("{} bad lines", count_);
  if (options.bad_lines == BadLines::skip) {
    return warn(fmt::format("{}: '{}': left out {}: {}", operation, path, lines, list));
  }
  if (cure.empty()) cure = looks_like(head);
  if (cure.empty()) {
    const bool other = list.find("not UTF-8") != std::string::npos;
    cure = fmt::format(": correct the file, {}or leave such lines out with BadLines::skip",
                       other ? "pass TextEncoding::latin1 if it is Latin-1, " : "");
  }
  throw FormatError(fmt::format("{}: '{}' has {}: {}{}", operation, path, lines, list, cure));
}

}  // namespace gradus::detail
