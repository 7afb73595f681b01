#include <gradus/framework/text/detail/aligned_text.h>

#include <algorithm>

namespace gradus::detail {

AlignedText::AlignedText(std::string_view piece, std::size_t offset) : text_(piece) {
  if (!piece.empty()) runs_.push_back({0, {offset, offset + piece.size()}, true});
}

// The run that holds a byte of the text.
std::size_t AlignedText::run_at(std::size_t position) const {
  const auto next = std::upper_bound(runs_.begin(), runs_.end(), position,
                                     [](std::size_t p, const Run& run) { return p < run.begin; });
  return static_cast<std::size_t>(next - runs_.begin()) - 1;
}

// What the bytes of a span that lie in a run stand for.
Span AlignedText::source_in(std::size_t run, Span span) const {
  const auto& [begin, source, by_byte] = runs_[run];
  if (!by_byte) return source;
  const std::size_t end = run + 1 < runs_.size() ? runs_[run + 1].begin : text_.size();
  return {source.begin + (std::max(span.begin, begin) - begin),
          source.begin + (std::min(span.end, end) - begin)};
}

// Runs need not be in the order of the source: marks may have been reordered.
Span AlignedText::source(Span span) const {
  if (text_.empty()) return {};
  if (span.begin == span.end) {  // between two bytes
    if (span.begin < text_.size()) {
      const std::size_t after = source({span.begin, span.begin + 1}).begin;
      return {after, after};
    }
    const std::size_t before = source({span.begin - 1, span.begin}).end;
    return {before, before};
  }
  std::size_t run = run_at(span.begin);
  Span result = source_in(run, span);
  for (++run; run < runs_.size() && runs_[run].begin < span.end; ++run) {
    const Span part = source_in(run, span);
    result = {std::min(result.begin, part.begin), std::max(result.end, part.end)};
  }
  return result;
}

// Appends a run, or lengthens the last one.
void TextEdit::add_run(AlignedText::Run run) {
  auto& runs = after_.runs_;
  if (!runs.empty() && runs.back().by_byte && run.by_byte &&
      runs.back().source.begin + (run.begin - runs.back().begin) == run.source.begin) {
    runs.back().source.end = run.source.end;
    return;
  }
  runs.push_back(run);
}

void TextEdit::flush() {
  add(std::string_view(before_.text_).substr(kept_.begin, kept_.size()), kept_.begin);
  kept_ = {};
}

void TextEdit::map(std::string_view bytes, std::size_t begin) {
  flush();
  add(bytes, begin);
}

void TextEdit::add(std::string_view bytes, std::size_t begin) {
  const auto& runs = before_.runs_;
  const std::size_t end = begin + bytes.size();
  std::size_t to = after_.text_.size();
  after_.text_ += bytes;
  while (begin < end) {
    while (cursor_ + 1 < runs.size() && runs[cursor_ + 1].begin <= begin) ++cursor_;
    const AlignedText::Run& run = runs[cursor_];
    const std::size_t stop =
        cursor_ + 1 < runs.size() ? std::min(end, runs[cursor_ + 1].begin) : end;
    Span source = run.source;
    if (run.by_byte) {
      source = {run.source.begin + (begin - run.begin), run.source.begin + (stop - run.begin)};
    }
    add_run({to, source, run.by_byte});
    to += stop - begin;
    begin = stop;
  }
}

void TextEdit::put(std::string_view bytes, Span span) {
  if (bytes.empty()) return;
  flush();
  add_run({after_.text_.size(), before_.source(span), false});
  after_.text_ += bytes;
}

}  // namespace gradus::detail
