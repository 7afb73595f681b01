#pragma once
#include <gradus/framework/base/clock.h>
#include <gradus/framework/base/export.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace gradus {

struct SummaryWriterOptions {
  bool resume = false;  ///< goes on with the events that are in the folder
  Clock clock = unix_seconds;
};

/// Writes scalars and texts by step into an event file, for TensorBoard:
///   SummaryWriter writer("runs/1", {.resume = resumed});
///   writer.add_scalar("loss/train", loss.item(), step);
/// Then `tensorboard --logdir runs` shows them. An event is in the file when the call returns.
///
/// A run that is resumed from a checkpoint repeats steps. Its writer makes another file in the
/// folder, which tells TensorBoard to forget the points that older files have for the step of its
/// first event and later ones; older texts stay.
///
/// Several threads may write to one writer.
class GRADUS_API SummaryWriter {
 public:
  /// Makes the folder, if need be, and the file. Throws Error with the system's reason and, unless
  /// `resume` is set, for a folder that has events: TensorBoard would mix the curves of two runs.
  /// Throws ValueError for an empty clock.
  explicit SummaryWriter(const std::string& log_dir, const SummaryWriterOptions& options = {});
  ~SummaryWriter();
  SummaryWriter(const SummaryWriter&) = delete;
  SummaryWriter& operator=(const SummaryWriter&) = delete;

  /// Adds a point to the curve `tag`; "loss/train" and "loss/valid" are shown side by side. A value
  /// is stored as a float, in which NaN and infinities have their place. Throws, having written
  /// nothing, ValueError for a negative step and a tag that is empty or not UTF-8, and Error with
  /// the system's reason: a full disk.
  void add_scalar(std::string_view tag, double value, std::int64_t step);
  /// Adds a text, which is shown as Markdown. Throws as add_scalar() does, also for a text that is
  /// not UTF-8.
  void add_text(std::string_view tag, std::string_view text, std::int64_t step);

  /// The event file.
  const std::string& path() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace gradus
