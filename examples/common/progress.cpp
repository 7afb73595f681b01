#include <fmt/format.h>
#include <gradus/examples/common/progress.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <utility>

namespace gradus::examples {
namespace {

std::string count(double n) {
  if (n >= 9.995e5) return fmt::format("{:.1f}M", n / 1e6);
  return n >= 9995 ? fmt::format("{:.0f}k", n / 1e3) : fmt::format("{:.0f}", n);
}

std::string duration(double seconds) {
  const auto s = static_cast<std::int64_t>(std::ceil(seconds));
  if (s < 100) return fmt::format("{} s", s);
  return s < 6000 ? fmt::format("{}:{:02} min", s / 60, s % 60)
                  : fmt::format("{}:{:02} h", s / 3600, s / 60 % 60);
}

std::size_t columns(std::FILE* out) {
  winsize size{};
  const bool known = ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

}  // namespace

std::string progress_line(const std::string& job, const std::string& unit,
                          const ProgressState& state) {
  const double share =
      state.total > 0 ? static_cast<double>(state.done) / static_cast<double>(state.total) : 1.0;
  std::string line = fmt::format("{:<24} {:3.0f}%", job, 100 * std::min(share, 1.0));
  if (state.seconds > 0) {
    line +=
        fmt::format("   {:>5} {}/s", count(static_cast<double>(state.done) / state.seconds), unit);
  }
  line += fmt::format("   loss {:.3f}", state.loss);
  if (share >= 1) return line + fmt::format("   took {:.1f} s", state.seconds);
  if (share > 0) line += fmt::format("   {} left", duration(state.seconds * (1 - share) / share));
  return line;
}

Progress::Progress(std::string job, std::int64_t total, std::string unit, std::FILE* out)
    : job_(std::move(job)), unit_(std::move(unit)), out_(out), terminal_(isatty(fileno(out)) != 0) {
  state_.total = total;
}

Progress::~Progress() {
  if (terminal_ && last_seconds_ > 0) std::fputs("\n", out_);
}

void Progress::update(std::int64_t done, double loss) {
  state_.done = done;
  sum_ += loss;
  ++losses_;
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start_;
  state_.seconds = time.count();
  if (due(state_.seconds)) show();
}

bool Progress::due(double seconds) const {
  if (state_.done >= state_.total) return last_tenth_ < 10;
  if (terminal_) return seconds - last_seconds_ >= 0.1;
  return state_.done * 10 / state_.total > last_tenth_;
}

void Progress::show() {
  state_.loss = sum_ / static_cast<double>(losses_);
  sum_ = 0;
  losses_ = 0;
  last_seconds_ = state_.seconds;
  last_tenth_ = state_.total > 0 ? state_.done * 10 / state_.total : 0;
  std::string line = progress_line(job_, unit_, state_);
  if (terminal_) {
    line.resize(std::min(line.size(), columns(out_) - 1));
    line = "\r" + line + "\x1b[K";
  } else {
    line += "\n";
  }
  std::fputs(line.c_str(), out_);
  std::fflush(out_);
}

}  // namespace gradus::examples
