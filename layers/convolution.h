#pragma once
#include <gradus/framework/core/random.h>
#include <gradus/framework/module/module.h>
#include <gradus/framework/ops/nn/convolution.h>
#include <gradus/framework/ops/nn/sequence_inputs.h>

#include <cstdint>
#include <optional>
#include <variant>

namespace gradus {

struct Conv1dOptions {
  std::int64_t stride = 1;
  std::variant<std::int64_t, Padding> padding = 0;  ///< a number, Padding::same or Padding::valid
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  std::optional<DType> dtype = std::nullopt;  ///< float32 by default
};

/// As Conv1dOptions.
struct ConvTranspose1dOptions {
  std::int64_t stride = 1;
  std::int64_t padding = 0;
  std::int64_t output_padding = 0;
  std::int64_t dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  std::optional<DType> dtype = std::nullopt;
};

namespace detail {
struct ConvolutionLayer;
}

/// Base of Conv1d and ConvTranspose1d. Weight and bias start from U(-1/sqrt(n), 1/sqrt(n)) with
/// n = weight.size(1) * kernel_size.
class GRADUS_API Convolution : public Module {
 public:
  std::int64_t in_channels() const { return in_channels_; }
  std::int64_t out_channels() const { return out_channels_; }
  std::int64_t kernel_size() const { return weight.size(2); }

 protected:
  Convolution(const detail::ConvolutionLayer& layer, Generator& generator);

 private:
  const std::int64_t in_channels_, out_channels_;

 public:
  const Parameter weight;  ///< Conv1d: [out_channels, in_channels / groups, kernel_size]
                           ///< ConvTranspose1d: [in_channels, out_channels / groups, kernel_size]
  const Parameter bias;    ///< [out_channels]; undefined without bias
};

/// conv1d() of x [B, T, in_channels]: [B, T', out_channels].
class GRADUS_API Conv1d : public Convolution {
 public:
  GRADUS_TOO_LATE Conv1d();
  template <class M>
  GRADUS_TOO_LATE Conv1d& operator=(M&&);

  /// Throws ValueError for a size below 1, groups that do not divide both numbers of channels, and
  /// options that make no sense, DTypeError.
  Conv1d(std::int64_t in_channels, std::int64_t out_channels, std::int64_t kernel_size,
         const Conv1dOptions& options = {}, Generator& generator = default_generator());

  /// Throws as conv1d() does.
  Tensor operator()(const Tensor& x, const SequenceInputs& inputs = {}) const;
  /// The greatest value over time of the relu of that, [B, out_channels]: see conv1d_relu_max().
  Tensor relu_max(const Tensor& x, const SequenceInputs& inputs = {}) const;
  /// The lengths of the results for sequences of these lengths: see conv1d_lengths().
  Tensor output_lengths(const Tensor& lengths) const;

 private:
  const ConvolutionOptions options_;  // without lengths
};

/// conv_transpose1d() of x [B, T, in_channels]: [B, T', out_channels].
class GRADUS_API ConvTranspose1d : public Convolution {
 public:
  GRADUS_TOO_LATE ConvTranspose1d();
  template <class M>
  GRADUS_TOO_LATE ConvTranspose1d& operator=(M&&);

  /// Throws as Conv1d does.
  ConvTranspose1d(std::int64_t in_channels, std::int64_t out_channels, std::int64_t kernel_size,
                  const ConvTranspose1dOptions& options = {},
                  Generator& generator = default_generator());

  /// Throws as conv_transpose1d() does.
  Tensor operator()(const Tensor& x, const SequenceInputs& inputs = {}) const;
  /// The lengths of the results for sequences of these lengths: see conv_transpose1d_lengths().
  Tensor output_lengths(const Tensor& lengths) const;

 private:
  const ConvolutionTransposeOptions options_;  // without lengths
};

}  // namespace gradus
