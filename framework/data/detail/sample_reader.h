#pragma once
#include <gradus/framework/base/detail/input_file.h>
#include <gradus/framework/data/detail/line_faults.h>
#include <gradus/framework/data/read_options.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// What is wrong with text that should be UTF-8 without NUL, or nullptr.
const char* fault_of_text(std::string_view text);

/// Latin-1 as UTF-8.
std::string from_latin1(std::string_view text);

/// Cuts text at each separator; at each run of blanks (spaces and tabs) if that is ' '.
void split_fields(std::string_view text, char separator, std::vector<std::string_view>& fields);

/// Reads the lines of a file of samples, and collects what is wrong with them:
///   while (reader.next()) {
///     if (!reader.is_text()) continue;
///     if (...) reader.bad("no label");
///   }
///   reader.finish();
class SampleReader {
 public:
  SampleReader(const char* operation, const std::string& path, const ReadOptions& options)
      : lines_(operation, path), options_(options) {}

  /// Reads the next line without its end; false at the end of the file.
  bool next();
  /// The same, but keeps a carriage return.
  bool next_with_return();
  const std::string& line() const { return line_; }
  std::int64_t number() const { return lines_.number(); }
  bool refuses() const { return options_.bad_lines == BadLines::refuse; }
  /// The first bytes of the file.
  const std::string& head() const { return head_; }

  /// What is wrong with the bytes of this line, or nullptr.
  const char* fault() const;
  /// False, after noting it as bad, for a line that has such a fault.
  bool is_text();
  /// Notes a bad line: this one, or an earlier one by number.
  void bad(std::string_view kind, std::string_view example = "") { bad(number(), kind, example); }
  void bad(std::int64_t line, std::string_view kind, std::string_view example = "") {
    faults_.add(line, kind, example);
  }
  /// Notes that the lines from this number to the current one are bad.
  void bad_since(std::int64_t first, std::string_view kind, std::string_view example = "") {
    faults_.add(first, kind, example, number() - first + 1);
  }
  const std::string& path() const { return lines_.file().path(); }
  /// "read_tsv: 'train.tsv'", for the beginning of an error.
  std::string file() const;
  /// Reports what was bad so far; cure: see LineFaults. Throws FormatError if the file is empty.
  void finish(std::string cure = "") const;
  /// Throws FormatError about the file as a whole.
  [[noreturn]] void fail(const std::string& what) const;

 private:
  LineReader lines_;
  ReadOptions options_;
  LineFaults faults_;
  std::string line_, head_;
};

}  // namespace gradus::detail
