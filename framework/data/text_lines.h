#pragma once
#include <gradus/framework/base/export.h>
#include <gradus/framework/data/dataset.h>
#include <gradus/framework/data/read_options.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// The lines of a text file as a data set, blank ones included. The file may be larger than memory:
/// it is mapped, and 8 bytes are kept for each line. If the file is truncated afterwards, reading
/// the missing part ends the program (SIGBUS); replacing it is harmless.
///   const TextLines corpus("corpus.txt");
///   for (const std::string& line : shuffled(corpus, seed)) ...
class GRADUS_API TextLines {
 public:
  /// Reads the file once to find its lines. Throws as ReadOptions says, and Error for a pipe, which
  /// a LineStream reads.
  explicit TextLines(const std::string& path, const ReadOptions& options = {});
  TextLines(TextLines&&) noexcept;
  TextLines& operator=(TextLines&&) noexcept;
  TextLines(const TextLines&) = delete;
  TextLines& operator=(const TextLines&) = delete;
  ~TextLines();

  std::int64_t size() const { return static_cast<std::int64_t>(begins_.size()); }
  /// Line i without its end. Throws IndexError for one outside the file.
  std::string operator[](std::int64_t i) const;
  auto begin() const { return detail::SampleIterator<TextLines>(*this, 0); }
  auto end() const { return detail::SampleIterator<TextLines>(*this, size()); }

 private:
  class File;
  std::unique_ptr<const File> file_;
  std::vector<std::uint64_t> begins_;
  TextEncoding encoding_;
};

struct LineStreamOptions {
  std::int64_t buffer = 1;    ///< lines kept, of which one is drawn; 1 keeps the order
  std::uint64_t seed = 0;     ///< of the order
  bool may_be_empty = false;  ///< no line at all is no error, as in a pipeline
  BadLines bad_lines = BadLines::refuse;
  TextEncoding encoding = TextEncoding::utf8;
  std::int64_t* skipped = nullptr;  ///< see ReadOptions
};

/// The lines of a pipe or a file, read once and one at a time ("/dev/stdin" is the standard input).
/// A larger `buffer` shuffles them a little: it keeps that many lines, and hands out one of them at
/// random.
///   for (const std::string& line : LineStream("/dev/stdin", {.buffer = 10000})) ...
class GRADUS_API LineStream {
 public:
  /// Throws Error if the file cannot be read, ValueError unless buffer > 0.
  explicit LineStream(const std::string& path, const LineStreamOptions& options = {});
  LineStream(LineStream&&) noexcept;
  LineStream& operator=(LineStream&&) noexcept;
  LineStream(const LineStream&) = delete;
  LineStream& operator=(const LineStream&) = delete;
  ~LineStream();

  /// Reads the next line; false at the end. Throws FormatError for the first bad line if such lines
  /// are refused, for no line at all at the end.
  bool next(std::string& line);

  class Iterator {
   public:
    using difference_type = std::ptrdiff_t;
    using value_type = std::string;
    explicit Iterator(LineStream& stream) : stream_(&stream) { ++*this; }
    const std::string& operator*() const { return line_; }
    Iterator& operator++() {
      at_end_ = !stream_->next(line_);
      return *this;
    }
    void operator++(int) { ++*this; }
    bool operator==(std::default_sentinel_t) const { return at_end_; }

   private:
    LineStream* stream_;
    std::string line_;
    bool at_end_ = false;
  };
  Iterator begin() { return Iterator(*this); }
  static std::default_sentinel_t end() { return {}; }

 private:
  struct State;
  bool read(std::string& line);
  std::unique_ptr<State> state_;
};

}  // namespace gradus
