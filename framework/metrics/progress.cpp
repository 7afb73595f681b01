#include <fmt/format.h>
#include <gradus/framework/base/detail/file_text.h>
#include <gradus/framework/base/detail/utf8.h>
#include <gradus/framework/base/error.h>
#include <gradus/framework/base/warning.h>
#include <gradus/framework/metrics/progress.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <utility>

namespace gradus {
namespace {

constexpr double redraw_seconds = 0.1;
constexpr std::array<int, 2> bar_widths{20, 10};  // two, so that it does not move all the time

bool is_terminal(std::FILE* output) {
  const char* kind = std::getenv("TERM");
  return isatty(fileno(output)) == 1 && (kind == nullptr || std::string_view(kind) != "dumb");
}

// Three digits and a prefix: 987, 1.23k, 45.6M.
std::string rounded(double value) {
  constexpr std::array<const char*, 5> prefixes{"", "k", "M", "G", "T"};
  std::size_t i = 0;
  for (; std::abs(value) >= 999.5 && i + 1 < prefixes.size(); ++i) value /= 1000;
  if (!(std::abs(value) < 999.5)) return fmt::format("{:.3g}{}", value, prefixes[i]);
  const int decimals = std::abs(value) < 9.995 ? 2 : std::abs(value) < 99.95 ? 1 : 0;
  return fmt::format("{:.{}f}{}", value, decimals, prefixes[i]);
}

std::string count_text(std::int64_t count) {
  return count < 100'000 ? fmt::to_string(count) : rounded(static_cast<double>(count));
}

// 0:07, 12:34, 1:02:03, 2d 01:02:03
std::string time_text(double seconds) {
  if (!(seconds >= 0 && seconds < 1e9)) return "?";
  const auto all = static_cast<std::int64_t>(seconds);
  const std::int64_t s = all % 60, m = all / 60 % 60, h = all / 3600 % 24, days = all / 86400;
  if (days > 0) return fmt::format("{}d {:02}:{:02}:{:02}", days, h, m, s);
  if (h > 0) return fmt::format("{}:{:02}:{:02}", h, m, s);
  return fmt::format("{}:{:02}", m, s);
}

std::string rate_text(double per_second, const std::string& unit) {
  if (!(per_second > 0 && std::isfinite(per_second))) return "? " + unit + "/s";
  if (per_second < 1) return fmt::format("{:.3g} s/{}", 1 / per_second, unit);
  return fmt::format("{} {}/s", rounded(per_second), unit);
}

std::string value_text(const Number& value) {
  return value.is_integer() ? fmt::to_string(value.integer()) : fmt::format("{:.4g}", value.real());
}

// How many columns a character takes: two in East Asian scripts and for pictures, none if it is put
// on the one before.
int columns_of(std::uint32_t code) {
  const auto in = [code](std::uint32_t first, std::uint32_t last) {
    return first <= code && code <= last;
  };
  if (in(0x300, 0x36F) || in(0xFE00, 0xFE0F)) return 0;
  const bool wide = in(0x1100, 0x115F) || in(0x2E80, 0xA4CF) || in(0xAC00, 0xD7A3) ||
                    in(0xF900, 0xFAFF) || in(0xFE30, 0xFE6F) || in(0xFF00, 0xFF60) ||
                    in(0xFFE0, 0xFFE6) || in(0x1F300, 0x1FAFF) || in(0x20000, 0x3FFFD);
  return wide ? 2 : 1;
}

int width_of(std::string_view text) {
  int width = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto [code, length] = detail::decode_utf8(text, i);
    width += columns_of(code);
    i += length;
  }
  return width;
}

std::string_view first_columns(std::string_view text, int limit) {
  std::size_t i = 0;
  while (i < text.size()) {
    const auto [code, length] = detail::decode_utf8(text, i);
    limit -= columns_of(code);
    if (limit < 0) break;
    i += length;
  }
  return text.substr(0, i);
}

// "[=====>    ]" in so many columns, with the brackets.
std::string bar_text(double part, int width) {
  const int inside = width - 2, full = static_cast<int>(part * inside);
  std::string bar(static_cast<std::size_t>(full), '=');
  if (full < inside) bar += '>';
  bar.resize(static_cast<std::size_t>(inside), ' ');
  return "[" + bar + "] ";
}

void check(std::optional<std::int64_t> total, const ProgressOptions& options) {
  const auto refuse = [](const char* option, auto value, const char* cure) {
    throw ValueError(fmt::format("Progress: {} is {}, it must {}", option, value, cure));
  };
  if (total && *total < 0) refuse("total", *total, "not be negative: nullopt says it is not known");
  if (options.start < 0) refuse("start", options.start, "not be negative");
  if (!(options.every_seconds >= 0)) {
    refuse("every_seconds", options.every_seconds, "not be negative");
  }
  if (!(options.every_percent >= 0 && options.every_percent <= 100)) {
    refuse("every_percent", options.every_percent, "be in [0, 100]");
  }
  if (options.every_percent > 0 && !total) {
    throw ValueError("Progress: every_percent needs a total: set every_seconds instead");
  }
  if (options.width < 0) refuse("width", options.width, "not be negative");
  if (options.output == nullptr) throw ValueError("Progress: output is a null pointer");
  if (!options.clock) throw ValueError("Progress: the clock is an empty function");
}

}  // namespace

