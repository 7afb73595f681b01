#pragma once
#include <gradus/optim/optimizer.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace gradus {

struct LBFGSOptions {
  double lr = 1;
  std::int64_t max_iter = 20;      ///< iterations of a step
  std::int64_t max_eval = 0;       ///< calls of the closure in a step; 0: max_iter * 5 / 4
  double tolerance_grad = 1e-7;    ///< a step ends if no element of the gradient exceeds it
  double tolerance_change = 1e-9;  ///< or if the loss or the parameters change by no more
  std::int64_t history_size = 100;
  bool strong_wolfe = false;  ///< a line search instead of the fixed rate lr
  bool maximize = false;      ///< goes up along the gradient
};

GRADUS_API OptimizerInfo optimizer_info(LBFGSOptions& options);

/// L-BFGS: steps along -H g, where H approximates the inverse Hessian by the last `history_size`
/// changes of parameters and gradient. For losses without noise: a step calls a closure several
/// times, and it must return the same loss for the same parameters.
///   optimizer.step([&] {
///     optimizer.zero_grad();
///     const Tensor loss = mse_loss(model(x), y);
///     loss.backward();
///     return loss;
///   });
/// All trainable parameters are one vector, kept in float64, as are the 2 history_size remembered
/// vectors of its size. A parameter without a gradient does not move. The history starts again when
/// the set of trainable parameters or the shape of one changes. A sparse gradient is an error.
/// Source: Nocedal and Wright 2006, Numerical optimization, algorithms 7.4, 7.5, 3.5 and 3.6.
class GRADUS_API LBFGS : public Optimizer {
 public:
  /// Computes the loss and its gradients, and returns the loss [].
  using Closure = std::function<Tensor()>;

  /// Throws ValueError for an empty list, a parameter or path that is listed twice, and invalid
  /// options.
  explicit LBFGS(const std::vector<NamedParameter>& parameters, const LBFGSOptions& options = {});

  const LBFGSOptions& options() const {
    check_not_moved();
    return options_;
  }

  /// Minimises the loss; returns what the closure returned first. Throws what the closure throws,
  /// AutogradError naming a parameter whose gradient is sparse, ValueError if the loss or a
  /// gradient is not finite at the start and for a closure that freezes, unfreezes or resizes a
  /// parameter. In that case the parameters and the history are as they were before; the gradients
  /// are the closure's.
  Tensor step(const Closure& closure);

  /// Includes the history: `<path>.direction`, `<path>.prev_grad`, `<path>.old_dirs`,
  /// `<path>.old_stps`.
  StateDict state_dict() const override;
  void load_state_dict(const StateDict& state) override;
  /// For resize_rows(): the history starts again.
  std::function<void()> follow_rows(const Tensor& parameter, const RowPlan& plan) override;

 private:
  using Vector = std::vector<double>;
  using Kept = std::shared_ptr<const Vector>;  // so that copying the history is cheap
  /// A point of a line search: the loss and its derivative along the direction.
  struct Point {
    double t = 0, loss = 0, slope = 0;
    Vector gradient;
  };
  /// What one iteration passes to the next, in this step or a later one.
  struct Memory {
    std::vector<std::int64_t> layout;  // elements of each parameter, -1 for those left out
    std::int64_t iterations = 0;
    double t = 0, scale = 1;
    Vector direction, gradient;
    std::vector<Kept> changes, moves;  // of the gradient, of the parameters
    std::vector<double> inverses;      // 1 / (change . move)
  };

  void check_gradient(const Slot& slot) const override;
  void update(Slot& slot) override;
  std::vector<OptionField> fields(std::int64_t group) override;
  void check_fields(std::int64_t group) const override;

  std::vector<std::int64_t> layout() const;
  Vector parameters() const;
  Vector gradient() const;
  void set_parameters(const Vector& values) const;
  void move(const Vector& from, double t, const Vector& along) const;
  void check_start(double loss, const Vector& gradient) const;
  double value(const Tensor& loss) const;
  Tensor call(const Closure& closure);
  Tensor minimise(const Closure& closure);
  void remember(const Vector& gradient);
  void choose_direction(const Vector& gradient);
  Point evaluate(const Closure& closure, const Vector& from, double t);
  Point search(const Closure& closure, const Vector& from, const Point& start, std::int64_t most);
  Point zoom(const Closure& closure, const Vector& from, const Point& start, Point low, Point high,
             std::int64_t left);
  Memory load_memory(const StateDict& state) const;

  LBFGSOptions options_;
  Memory memory_;
  std::int64_t evaluations_ = 0;  // of closures, in all
};

}  // namespace gradus
