#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/io/detail/vector_file.h>

#include <algorithm>
#include <cmath>
#include <cstring>

namespace gradus::detail {
namespace {

// Reads until there is a blank, which ends a word; npos if the file ends before.
std::size_t find_word_end(ByteBlocks& file) {
  for (std::size_t searched = 0;;) {
    const std::size_t end = file.rest().find(' ', searched);
    if (end != std::string_view::npos) return end;
    searched = file.rest().size();
    if (searched > longest_line) {
      throw FormatError(
          fmt::format("{}: '{}': at byte {}, more than {} bytes without a blank, which ends a word",
                      load_vectors, file.path(), file.position(), longest_line));
    }
    if (!file.more()) return std::string_view::npos;
  }
}

}  // namespace

bool check_vector(std::string_view word, std::span<const float> numbers,
                  const WordVectorOptions& options, VectorFindings& found) {
  if (word.empty()) {
    found.faults.add(found.words, "no word before the numbers");
    return false;
  }
  if (options.allow_not_finite ||
      std::all_of(numbers.begin(), numbers.end(), [](float v) { return std::isfinite(v); })) {
    return true;
  }
  found.faults.add(found.words, "nan or infinity, which only allow_not_finite takes",
                   fmt::format("of '{}'", printable(word)));
  return false;
}

VectorFindings read_vector_binary(ByteBlocks& file, const VectorLayout& layout,
                                  const WordVectorOptions& options, VectorRows& rows) {
  VectorFindings found("word");
  const std::int64_t most = std::min(*layout.rows, options.max_words.value_or(*layout.rows));
  const std::size_t bytes = static_cast<std::size_t>(layout.columns) * sizeof(float);
  for (; found.words < most;) {
    if (file.at_least(1) && file.rest().front() == '\n') file.skip(1);
    const std::size_t end = find_word_end(file);
    if (end == std::string_view::npos || !file.at_least(end + 1 + bytes)) {
      found.problem =
          fmt::format("ends inside word {} of the {} of its first line, at byte {}",
                      found.words + 1, *layout.rows, file.position() + file.rest().size());
      return found;
    }
    ++found.words;
    const std::string_view word = file.rest().substr(0, end);
    if (rows.wants(word)) {
      float* row = rows.free_row();
      std::memcpy(row, file.rest().data() + end + 1, bytes);
      const std::span numbers(row, static_cast<std::size_t>(layout.columns));
      if (check_vector(word, numbers, options, found)) rows.keep(word);
    }
    file.skip(end + 1 + bytes);
  }
  if (found.words == options.max_words) return found;
  if (file.at_least(1) && file.rest().front() == '\n') file.skip(1);
  if (file.at_least(1)) {
    found.problem = fmt::format("goes on after the {} words of its first line, at byte {}",
                                *layout.rows, file.position());
  }
  return found;
}

}  // namespace gradus::detail
