#pragma once
#include <gradus/framework/base/detail/moved_from.h>
#include <gradus/framework/module/module.h>

#include <cstdint>
#include <vector>

namespace gradus {

/// Gradients of a big batch from small ones: sums of losses are backpropagated, and the gradients
/// are divided once, by the count of everything that was summed over (tokens, not batches).
///   for (const Batch& part : parts) accumulator.backward(sum_of_losses(part), part.tokens);
///   const double mean = accumulator.finish();
///   optimizer.step();
class GRADUS_API GradientAccumulator {
 public:
  explicit GradientAccumulator(std::vector<NamedParameter> parameters);

  /// Runs backward from a loss [] that is a sum over `count` items. Throws ValueError if count is
  /// negative or the sum of all counts is above 2^63 - 1.
  void backward(const Tensor& sum, std::int64_t count);
  /// Divides the gradients of trainable parameters by the count so far, resets the count to 0, and
  /// returns the mean loss. If the count is 0, changes nothing and returns 0.
  double finish();

 private:
  std::vector<NamedParameter> parameters_;
  double sum_ = 0;
  std::int64_t count_ = 0;
  detail::MovedFrom moved_;
};

}  // namespace gradus
