#include <fmt/format.h>
#include <gradus/framework/base/detail/file_map.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/core/random.h>
#include <gradus/framework/data/detail/sample_reader.h>
#include <gradus/framework/data/text_lines.h>

#include <algorithm>
#include <utility>

namespace gradus {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

}  // namespace

class TextLines::File {
 public:
  explicit File(const std::string& path) : map_("TextLines", path) {}
  std::string_view text() const { return {map_.data(), map_.size()}; }
  /// The line that begins at a position, without its line feed.
  std::string_view line(std::uint64_t begin) const {
    const std::string_view rest = text().substr(begin);
    return rest.substr(0, rest.find('\n'));
  }

 private:
  detail::FileMap map_;
};

TextLines::TextLines(const std::string& path, const ReadOptions& options)
    : file_(std::make_unique<File>(path)), encoding_(options.encoding) {
  const std::string_view text = file_->text();
  std::uint64_t begin = text.starts_with(byte_order_mark) ? byte_order_mark.size() : 0;
  if (begin == text.size()) throw FormatError(fmt::format("TextLines: '{}': it is empty", path));
  detail::LineFaults faults;
  for (std::int64_t number = 1; begin < text.size(); ++number) {
    const std::string_view line = file_->line(begin);
    const char* fault = encoding_ == TextEncoding::utf8
                            ? detail::fault_of_text(line)
                            : detail::fault_of_text(detail::from_latin1(line));
    if (fault != nullptr) {
      faults.add(number, fault);
    } else {
      begins_.push_back(begin);
    }
    begin += line.size() + 1;
  }
  begins_.shrink_to_fit();
  faults.report("TextLines", path, options, text.substr(0, 64));
}

TextLines::TextLines(TextLines&&) noexcept = default;
TextLines& TextLines::operator=(TextLines&&) noexcept = default;
TextLines::~TextLines() = default;

std::string TextLines::operator[](std::int64_t i) const {
  detail::check_sample_index("TextLines", i, size());
  std::string_view line = file_->line(begins_[static_cast<std::size_t>(i)]);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return encoding_ == TextEncoding::latin1 ? detail::from_latin1(line) : std::string(line);
}

struct LineStream::State {
  State(const std::string& path, const LineStreamOptions& options)
      : reader("LineStream", path, {options.bad_lines, options.encoding, options.skipped}),
        generator(options.seed),
        room(static_cast<std::size_t>(options.buffer)),
        may_be_empty(options.may_be_empty) {}

  detail::SampleReader reader;
  Generator generator;
  std::size_t room;
  bool may_be_empty;
  std::vector<std::string> waiting = {};
  bool at_end = false;
};

LineStream::LineStream(const std::string& path, const LineStreamOptions& options) {
  if (options.buffer < 1) {
    throw ValueError(
        fmt::format("LineStream: buffer is {}: it must be at least 1", options.buffer));
  }
  state_ = std::make_unique<State>(path, options);
}

LineStream::LineStream(LineStream&&) noexcept = default;
LineStream& LineStream::operator=(LineStream&&) noexcept = default;
LineStream::~LineStream() = default;

bool LineStream::read(std::string& line) {
  detail::SampleReader& reader = state_->reader;
  while (!state_->at_end && reader.next()) {
    if (reader.is_text()) {
      line = reader.line();
      return true;
    }
    if (reader.refuses()) break;
  }
  const bool was_at_end = std::exchange(state_->at_end, true);
  if (!was_at_end && (reader.number() > 0 || !state_->may_be_empty)) reader.finish();
  return false;
}

bool LineStream::next(std::string& line) {
  auto& waiting = state_->waiting;
  while (waiting.size() < state_->room && read(line)) waiting.push_back(std::move(line));
  if (waiting.empty()) return false;
  const auto drawn =
      static_cast<std::size_t>(state_->generator.below(static_cast<std::int64_t>(waiting.size())));
  std::swap(waiting[drawn], waiting.back());
  line = std::move(waiting.back());
  waiting.pop_back();
  return true;
}

}  // namespace gradus
