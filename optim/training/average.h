#pragma once
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/module/resize.h>
#include <gradus/framework/module/state_dict.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace gradus {

struct AverageOptions {
  bool by_rows = false;  ///< touches only what the gradients are about to change
};

/// A running average of parameters, for evaluation: exponential, or, with decay 0, the plain mean
/// of all updates (stochastic weight averaging). Frozen parameters are copied.
///
/// update() adds the values that the parameters have. By default every element is averaged then;
/// call it after step().
///
/// With by_rows an update costs as much as the rows of the sparse gradients: call it between
/// backward() and step(). A row counts, once its gradient comes, for all the updates since it last
/// did: a = w + decay^k (a - w) after k of them, which is the average by elements, since w was the
/// same all that time. That holds for optimizers that move the rows of a gradient only; where rows
/// move without one (momentum of SGD, max_norm, changes by hand), those updates count w as it is at
/// the end of them. Parameters without a gradient wait as rows do, those with a dense one are
/// averaged whole. swap() and averages() first catch up with all rows.
/// Source: Izmailov et al. 2018, Averaging weights leads to wider optima and better generalization.
class GRADUS_API AveragedParameters : public RowFollower {
 public:
  /// Throws ValueError unless decay is in [0, 1).
  AveragedParameters(std::vector<NamedParameter> parameters, double decay,
                     const AverageOptions& options = {});

  /// a = w at first, then a = decay a + (1 - decay) w; with decay 0, a += (w - a) / n. Averages
  /// have the dtype of their parameters, also after Module::to(). Throws ValueError between two
  /// swaps, ShapeError, as do the others, for a parameter that was resized without this follower;
  /// nothing changes then.
  void update();
  std::int64_t updates() const { return updates_; }
  /// Exchanges the values of parameters and averages: once to evaluate, once to go on. Throws
  /// ValueError before the first update.
  void swap();
  /// The averages by path, copied. Throws ValueError between two swaps.
  StateDict averages() const;

  /// What resuming needs: the averages by path, copied, and counts of updates. Throws ValueError
  /// between two swaps, when the parameters are not those in training.
  StateDict state_dict() const;
  /// Replaces them. Throws, having changed nothing, Error for a state that is not that of averages,
  /// else one error that lists the paths that are missing and what is of another shape or dtype
  /// (ShapeError, DTypeError, else Error), FormatError for counts that make no sense.
  void load_state_dict(const StateDict& state);

  /// For resize_rows(): averages follow their rows; those of new rows start at their values.
  std::function<void()> follow_rows(const Tensor& parameter, const RowPlan& plan) override;

 private:
  static constexpr std::uint64_t no_version = ~std::uint64_t{0};
  /// The average of a parameter, and how many updates it has taken in: all rows `seen`, or, once
  /// its gradient was sparse, each row its own number.
  struct Average {
    Tensor values;
    std::int64_t seen = 0;
    std::vector<std::int64_t> rows_seen = {};
    std::uint64_t copy_of = no_version;  // the version of a frozen parameter that this is a copy of
  };

  void check_not_swapped(const char* operation) const;
  void check_shape(std::size_t i) const;
  void check_shapes() const;
  void convert();
  double part(std::int64_t missed) const;
  template <class RowOf>
  void blend_rows(const Parameter& parameter, Average& average, std::int64_t n, RowOf row_of) const;
  void catch_up(const Parameter& parameter, Average& average) const;
  void catch_up_rows(const Parameter& parameter, Average& average) const;
  void follow_frozen(const Parameter& parameter, Average& average) const;
  void copy(const Parameter& parameter, Average& average) const;
  void check_averages(const StateDict& state) const;
  Average load_average(const NamedParameter& target, const StateDict& state,
                       std::int64_t updates) const;

  std::vector<NamedParameter> parameters_;
  std::vector<Average> averages_;
  double decay_;
  AverageOptions options_;
  std::int64_t updates_ = 0;
  bool swapped_ = false;
  detail::MovedFrom moved_;
};

}  // namespace gradus
