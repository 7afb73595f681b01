#pragma once
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/optim/optimizer.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <vector>

namespace gradus {

/// Learning rates by epoch (or step: the count of calls), in closed form: a rate does not depend on
/// how its epoch was reached.
struct Schedule {
  /// The rate in epoch e, counted from 0, of a group whose own rate is `base`.
  std::function<double(double base, std::int64_t e)> lr;
  /// The momentum, or beta1, in epoch e; none if the schedule leaves it alone.
  std::function<double(std::int64_t e)> momentum = nullptr;
  /// The last epoch that the schedule has a rate for.
  std::int64_t last = std::numeric_limits<std::int64_t>::max();
};

/// base gamma^floor(e / step_size). Throws ValueError if step_size is below 1.
GRADUS_API Schedule step_lr(std::int64_t step_size, double gamma = 0.1);
/// base gamma^k, where k is the number of milestones up to e; one that is listed twice counts
/// twice.
GRADUS_API Schedule multi_step_lr(std::vector<std::int64_t> milestones, double gamma = 0.1);
/// base gamma^e.
GRADUS_API Schedule exponential_lr(double gamma);
/// base factor before total_iters, then base.
GRADUS_API Schedule constant_lr(double factor = 1.0 / 3, std::int64_t total_iters = 5);
/// From base start_factor to base end_factor, linearly, in total_iters epochs.
GRADUS_API Schedule linear_lr(double start_factor = 1.0 / 3, double end_factor = 1,
                              std::int64_t total_iters = 5);
/// base (1 - e / total_iters)^power; 0 from total_iters on.
GRADUS_API Schedule polynomial_lr(std::int64_t total_iters = 5, double power = 1);
/// eta_min + (base - eta_min) (1 + cos(pi e / T_max)) / 2, which rises again after T_max.
/// Source: Loshchilov and Hutter 2017, SGDR: stochastic gradient descent with warm restarts, eq. 5.
GRADUS_API Schedule cosine_annealing_lr(std::int64_t T_max, double eta_min = 0);
/// That falling half, repeated: over T_0 epochs, then T_0 T_mult, T_0 T_mult^2, ...
GRADUS_API Schedule cosine_annealing_warm_restarts(std::int64_t T_0, std::int64_t T_mult = 1,
                                                   double eta_min = 0);
/// base f(e); the first rate is base f(0).
GRADUS_API Schedule lambda_lr(std::function<double(std::int64_t)> f);
/// base f(1) f(2) ... f(e); the first rate is base.
GRADUS_API Schedule multiplicative_lr(std::function<double(std::int64_t)> f);
/// base min(1, (e + 1) / warmup): the first step does not have rate 0.
GRADUS_API Schedule linear_warmup(std::int64_t warmup);
/// base model_size^-0.5 min((e + 1)^-0.5, (e + 1) warmup^-1.5).
/// Source: Vaswani et al. 2017, Attention is all you need, eq. 3.
GRADUS_API Schedule noam_lr(std::int64_t model_size, std::int64_t warmup);
/// schedules[0] before milestones[0], then schedules[1], which begins at its epoch 0 there, and so
/// on. Throws ValueError unless milestones increase and there is one fewer than schedules.
GRADUS_API Schedule sequential_lr(std::vector<Schedule> schedules,
                                  const std::vector<std::int64_t>& milestones);

struct OneCycleOptions {
  double max_lr = 0;             ///< of all groups; 0: the rate of each group
  std::int64_t total_steps = 0;  ///< must be given
  double pct_start = 0.3;        ///< fraction of the steps during which the rate rises
  bool linear = false;           ///< straight lines instead of cosines
  bool cycle_momentum = true;    ///< momentum, or beta1, moves opposite to the rate
  double base_momentum = 0.85;
  double max_momentum = 0.95;
  double div_factor = 25;         ///< first rate = max / div_factor
  double final_div_factor = 1e4;  ///< last rate = first / final_div_factor
  bool three_phase = false;       ///< falls to the first rate as fast as it rose, then to the last
};
/// One rise and one fall. The step after the last keeps the last rate; one more is an error.
/// Source: Smith and Topin 2018, Super-convergence: very fast training using large learning rates.
GRADUS_API Schedule one_cycle_lr(const OneCycleOptions& options);

/// Sets the learning rates of all groups of an optimizer by a schedule. The base rate of a group is
/// the one that it has when the scheduler first sees it. The rates of epoch 0 apply from
/// construction on; call step() after the optimizer's. If a schedule throws, or returns a rate that
/// the optimizer refuses, the scheduler and all rates are unchanged.
class GRADUS_API LRScheduler {
 public:
  /// The optimizer must outlive the scheduler. Throws ValueError if the schedule has no `lr`, or
  /// changes the momentum and the optimizer has none. Every function throws Error once the
  /// scheduler has been moved from.
  LRScheduler(Optimizer& optimizer, Schedule schedule);

  /// Moves on to the next epoch. Throws ValueError after the last one of the schedule. Warns, once,
  /// if called before the first step of the optimizer: the rate of epoch 0 would not be used.
  void step();
  std::int64_t epoch() const;
  /// The current rates, by group.
  std::vector<double> lr() const;

  /// The epoch and the base rates, in the metadata.
  StateDict state_dict() const;
  /// Replaces them, and sets the rates of that epoch. Throws, having changed nothing, FormatError,
  /// Error for a state that is not that of a scheduler and if the optimizer has fewer groups.
  void load_state_dict(const StateDict& state);

 private:
  /// What a schedule sets for a group.
  struct Rate {
    double lr, momentum;
  };

  std::vector<double> all_bases() const;
  void move_to(std::int64_t epoch, std::vector<double> base);
  std::vector<Rate> rates_in_force(std::size_t groups) const;
  void set_rates(const std::vector<Rate>& rates);

  Optimizer* optimizer_;
  Schedule schedule_;
  std::vector<double> base_;
  std::int64_t epoch_ = 0;
  bool warned_ = false;
  detail::MovedFrom moved_;
};

struct PlateauOptions {
  bool maximize = false;  ///< a greater metric is better
  double factor = 0.1;
  std::int64_t patience = 10;
  double threshold = 1e-4;  ///< better means by more than threshold |best|,
  bool absolute = false;    ///< or by more than threshold itself
  std::int64_t cooldown = 0;
  double min_lr = 0;
  double eps = 1e-8;  ///< smaller changes of a rate are skipped
};

/// Multiplies the rates by `factor` once the metric has not been better than its best for more than
/// `patience` calls. During cooldown no call counts. NaN is never better.
class GRADUS_API ReduceLROnPlateau {
 public:
  /// The optimizer must outlive this object. Throws ValueError if an option is invalid. Every
  /// function throws Error once this object has been moved from.
  explicit ReduceLROnPlateau(Optimizer& optimizer, const PlateauOptions& options = {});

  void step(double metric);
  std::vector<double> lr() const;

  /// The best metric, the counts and whether greater is better, in the metadata; the rates are in
  /// the optimizer's state.
  StateDict state_dict() const;
  /// Replaces best metric and counts. Throws, having changed nothing, FormatError, Error for a
  /// state that is not that of a ReduceLROnPlateau, and ValueError for one with the other
  /// `maximize`.
  void load_state_dict(const StateDict& state);

 private:
  bool is_better(double metric) const;

  Optimizer* optimizer_;
  PlateauOptions options_;
  double best_;
  std::int64_t bad_ = 0, cooldown_ = 0;
  detail::MovedFrom moved_;
};

}  // namespace gradus
