#pragma once
#include <gradus/framework/base/clock.h>
#include <gradus/framework/metrics/named_value.h>

#include <cstdint>
#include <cstdio>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace gradus {

/// How progress is shown.
enum class ProgressMode : std::uint8_t {
  automatic,  ///< a line on a terminal, plain lines elsewhere
  terminal,   ///< a line on a terminal, nothing elsewhere
  line,       ///< one line, drawn anew each time
  plain,      ///< a line of its own each time, for pipes and logs
  hidden,     ///< nothing
};

struct ProgressOptions {
  std::string name = {};      ///< what is going on: "epoch 3"
  std::string unit = "it";    ///< what is counted: "words"
  std::int64_t start = 0;     ///< the count to start from, of a run that is resumed
  double every_seconds = 10;  ///< between two plain lines
  double every_percent = 0;   ///< between two plain lines, instead of seconds, if above 0
  ProgressMode mode = ProgressMode::automatic;
  std::FILE* output = stderr;
  int width = 0;  ///< of the line, in columns; 0: that of the terminal
  Clock clock = steady_seconds;
};

/// Shows how far a loop has come: count, rate, time, time left and the latest metrics.
///   Progress progress(batches.size(), {.name = "epoch 1"});
///   for (const Batch& batch : batches) {
///     ...
///     progress.update(1, {{"loss", loss.item()}});
///   }
/// On a terminal it is one line, drawn at most ten times a second, which stays when it is finished.
/// A narrow one shows the metrics rather than the times and the rate.
/// Warnings are written above the line. A terminal that says TERM=dumb gets plain lines. Only one
/// line can be shown at a time. The rate, and with it the time left, is the mean since the start.
/// Errors of the output are ignored: a log that cannot be written does not end a training run.
/// Several threads may update one Progress.
class GRADUS_API Progress {
 public:
  /// nullopt: nobody knows how many there are. Throws ValueError if `total` or `start` is negative
  /// and for other options that make no sense.
  explicit Progress(std::optional<std::int64_t> total, ProgressOptions options = {});
  /// Finishes, also if an exception ends the loop: the line says how far it came.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Counts n more, and replaces the metrics by those given, if any are. Throws ValueError if n is
  /// negative.
  void update(std::int64_t n = 1, std::vector<NamedValue> metrics = {});
  /// Writes a line of text above the progress line.
  void print(std::string_view text);
  /// Draws for the last time and ends the line; what is counted after that is not shown. Call it
  /// before an evaluation, whose time would count.
  void finish();

  std::int64_t count() const;

 private:
  enum class Style : std::uint8_t { line, plain, hidden };

  Style style() const;
  bool is_due(double now) const;
  void draw(double now);
  void write_above(std::string_view warning);
  std::string text(double now, std::string_view bar, int left_out = 0) const;
  std::string line(double now) const;
  int columns() const;
  double part() const;
  void write(std::string_view bytes);

  std::optional<std::int64_t> total_;
  ProgressOptions options_;
  Style style_;
  mutable std::mutex mutex_;
  std::vector<NamedValue> metrics_;
  std::int64_t count_;
  double begin_, drawn_at_;
  std::int64_t drawn_count_;
  bool drawn_ = false, finished_ = false;
};

}  // namespace gradus
