#pragma once
#include <gradus/framework/kernels/elementwise.h>

namespace gradus::kernels {

// Losses of elements x and their targets t, with d = x - t. The kernels named *_vjp take (x, t, g)
// and give the derivative by x, those named *_target_vjp that by t, 0 where the cotangent g is 0.
// The kernels named *_slope give derivatives without g: scaled() multiplies by it.

/// slope g, 0 where g is 0.
extern const BinaryKernel scaled;

/// d^2 and |d|, whose derivative at 0 is 0.
extern const BinaryKernel squared_error, absolute_error;
extern const TernaryKernel squared_error_vjp, absolute_error_vjp;

/// Of (x, t, delta): d^2 / 2 where |d| < delta, else delta (|d| - delta / 2); and the same divided
/// by delta.
extern const TernaryKernel huber, huber_slope;
extern const TernaryKernel smooth_l1, smooth_l1_slope;

/// t (log(t) - x), and exp(t) (t - x) for targets that are logarithms; 0 where t is 0 or exp(t) is,
/// whatever x is.
extern const BinaryKernel kl_div, kl_div_of_log;
extern const TernaryKernel kl_div_vjp, kl_div_of_log_vjp;
extern const TernaryKernel kl_div_target_vjp, kl_div_of_log_target_vjp;

/// -t log(x) - (1 - t) log(1 - x), with logarithms of at least -100; the divisor x (1 - x) of the
/// derivative is at least 1e-12.
extern const BinaryKernel binary_cross_entropy;
extern const TernaryKernel binary_cross_entropy_vjp, binary_cross_entropy_target_vjp;

/// Of (x, t, w): -w t log(sigmoid(x)) - (1 - t) log(1 - sigmoid(x)). A term with a factor of 0 is
/// 0, whatever x is.
extern const TernaryKernel logistic_loss, logistic_loss_slope, logistic_loss_target_slope;

/// Of (x, t, gamma): (1 - p_t)^gamma times logistic_loss of weight 1, with
/// p_t = t sigmoid(x) + (1 - t) (1 - sigmoid(x)).
extern const TernaryKernel focal_loss, focal_loss_slope, focal_loss_target_slope;

}  // namespace gradus::kernels
