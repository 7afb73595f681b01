#pragma once
#include <gradus/framework/module/module.h>
#include <gradus/optim/optimizer.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace gradus {

struct LrFinderOptions {
  double min_lr = 1e-7;
  double max_lr = 10;
  std::int64_t steps = 100;  ///< from min_lr to max_lr, each time by the same factor
  double smoothing = 0.98;   ///< of the loss: its part in the running average; 0: none
  double divergence = 4;     ///< ends once the smoothed loss is above so many times its least
};

/// The loss by learning rate: one element for each step that was made.
struct GRADUS_API LrCurve {
  std::vector<double> lr;
  std::vector<double> loss;      ///< as it was returned
  std::vector<double> smoothed;  ///< its running average, corrected for the start at 0

  /// The rate at which the smoothed loss falls most steeply over log(lr). The first points, where
  /// the average is of few losses, and the last, where it rises, are left out. Throws ValueError if
  /// fewer than two points are left, and if the loss falls nowhere.
  double suggestion(std::int64_t skip_begin = 10, std::int64_t skip_end = 1) const;
  /// Draws the smoothed loss over lr, and suggestion() if there is one. Throws ValueError for a
  /// curve without points, and Error as save() does.
  void write_svg(const std::string& path) const;
};

/// Trains with growing learning rates, in all groups, until the loss diverges, then restores the
/// weights, the optimizer and default_generator() bit for bit and drops the gradients: a run after
/// it is the same as without it.
///   const LrCurve curve = find_lr(model, optimizer, [&] {
///     const Batch batch = ...;  // any: one of them again and again, or the next each time
///     optimizer.zero_grad();
///     const Tensor loss = cross_entropy(model(batch.tokens), batch.labels);
///     loss.backward();
///     return loss;
///   });
///   optimizer.set_lr(curve.suggestion());
/// The sweep also ends at a loss that is not finite, which is left out. Throws ValueError, before
/// anything changes, for invalid options, an empty closure and a parameter of the optimizer that
/// `model` does not have; ValueError for a first loss that is not finite, Error for an undefined
/// one, and what the closure and step() throw; everything is restored then too.
/// Source: Smith 2017, Cyclical learning rates for training neural networks, section 3.3.
GRADUS_API LrCurve find_lr(const Module& model, Optimizer& optimizer,
                           const std::function<Tensor()>& closure,
                           const LrFinderOptions& options = {});

}  // namespace gradus
