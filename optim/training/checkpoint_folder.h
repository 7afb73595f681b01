#pragma once
#include <gradus/optim/training/checkpoint.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace gradus {

struct CheckpointFolderOptions {
  std::int64_t keep_last = 3;  ///< how many of the newest checkpoints stay
  std::int64_t keep_best = 1;  ///< how many of those with the best metric stay beside them
  bool maximize = false;       ///< a greater metric is better
};

/// A checkpoint in a folder.
struct SavedCheckpoint {
  std::int64_t step = 0;
  std::string path;
  std::optional<double> metric{};
  bool operator==(const SavedCheckpoint&) const = default;
};

/// The checkpoints of one run, `step-<N>.safetensors` in a folder, each whole in itself:
///   CheckpointFolder folder("run", {.keep_last = 3, .maximize = true});
///   std::int64_t step = resume(run, folder).value_or(0);
///   while (step < steps) {
///     ...
///     if (++step % 1000 == 0) folder.save(run, step, accuracy);
///   }
/// A file appears under its name when it is complete. Any number of threads and programs may save
/// into one folder and resume from it.
class GRADUS_API CheckpointFolder {
 public:
  /// Throws ValueError if keep_last is below 1 or keep_best negative. Touches no file.
  explicit CheckpointFolder(std::string path, const CheckpointFolderOptions& options = {});

  /// Writes a checkpoint as save_checkpoint() does, which tells of its errors, making the folder if
  /// it is not there. Then removes those that are neither among the newest, which are those of the
  /// greatest steps, nor among the best (of equal ones the earlier), and what killed programs left
  /// behind. Files stay that are no checkpoints, or cannot be read. Throws ValueError for a
  /// negative step and for a metric that is NaN.
  void save(const std::vector<CheckpointPart>& run, std::int64_t step,
            std::optional<double> metric = std::nullopt) const;

  /// The whole checkpoints, by step. Reads their headers only.
  std::vector<SavedCheckpoint> checkpoints() const;
  /// The one with the best metric, if any has one.
  std::optional<SavedCheckpoint> best() const;

  const std::string& path() const { return path_; }
  /// The name of the file of a step.
  std::string file(std::int64_t step) const;

 private:
  void remove_others(std::int64_t saved) const;

  std::string path_;
  CheckpointFolderOptions options_;
};

/// Restores the newest checkpoint that is whole, and returns its step; nullopt, having changed
/// nothing, if there is none. Damaged checkpoints, and folders and pipes with such a name, are
/// skipped with a warning that says why. Throws Error, having changed nothing, if the newest
/// checkpoint cannot be read, belongs to another run (the error lists all that differs, see
/// load_checkpoint), or was written by a newer gradus.
GRADUS_API std::optional<std::int64_t> resume(const std::vector<CheckpointPart>& run,
                                              const CheckpointFolder& folder);

}  // namespace gradus