Progress::Progress(std::optional<std::int64_t> total, ProgressOptions options)
    : total_(total), options_(std::move(options)) {
  check(total_, options_);
  options_.name = detail::printable(options_.name);
  options_.unit = detail::printable(options_.unit);
  style_ = style();
  count_ = drawn_count_ = options_.start;
  begin_ = drawn_at_ = options_.clock();
  if (style_ != Style::line) return;
  draw(begin_);
  detail::add_warning_writer(this, [this](std::string_view warning) { write_above(warning); });
}

Progress::~Progress() {
  try {
    finish();
  } catch (...) {  // of a clock, or for lack of memory: nothing that a destructor can report
  }
}

Progress::Style Progress::style() const {
  switch (options_.mode) {
    case ProgressMode::line:
      return Style::line;
    case ProgressMode::plain:
      return Style::plain;
    case ProgressMode::hidden:
      return Style::hidden;
    case ProgressMode::automatic:
      return is_terminal(options_.output) ? Style::line : Style::plain;
    case ProgressMode::terminal:
      break;
  }
  return is_terminal(options_.output) ? Style::line : Style::hidden;
}

void Progress::update(std::int64_t n, std::vector<NamedValue> metrics) {
  if (n < 0) {
    throw ValueError(fmt::format("Progress: update({}): the count cannot go back", n));
  }
  const std::scoped_lock lock(mutex_);
  constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
  count_ = n > most - count_ ? most : count_ + n;
  if (!metrics.empty()) metrics_ = std::move(metrics);
  if (style_ == Style::hidden || finished_) return;
  if (const double now = options_.clock(); is_due(now)) draw(now);
}

void Progress::print(std::string_view text) {
  const std::scoped_lock lock(mutex_);
  if (style_ != Style::line || finished_) return write(std::string(text) + "\n");
  write("\r\x1b[K" + std::string(text) + "\n" + line(options_.clock()));
}

void Progress::write_above(std::string_view warning) {
  const std::scoped_lock lock(mutex_);
  if (!finished_) write("\r\x1b[K");
  std::fwrite(warning.data(), 1, warning.size(), stderr);
  if (!finished_) write(line(options_.clock()));
}

void Progress::finish() {
  detail::remove_warning_writer(this);
  const std::scoped_lock lock(mutex_);
  if (std::exchange(finished_, true) || style_ == Style::hidden) return;
  if (style_ == Style::plain && drawn_ && drawn_count_ == count_) return;  // says it already
  draw(options_.clock());
  if (style_ == Style::line) write("\n");
}

std::int64_t Progress::count() const {
  const std::scoped_lock lock(mutex_);
  return count_;
}

double Progress::part() const {
  if (!total_) return 0;
  if (*total_ == 0) return 1;
  return std::min(static_cast<double>(count_) / static_cast<double>(*total_), 1.0);
}

bool Progress::is_due(double now) const {
  if (style_ == Style::line) return now - drawn_at_ >= redraw_seconds;
  if (options_.every_percent == 0) return now - drawn_at_ >= options_.every_seconds;
  const double step = options_.every_percent / 100 * static_cast<double>(*total_);
  const auto steps = [&](std::int64_t count) {
    return std::floor(static_cast<double>(count) / step);
  };
  return step > 0 && steps(count_) > steps(drawn_count_);
}

// The bytes go out in one call: the new text covers the old one, and what is left of that is
// erased.
void Progress::draw(double now) {
  drawn_ = true;
  drawn_at_ = now;
  drawn_count_ = count_;
  write(style_ == Style::line ? line(now) : text(now, "") + "\n");
}

std::string Progress::line(double now) const {
  const int most = columns() - 1;  // a full line would wrap
  std::string shown = text(now, "");
  const int room = most - width_of(shown);
  const auto* bar = std::find_if(bar_widths.begin(), bar_widths.end(),
                                 [room](int width) { return width + 1 <= room; });
  if (total_ && bar != bar_widths.end()) shown = text(now, bar_text(part(), *bar));
  for (int left_out = 1; left_out <= 3 && width_of(shown) > most; ++left_out) {
    shown = text(now, "", left_out);
  }
  return fmt::format("\r{}\x1b[K", first_columns(shown, most));
}

// Leaves out the elapsed time, then the rate, then the time left, to make room for the metrics.
std::string Progress::text(double now, std::string_view bar, int left_out) const {
  const double elapsed = now - begin_;
  const double rate = static_cast<double>(count_ - options_.start) / elapsed;
  std::string out = options_.name.empty() ? "" : options_.name + ": ";
  if (total_) {
    out += fmt::format("{:3.0f}% {}{}/{}", std::floor(100 * part()), bar, count_text(count_),
                       count_text(*total_));
  } else {
    out += count_text(count_);
  }
  if (left_out < 2) out += ", " + rate_text(rate, options_.unit);
  if (left_out < 1) out += ", " + time_text(elapsed);
  if (total_ && !finished_ && left_out < 3) {
    const std::int64_t left = std::max<std::int64_t>(*total_ - count_, 0);
    out +=
        fmt::format(", {} left", left == 0 ? "0:00" : time_text(static_cast<double>(left) / rate));
  }
  for (const auto& [name, value] : metrics_) {
    out += fmt::format(", {} {}", detail::printable(name), value_text(value));
  }
  return out;
}

int Progress::columns() const {
  if (options_.width > 0) return options_.width;
  winsize size{};
  const bool known = ioctl(fileno(options_.output), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

void Progress::write(std::string_view bytes) {
  std::fwrite(bytes.data(), 1, bytes.size(), options_.output);
  std::fflush(options_.output);
}

}  // namespace gradus
