#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/data/detail/line_faults.h>

namespace gradus::detail {

void LineFaults::report(const char* operation, const std::string& path, const ReadOptions& options,
                        std::string_view head, std::string cure) const {
  if (options.skipped != nullptr) *options.skipped = count();
  if (count() == 0) return;
  const std::string list = text();
  if (options.bad_lines == BadLines::skip) {
    return warn(fmt::format("{}: '{}': left out {}: {}", operation, path, total(), list));
  }
  if (cure.empty()) cure = looks_like(head);
  if (cure.empty()) {
    const bool other = list.find("not UTF-8") != std::string::npos;
    cure = fmt::format(": correct the file, {}or leave such lines out with BadLines::skip",
                       other ? "pass TextEncoding::latin1 if it is Latin-1, " : "");
  }
  throw FormatError(fmt::format("{}: '{}' has {}: {}{}", operation, path, total(), list, cure));
}

}  // namespace gradus::detail
