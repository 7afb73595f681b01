#pragma once
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace gradus::examples {

/// How far a job has got.
struct ProgressState {
  std::int64_t done = 0, total = 0;
  double seconds = 0;  ///< since the start
  double loss = 0;
};

/// "vectors   42%   512k words/s   loss 2.310   12 s left"
std::string progress_line(const std::string& job, const std::string& unit,
                          const ProgressState& state);

/// Shows the progress of a training loop: on a terminal one line that is updated, otherwise a line
/// for each tenth of the work.
class Progress {
 public:
  Progress(std::string job, std::int64_t total, std::string unit, std::FILE* out = stdout);
  /// Ends the line if one is shown.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` of the total is done; `loss` is that of the last batch. The line shows the mean since
  /// the previous line.
  void update(std::int64_t done, double loss);
  /// The mean loss of the last line that was shown.
  double shown_loss() const { return state_.loss; }

 private:
  bool due(double seconds) const;
  void show();

  const std::string job_, unit_;
  std::FILE* const out_;
  const bool terminal_;
  const std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  ProgressState state_;
  double sum_ = 0;
  std::int64_t losses_ = 0;
  double last_seconds_ = 0;
  std::int64_t last_tenth_ = 0;
};

}  // namespace gradus::examples
