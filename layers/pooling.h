#pragma once
#include <gradus/framework/module/module.h>
#include <gradus/framework/ops/nn/pooling.h>

#include <cstdint>

namespace gradus {

/// max_pool1d() of x [B, T, channels]: [B, T', channels].
class GRADUS_API MaxPool1d : public Module {
 public:
  GRADUS_TOO_LATE MaxPool1d();
  template <class M>
  GRADUS_TOO_LATE MaxPool1d& operator=(M&&);

  /// Throws ValueError for options that make no sense, and for lengths, which a call takes.
  explicit MaxPool1d(std::int64_t kernel_size, const MaxPool1dOptions& options = {});

  /// Throws as max_pool1d() does.
  Tensor operator()(const Tensor& x, const SequenceInputs& inputs = {}) const;
  /// The lengths of the results for sequences of these lengths.
  Tensor output_lengths(const Tensor& lengths) const;

 private:
  const std::int64_t kernel_size_;
  const MaxPool1dOptions options_;
};

/// avg_pool1d() of x [B, T, channels]: [B, T', channels].
class GRADUS_API AvgPool1d : public Module {
 public:
  GRADUS_TOO_LATE AvgPool1d();
  template <class M>
  GRADUS_TOO_LATE AvgPool1d& operator=(M&&);

  /// As MaxPool1d.
  explicit AvgPool1d(std::int64_t kernel_size, const AvgPool1dOptions& options = {});

  /// Throws as avg_pool1d() does.
  Tensor operator()(const Tensor& x, const SequenceInputs& inputs = {}) const;
  /// The lengths of the results for sequences of these lengths.
  Tensor output_lengths(const Tensor& lengths) const;

 private:
  const std::int64_t kernel_size_;
  const AvgPool1dOptions options_;
};

/// adaptive_max_pool1d() of x [B, T, channels]: [B, output_size, channels].
class GRADUS_API AdaptiveMaxPool1d : public Module {
 public:
  GRADUS_TOO_LATE AdaptiveMaxPool1d();
  template <class M>
  GRADUS_TOO_LATE AdaptiveMaxPool1d& operator=(M&&);

  /// Throws ValueError unless output_size > 0.
  explicit AdaptiveMaxPool1d(std::int64_t output_size);

  /// Throws as adaptive_max_pool1d() does.
  Tensor operator()(const Tensor& x, const SequenceInputs& inputs = {}) const;

 private:
  const std::int64_t output_size_;
};

/// adaptive_avg_pool1d() of x [B, T, channels]: [B, output_size, channels].
class GRADUS_API AdaptiveAvgPool1d : public Module {
 public:
  GRADUS_TOO_LATE AdaptiveAvgPool1d();
  template <class M>
  GRADUS_TOO_LATE AdaptiveAvgPool1d& operator=(M&&);

  /// As AdaptiveMaxPool1d.
  explicit AdaptiveAvgPool1d(std::int64_t output_size);

  /// Throws as adaptive_avg_pool1d() does.
  Tensor operator()(const Tensor& x, const SequenceInputs& inputs = {}) const;

 private:
  const std::int64_t output_size_;
};

}  // namespace gradus
