#include <gradus/framework/bridge/visit.h>
#include <gradus/framework/core/autograd.h>
#include <gradus/framework/core/creation.h>
#include <gradus/framework/core/detail/sized.h>
#include <gradus/framework/ops/author/lengths.h>
#include <gradus/framework/ops/nn/detail/pool_call.h>
#include <gradus/framework/ops/nn/pooling.h>

namespace gradus {

using detail::PoolCall;
using detail::StridedWindows;

namespace {

Shape shape_of(const kernels::Sequences& sequences) {
  return {sequences.B, sequences.T, sequences.C};
}

/// The result of an op on whole sequences: [B, channels], where `to` has one element of each.
Shape shape_over_time(const PoolCall& call) { return {call.to.B, call.to.C}; }

struct MaxBackward {
  PoolCall::Ref call;
  Saved places;

  Tensor operator()(const Tensor& g) const {
    Tensor d_x = empty(shape_of(call->from), g.dtype());
    const Tensor kept = *places;
    visit_float("max_pool", g, [&]<class T>(T) {
      kernels::max_pool_vjp(call->from, call->to, kept.data<std::int64_t>(), g.data<T>(),
                            d_x.mutable_data<T>());
    });
    return d_x;
  }
};

struct Maxima {
  Tensor values;
  MaxBackward backward;
};

Maxima maxima(const char* operation, const PoolCall::Ref& call, const Tensor& x,
              const Shape& shape) {
  Tensor y = detail::empty_sized(operation, shape, x.dtype());
  Tensor places = detail::empty_sized(operation, shape, DType::int64);
  visit_float(operation, x, [&]<class T>(T) {
    kernels::max_pool(call->windows, call->from, call->to, x.data<T>(), y.mutable_data<T>(),
                      places.mutable_data<std::int64_t>());
  });
  return {y, {call, Saved(places)}};
}

struct MeanBackward {
  PoolCall::Ref call;

  Tensor operator()(const Tensor& g) const {
    Tensor d_x = empty(shape_of(call->from), g.dtype());
    visit_float("mean_pool", g, [&]<class T>(T) {
      kernels::mean_pool_vjp(call->windows, call->from, call->to, g.data<T>(),
                             d_x.mutable_data<T>());
    });
    return d_x;
  }
};

Tensor means(const char* operation, const PoolCall& call, const Tensor& x, const Shape& shape) {
  Tensor y = detail::empty_sized(operation, shape, x.dtype());
  visit_float(operation, x, [&]<class T>(T) {
    kernels::mean_pool(call.windows, call.from, call.to, x.data<T>(), y.mutable_data<T>());
  });
  return y;
}

template <class Options>
Tensor lengths_after(const char* operation, const Tensor& lengths, std::int64_t kernel_size,
                     const Options& options) {
  const auto windows = StridedWindows::checked(operation, kernel_size, options);
  return detail::map_lengths(operation, lengths,
                             [&](std::int64_t n) { return windows.length_after(n); });
}

}  // namespace

Tensor max_pool1d(const Tensor& x, std::int64_t kernel_size, const MaxPool1dOptions& options) {
  const auto windows = StridedWindows::checked("max_pool1d", kernel_size, options);
  const auto call = PoolCall::checked("max_pool1d", x, windows, options.lengths);
  const Maxima y = maxima("max_pool1d", call, x, shape_of(call->to));
  return record("max_pool1d", y.values, vjp(x, y.backward));
}

Tensor avg_pool1d(const Tensor& x, std::int64_t kernel_size, const AvgPool1dOptions& options) {
  const auto windows = StridedWindows::checked("avg_pool1d", kernel_size, options);
  const auto call = PoolCall::checked("avg_pool1d", x, windows, options.lengths);
  return record("avg_pool1d", means("avg_pool1d", *call, x, shape_of(call->to)),
                vjp(x, MeanBackward{call}));
}

Tensor adaptive_max_pool1d(const Tensor& x, std::int64_t output_size,
                           const SequenceInputs& inputs) {
  const auto call = PoolCall::checked("adaptive_max_pool1d", x, output_size, inputs.lengths);
  const Maxima y = maxima("adaptive_max_pool1d", call, x, shape_of(call->to));
  return record("adaptive_max_pool1d", y.values, vjp(x, y.backward));
}

Tensor adaptive_avg_pool1d(const Tensor& x, std::int64_t output_size,
                           const SequenceInputs& inputs) {
  const auto call = PoolCall::checked("adaptive_avg_pool1d", x, output_size, inputs.lengths);
  return record("adaptive_avg_pool1d", means("adaptive_avg_pool1d", *call, x, shape_of(call->to)),
                vjp(x, MeanBackward{call}));
}

Tensor max_over_time(const Tensor& x, const SequenceInputs& inputs) {
  const auto call = PoolCall::checked("max_over_time", x, 1, inputs.lengths);
  const Maxima y = maxima("max_over_time", call, x, shape_over_time(*call));
  return record("max_over_time", y.values, vjp(x, y.backward));
}

Tensor mean_over_time(const Tensor& x, const SequenceInputs& inputs) {
  const auto call = PoolCall::checked("mean_over_time", x, 1, inputs.lengths);
  return record("mean_over_time", means("mean_over_time", *call, x, shape_over_time(*call)),
                vjp(x, MeanBackward{call}));
}

Tensor max_pool1d_lengths(const Tensor& lengths, std::int64_t kernel_size,
                          const MaxPool1dOptions& options) {
  return lengths_after("max_pool1d_lengths", lengths, kernel_size, options);
}

Tensor avg_pool1d_lengths(const Tensor& lengths, std::int64_t kernel_size,
                          const AvgPool1dOptions& options) {
  return lengths_after("avg_pool1d_lengths", lengths, kernel_size, options);
}

}  // namespace gradus
