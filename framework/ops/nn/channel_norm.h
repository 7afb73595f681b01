#pragma once
#include <gradus/framework/core/tensor.h>

#include <cstdint>

namespace gradus {

// For float tensors x [B, C] or [B, T, C], whose channels are the last axis. `weight` and `bias`
// [C] may be undefined. With lengths, positions after the end of a sequence do not count, have no
// effect, NaN included, and become 0. Means and variances are computed in two passes and in double:
// accurate for values that lie close together far from 0. Each is one node of the graph. Each
// throws ShapeError for sizes that do not fit, IndexError for a length outside [0, T], DTypeError,
// ValueError for an eps that is negative or not finite.

struct BatchNormOptions {
  /// True: x is normalised by its own mean and variance; false: by running_mean and running_var.
  bool training = false;
  double momentum = 0.1;  ///< the share of x in the new running values, in [0, 1]
  double eps = 1e-5;      ///< added to the variance
  /// The length of each sequence, int64 [B]; undefined if all are T.
  Tensor lengths = {};
};

/// (x - mean) / sqrt(variance + eps) weight + bias, by channel, over batch and time; the variance
/// divides by n. In training it changes running_mean and running_var [C] in place, to
/// (1 - momentum) running + momentum new, where the new variance divides by n - 1; they are left
/// alone if they are undefined or there is no value at all. Throws ValueError for one value per
/// channel in training, and if only one of the running values is there, or none outside training;
/// nothing has changed then.
/// Source: Ioffe, Szegedy, "Batch Normalization: Accelerating Deep Network Training by Reducing
/// Internal Covariate Shift", 2015.
GRADUS_API Tensor batch_norm(const Tensor& x, const Tensor& running_mean = {},
                             const Tensor& running_var = {}, const Tensor& weight = {},
                             const Tensor& bias = {}, const BatchNormOptions& options = {});

/// What group_norm() and layers take beside x.
struct NormInputs {
  /// The length of each sequence, int64 [B]; undefined if all are T.
  Tensor lengths = {};
};

/// The same over each group of C / num_groups neighbouring channels and the time of one sequence;
/// weight and bias are by channel. Throws ValueError unless num_groups divides C.
/// Source: Wu, He, "Group Normalization", 2018.
GRADUS_API Tensor group_norm(const Tensor& x, std::int64_t num_groups, const Tensor& weight = {},
                             const Tensor& bias = {}, double eps = 1e-5,
                             const NormInputs& inputs = {});

}  // namespace gradus
