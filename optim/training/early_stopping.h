#pragma once
#include <gradus/framework/module/module.h>
#include <gradus/framework/module/state_dict.h>

#include <cstdint>

namespace gradus {

struct EarlyStoppingOptions {
  std::int64_t patience = 3;  ///< stop after so many calls in a row that are not better
  double min_delta = 0;       ///< better means by more than this
  bool maximize = false;      ///< a greater metric is better
};

/// Ends a run whose metric no longer gets better:
///   EarlyStopping stopping({.patience = 3, .maximize = true});
///   BestWeights best(model);
///   while (!stopping.should_stop()) {
///     ...
///     if (stopping.step(accuracy)) best.keep();
///   }
///   best.restore();
/// NaN is never better. Both objects can be parts of a checkpoint.
class GRADUS_API EarlyStopping {
 public:
  /// Throws ValueError if patience is below 1, or min_delta is negative or not finite.
  explicit EarlyStopping(const EarlyStoppingOptions& options = {});

  /// Takes the metric of the next evaluation. True if it is the best so far.
  bool step(double metric);
  /// True if the last `patience` calls of step() were not better.
  bool should_stop() const;

  /// The best metric; before the first one that is a number, infinity with the sign of the worst.
  double best() const { return best_; }
  /// Which call of step() had it, counted from 0 over the whole run; -1 if there is none.
  std::int64_t best_step() const { return best_step_; }

  /// The best metric, the counts and whether greater is better, in the metadata.
  StateDict state_dict() const;
  /// Replaces best metric and counts. Throws, having changed nothing, FormatError, Error for a
  /// state that is not that of an EarlyStopping, and ValueError for one with the other `maximize`.
  void load_state_dict(const StateDict& state);

 private:
  EarlyStoppingOptions options_;
  double best_;
  std::int64_t best_step_ = -1, steps_ = 0, bad_ = 0;
};

/// The best weights of a run: a copy of the parameters and buffers of a model, kept in memory and,
/// as part of a checkpoint, in its file. Tables that are mapped from a file, which cannot change,
/// are not copied.
class GRADUS_API BestWeights {
 public:
  /// Nothing is kept at first.
  explicit BestWeights(Module model);

  /// Keeps the values of now, in place of those kept before.
  void keep();
  bool empty() const { return kept_.size() == 0; }
  /// Restores the values that were kept; frozen flags stay as they are. Throws ValueError if none
  /// were kept, and what gradus::restore() throws for a model that was resized since.
  void restore() const;

  StateDict state_dict() const;
  /// Replaces what is kept by copies. Throws, having changed nothing, FormatError, and Error for a
  /// state that is not that of BestWeights or of another model: one error that lists the missing
  /// and unexpected names and those with another shape or dtype (ShapeError, DTypeError, else
  /// Error).
  void load_state_dict(const StateDict& state);

 private:
  Module model_;
  StateDict kept_;
};

}  // namespace gradus
