#pragma once
#include <gradus/framework/base/export.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace gradus::detail {

/// The bytes [begin, end) of a text.
struct Span {
  std::size_t begin = 0, end = 0;

  std::size_t size() const { return end - begin; }
  bool operator==(const Span&) const = default;
};

/// A text that was made from a source, and which bytes of the source each of its bytes stands for.
class GRADUS_API AlignedText {
 public:
  AlignedText() = default;
  /// A piece of the source, as it is; `offset` is where it begins.
  explicit AlignedText(std::string_view piece, std::size_t offset = 0);

  const std::string& text() const { return text_; }
  /// The bytes of the source that text()[span] stands for, and what is between them.
  Span source(Span span) const;

 private:
  friend class TextEdit;
  /// Bytes from `begin` to the next run: each stands for one byte, the first for source.begin, or
  /// each of them for all of `source`.
  struct Run {
    std::size_t begin;
    Span source;
    bool by_byte;
  };
  std::size_t run_at(std::size_t position) const;
  Span source_in(std::size_t run, Span span) const;

  std::string text_;
  std::vector<Run> runs_;
};

/// Makes the next form of a text, from left to right.
class GRADUS_API TextEdit {
 public:
  explicit TextEdit(const AlignedText& before) : before_(before) {}

  /// Takes over bytes of the text before. Cheap where they follow those kept last.
  void keep(Span span) {
    if (span.begin != kept_.end) flush();
    if (kept_.size() == 0) kept_.begin = span.begin;
    kept_.end = span.end;
  }
  /// Bytes that stand one by one for those of the text before, from `begin` on.
  void map(std::string_view bytes, std::size_t begin);
  /// Bytes that stand for all of a span together.
  void put(std::string_view bytes, Span span);
  /// Of the text so far.
  std::size_t size() const { return after_.text_.size() + kept_.size(); }
  AlignedText finish() && {
    flush();
    return std::move(after_);
  }

 private:
  void flush();
  void add(std::string_view bytes, std::size_t begin);
  void add_run(AlignedText::Run run);

  const AlignedText& before_;
  AlignedText after_;
  Span kept_{};             // of the text before: not yet in the one after
  std::size_t cursor_ = 0;  // a run of the text before, not after what is edited
};

}  // namespace gradus::detail
