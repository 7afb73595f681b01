#pragma once
#include <gradus/examples/gpt/coding.h>

#include <cstdint>
#include <span>
#include <string>

namespace gradus::examples {

/// A text that grows by ids, up to the end of a text to stop at.
class TextWriter {
 public:
  /// Goes on with `start`, of which the ids are `prompt`. An empty `stop` is none; it may begin in
  /// `start`, not end there.
  TextWriter(const TextCoding& coding, std::span<const std::int64_t> prompt, std::string start,
             std::string stop);

  /// What an id adds. A token may end in the middle of a character, which then comes later, and go
  /// on behind the text to stop at, which is left out.
  std::string add(std::int64_t id) { return append(stream_.step(id)); }
  /// What add() has held back.
  std::string finish() { return append(stream_.finish()); }

  bool has_stopped() const { return has_stopped_; }
  const std::string& text() const { return text_; }  ///< with the start

 private:
  std::string append(const std::string& added);

  TextStream stream_;
  std::string text_, stop_;
  bool has_stopped_ = false;
};

}  // namespace gradus::examples
