#include <gradus/examples/gpt/writer.h>

#include <algorithm>
#include <utility>

namespace gradus::examples {

TextWriter::TextWriter(const TextCoding& coding, std::span<const std::int64_t> prompt,
                       std::string start, std::string stop)
    : stream_(coding), text_(std::move(start)), stop_(std::move(stop)) {
  for (const std::int64_t id : prompt) (void)stream_.step(id);
}

std::string TextWriter::append(const std::string& added) {
  if (has_stopped_) return {};
  const std::size_t before = text_.size();
  text_ += added;
  if (!stop_.empty()) {
    const std::size_t found = text_.find(stop_, before - std::min(before, stop_.size() - 1));
    has_stopped_ = found != std::string::npos;
    if (has_stopped_) text_.resize(found + stop_.size());
  }
  return text_.substr(before);
}

}  // namespace gradus::examples
