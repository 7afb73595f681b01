#pragma once
#include <gradus/framework/base/detail/fault_list.h>
#include <gradus/framework/io/detail/byte_blocks.h>
#include <gradus/framework/io/detail/vector_rows.h>
#include <gradus/framework/io/word_vectors.h>

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

/// The parts of load_word_vectors().
namespace gradus::detail {

inline constexpr const char* load_vectors = "load_word_vectors";

/// How a file of vectors is laid out.
struct VectorLayout {
  WordVectorFormat format;
  std::int64_t columns;
  std::optional<std::int64_t> rows{};  // what the first line says
  std::int64_t expected = 0;           // rows, from the size of the file; 0 if that is not known
};

/// Finds out the layout, and skips a byte order mark and the line "V D". Throws FormatError.
VectorLayout find_vector_layout(ByteBlocks& file, const WordVectorOptions& options);

/// A line without blanks at its end.
std::string_view trim_line(std::string_view line);

/// What is wrong with a line; `kind` is nullptr if nothing is.
struct LineFault {
  const char* kind = nullptr;
  std::string example{};
};
/// Cuts a trimmed line into a word and its numbers, which it writes.
LineFault parse_vector_line(std::string_view line, std::int64_t columns, bool allow_not_finite,
                            std::string_view& word, float* numbers);
/// True if the line is a word and so many numbers.
bool is_vector_line(std::string_view line, std::int64_t columns);
/// The number of fields of a line.
std::int64_t count_fields(std::string_view line);

/// What was read and what was wrong with it.
struct VectorFindings {
  explicit VectorFindings(std::string_view unit) : faults(unit) {}
  FaultList faults;
  std::int64_t words = 0;
  std::string problem{};  // of the file as a whole, as "ends after 3 of 4 words"
};

/// Notes what is wrong with the word that was read last, and its numbers; false if something is.
bool check_vector(std::string_view word, std::span<const float> numbers,
                  const WordVectorOptions& options, VectorFindings& found);

VectorFindings read_vector_text(ByteBlocks& file, const VectorLayout& layout,
                                const WordVectorOptions& options, VectorRows& rows);
VectorFindings read_vector_binary(ByteBlocks& file, const VectorLayout& layout,
                                  const WordVectorOptions& options, VectorRows& rows);

}  // namespace gradus::detail
