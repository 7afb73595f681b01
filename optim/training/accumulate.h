#pragma once
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/module/module.h>

#include <cstdint>
#include <vector>

namespace gradus {

/// Gradients of a big batch from small ones: the sum of losses is propagated, and divided once, by
/// the count of all that was summed over (tokens, not batches).
///   for (const Batch& part : parts) accumulator.backward(sum_of_losses(part), part.tokens);
///   const double mean = accumulator.finish();
///   optimizer.step();
class GRADUS_API GradientAccumulator {
 public:
  explicit GradientAccumulator(std::vector<NamedParameter> parameters);

  /// Runs backward from a loss [] that is a sum over `count` items. Throws ValueError if count is
  /// negative, or the sum of all counts above 2^63 - 1.
  void backward(const Tensor& sum, std::int64_t count);
  /// Divides the gradients of trainable parameters by the count so far, which starts again at 0,
  /// and returns the mean loss. With a count of 0 it changes nothing and returns 0.
  double finish();

 private:
  std::vector<NamedParameter> parameters_;
  double sum_ = 0;
  std::int64_t count_ = 0;
  detail::MovedFrom moved_;
};

}  // namespace gradus
