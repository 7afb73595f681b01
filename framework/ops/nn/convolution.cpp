#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/body.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/kernels/nn/convolution.h>
#include <gradus/framework/ops/author/lengths.h>
#include <gradus/framework/ops/nn/convolution.h>
#include <gradus/framework/ops/nn/detail/convolution_call.h>

namespace gradus {

using detail::ConvolutionCall;
using detail::ConvolutionWindows;
using detail::data_or_null;
using detail::map_lengths;
using kernels::Convolution;

namespace {

/// What conv1d() computes, and the gradient of conv_transpose1d() for its input.
Tensor convolved(const ConvolutionCall& call, const Tensor& x, const Tensor& weight,
                 const Tensor& bias) {
  Tensor y = call.empty(call.shape.y);
  visit_float(call.operation, x, [&]<class T>(T) {
    kernels::conv1d(call.shape, x.data<T>(), weight.data<T>(), data_or_null<T>(bias),
                    y.mutable_data<T>());
  });
  return y;
}

/// The reverse.
Tensor transposed(const ConvolutionCall& call, const Tensor& y, const Tensor& weight,
                  const Tensor& bias) {
  Tensor x = call.empty(call.shape.x);
  visit_float(call.operation, y, [&]<class T>(T) {
    kernels::conv1d_transposed(call.shape, y.data<T>(), weight.data<T>(), data_or_null<T>(bias),
                               x.mutable_data<T>());
  });
  return x;
}

Tensor weight_gradient(const ConvolutionCall& call, const Tensor& x, const Tensor& y) {
  const Convolution& c = call.shape;
  Tensor d_weight = empty({c.y.C, c.inputs(), c.K}, x.dtype());
  visit_float(call.operation, x, [&]<class T>(T) {
    kernels::conv1d_weight_gradient(c, x.data<T>(), y.data<T>(), d_weight.mutable_data<T>());
  });
  return d_weight;
}

Tensor bias_gradient(const char* operation, const kernels::Sequences& sequences, const Tensor& g) {
  Tensor d_bias = empty({sequences.C}, g.dtype());
  visit_float(operation, g, [&]<class T>(T) {
    kernels::sum_elements(sequences, g.data<T>(), d_bias.mutable_data<T>());
  });
  return d_bias;
}

/// The gradients of conv1d_relu_max().
struct ReluMaxBackward {
  ConvolutionCall::Ref call;
  Saved x, weight, places;

  std::vector<Gradient> operator()(Cotangents g, Needs needs) const {
    const Tensor input = *x, w = *weight, place = *places;
    const Tensor d_x = needs[0] ? call->empty(call->shape.x) : Tensor();
    const Tensor d_weight = needs[1] ? empty_like(w) : Tensor();
    const Tensor d_bias = needs[2] ? empty({w.size(0)}, w.dtype()) : Tensor();
    visit_float(call->operation, w, [&]<class T>(T) {
      kernels::conv1d_relu_max_vjp<T>(
          call->shape, input.data<T>(), w.data<T>(), place.data<std::int64_t>(), g[0].data<T>(),
          {detail::mutable_data_or_null<T>(d_x), detail::mutable_data_or_null<T>(d_weight),
           detail::mutable_data_or_null<T>(d_bias)});
    });
    return {d_x, d_weight, d_bias};
  }
};

}  // namespace

Tensor conv1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
              const ConvolutionOptions& options) {
  const auto call = ConvolutionCall::checked("conv1d", x, weight, bias, options);
  return record(
      "conv1d", convolved(*call, x, weight, bias),
      vjp(x, [call, w = Saved(weight)](const Tensor& g) { return transposed(*call, g, *w, {}); }),
      vjp(weight, [call, x = Saved(x)](const Tensor& g) { return weight_gradient(*call, *x, g); }),
      vjp(bias, [call](const Tensor& g) { return bias_gradient("conv1d", call->shape.y, g); }));
}

Tensor conv_transpose1d(const Tensor& x, const Tensor& weight, const Tensor& bias,
                        const ConvolutionTransposeOptions& options) {
  const auto call = ConvolutionCall::checked("conv_transpose1d", x, weight, bias, options);
  return record(
      "conv_transpose1d", transposed(*call, x, weight, bias),
      vjp(x, [call, w = Saved(weight)](const Tensor& g) { return convolved(*call, g, *w, {}); }),
      vjp(weight, [call, x = Saved(x)](const Tensor& g) { return weight_gradient(*call, g, *x); }),
      vjp(bias,
          [call](const Tensor& g) { return bias_gradient("conv_transpose1d", call->shape.x, g); }));
}

Tensor conv1d_relu_max(const Tensor& x, const Tensor& weight, const Tensor& bias,
                       const ConvolutionOptions& options) {
  const auto call = ConvolutionCall::checked("conv1d_relu_max", x, weight, bias, options);
  const Shape shape{x.size(0), weight.size(0)};
  Tensor y = detail::empty_sized(call->operation, shape, x.dtype());
  const Tensor places = empty(shape, DType::int64);
  visit_float(call->operation, x, [&]<class T>(T) {
    kernels::conv1d_relu_max(call->shape, x.data<T>(), weight.data<T>(), data_or_null<T>(bias),
                             y.mutable_data<T>(), places.mutable_data<std::int64_t>());
  });
  record_joint("conv1d_relu_max", {y}, {x, weight, bias},
               ReluMaxBackward{call, Saved(x), Saved(weight), Saved(places)});
  return y;
}

Tensor conv1d_lengths(const Tensor& lengths, std::int64_t kernel_size,
                      const ConvolutionOptions& options) {
  const auto windows = ConvolutionWindows::checked("conv1d_lengths", kernel_size, options);
  return map_lengths("conv1d_lengths", lengths,
                     [&](std::int64_t length) { return windows.count_on(length); });
}

Tensor conv_transpose1d_lengths(const Tensor& lengths, std::int64_t kernel_size,
                                const ConvolutionTransposeOptions& options) {
  const char* operation = "conv_transpose1d_lengths";
  const auto windows = ConvolutionWindows::checked(operation, kernel_size, options);
  return map_lengths(operation, lengths,
                     [&](std::int64_t length) { return windows.length_under(operation, length); });
}

}  // namespace gradus
