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
  bool by_rows = false;  ///< touch only what the gradients are about to change
};

/// A running average of parameters, for evaluation: exponential, or, with decay 0, the plain mean
/// of all updates (stochastic weight averaging). Frozen parameters are copied.
///
/// update() includes the current values of the parameters. By default it averages every element;
/// call it after step().
///
/// With by_rows, the cost of an update is proportional to the rows of the sparse gradients: call it
/// between backward() and step(). When a row gets a gradient, it catches up on all k updates since
/// its last one: a = w + decay^k (a - w), which equals the elementwise average, since w did not
/// change in that time. That holds for optimizers that move only the rows of a gradient; if rows
/// move without one (momentum of SGD, max_norm, direct changes), all k updates count the latest w.
/// Parameters without a gradient wait as rows do; those with a dense one are averaged whole. swap()
/// and averages() first catch up on all rows.
/// Source: Izmailov et al. 2018, Averaging weights leads to wider optima and better generalization.
class GRADUS_API AveragedParameters : public RowFollower {
 public:
  /// Throws ValueError unless decay is in [0, 1).
  AveragedParameters(std::vector<NamedParameter> parameters, double decay,
                     const AverageOptions& options = {});

  /// a = w at first, then a = decay a + (1 - decay) w; with decay 0, a += (w - a) / n. Averages
  /// have the dtype of their parameters, even after Module::to(). Throws ValueError between two
  /// swaps and, like the functions below, ShapeError for a parameter that was resized without this
  /// follower; nothing changes then.
  void update();
  std::int64_t updates() const { return updates_; }
  /// Exchanges the values of parameters and averages: once to evaluate, once to resume training.
  /// Throws ValueError before the first update.
  void swap();
  /// The averages by path, copied. Throws ValueError between two swaps.
  StateDict averages() const;

  /// What resuming needs: the averages by path, copied, and counts of updates. Throws ValueError
  /// between two swaps, when the parameters are not those being trained.
  StateDict state_dict() const;
  /// Replaces them. Throws, having changed nothing, Error for a state that is not that of averages,
  /// one error that lists the missing paths and those with another shape or dtype (ShapeError,
  /// DTypeError, else Error), FormatError for invalid counts.
  void load_state_dict(const StateDict& state);

  /// For resize_rows(): averages follow their rows; those of new rows start at their values.
  std::function<void()> follow_rows(const Tensor& parameter, const RowPlan& plan) override;

 private:
  static constexpr std::uint64_t no_version = ~std::uint64_t{0};
  /// The average of a parameter, and how many updates it includes: `seen` for all rows or, once its
  /// gradient was sparse, a number for each row.
  struct Average {
    Tensor values;
    std::int64_t seen = 0;
    std::vector<std::int64_t> rows_seen = {};
    std::uint64_t copy_of = no_version;  // the version of the frozen parameter copied here
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
