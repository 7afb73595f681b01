#pragma once
#include <gradus/optim/optimizer.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace gradus {

struct GRADUS_API LionOptions {
  double lr = 1e-4;
  std::array<double, 2> betas = {0.9, 0.99};
  double weight_decay = 0;  ///< shrinks w by the factor 1 - lr * weight_decay
};

GRADUS_API std::vector<OptionField> option_fields(LionOptions& options);
/// Throws ValueError.
GRADUS_API void check_options(const LionOptions& options);

/// Lion:
///   w -= lr (sign(beta1 m + (1 - beta1) g) + weight_decay w)
///   m = beta2 m + (1 - beta2) g
/// sign(0) is 0. A sparse gradient is an error: each step moves every element of m.
/// Source: Chen et al. 2023, Symbolic discovery of optimization algorithms, program 1.
class GRADUS_API Lion : public OptimizerWith<LionOptions> {
 public:
  /// Throws ValueError for an empty list, a parameter or path that is listed twice, and options
  /// that make no sense.
  explicit Lion(const std::vector<NamedParameter>& parameters, const LionOptions& options = {});
  explicit Lion(const std::vector<ParameterGroup<LionOptions>>& groups);

 private:
  bool uses_buffer(std::size_t buffer, std::int64_t group) const override;
  void check_gradient(const Slot& slot) const override;
  void update(Slot& slot) override;
};

}  // namespace gradus
