#pragma once
#include <cstdint>

namespace gradus::kernels {

// Normalization of the channels of x [B, T, C]. What is normalised together is a set: the values of
// C / groups neighbouring channels in the rows of one instance, which is one sequence, or the whole
// batch. The rows of a sequence are its first lengths[b], or all T; what the others hold has no
// effect. T: float, double. `weight` and `bias` [C] may be null, which means ones and zeros. Sums
// are computed in double. Nothing depends on the number of threads, nor on how much padding there
// is: the bits are those of the rows alone. Outputs must not overlap inputs.

struct ChannelLayout {
  int64_t B, T, C, groups;
  bool whole_batch;        ///< whether all sequences are one instance
  const int64_t* lengths;  ///< [B] in [0, T]; may be null

  int64_t instances() const { return whole_batch ? 1 : B; }
  int64_t sets() const { return instances() * groups; }
  /// The number of rows of all sequences.
  int64_t rows() const;
};

/// How a set is normalised: ((x - mean) - rest) scale. `mean` is close to the mean, and a value of
/// T; `rest` is the remainder. `variance` divides by n.
struct SetMoments {
  double mean, rest, variance, scale;
};

/// 1 / sqrt(variance + eps); 0 for 1 / 0.
double scale_of(double variance, double eps);

/// In two passes. `moments` [instances, groups]; zeros for an instance without rows.
template <class T>
void channel_moments(const T* x, double eps, SetMoments* moments, const ChannelLayout& layout);

/// y = ((x - mean) - rest) scale weight + bias; 0 after the end of a sequence.
template <class T>
void channel_normalize(const T* x, const T* weight, const T* bias, const SetMoments* moments, T* y,
                       const ChannelLayout& layout);

/// The gradients of x, weight [C] and bias [C] for the cotangent g [B, T, C]; a null one is left
/// out. `computed` says that the moments are those of x; otherwise they are constants. 0 where g is
/// 0, whatever the values are: for computed moments, in sets where all of g is 0.
template <class T>
void channel_norm_vjp(const T* g, const T* x, const T* weight, const SetMoments* moments,
                      bool computed, T* dx, T* dweight, T* dbias, const ChannelLayout& layout);

}  // namespace gradus::kernels
